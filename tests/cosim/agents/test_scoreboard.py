"""Reference and scoreboard by themselves, fed by hand."""

import numpy as np
import pytest

from qlif.cosim.agents import Event, Reference, Scoreboard, Update, Write
from qlif.cosim.agents.bus import Column, Field
from qlif.cosim.benches.inputs import constrained_random
from qlif.model.exceptions import DifferenceFound, InputError
from qlif.model.formats import SQ, UQ
from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


@pytest.mark.parametrize("preset", PRESETS)
def test_the_reference_is_the_golden_model(preset):
    """One update after another, or all at once; after a reset; with words that change on the way."""
    parameters = Parameters(n=5, threshold=[-52.0, -51.5, -51.0, -52.0, -51.0], lower_bound=-64.0)
    words = quantise(parameters, PRESETS[preset])
    currents = constrained_random(words, 120, 5, np.random.default_rng(1))
    low = int(np.min(words.constants["reset"].word)) + 1
    writes = [ParameterWrite(0, "reset", low), ParameterWrite(60, "threshold", low + 2, 3)]
    reference = Reference(words)
    reference.current(int(currents[0, 0]))
    reference.reset()
    updates, events = [], []
    for step, row in enumerate(currents.tolist()):
        for write in writes:
            if write.step == step:
                reference.write(Write(write.name, write.word, write.neuron))
        for word in row:
            expected = reference.current(word)
            updates.append(expected.update)
            events += [] if expected.event is None else [expected.event]
    spikes, states = FixedNeurons(words, engine="numpy").run_words(currents, writes=writes)
    step, neuron = np.nonzero(spikes)
    assert [(event.step, event.neuron) for event in events] == list(
        zip(step.tolist(), neuron.tolist(), strict=True)
    )
    assert len(events) > 10
    assert [update.spike for update in updates] == spikes.ravel().tolist()
    for name, golden in states.items():
        assert [getattr(update, name) for update in updates] == golden.ravel().tolist()


def test_the_reference_refuses_what_no_core_could_take():
    reference = Reference(quantise(Parameters(n=2), PRESETS["tiny-8"]))
    for word in (1 << 20, 0.5):
        with pytest.raises(InputError, match="a current word must be from"):
            reference.current(word)
    with pytest.raises(InputError, match="did you mean 'threshold'"):
        reference.write(Write("treshold", 0))


STEPS, NEURONS = 60, 3


@pytest.fixture(scope="module")
def run():
    """Neurons that spike, and the right transactions: a list of (current, update, event or None)."""
    words = quantise(Parameters(n=NEURONS), PRESETS["tiny-8"])
    reference = Reference(words)
    made = [reference.current(words.arithmetic.current.max_word - 1) for _ in range(STEPS * NEURONS)]
    return words, [(each.current, each.update, each.event) for each in made]


def fed(run, change=lambda place, update, event: (update, event), **options):
    words, transactions = run
    scoreboard = Scoreboard(words, **{"expects": ["updates", "events"], **options})
    for place, (current, update, event) in enumerate(transactions):
        scoreboard.current(current)
        for given in change(place, update, event):
            if given is not None:
                (scoreboard.update if isinstance(given, Update) else scoreboard.event)(given)
    return scoreboard


def test_what_is_right_passes_with_its_counts(run):
    verdict = fed(run).check()
    assert (verdict.updates, verdict.mismatches, verdict.first) == (STEPS * NEURONS, 0, None)


def test_what_a_core_does_not_tell_is_not_compared(run):
    def potential_only(place, update, event):
        return Update(potential=update.potential), None

    assert fed(run, potential_only, expects=["updates"]).check().updates == STEPS * NEURONS
    with pytest.raises(DifferenceFound, match=r"the spike of neuron .* has no event"):
        fed(run, potential_only).check()


