"""The synapticflow dialect against states that were recorded from the original on torch."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.synapticflow import SynapticflowNeurons, as_tensor, common_type

RECORDER = runpy.run_path(str(Path(__file__).with_name("record_synapticflow.py")))
CASES, STATES = RECORDER["CASES"], RECORDER["STATES"]


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDER["RECORDED"]) as archive:
        return dict(archive)


def first_difference(name, recorded):
    """Replay a case; return the timestep and the state that first differ from the recording."""
    timesteps, keywords, current = CASES[name]
    neurons = SynapticflowNeurons(**keywords)
    for timestep in range(timesteps):
        neurons.step(current(timestep))
        for state in STATES:
            ours, theirs = getattr(neurons, state), recorded[f"{name}/{state}"][timestep]
            if ours.dtype != theirs.dtype or not np.array_equal(ours, theirs, equal_nan=state != "s"):
                return timestep, state
    return None


@pytest.mark.parametrize("name", CASES)
def test_replays_the_recording_bit_for_bit(name, recorded):
    assert first_difference(name, recorded) is None


@pytest.mark.parametrize("state", ["v", "traces", "refrac_count"])
def test_one_flipped_last_bit_is_noticed(state, recorded):
    name = "additive trace"
    words = recorded[f"{name}/{state}"].copy()
    words.view(np.uint32)[57, 1] ^= 1
    assert first_difference(name, {**recorded, f"{name}/{state}": words}) == (57, state)


def test_one_flipped_spike_is_noticed(recorded):
    spikes = recorded["defaults/s"].copy()
    spikes[99, 2] ^= True
    assert first_difference("defaults", {**recorded, "defaults/s": spikes}) == (99, "s")


def test_the_recording_has_no_case_too_many(recorded):
    assert set(recorded) == {"trace_decay", *(f"{name}/{state}" for name in CASES for state in STATES)}


@pytest.mark.parametrize("name", [name for name in CASES if name != "negative input"])
def test_each_case_spikes(name, recorded):
    assert recorded[f"{name}/s"].any()


def test_trace_decay_for_many_time_constants(recorded):
    constants = RECORDER["TIME_CONSTANTS"]
    neurons = SynapticflowNeurons(n=len(constants), tau_s=constants)
    np.testing.assert_array_equal(neurons.trace_decay, recorded["trace_decay"], strict=True)
    for index in (0, 34, 37, 1000):  # scalars go the same way
        alone = SynapticflowNeurons(n=1, tau_s=constants[index])
        assert alone.trace_decay == recorded["trace_decay"][index]


def test_nearest_rounding_of_the_decay_would_not_do(recorded):
    constants = np.array(RECORDER["TIME_CONSTANTS"], dtype=np.float32)
    exponent = (-np.float32(0.1) / constants).astype(np.float64)
    nearest = np.exp(exponent).astype(np.float32)
    assert 0 < np.sum(nearest != recorded["trace_decay"]) < 0.02 * len(constants)


@pytest.mark.parametrize(("refrac_length", "held"), [(5, 51), (1, 10), (0, 0)])
def test_timesteps_held(refrac_length, held):
    neurons = SynapticflowNeurons(n=1, refrac_length=refrac_length)
    neurons.step(1000)
    assert neurons.s[0]
    for _ in range(held):
        neurons.step(1000)
        assert not neurons.s[0] and neurons.v[0] == -62
    neurons.step(1000)
    assert neurons.s[0]


def test_reset_returns_to_the_start():
    neurons = SynapticflowNeurons(shape=(2, 2), reset_pot=-63)
    for _ in range(3):
        neurons.step(1000)
    neurons.reset()
    for state, value in zip(STATES, (False, -63, 0, 0), strict=True):
        array = getattr(neurons, state)
        assert array.shape == (2, 2) and np.all(array == value)


def test_a_kept_state_does_not_change():
    neurons = SynapticflowNeurons(n=2, refrac_length=0)
    for _ in range(4):
        kept = [(getattr(neurons, state), getattr(neurons, state).copy()) for state in STATES]
        neurons.step([1000, 20])
        for array, copy in kept:
            np.testing.assert_array_equal(array, copy)


def test_a_population_without_trace_keeps_zeros():
    neurons = SynapticflowNeurons(n=2, spike_trace=False)
    neurons.step(1000)
    assert neurons.s.all() and not neurons.traces.any()


def test_reset_and_refractory_may_differ_between_neurons():
    """The original refuses these arrays; each neuron does what it would do alone."""
    together = SynapticflowNeurons(n=2, reset_pot=[-62, -60], refrac_length=[1, 2.5])
    alone = [SynapticflowNeurons(n=1, reset_pot=-62, refrac_length=1)]
    alone.append(SynapticflowNeurons(n=1, reset_pot=-60, refrac_length=2.5))
    for _ in range(100):
        together.step(200.0)
        for index, neuron in enumerate(alone):
            neuron.step(200.0)
            assert together.v[index] == neuron.v[0] and together.s[index] == neuron.s[0]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (np.zeros(3, np.float32), np.zeros((), np.float64), np.float32),
        (np.zeros((), np.float64), np.zeros(3, np.float32), np.float32),
        (np.zeros(3, np.float32), np.zeros(3, np.float64), np.float64),
        (np.zeros((), np.float32), np.zeros((), np.float64), np.float64),
        (np.zeros(3, np.int64), np.zeros(3, np.float32), np.float32),
        (np.zeros(3, np.int64), np.zeros((), np.float64), np.float64),
        (np.zeros(3, np.float32), np.zeros((), np.int64), np.float32),
        (np.zeros(3, np.uint8), np.zeros((), np.int64), np.uint8),
        (np.zeros(3, np.uint8), np.zeros(3, np.int8), np.int16),
        (np.zeros(3, np.bool_), np.zeros((), np.int16), np.int16),
        (np.zeros(3, np.int16), np.zeros(3, np.bool_), np.int16),
        (np.zeros(3, np.bool_), np.zeros(3, np.bool_), np.bool_),
    ],
)
def test_types_promote_as_in_torch(a, b, expected):
    assert common_type(a, b) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, np.bool_),
        (3, np.int64),
        (3.5, np.float32),
        ([1, 2], np.int64),
        ([1, 2.5], np.float32),
        ([True, 2], np.int64),
        ([np.float32(1), 2], np.float32),
        ([np.float64(1), 2, 3.0], np.float64),
        ([np.int8(1), 2], np.int64),
        (np.float64(3), np.float64),
        (np.array([1.0]), np.float64),
        (range(3), np.int64),
        ([[1.0], [2.0]], np.float32),
        ([], np.float32),
        ([1e300], np.float32),
    ],
)
def test_values_have_the_type_that_torch_gives_them(value, expected):
    assert as_tensor("input", value).dtype == expected


SHAPE = "{} must broadcast to the population's shape (3,), not be of shape {}"
KIND = "{} must be of bool, integers, float32 or float64, not {}"


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([1.0, 2.0], SHAPE.format("input", "(2,)")),
        ([[1.0, 2.0, 3.0]], SHAPE.format("input", "(1, 3)")),
        (np.zeros(3, np.float16), KIND.format("input", "float16")),
        (1j, KIND.format("input", "complex128")),
        ("ten", KIND.format("input", "<U3")),
        (None, KIND.format("input", "object")),
        ([[1.0], [2.0, 3.0]], "input must be a number or an array, not [[1.0], [2.0, 3.0]]"),
        (2**63, "input must be a number or an array, not 9223372036854775808"),
    ],
)
def test_unusable_input(x, text):
    neurons = SynapticflowNeurons(n=3)
    with pytest.raises(InputError) as caught:
        neurons.step(x)
    assert str(caught.value) == text


def test_integers_without_a_common_type():
    neurons = SynapticflowNeurons(n=3, R=np.array([1, 2, 3], dtype=np.uint64))
    with pytest.raises(InputError) as caught:
        neurons.step([1, 2, 3])
    assert (
        str(caught.value) == "input and parameters must have an integer type in common, not uint64 and int64"
    )


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({}, "n or shape is needed: the number of neurons, or the population's topology"),
        ({"n": 5, "shape": (2, 3)}, "n must be the product of shape (2, 3), 6, not 5"),
        ({"n": 3, "a0": [1, 2]}, SHAPE.format("a0", "(2,)")),
        ({"n": 3, "R": "big"}, KIND.format("R", "<U3")),
    ],
)
def test_unusable_parameters(keywords, text):
    with pytest.raises(InputError) as caught:
        SynapticflowNeurons(**keywords)
    assert str(caught.value) == text
