"""The golden self-test against its definition, one Python integer after another."""

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.golden import step as datapath
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.random_words import RandomWords
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import (
    SIGNATURE_BITS,
    SIGNATURE_START,
    SIGNATURE_TAPS,
    TIMESTEP_BITS,
    SelfTestPlan,
)

MASK = (1 << SIGNATURE_BITS) - 1


def signed(word, width):
    word &= (1 << width) - 1
    return word - (1 << width) if word >> (width - 1) else word


def absorbed(signature, word):
    while word >> SIGNATURE_BITS:
        word = (word & MASK) ^ (word >> SIGNATURE_BITS)
    carry = signature >> (SIGNATURE_BITS - 1)
    return (signature << 1) & MASK ^ (SIGNATURE_TAPS if carry else 0) ^ word


def by_the_book(words, plan, timesteps, lanes):
    """Return current words and signature, after the docstring of qlif.model.selftest.plan."""
    arithmetic, neurons = words.arithmetic, words.parameters.n
    bits = max(1, (neurons - 1).bit_length())
    stimulus, rounding = (
        iter(RandomWords(seed).take(timesteps * neurons).tolist())
        for seed in (plan.random_seed, arithmetic.random_seed)
    )
    highest, lowest = arithmetic.current.max_word, arithmetic.current.min_word
    states = [datapath.State(words.values["reset"], 0, 0)] * neurons
    updates = events = SIGNATURE_START
    currents = []
    for timestep in range(timesteps):
        row_spikes = row_phases = 0
        for neuron in range(neurons):
            random = next(stimulus)
            current = (
                random,
                plan.near + signed(random, max(2, plan.width - 4)),
                (0, highest, lowest, highest)[random & 3],
                plan.strong + (random & 3),
            )[(neuron + (timestep >> 6)) & 3]
            current = signed(current, plan.width)
            currents.append(current)
            state, spike = datapath.step(
                words, words.values, states[neuron], current, next(rounding), datapath.where_integer
            )
            states[neuron] = state
            word, offset = int(spike) | neuron << 1, 1 + bits
            for value, width in (
                (state.potential, arithmetic.potential.width),
                (state.trace, arithmetic.trace.width),
                (state.phase, arithmetic.phase_bits),
            ):
                word |= (value & ((1 << width) - 1)) << offset
                offset += width
            updates = absorbed(updates, word)
            row_spikes |= int(spike) << (neuron % lanes)
            row_phases |= state.phase << arithmetic.phase_bits * (neuron % lanes)
            if neuron % lanes == lanes - 1:
                if row_spikes:
                    first = neuron - lanes + 1
                    which = row_spikes << bits if lanes > 1 else 0
                    place = bits + (lanes if lanes > 1 else 0)
                    phases = row_phases << place + TIMESTEP_BITS
                    events = absorbed(events, first | which | timestep << place | phases)
                row_spikes = row_phases = 0
    return currents, updates | events << SIGNATURE_BITS


@pytest.mark.slow_beyond(12)
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("neurons", "lanes"), [(5, 1), (8, 4), (128, 128)])
def test_definition(name, neurons, lanes):
    words = quantise(Parameters(n=neurons), PRESETS[name])
    plan = SelfTestPlan.of(words, seed=3)
    currents, signature = by_the_book(words, plan, 300, lanes)
    assert GoldenSelfTest(words, plan, lanes).currents(300).ravel().tolist() == currents
    golden = GoldenSelfTest(words, plan, lanes)
    assert golden.advance(300) == signature
    assert golden.events > 0


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("neurons", "lanes"), [(1, 1), (37, 1), (64, 16)])
def test_compiled_loops_give_what_numpy_gives(name, neurons, lanes):
    pytest.importorskip("numba")
    words = quantise(Parameters(n=neurons), PRESETS[name])
    plan = SelfTestPlan.of(words, seed=9)
    runs = [GoldenSelfTest(words, plan, lanes, compiled=compiled) for compiled in (True, False)]
    for timesteps in (1, 63, 130):
        first, second = (run.currents(timesteps) for run in runs)
        assert np.array_equal(first, second)
    first, second = (GoldenSelfTest(words, plan, lanes, compiled=compiled) for compiled in (True, False))
    assert first.signatures([1, 64, 200]) == second.signatures([1, 64, 200])


@pytest.mark.parametrize(("neurons", "lanes"), [(5, 1), (8, 4)])
def test_definition_with_phases(neurons, lanes):
    words = quantise(Parameters(n=neurons), PRESETS["square-16"].replace(phase_bits=3))
    plan = SelfTestPlan.of(words, seed=3)
    _, signature = by_the_book(words, plan, 300, lanes)
    for compiled in (True, False):
        assert GoldenSelfTest(words, plan, lanes, compiled=compiled).advance(300) == signature
    without = quantise(Parameters(n=neurons), PRESETS["square-16"])
    assert GoldenSelfTest(without, plan, lanes).advance(300) != signature


def test_checkpoints_on_the_way_change_nothing():
    words = quantise(Parameters(n=7), PRESETS["stochastic-12"])
    plan = SelfTestPlan.of(words)
    at = [1, 2, 64, 65, 200, 201]
    expected = [GoldenSelfTest(words, plan).advance(timestep) for timestep in at]
    assert GoldenSelfTest(words, plan).signatures(at) == expected
    assert len(set(expected)) == len(at)


@pytest.mark.parametrize("name", PRESETS)
def test_the_stimulus_leads_everywhere(name):
    """Every neuron spikes, at different intervals; currents reach both ends and every bit of the word."""
    words = quantise(Parameters(n=8), PRESETS[name])
    currents = GoldenSelfTest(words, SelfTestPlan.of(words)).currents(1024)
    assert currents.min() == words.arithmetic.current.min_word
    assert currents.max() == words.arithmetic.current.max_word
    assert np.bitwise_or.reduce(currents.ravel()) == -1
    golden = GoldenSelfTest(words, SelfTestPlan.of(words))
    spikes, states = golden.neurons.run_words(currents)
    assert spikes.any(axis=0).all()
    assert 0.005 < spikes.mean() < 0.2
    assert len(np.unique(states["potential"])) > 50


def test_seeds_give_other_runs_and_are_checked():
    words = quantise(Parameters(n=4), PRESETS["square-16"])
    runs = {GoldenSelfTest(words, SelfTestPlan.of(words, seed)).advance(50) for seed in (0, 1, 2**63 - 1)}
    assert len(runs) == 3
    with pytest.raises(
        InputError, match="seed must be from 0 to 9223372036854775807, not 9223372036854775808"
    ):
        SelfTestPlan.of(words, 2**63)
    with pytest.raises(InputError, match="seed must be a whole number, 0 or more, not -1"):
        SelfTestPlan.of(words, -1)
