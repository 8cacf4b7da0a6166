"""The directed cases lead where their names say."""

import numpy as np
import pytest

from qlif.cosim.benches import inputs
from qlif.cosim.benches.scoreboard import Scoreboard
from qlif.model.golden import step
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

NEAREST = [name for name in PRESETS if name != "stochastic-12"]


@pytest.fixture(autouse=True)
def numpy_engine(monkeypatch):
    """These runs are short: compiling their loops, which other tests do, takes far longer."""
    monkeypatch.setenv("QLIF_ENGINE", "numpy")


def words_of(name, **parameters):
    return quantise(Parameters(n=3, **parameters), PRESETS[name])


@pytest.mark.parametrize("name", NEAREST)
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_landing_ends_on_the_word_exactly(name, offset):
    words = words_of(name)
    target = words.constants["threshold"].word + offset
    path = inputs.landing(words, target)
    assert path is not None
    potential = words.constants["reset"].word
    for current in path:
        assert potential < words.constants["threshold"].word
        potential = step.integrate(words, words.values, potential, current, 0, step.where_integer)
    assert potential == target


def test_landing_gives_up_where_no_input_reaches():
    # From rest at the threshold's far side the strongest input can't climb.
    words = quantise(Parameters(n=1, a0=1.0, dt=0.01), PRESETS["factored-16"].replace(current="SQ(2,6)"))
    assert inputs.landing(words, words.constants["threshold"].word) is None


@pytest.mark.parametrize("name", PRESETS)
def test_every_case_fits_the_format_and_the_names_are_unique(name):
    words = words_of(name)
    seen = set()
    for case, currents in inputs.directed(words, 3):
        assert case not in seen
        seen.add(case)
        assert currents.shape[1] == 3 and np.all(words.arithmetic.current.holds(currents))
    assert {"rest: no input", "upper rail: highest current", "lower rail: lowest current"} <= seen


def test_the_rails_are_reached():
    # The quadratic term holds the default neuron off its rails; a narrower format brings them nearer.
    narrow = PRESETS["square-16"].replace(potential="SQ(4,10)")
    words = quantise(Parameters(n=3, threshold=-46.5), narrow)
    wrapping = quantise(Parameters(n=3, threshold=-46.5), narrow.replace(overflow="WRAP"))
    lower = dict(inputs.directed(words, 3))["lower rail: lowest current"]
    assert Scoreboard(words, lower).states["potential"].min() == narrow.potential.min_word
    upper = dict(inputs.directed(words, 3))["upper rail: highest current"]
    # Above the upper rail a saturated neuron spikes; a wrapped one comes out below.
    assert not np.array_equal(Scoreboard(words, upper).spikes, Scoreboard(wrapping, upper).spikes)


def test_input_behind_each_spike_is_lost():
    words = words_of("square-18", refrac_length=7)
    currents = dict(inputs.directed(words, 3))["input lost: only the refractory period is driven"]
    board = Scoreboard(words, currents)
    first = int(np.flatnonzero(board.spikes[:, 0])[0])
    refractory = board.states["refractory"][:, 0]
    driven = currents[first + 1 :, 0] == words.arithmetic.current.max_word
    assert np.array_equal(np.flatnonzero(driven), np.flatnonzero(refractory[first:-1] > 0))
    assert board.spikes[:, 0].sum() == 1


def test_constrained_random_gets_everywhere():
    words = words_of("square-18")
    currents = inputs.constrained_random(words, 3000, 8, np.random.default_rng(3))
    format = words.arithmetic.current
    assert {format.min_word, format.max_word, 0, -1, 1} <= set(np.unique(currents).tolist())
    board = Scoreboard(quantise(Parameters(n=8), PRESETS["square-18"]), currents)
    assert board.spikes.any(axis=0).all()
    again = inputs.constrained_random(words, 3000, 8, np.random.default_rng(3))
    assert np.array_equal(currents, again)


SIDES = {"only just": 0, "just not": 1, "by a last bit of 0": 0, "by a last bit of 1": 1}


@pytest.mark.parametrize("name", ["factored-16", "square-16", "square-18"])
def test_edges_of_phases_lead_to_both_sides_of_each_comparison(name):
    words = quantise(Parameters(n=1), PRESETS[name].replace(phase_bits=2))
    ends = {}
    for case, path in inputs.phase_edges(words):
        scoreboard = Scoreboard(words, np.array(path)[:, np.newaxis])
        assert scoreboard.spikes[:, 0].tolist() == [False] * (len(path) - 1) + [True]
        ends[case] = int(scoreboard.states["phase"][-1, 0])
    assert ends == {
        f"phase {phase}, {side}": phase - is_below for phase in (1, 2, 3) for side, is_below in SIDES.items()
    }


def test_without_phases_there_are_no_edges_of_them():
    assert list(inputs.phase_edges(words_of("square-16"))) == []


@pytest.mark.parametrize(
    ("name", "choices", "resistance"),
    [
        ("factored-16", {}, 1.0),
        ("square-16", {}, [0.5, 2.0]),
        ("square-16", {"currents": "raw", "rounding": "RND_CONV"}, [0.5, 0.7]),
        ("square-16", {"increment": "SQ(5,12) TRN SAT"}, 1.0),
    ],
)
def test_every_other_sum_is_as_near_a_rounding_boundary_as_any_current_brings_it(name, choices, resistance):
    words = quantise(Parameters(n=2, R=resistance), PRESETS[name].replace(**choices))
    currents = inputs.rounding_edges(words, 40, 2, np.random.default_rng(1))
    format, unit = (
        words.arithmetic.current,
        1 << (words.sum_format.f_bits - words.arithmetic.potential.f_bits),
    )
    every = np.arange(format.min_word, format.max_word + 1)
    each = {name: np.broadcast_to(word, 2).tolist() for name, word in words.values.items()}
    sides = set()
    states = [step.State(each["reset"][0], 0, 0)] * 2
    for timestep, row in enumerate(currents.tolist()):
        for neuron, current in enumerate(row):
            values = {name: word[neuron] for name, word in each.items()}
            if (timestep + neuron) % 2:
                sums = step.exact_sum(words, values, states[neuron].potential, every, np.where)
                above = (sums - unit // 2) % unit
                reached = above[current - format.min_word]
                assert reached in (above.min(), above.max())
                sides.add(reached == above.min())
            states[neuron], _ = step.step(words, values, states[neuron], current, 0, step.where_integer)
    assert sides == {False, True}
