"""The agents on our own modules, and on such with a fault."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from qlif import hdl
from qlif.cosim.agents import EventSink, ParameterWriter, UpdateSink
from qlif.cosim.simulator.find import find
from qlif.hdl.interface import Mapped
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

HERE = Path(__file__).parent
CORES = HERE.parents[2] / "examples" / "cores"
FAULTS = runpy.run_path(str(HERE / "bench_of_agents.py"))["FAULTS"]


def made(preset="tiny-8", neurons=4, lanes=1, storage=None, **parameters):
    words = quantise(Parameters(n=neurons, **parameters), PRESETS[preset])
    return hdl.export(hdl.Core(words, lanes, storage or {}))


@pytest.mark.parametrize(
    ("agent", "interface", "text"),
    [
        (ParameterWriter, lambda: made().interface, "--register or --memory"),
        (UpdateSink, lambda: hdl.export_neuron(made().interface.core).interface, "it is a neuron"),
        (
            EventSink,
            lambda: replace(made().interface, mapped=Mapped("theirs", ("spike", "events"))),
            "tells no spikes",
        ),
    ],
)
def test_a_stream_that_a_module_does_not_have_is_refused(agent, interface, text):
    made = interface()
    with pytest.raises(InputError, match=text):
        agent.from_interface(None, made)


def test_events_that_an_adapter_makes_of_spikes_are_there():
    interface = replace(made().interface, mapped=Mapped("theirs", ("events",)))
    with pytest.raises(AttributeError, match="'clk'"):  # so it was looked for in the design
        EventSink.from_interface(None, interface)


@pytest.mark.slow
def test_pauses_lose_and_double_nothing(quick_simulator, play):
    outcome, log = play(quick_simulator, made(), "pauses_on_all_streams", "reset_in_mid_run")
    assert outcome == (2, 0), log


@pytest.mark.slow
def test_nor_do_they_in_any_simulator(simulator, play):
    if simulator.of_vhdl:
        pytest.skip("the module is Verilog")
    outcome, log = play(simulator, made(), "pauses_on_all_streams", "reset_in_mid_run")
    assert outcome == (2, 0), log


@pytest.mark.slow
def test_writes(quick_simulator, play):
    export = made(neurons=4, lanes=2, storage={"threshold": "register", "bias": "memory", "reset": "memory"})
    outcome, log = play(quick_simulator, export, "writes_while_it_runs")
    assert outcome == (1, 0), log


PLAIN = (
    "a_pause_generator_halves_the_throughput",
    "monitors_beside_other_drivers/withdraws=False",
    "monitors_beside_other_drivers/withdraws=True",
    "what_is_sent_and_read",
    "wrong_names_and_words",
)


@pytest.mark.slow
def test_queues_pauses_monitors_and_refusals(quick_simulator, play):
    outcome, log = play(quick_simulator, made(neurons=16), *PLAIN)
    assert outcome == (len(PLAIN), 0), log


def test_each_fault_is_found(quick_simulator, play, with_fault):
    if quick_simulator.name != "icarus":
        pytest.skip("only icarus knows X")
    # All in one module, of which a test switches one on.
    corrupted = {}
    for number, fault in enumerate(FAULTS.values()):
        for port, expression in fault.corrupted.items():
            corrupted[port] = f"fault == {number} ? ({expression}) : ({corrupted.get(port, 'raw')})"
    export = with_fault(made(), corrupted)
    verilog = export.verilog.replace(
        "reg [63:0] count;", "reg [63:0] count; reg late = 0; integer fault = 0;"
    )
    verilog = verilog.replace("if (rst) count <= 0;", "late <= ~late; if (rst) count <= 0;")
    outcome, log = play(quick_simulator, type(export)(verilog, export.interface), "finds.*")
    assert outcome == (len(FAULTS), 0), log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "lanes", "more"),
    [(preset, lanes, {}) for preset in PRESETS for lanes in (1, 2)]
    + [("stochastic-12", 2, {}), ("square-16", 4, {"spike_trace": False, "refrac_length": 0})],
)
def test_any_preset_on_any_number_of_lanes(quick_simulator, play, preset, lanes, more):
    outcome, log = play(quick_simulator, made(preset, 4, lanes, **more), "pauses_on_all_streams", updates=200)
    assert outcome == (1, 0), log


@pytest.mark.slow
@pytest.mark.parametrize("fault", [False, True])
def test_a_core_without_ready_and_with_another_reset(quick_simulator, cocotb_run, tmp_path, fault):
    core = (CORES / "serial" / "core.v").read_text()
    (tmp_path / "core.v").write_text(core.replace("N_REF  =  5'd20", "N_REF  =  5'd19") if fault else core)
    outcome, log = cocotb_run(
        quick_simulator, tmp_path / "core.v", "qif_cell", "bench_of_strangers", ("serial",)
    )
    assert outcome == (1, int(fault)) and ("mismatches, the first at update" in log) == fault, log


def test_a_core_without_a_reset_goes_on_where_it_was(quick_simulator, cocotb_run):
    core = CORES / "truncating" / "core.v"
    outcome, log = cocotb_run(quick_simulator, core, "qif20", "bench_of_strangers", ("without_reset.*",))
    assert outcome == (2, 0), log


SLOW = """
module slow(input clk, input rst, input in_valid, output in_ready, input [15:0] in_data,
            output out_valid, input out_ready, output out_spike);
  reg [9:0] left;
  assign in_ready = left == 0, out_valid = left == 1, out_spike = 0;
  always @(posedge clk)
    if (rst) left <= 0;
    else if (left == 0) left <= in_valid ? LATENCY : 0;
    else if (left > 1 || out_ready) left <= left - 1;
endmodule
"""


@pytest.mark.parametrize("latency", [258])
def test_a_core_as_slow_as_ready_is_held_back_breaks_no_rule(quick_simulator, cocotb_run, tmp_path, latency):
    (tmp_path / "slow.v").write_text(SLOW.replace("LATENCY", str(latency)))
    outcome, log = cocotb_run(quick_simulator, tmp_path / "slow.v", "slow", "bench_of_strangers", ("slow",))
    assert outcome == (1, 0), log


def test_a_core_in_vhdl_with_offset_binary(cocotb_run):
    try:
        ghdl = find("ghdl", vhdl=True)
    except InputError as error:
        pytest.skip(str(error))
    outcome, log = cocotb_run(
        ghdl, CORES / "pulse" / "core.vhd", "pulse_neuron", "bench_of_strangers", ("pulse",)
    )
    assert outcome == (1, 0), log
