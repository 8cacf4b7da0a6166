"""The comparison itself: what it counts, and that its report says where and what."""

import dataclasses

import numpy as np
import pytest

from qlif.cosim.benches.scoreboard import Observed, Scoreboard
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

NEURONS, STEPS = 4, 300


@pytest.fixture(scope="module")
def scoreboard():
    words = quantise(Parameters(n=NEURONS), PRESETS["square-16"])
    currents = np.full((STEPS, NEURONS), int(words.current_words(30.0)))
    currents[:, 1] = 0
    return Scoreboard(words, currents)


@pytest.fixture
def perfect(scoreboard):
    step, neuron = np.nonzero(scoreboard.spikes)
    return Observed(
        neuron=np.tile(np.arange(NEURONS), STEPS),
        spike=scoreboard.spikes.astype(np.int64).ravel(),
        potential=scoreboard.states["potential"].ravel().copy(),
        trace=scoreboard.states["trace"].ravel().copy(),
        event_neuron=neuron,
        event_step=step,
        cycles=STEPS * NEURONS,
    )


def test_the_golden_run_spikes_so_that_the_comparison_means_something(scoreboard):
    assert scoreboard.spikes.sum() > 10
    assert not scoreboard.spikes[:, 1].any()


def test_equal_is_no_mismatch(scoreboard, perfect):
    verdict = scoreboard.compare(perfect)
    assert (verdict.updates, verdict.mismatches, verdict.first) == (STEPS * NEURONS, 0, None)


@pytest.mark.parametrize("what", ["neuron", "spike", "potential", "trace"])
def test_one_wrong_output_is_found_and_named(scoreboard, perfect, what):
    changed = getattr(perfect, what).copy()
    changed[41] += 1
    verdict = scoreboard.compare(dataclasses.replace(perfect, **{what: changed}))
    assert verdict.mismatches == 1
    first = verdict.first
    assert (first.update, first.neuron, first.step, first.what) == (41, 1, 10, what)
    assert first.got == first.expected + 1


def test_the_report_says_everything_in_words_and_in_mv(scoreboard, perfect):
    potential = perfect.potential.copy()
    potential[40] += 3
    first = scoreboard.compare(dataclasses.replace(perfect, potential=potential)).first
    current = int(scoreboard.currents[10, 0])
    before = int(scoreboard.states["potential"][9, 0])
    expected = int(scoreboard.states["potential"][10, 0])
    words = scoreboard.words
    in_mv = [float(words.potentials(word)) for word in (expected, expected + 3, before)]
    assert first.text == (
        f"update 40 (neuron 0, timestep 10): potential: expected {expected}, got {expected + 3} "
        f"({in_mv[0]:.6f} mV, {in_mv[1]:.6f} mV); its current word was {current} "
        f"({float(words.currents(current)):.6f}), its potential before {before} ({in_mv[2]:.6f} mV), "
        "its refractory counter 0, the golden model's"
    )


def test_several_outputs_of_one_update_count_once(scoreboard, perfect):
    potential, trace = perfect.potential.copy(), perfect.trace.copy()
    potential[7] ^= 1
    trace[7] ^= 1
    trace[9] ^= 1
    assert scoreboard.compare(dataclasses.replace(perfect, potential=potential, trace=trace)).mismatches == 2


def test_missing_and_superfluous_updates(scoreboard, perfect):
    columns = ("neuron", "spike", "potential", "trace")
    short = dataclasses.replace(perfect, **{name: getattr(perfect, name)[:-3] for name in columns})
    verdict = scoreboard.compare(short)
    assert (verdict.mismatches, verdict.first.what) == (3, "update is missing")
    assert verdict.first.update == STEPS * NEURONS - 3
    long = dataclasses.replace(
        perfect, **{name: np.append(getattr(perfect, name), getattr(perfect, name)[-1]) for name in columns}
    )
    verdict = scoreboard.compare(long)
    assert (verdict.mismatches, verdict.first.what) == (1, "an update more than currents follows")


