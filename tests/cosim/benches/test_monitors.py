"""The rules of a stream: each is kept by our own Verilog, and each is seen to be broken in either bench."""

import json
from pathlib import Path

import numpy as np
import pytest

from qlif.cosim.benches.monitors import Rule, StreamMonitor, judge_events
from qlif.cosim.configuration import Settings
from qlif.cosim.cosimulation import cosimulate

NEURONS = 4
FAULTS = {
    Rule.STABLE: {"updates_trace": "updates_valid & ~updates_ready & count[0] ? raw ^ late : raw"},
    Rule.KEPT: {"updates_valid": "raw & ~late"},
    Rule.UNPROMPTED: {"updates_valid": "raw & updates_ready"},
    Rule.KNOWN: {"updates_trace": "count == 9 ? raw ^ 8'bx : raw"},
}


def broken(tmp_path, simulator, with_fault, corrupted, stalls, resting=0):
    configuration = Settings.read("tiny-8").population(NEURONS)
    export = with_fault(configuration.export(), corrupted)
    # Something that changes from clock to clock, though nothing is taken.
    verilog = export.verilog.replace("reg [63:0] count;", "reg [63:0] count; reg late = 0;").replace(
        "if (rst) count <= 0;", "late <= ~late; if (rst) count <= 0;"
    )
    export = type(export)(verilog, export.interface)
    strong = np.full((100, NEURONS), configuration.words.arithmetic.current.max_word)
    strong[:resting] = 0
    currents = configuration.words.currents(strong)
    run = cosimulate(configuration, currents, simulator, tmp_path, export=export, stalls=stalls)
    return run.verdict


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    "stalls",
    [pytest.param(0.0, id="blocks"), pytest.param(0.3, id="clocks", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("rule", FAULTS)
def test_each_rule_is_seen_to_be_broken(tmp_path, quick_simulator, with_fault, rule, stalls):
    if rule is Rule.KNOWN and quick_simulator.name != "icarus":
        pytest.skip("only icarus knows X")
    verdict = broken(tmp_path, quick_simulator, with_fault, FAULTS[rule], stalls)
    found = [one for one in verdict.broken if one.rule == rule]
    assert found and found[0].stream == "updates" and f"updates in clock {found[0].clock}: " in found[0].text


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("stalls", [0.0, 0.3], ids=["blocks", "clocks"])
def test_an_event_of_another_neuron_is_seen(tmp_path, quick_simulator, with_fault, stalls):
    verdict = broken(tmp_path, quick_simulator, with_fault, {"events_neuron": "raw ^ 1'b1"}, stalls)
    assert [one.rule for one in verdict.broken] == [Rule.EVENTS]


@pytest.mark.slow
def test_the_last_event_may_not_wait_for_ready_either(tmp_path, quick_simulator, with_fault):
    """The first one is behind the last update: nothing else is on its way by then."""
    waits = {"events_valid": "raw & events_ready"}
    verdict = broken(tmp_path, quick_simulator, with_fault, waits, 0.3, resting=85)
    assert [(one.rule, one.stream) for one in verdict.broken] == [(Rule.UNPROMPTED, "events")]


@pytest.mark.slow
def test_our_own_keeps_them(tmp_path, quick_simulator, with_fault):
    assert broken(tmp_path, quick_simulator, with_fault, {}, 0.3).broken == ()


class Level:
    """A handle that always says the same."""

    def __init__(self, value):
        self.value = value


def test_a_reset_starts_a_monitor_over():
    monitor = StreamMonitor("updates", Level(1), {"updates_trace": Level(5)})
    monitor.prompt(500)
    monitor.forget()
    assert monitor.sample(3, ready=True)
    assert not monitor.sample(4, ready=False)
    monitor.forget()
    monitor.valid = Level(0)
    assert not monitor.sample(1, ready=True)
    assert monitor.broken == []


def test_events_are_held_against_the_updates():
    assert judge_events([(0, 1), (2, 0)], [(0, 1), (2, 0)]) == []
    assert "event 1 says neuron 0 in timestep 1" in judge_events([(0, 1), (2, 0)], [(0, 1), (1, 0)])[0].text
    assert "no update has such a spike" in judge_events([], [(0, 1)], [7])[0].text
    assert "the spike of neuron 1 in timestep 0 has no event" in judge_events([(0, 1)], [])[0].text
    # A later one's event in its place; but one that is no other's, or comes too late, is a wrong one.
    assert "the spike of neuron 1 in timestep 0 has no" in judge_events([(0, 1), (2, 0)], [(2, 0)])[0].text
    assert "event 0 says neuron 0 in timestep 2" in judge_events([(0, 1), (2, 0)], [(2, 0), (0, 1)])[0].text


@pytest.mark.slow
def test_a_core_that_never_stops_giving_ends_the_run(qlif, yosys, quick_simulator):
    code, out, _ = qlif("export", "--preset", "tiny-8", "--neurons", 2, "--json")
    ports = json.loads(out)["ports"]
    declared = ", ".join(f"{port['direction']} [{port['width'] - 1}:0] {port['name']}" for port in ports)
    ones = {"updates_valid", "currents_ready"}
    driven = "".join(
        f"assign {port['name']} = {int(port['name'] in ones)};\n"
        for port in ports
        if port["direction"] == "output"
    )
    Path("mine.v").write_text(f"module mine(input clk, input rst, {declared});\n{driven}endmodule\n")
    for more in ((), ("--stalls", 0.3)):
        options = ("--preset", "tiny-8", "--neurons", 2, "--steps", 5, "--simulator", quick_simulator.name)
        code, _, errors = qlif("cosim", *options, "--verilog", "mine.v", "--module", "mine", *more)
        assert code == 1, errors
