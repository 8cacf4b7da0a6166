"""The compiled loop against the golden step, in every bit, over random arithmetics."""

import sys

import numpy as np
import pytest

from qlif.model import compiled
from qlif.model.arithmetic import Arithmetic
from qlif.model.errors import InputError
from qlif.model.fixed import FixedNeurons, ParameterWrite
from qlif.model.formats import SQ, UQ
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.words import quantise

pytest.importorskip("numba")

NEURONS, TIMESTEPS = 5, 400
FLAGS = (0, 1, 10, 13, 14, 16, 18)
"""Places of those of the loop's numbers that are true or false."""


def random_words(seed):
    """Return some population that can be quantised; every choice of arithmetic comes up."""
    rng = np.random.default_rng(seed)
    while True:
        factored = bool(rng.integers(2))
        rounding = str(rng.choice(["TRN", "RND", "RND_CONV", "SR"]))
        product = int(rng.integers(4, 20)) if rng.integers(3) == 0 else None
        # Every fourth is so wide that its sums need more than 64 bits.
        wide = 10 * (seed % 4 == 3)
        i_bits = int(rng.integers(7, 10)) if factored else int(rng.integers(4, 7))
        try:
            arithmetic = Arithmetic(
                form="factored" if factored else "square",
                potential=SQ(i_bits, int(rng.integers(2, 13)) + wide),
                current=SQ(8, int(rng.integers(1, 11))),
                trace=UQ(int(rng.integers(1, 4)), int(rng.integers(4, 12))),
                rounding=rounding,
                overflow=str(rng.choice(["SAT", "WRAP"])),
                trace_overflow=str(rng.choice(["SAT", "WRAP"])),
                currents=str(rng.choice(["raw", "scaled"])),
                coefficient_bits=int(rng.integers(6, 19)),
                random_bits=int(rng.integers(1, 9)) if rounding == "SR" else 0,
                random_seed=int(rng.integers(1000)),
                product_fraction=product,
                product_rounding=None if product is None else str(rng.choice(["TRN", "RND", "RND_CONV"])),
            )
            parameters = Parameters(
                n=NEURONS,
                tau_m=rng.uniform(8.0, 12.0, NEURONS) if rng.integers(2) else 10.0,
                threshold=rng.uniform(-53.0, -51.0, NEURONS) if rng.integers(2) else -52.0,
                refrac_length=rng.integers(0, 9, NEURONS) if rng.integers(2) else int(rng.integers(0, 9)),
                lower_bound=-63.0 if rng.integers(2) else None,
                spike_trace=bool(rng.integers(4)),
                additive_spike_trace=bool(rng.integers(2)),
                trace_scale=0.7,
            )
            return quantise(parameters, arithmetic), rng
        except InputError:
            continue


def run(words, currents, monkeypatch, *, fast, writes=()):
    monkeypatch.setattr(compiled, "WORTHWHILE", 0 if fast else sys.maxsize)
    neurons = FixedNeurons(words)
    # In two parts: the state and the random words go on.
    parts = [
        neurons.run_words(currents[:300], writes=[write for write in writes if write.step < 300]),
        neurons.run_words(currents[300:]),
    ]
    spikes = np.concatenate([part[0] for part in parts])
    words_kept = {name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]}
    return spikes, words_kept, neurons


def same(one, other):
    states = all(np.array_equal(one[1][name], other[1][name]) for name in one[1])
    ends = all(np.array_equal(a, b) for a, b in zip(one[2].state, other[2].state, strict=True))
    return np.array_equal(one[0], other[0]) and states and ends and np.array_equal(one[2].s, other[2].s)


@pytest.mark.parametrize("seed", range(60))
def test_every_bit_is_the_golden_steps(seed, monkeypatch):
    words, rng = random_words(seed)
    form = words.arithmetic.current
    currents = rng.integers(form.min_word, form.max_word + 1, (TIMESTEPS, NEURONS))
    # Half of the time inputs that make spikes and trace overflow, else the whole range.
    if seed % 2:
        currents = np.clip(
            words.arithmetic.current.words(rng.normal(30.0, 20.0, currents.shape)),
            form.min_word,
            form.max_word,
        )
    golden = run(words, currents, monkeypatch, fast=False)
    assert same(run(words, currents, monkeypatch, fast=True), golden)


def test_writes_take_effect_at_their_step(monkeypatch):
    words = quantise(Parameters(n=NEURONS), PRESETS["square-16"])
    currents = np.full((TIMESTEPS, NEURONS), words.current_words(20.0))
    threshold = words.values["threshold"]
    writes = (
        ParameterWrite(0, "reset", words.values["reset"] + 7),
        ParameterWrite(120, "threshold", threshold - 900),
        ParameterWrite(200, "threshold", threshold - 1500, 2),
    )
    golden = run(words, currents, monkeypatch, fast=False, writes=writes)
    assert same(run(words, currents, monkeypatch, fast=True, writes=writes), golden)
    assert not same(run(words, currents, monkeypatch, fast=True), golden)


@pytest.mark.parametrize("place", range(19))
def test_each_number_of_the_loop_acts(place, monkeypatch):
    """A fault in any of them is seen by one of the random populations: the comparison isn't empty."""
    whole = compiled.options

    def changed(words):
        numbers = whole(words)
        numbers[place] = (
            (1 if numbers[place] == 0 else 0) if place in (0, 1, 10, 13, 14, 16) else numbers[place] + 1
        )
        return numbers

    for seed in range(60):
        words, rng = random_words(seed)
        form = words.arithmetic.current
        currents = rng.integers(form.min_word, form.max_word + 1, (TIMESTEPS, NEURONS))
        golden = run(words, currents, monkeypatch, fast=False)
        monkeypatch.setattr(compiled, "options", changed)
        found = same(run(words, currents, monkeypatch, fast=True), golden)
        monkeypatch.setattr(compiled, "options", whole)
        if not found:
            return
    pytest.fail("no random population saw it")


def test_without_numba_the_golden_step_does_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "qlif.model.compiled_loop", None)
    compiled.kernel.cache_clear()
    try:
        assert compiled.kernel() is None
        words = quantise(Parameters(n=2), PRESETS["square-16"])
        monkeypatch.setattr(compiled, "WORTHWHILE", 0)
        spikes, _ = FixedNeurons(words).run_words(np.full((300, 2), words.current_words(30.0)))
        assert spikes.any()
    finally:
        compiled.kernel.cache_clear()


def test_words_too_wide_for_64_bits_are_not_compiled(monkeypatch):
    arithmetic = PRESETS["wide-32"].replace(coefficient_bits=32)
    words = quantise(Parameters(n=2), arithmetic)
    assert words.largest_width > 63

    def never(*_):
        raise AssertionError("the compiled loop overflows")

    monkeypatch.setattr(compiled, "kernel", lambda: never)
    monkeypatch.setattr(compiled, "WORTHWHILE", 0)
    FixedNeurons(words).run_words(np.zeros((3, 2), dtype=np.int64))
    with pytest.raises(AssertionError, match="overflows"):
        narrow = quantise(Parameters(n=2), PRESETS["square-16"])
        FixedNeurons(narrow).run_words(np.zeros((3, 2), dtype=np.int64))