def test_events_that_are_missing_invented_or_wrong(scoreboard, perfect):
    missing = dataclasses.replace(
        perfect, event_neuron=perfect.event_neuron[:-1], event_step=perfect.event_step[:-1]
    )
    verdict = scoreboard.compare(missing)
    step, neuron = int(perfect.event_step[-1]), int(perfect.event_neuron[-1])
    assert (verdict.mismatches, verdict.first.what) == (
        1,
        f"the spike of neuron {neuron} in timestep {step} has no event",
    )
    invented = dataclasses.replace(
        perfect,
        event_neuron=np.append(perfect.event_neuron, 1),
        event_step=np.append(perfect.event_step, 5),
    )
    assert scoreboard.compare(invented).first.what == "an event without a spike"
    step = perfect.event_step.copy()
    step[3] += 1
    verdict = scoreboard.compare(dataclasses.replace(perfect, event_step=step))
    assert (verdict.mismatches, verdict.first.what) == (1, "event (as an update number)")


@pytest.mark.parametrize("lost", [0, 5, -2, -1])
def test_a_dropped_event_reads_the_same_wherever_it_is_dropped(scoreboard, perfect, lost):
    step, neuron = int(perfect.event_step[lost]), int(perfect.event_neuron[lost])
    dropped = dataclasses.replace(
        perfect,
        event_neuron=np.delete(perfect.event_neuron, lost),
        event_step=np.delete(perfect.event_step, lost),
    )
    verdict = scoreboard.compare(dropped)
    said = f"the spike of neuron {neuron} in timestep {step} has no event"
    assert verdict.first.what == said and verdict.first.update == step * NEURONS + neuron
    assert [rule.text for rule in verdict.broken] == [
        f"events: {said} (events come in order, each with its update)"
    ]
    # In a stretch of a longer run, the events of what follows it come in its place.
    went_on = dataclasses.replace(
        dropped,
        event_neuron=np.append(dropped.event_neuron, 0),
        event_step=np.append(dropped.event_step, STEPS),
    )
    assert scoreboard.compare(went_on).first.what == said


def test_events_in_another_order_are_not_dropped(scoreboard, perfect):
    order = np.arange(len(perfect.event_step))
    order[[3, 4]] = order[[4, 3]]
    swapped = dataclasses.replace(
        perfect, event_neuron=perfect.event_neuron[order], event_step=perfect.event_step[order]
    )
    assert scoreboard.compare(swapped).first.what == "event (as an update number)"


def test_the_potential_before_is_the_hardwares_where_it_tells_it(scoreboard, perfect):
    trace = perfect.trace.copy()
    trace[40] += 1
    late = scoreboard.compare(dataclasses.replace(perfect, trace=trace)).first
    assert not late.before_is_golden
    assert "mV), its refractory counter 0, the golden model's" in late.text
    trace[2] += 1
    # Before the first update it shows nothing.
    first = scoreboard.compare(dataclasses.replace(perfect, trace=trace)).first
    assert first.before_is_golden and "mV, the golden model's), its refractory counter" in first.text
    told = dataclasses.replace(
        perfect,
        trace=np.where(np.arange(len(trace)) == 40, trace, perfect.trace),
        refractory=np.zeros_like(trace) + 9,
    )
    words, currents = scoreboard.words, scoreboard.currents
    silent = Scoreboard(words, currents, absent=("potential", "refractory"))
    assert silent.compare(told).first.before_is_golden
    more = Scoreboard(words, currents, absent=("events",))
    golden = more.states["refractory"].astype(np.int64).ravel()
    # A counter that is right up to the fault, and then the hardware's own.
    both = dataclasses.replace(told, refractory=golden)
    assert more.compare(both).first.text.endswith("its refractory counter 0")


def test_what_was_observed_survives_its_file(tmp_path, perfect):
    perfect.save(tmp_path / "observed.npz")
    again = Observed.load(tmp_path / "observed.npz")
    for name, value in vars(perfect).items():
        assert np.array_equal(value, getattr(again, name)), name
