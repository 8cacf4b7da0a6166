"""The agents on our own modules, and on such with a fault."""

import pytest

from qlif import hdl
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


def made(preset="tiny-8", neurons=4, lanes=1, storage=None, **parameters):
    words = quantise(Parameters(n=neurons, **parameters), PRESETS[preset])
    return hdl.export(hdl.Core(words, lanes, storage or {}))


def test_pauses_lose_and_double_nothing(simulator, play):
    if simulator.of_vhdl:
        pytest.skip("the module is Verilog")
    outcome, log = play(simulator, made(), "pauses_on_all_streams", "reset_in_mid_run")
    assert outcome == (2, 0), log


def test_writes(quick_simulator, play):
    export = made(neurons=4, lanes=2, storage={"threshold": "register", "bias": "memory", "reset": "memory"})
    outcome, log = play(quick_simulator, export, "writes_while_it_runs")
    assert outcome == (1, 0), log


PLAIN = (
    "a_pause_generator_halves_the_throughput",
    "monitors_beside_other_drivers",
    "what_is_sent_and_read",
    "wrong_names_and_words",
)


def test_queues_pauses_monitors_and_refusals(quick_simulator, play):
    outcome, log = play(quick_simulator, made(neurons=16), *PLAIN)
    assert outcome == (len(PLAIN), 0), log


def test_a_driver_that_withdraws_is_seen(quick_simulator, play):
    outcome, log = play(quick_simulator, made(), "monitors_beside_other_drivers", withdraws=True)
    assert outcome == (1, 1) and "currents in clock" in log and "valid isn't withdrawn" in log


FAULTS = {
    "a wrong potential": (
        {"updates_potential": "count == 9 ? raw ^ 1 : raw"},
        "update 9 (neuron 1, timestep 2): potential",
    ),
    "a wrong trace": (
        {"updates_trace": "count == 9 ? raw ^ 1 : raw"},
        "update 9 (neuron 1, timestep 2): trace",
    ),
    "a lost update": ({"updates_valid": "raw & count != 9"}, "update is missing"),
    "an update too many": ({"updates_valid": "raw | count == 400"}, "an update more than currents follows"),
    "a lost event": ({"events_valid": "raw & count < 200"}, "event is missing"),
    "another's event": ({"events_neuron": "raw ^ 1'b1"}, "event (as an update number)"),
    "no current is taken": ({"currents_ready": "1'b0", "currents_valid": "1'b0"}, "were never taken"),
    "unstable": (
        {"updates_trace": "updates_ready ? raw : raw ^ 1"},
        "the payload is stable while valid waits",
    ),
    "valid waits for ready": ({"updates_valid": "raw & updates_ready"}, "valid doesn't wait for ready"),
    "unknown": ({"updates_trace": "count == 9 ? raw ^ 8'bx : raw"}, "unresolved bits in updates_trace"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(quick_simulator, play, with_fault, fault):
    corrupted, expected = FAULTS[fault]
    if fault == "unknown" and quick_simulator.name != "icarus":
        pytest.skip("only icarus knows X")
    outcome, log = play(
        quick_simulator, with_fault(made(), corrupted), "plain_run", fail_fast=fault == "a wrong trace"
    )
    assert outcome == (1, 1) and expected in log, log