def test_a_mismatch_says_where_and_what_as_the_testbenches_do(run):
    def off(place, update, event):
        return Update(potential=update.potential + (place == 40)), event

    with pytest.raises(
        DifferenceFound,
        match=r"mine: 1 mismatches, the first at update 40 \(neuron 1, timestep 13\): "
        r"potential: expected (-?\d+), got .* mV\); its current word was 126",
    ):
        fed(run, off).check("mine")
    with pytest.raises(DifferenceFound, match="update 40"):
        fed(run, off, fail_fast=True)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda place, update, event: (None if place == 100 else update, event), "update 100"),
        (
            lambda place, update, event: (None if place == STEPS * NEURONS - 1 else update, event),
            "update is missing",
        ),
        (
            lambda place, update, event: (update, update if place == 179 else None, event),
            "an update more than",
        ),
        (lambda place, update, event: (update, None if place > 100 else event), "has no event"),
        (lambda place, update, event: (update, event, event), "an event without a spike"),
        (
            lambda place, update, event: (update, event and Event(event.neuron, event.step + 1)),
            "as an update number",
        ),
        (lambda place, update, event: (), "180 mismatches"),
    ],
)
def test_what_is_missing_or_too_many_fails(run, change, text):
    options = {"expects": ["updates"]} if text == "180 mismatches" else {}
    with pytest.raises(DifferenceFound, match=text):
        fed(run, change, **options).check()


def test_an_update_before_any_current_fails(run):
    scoreboard = Scoreboard(run[0], expects=["updates"])
    scoreboard.update(run[1][0][1])
    with pytest.raises(DifferenceFound, match="no current has come"):
        scoreboard.check()


def test_a_timestep_wraps_at_its_width(run):
    def wrapped(place, update, event):
        return update, event and Event(event.neuron, event.step % 16)

    fed(run, wrapped, step_bits=4).check()
    with pytest.raises(DifferenceFound, match="as an update number"):
        fed(run, wrapped, step_bits=5).check()


def test_a_reset_drops_what_is_in_flight(run):
    words, transactions = run
    scoreboard = Scoreboard(words, expects=["updates"])
    for _ in range(2):
        scoreboard.reset()
        for current, update, _ in transactions[:30]:
            scoreboard.current(current)
            scoreboard.update(update)
        scoreboard.current(0)
    scoreboard.reset()
    assert scoreboard.check().updates == 60


def test_what_is_in_flight_is_bounded(run):
    words, transactions = run
    scoreboard = Scoreboard(words, expects=["updates"], in_flight=10)
    for current, _, _ in transactions:
        scoreboard.current(current)
    assert scoreboard.outstanding == 10
    assert scoreboard.verdict().mismatches == STEPS * NEURONS
    assert scoreboard.verdict().first.what == "update is missing"


def test_nothing_compared_is_no_success(run):
    with pytest.raises(DifferenceFound, match="nothing was compared"):
        Scoreboard(run[0], expects=["updates"]).check()
    with pytest.raises(InputError, match="watches neither updates nor events"):
        Scoreboard(run[0]).check()


class Signal:
    """A handle, as far as a column looks at it."""

    def __init__(self, width):
        self.width = width

    def __len__(self):
        return self.width


@pytest.mark.parametrize(
    ("width", "field", "format", "lanes", "words", "bits"),
    [
        (8, Field("x"), SQ(4, 4), 1, [-1], 0xFF),
        (12, Field("x"), SQ(4, 4), 1, [-2], 0xFFE),
        (12, Field("x", "left"), SQ(4, 4), 1, [-2], 0xFE0),
        (8, Field("x", encoding="offset"), SQ(4, 4), 1, [-128], 0),
        (12, Field("x", "left", "offset"), SQ(4, 4), 1, [1], 0x810),
        (24, Field("x"), SQ(4, 4), 3, [1, -1, 2], 0x02FF01),
        (2, Field("x"), UQ(1, 0), 2, [0, 1], 0b10),
        (32, Field("x"), None, 1, [0xFFFFFFFF], 0xFFFFFFFF),
    ],
)
def test_words_stand_in_a_signal_and_come_back(width, field, format, lanes, words, bits):
    column = Column(Signal(width), field, format, lanes)
    assert column.encode(words) == bits
    assert column.decode(bits) == words


def test_a_value_that_the_format_cannot_hold_is_seen():
    assert Column(Signal(12), Field("x"), SQ(4, 4), 1).decode(0x100) == [256]


@pytest.mark.parametrize(
    ("width", "field", "lanes"),
    [(7, Field("x"), 1), (17, Field("x"), 2), (9, Field("x", encoding="offset"), 1)],
)
def test_words_that_do_not_fit_are_refused(width, field, lanes):
    with pytest.raises(InputError, match="x"):
        Column(Signal(width), field, SQ(4, 4), lanes)
