"""A counter above the refractory period, upset or of a longer one, waits no longer than a new one."""

import numpy as np
import pytest

from qlif.model.golden.neurons import FixedNeurons, ParameterWrite
from qlif.model.golden.step import State
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise

NEURONS = 60


def population():
    return FixedNeurons(quantise(Parameters(n=NEURONS, refrac_length=5), preset("square-16")))


@pytest.mark.parametrize("timesteps", [10, 1000], ids=["short", "long enough to be compiled"])
def test_an_upset_counter_is_within_the_period_after_one_timestep(timesteps):
    neurons = population()
    state = neurons.state
    neurons.state = State(state.potential, np.full_like(state.refractory, 7), state.trace)
    spikes, words = neurons.run_words(np.zeros((timesteps, NEURONS), dtype=np.int64), keep=("refractory",))
    assert not spikes.any()
    assert words["refractory"][:7, 0].tolist() == [5, 4, 3, 2, 1, 0, 0]


@pytest.mark.parametrize("timesteps", [10, 1000], ids=["short", "long enough to be compiled"])
def test_a_shorter_period_holds_for_those_who_wait_already(timesteps):
    neurons = population()
    currents = np.zeros((timesteps, NEURONS), dtype=np.int64)
    state = neurons.state
    neurons.state = State(
        np.full_like(state.potential, neurons.words.arithmetic.potential.max_word),
        state.refractory,
        state.trace,
    )
    writes = [ParameterWrite(2, "refractory", 2)]
    spikes, words = neurons.run_words(currents, keep=("refractory",), writes=writes)
    assert spikes[0].all() and not spikes[1:].any()
    assert words["refractory"][:6, 0].tolist() == [5, 4, 2, 1, 0, 0]
