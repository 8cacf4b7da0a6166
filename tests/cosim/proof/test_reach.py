"""The states that a neuron can come to: none is left out, and none of a small neuron is in vain."""

import itertools

import numpy as np
import pytest

from qlif.cosim.benches import inputs
from qlif.cosim.proof.intervals import Interval, choose
from qlif.cosim.proof.reach import Reach, potential_range, sums_of
from qlif.model.golden import step
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


def words_of(name, **changes):
    return quantise(Parameters(n=64), PRESETS[name].replace(**changes))


# Integer bits, and how: of the product, the drive and the increment.
INSIDE = {"exact": None, "saturating": (6, 3, 3, "RND SAT"), "wrapping": (7, 0, 1, "TRN WRAP")}


def narrow_words_of(name, inside):
    if INSIDE[inside] is None:
        return words_of(name)
    product, drive, increment, how = INSIDE[inside]
    f_bits, random_bits = PRESETS[name].potential.f_bits, PRESETS[name].random_bits
    return words_of(
        name,
        product=f"SQ({product},{f_bits}) {how}",
        drive=f"SQ({drive},{f_bits}) {how}",
        increment=f"SQ({increment},{f_bits + random_bits}) {how}",
    )


BOTH = pytest.mark.parametrize(
    ("name", "inside"),
    [(name, "exact") for name in PRESETS]
    + list(itertools.product(("tiny-8", "stochastic-12"), ("saturating", "wrapping")))
    + [("factored-16", "saturating"), pytest.param("factored-16", "wrapping", marks=pytest.mark.slow)],
)


@pytest.mark.slow_beyond(4)
@BOTH
def test_no_run_leaves_them(name, inside):
    words = narrow_words_of(name, inside)
    reach = Reach.of(words)
    currents = inputs.constrained_random(words, 400, 64, np.random.default_rng(3))
    # The strongest of both signs too: they lead to the ends.
    currents[:, :8], currents[:, 8:16] = words.arithmetic.current.min_word, words.arithmetic.current.max_word
    _, states = FixedNeurons(words).run_words(currents)
    potential, refractory, trace = (states[name] for name in ("potential", "refractory", "trace"))
    assert reach.lowest <= potential.min() and potential.max() <= reach.highest
    assert (potential[refractory > 0] == reach.resting).all()
    if refractory.any():  # a drive that is too narrow fires no neuron
        assert refractory.max() == reach.longest
        assert trace.max() == reach.trace
    else:
        assert inside != "exact"


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("name", ["tiny-8", "square-16", "factored-16"])
def test_there_is_a_phase_only_where_a_spike_left_the_neuron(name):
    words = words_of(name, phase_bits=2)
    reach = Reach.of(words)
    currents = inputs.constrained_random(words, 400, 64, np.random.default_rng(3))
    _, states = FixedNeurons(words).run_words(currents)
    potential, phase = states["potential"], states["phase"]
    assert phase.any() and (potential[phase > 0] == reach.resting).all()
    assert reach.lowest <= potential.min() and potential.max() <= reach.highest


def test_every_potential_in_the_range_of_tiny_8_is_come_to():
    words = words_of("tiny-8")
    reach = Reach.of(words)
    format = words.arithmetic.current
    found, new = {reach.resting}, {reach.resting}
    while new:
        after = {
            step.integrate(words, words.values, v, i, 0, step.where_integer)
            for v in new
            for i in range(format.min_word, format.max_word + 1)
        }
        new = {v for v in after if v <= reach.highest} - found
        found |= new
    assert (min(found), max(found)) == (reach.lowest, reach.highest)


@pytest.mark.slow_beyond(4)
@BOTH
def test_the_golden_sum_is_within_its_bounds(name, inside):
    words = narrow_words_of(name, inside)
    reach, random = Reach.of(words), np.random.default_rng(4)
    low, high = sums_of(words, words.values, reach.lowest, reach.highest)
    format = words.arithmetic.current
    for _ in range(300):
        v = int(random.integers(reach.lowest, reach.highest + 1))
        i = int(
            random.choice(
                [format.min_word, format.max_word, random.integers(format.min_word, format.max_word)]
            )
        )
        r = int(random.integers(1 << words.arithmetic.random_bits))
        total = step.rounded_sum(words, words.values, v, i, r, step.where_integer)
        assert low <= total <= high


def test_a_range_that_wraps_is_not_narrowed():
    words = words_of("square-16", overflow="WRAP")
    format, threshold = words.arithmetic.potential, words.values["threshold"]
    assert potential_range(words, words.values, words.values["reset"]) == (format.min_word, threshold - 1)


def test_the_bounds_of_a_sum_that_wraps_are_those_before_it_does():
    ends = []
    for overflow in ("SAT", "WRAP"):
        words = words_of("tiny-8", overflow=overflow)
        format = words.arithmetic.potential
        ends.append(sums_of(words, words.values, format.min_word, format.max_word))
    assert ends[0] == ends[1]
    assert ends[1][1] > format.max_word


def test_intervals_hold_what_is_computed_in_them():
    random = np.random.default_rng(5)
    for _ in range(2000):
        a, b = sorted(random.integers(-50, 50, 2).tolist()), sorted(random.integers(-50, 50, 2).tolist())
        x, y = int(random.integers(a[0], a[1] + 1)), int(random.integers(b[0], b[1] + 1))
        one, other, places = Interval(*a), Interval(*b), int(random.integers(5))
        for held, number in (
            (one + other, x + y),
            (one - other, x - y),
            (one * other, x * y),
            (3 * one + 7, 3 * x + 7),
            (one << places, x << places),
            (one >> places, x >> places),
            (one & 15, x & 15),
            (choose(one > other, one, other), max(x, y)),
            (choose(one < other, one, 3 * other), x if x < y else 3 * y),
        ):
            assert held.low <= number <= held.high
