"""A counterexample that a simulation doesn't show says why: each cause is planted, and named with both words."""

import importlib.util
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.evidence.vcd import samples
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.proof import prove
from qlif.cosim.proof.choices import Choice, Kind, why_same
from qlif.cosim.proof.counterexample import replay
from qlif.cosim.proof.population_claims import EVENTS
from qlif.cosim.proof.prove import RUNS, prove_population, prove_runs, prove_update, replay_clocks
from qlif.cosim.proof.tasks import mapped_tasks
from qlif.hdl.verilog import Export, export_neuron

_spec = importlib.util.spec_from_file_location("core", Path(__file__).with_name("test_foreign_update.py"))
core = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(core)

CONFIGURATION = Settings.read("tiny-8").population(1)


@cache
def right():
    return export_neuron(CONFIGURATION.core())


def around(body):
    """The right pipeline in a module that may change its spike."""
    ports = right().interface.ports
    declared = ", ".join(f"{port.direction} [{port.width - 1}:0] {port.name}" for port in ports)
    wired = ", ".join(f".{port.name}({'raw' if port.name == 'spike_out' else port.name})" for port in ports)
    text = right().verilog.replace("module qlif_neuron(", "module right(")
    outer = f"module around(input clk, input rst, {declared});\n  wire raw;\n"
    inner = f"  right core(.clk(clk), .rst(rst), {wired});\n"
    verilog = f"{text}\n{outer}{inner}{body}\nendmodule\n"
    return Export(verilog, replace(right().interface, module="around"))


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (
            # A simulator begins with 0 and not with X.
            "  bit [3:0] age;\n  always @(posedge clk) if (age != 4'd9 && raw) age <= age + 4'd1;\n"
            "  assign spike_out = raw ^ (age == 4'd9);",
            r"no reset and no initial value sets this register, .*: age is \d+ there and [\dx]+ in the simulation",
        ),
        (
            "  reg [3:0] age = 4'd0;\n  always @(posedge clk)\n"
            "    if (rst) age <= 4'd0; else if (age != 4'd9 && raw) age <= age + 4'd1;\n"
            "  assign spike_out = raw ^ (age == 4'd9);",
            r"the proof starts from any state, .*: age is \d+ there and \d in the simulation",
        ),
        (
            "  wire odd = potential_in[0] ? 1'bx : 1'b0;\n  assign spike_out = raw ^ (odd === 1'b1);",
            r"an X, which the solver may take for any value: odd is 1 there and [0x] in the simulation",
        ),
        (
            "`ifdef YOSYS\n  wire off = 1'b1;\n`else\n  wire off = 1'b0;\n`endif\n  assign spike_out = raw ^ off;",
            r"Yosys made a constant of it: off is 1 there and 0 in the simulation",
        ),
    ],
    ids=["free register", "state", "X", "constant"],
)
def test_its_cause_is_named(yosys, quick_simulator, tmp_path, body, why):
    pytest.importorskip("bitwuzla")
    export = around(body)
    claim = prove_update(export)
    assert claim.result == "refuted"
    played = replay(export, claim, quick_simulator, tmp_path)
    assert not played.shown and played.said == ""
    assert re.fullmatch(why, played.why), played.why


@pytest.mark.slow
def test_a_free_register_around_the_pipelines_is_named(yosys, quick_simulator, tmp_path):
    pytest.importorskip("bitwuzla")
    export = Settings.read("tiny-8").population(2).export()
    right = "assign events_neuron ="
    odd = f"bit odd;\n  always @(posedge clk) odd <= odd;\n  {right} odd ^"
    assert export.verilog.count(right) == 1
    damaged = Export(export.verilog.replace(right, odd), export.interface)
    claim = next(claim for claim in prove_population(damaged) if claim.claim == EVENTS)
    assert claim.result == "refuted" and Choice(Kind.FREE, "odd", 0, 1) in claim.choices
    played = replay_clocks(damaged, claim.counterexample, quick_simulator, tmp_path, claim.choices)
    assert not played.shown and "odd is 1 there and 0 in the simulation" in played.why, played
    # Were it as the solver chose it, the pipelines would be left.
    said = replay_clocks(damaged, claim.counterexample, quick_simulator, tmp_path).why
    assert said.startswith("in the counterexample the pipelines give anything")


WAVES = """\
$timescale 1ps $end
$scope module top $end
$var wire 1 ! clk $end
$var wire 1 " rst $end
$scope module core $end
$var wire 1 # broken $end
$var wire 8 $ u [7:0] $end
$scope module inner $end
$var wire 1 % broken $end
$upscope $end
$upscope $end
$upscope $end
$enddefinitions $end
#0
0!
1"
x#
1%
b11111111 $
#1
1!
#2
0!
0"
0#
#3
1!
b101 $
#4
0!
#5
1!
b110 $
"""


def test_waves_are_read_as_the_rising_edges_find_them(tmp_path):
    file = tmp_path / "waves.vcd"
    file.write_text(WAVES)
    names = ("broken", "u", "inner.broken", "none")
    after_reset = samples(file, names, 9)
    assert [one["u"] for one in after_reset] == ["255", "5", "6"]
    assert after_reset[0] == {"broken": "0", "u": "255", "inner.broken": "1"}
    assert samples(file, names, 1, begin=0)[0] == {"broken": "x", "u": "255", "inner.broken": "1"}
    assert len(samples(file, names, 2, begin=4)) == 2


@pytest.fixture
def cell(tmp_path, yosys):
    """A core of somebody else with a bit that only the solver sets."""
    pytest.importorskip("bitwuzla")
    text = core.NEURON.replace(
        "assign u_out = u;",
        "reg broken; always @(posedge ck) broken <= broken; assign u_out = u ^ {7'd0, broken};",
    )
    (tmp_path / "cell.v").write_text(text)
    (tmp_path / "core.toml").write_text(core.MAP + 'broken = "any"\n')
    return read_map(tmp_path / "core.toml")


def test_a_register_that_a_run_from_reset_leaves_open_is_named(cell, tmp_path):
    export, _ = mapped_export(cell, CONFIGURATION)
    claim = prove_runs(export, next(iter(RUNS)))
    assert claim.result == "refuted" and "its potential" in claim.what
    assert Choice(Kind.FREE, "broken", 0, 1) in claim.choices
    file = tmp_path / "waves.vcd"
    file.write_text(WAVES)
    assert why_same(claim.choices, file).endswith(": broken is 1 there and 0 in the simulation")
    # As the solver chose it, that is no cause.
    file.write_text(WAVES.replace("0#", "1#"))
    assert "reads the text otherwise than Yosys" in why_same(claim.choices, file)


def test_a_state_that_no_run_comes_to_is_told(cell, tmp_path, monkeypatch):
    export, _ = mapped_export(cell, CONFIGURATION)
    (task,) = mapped_tasks(CONFIGURATION, export, cell)
    claim = next(claim for claim in task.prove(60) if claim.result == "refuted")
    monkeypatch.setattr(
        prove, "prove_runs", lambda export, name, seconds: replace(claim, result="proved", bound=7)
    )
    said = task.replay(claim, None, tmp_path)
    assert re.fullmatch(
        r"the proof starts from any state, here from potential = -?\d+, refractory = \d+, trace = \d+, and of the "
        r"runs from reset of 7, 7, 7 timesteps, at full speed, none was found to differ",
        said,
    )
