"""Presets, words, populations and recordings are copied and pickled, and a copy goes its own way."""

import copy
import pickle

import numpy as np
import pytest

from qlif.model import QLIFPopulation
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

WAYS = [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]
CURRENTS = np.random.default_rng(1).uniform(0, 50, (50, 2))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"engine": "numpy"},
        {"arithmetic": "square-16"},
        {"arithmetic": "square-16", "engine": "numpy"},
        {"arithmetic": "stochastic-12"},
        {"arithmetic": "factored-16", "threshold": [-52.0, -51.0]},
        {"dialect": "synapticflow"},
    ],
)
def test_a_copy_of_a_population_goes_on_from_the_same_state_on_its_own(way, started, choices):
    model = QLIFPopulation(n=2, **choices)
    if started:
        model.run(CURRENTS)
        model.forward(CURRENTS[0])
    other = way(model)
    assert np.array_equal(other.v, model.v) and np.array_equal(other.s, model.s)
    before = other.v.copy()
    expected = model.run(CURRENTS)
    assert np.array_equal(other.v, before)
    got = other.run(CURRENTS)
    assert np.array_equal(got.spikes, expected.spikes)
    assert np.array_equal(got.potentials, expected.potentials)
    assert np.array_equal(got.traces, expected.traces)


def test_a_copy_keeps_the_words_that_were_written():
    model = QLIFPopulation(n=2, arithmetic="square-16")
    model.neurons.write(ParameterWrite(0, "reset", 100))
    for way in WAYS:
        assert np.array_equal(way(model).neurons.state.potential, [100, 100])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arithmetic", [None, "square-16"])
def test_recordings(way, arithmetic):
    recording = QLIFPopulation(n=2, arithmetic=arithmetic).run(CURRENTS)
    other = way(recording)
    for name in ("spikes", "potentials", "traces", "spike_bits"):
        assert np.array_equal(getattr(other, name), getattr(recording, name))
    assert (other.dt, other.shape, other.report) == (recording.dt, recording.shape, recording.report)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PRESETS)
def test_presets_and_words(way, name):
    assert way(PRESETS[name]) == PRESETS[name]
    words = quantise(Parameters(n=2, threshold=[-52.0, -51.0]), PRESETS[name])
    other = way(words)
    assert other.report == words.report
    assert list(other.constants) == list(words.constants)
    assert np.array_equal(other.constants["threshold"].word, words.constants["threshold"].word)
    for array in (other.constants["threshold"].word, other.parameters.threshold):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
