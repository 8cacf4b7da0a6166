"""Spike lags against a loop over plain lists, and their meaning on spikes written by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qlif.model.exceptions import InputError
from qlif.model.metrics.run_errors import potential_error, spike_lag


def train(*steps, timesteps=40):
    """A record of one neuron that spikes in these timesteps."""
    spikes = np.zeros((timesteps, 1), dtype=np.bool_)
    spikes[list(steps)] = True
    return spikes


def test_same_spikes():
    lag = spike_lag(train(3, 10, 17), train(3, 10, 17))
    assert [list(lags) for lags in lag.lags] == [[0, 0, 0]]
    assert (lag.max_lag_steps, lag.missing, lag.extra) == (0, 0, 0)


def test_lags_keep_their_sign():
    lag = spike_lag(train(3, 10, 17), train(5, 9, 17))
    assert list(lag.lags[0]) == [2, -1, 0]
    assert lag.max_lag_steps == 2


def test_the_largest_lag_may_be_early():
    assert spike_lag(train(10, 20), train(11, 13)).max_lag_steps == 7


def test_a_missed_spike_shifts_all_later_ones():
    """Every interval is 7: from the missed spike on, lags contain one whole interval."""
    lag = spike_lag(train(3, 10, 17, 24, 31), train(3, 17, 24, 31))
    assert list(lag.lags[0]) == [0, 7, 7, 7]
    assert (lag.missing, lag.extra) == (1, 0)


def test_missed_and_invented_in_one_neuron_keep_its_count():
    lag = spike_lag(train(3, 10, 17), train(3, 17, 20))
    assert list(lag.lags[0]) == [0, 7, 3]
    assert (lag.missing, lag.extra) == (0, 0)


def test_missing_and_extra_of_different_neurons_do_not_cancel():
    reference = np.concatenate([train(3, 9), train(4)], axis=1)
    lag = spike_lag(reference, np.concatenate([train(3), train(4, 8, 12)], axis=1))
    assert (lag.missing, lag.extra) == (1, 2)
    assert list(lag.reference_counts) == [2, 1]
    assert list(lag.counts) == [1, 3]


def test_by_index_is_over_the_neurons_that_have_the_spike():
    reference = np.concatenate([train(3, 10, 20), train(5, 15)], axis=1)
    spikes = np.concatenate([train(4, 12, 24), train(2, 15)], axis=1)
    by_index = spike_lag(reference, spikes).lag_by_index
    assert list(by_index.mean_steps) == [2, 1, 4]  # |1|, |-3|; |2|, |0|; |4|
    assert list(by_index.max_steps) == [3, 2, 4]
    assert list(by_index.neurons) == [2, 2, 1]


def test_nothing_to_compare():
    lag = spike_lag(train(), train(7))
    assert [list(lags) for lags in lag.lags] == [[]]
    assert (lag.max_lag_steps, lag.missing, lag.extra) == (0, 0, 1)
    assert (lag.silent_neurons, lag.spurious_neurons) == (0, 1)
    lag = spike_lag(train(7), train())
    assert (lag.silent_neurons, lag.spurious_neurons) == (1, 0)
    assert len(lag.lag_by_index.mean_steps) == 0
    assert spike_lag(np.zeros((0, 3)), np.zeros((0, 3))).max_lag_steps == 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_against_a_loop(data):
    shape = data.draw(st.sampled_from([(30, 4), (12, 2, 3), (25,)]))
    reference, spikes = (data.draw(arrays(np.bool_, shape)) for _ in range(2))
    lag = spike_lag(reference, spikes)
    flat_reference, flat = reference.reshape(len(reference), -1), spikes.reshape(len(spikes), -1)
    expected, missing, extra = [], 0, 0
    for neuron in range(flat.shape[1]):
        a = [step for step in range(len(flat)) if flat_reference[step, neuron]]
        b = [step for step in range(len(flat)) if flat[step, neuron]]
        expected.append([found - wanted for wanted, found in zip(a, b, strict=False)])
        missing += max(len(a) - len(b), 0)
        extra += max(len(b) - len(a), 0)
    assert [list(lags) for lags in lag.lags] == expected
    assert (lag.missing, lag.extra) == (missing, extra)
    assert lag.max_lag_steps == max((abs(x) for lags in expected for x in lags), default=0)
    assert lag.counts.shape == lag.reference_counts.shape == shape[1:]
    for index, mean in enumerate(lag.lag_by_index.mean_steps):
        here = [abs(lags[index]) for lags in expected if len(lags) > index]
        assert mean == pytest.approx(np.mean(here))
        assert lag.lag_by_index.max_steps[index] == max(here)
        assert lag.lag_by_index.neurons[index] == len(here)


def test_potential_error():
    reference = np.array([[-62.0, -60.0], [-58.0, -54.0]])
    error = potential_error(reference, reference + np.array([[1.0, -2.0], [0.0, 0.5]]))
    assert error.rmse_mv == pytest.approx(math.sqrt(5.25 / 4))
    assert error.mae_mv == pytest.approx(3.5 / 4)
    assert error.max_mv == 2.0
    assert error.nrmse == pytest.approx(math.sqrt(5.25 / 4) / 8)


def test_potential_error_of_equal_and_of_constant_potentials():
    same = potential_error([[-62.0], [-60.0]], [[-62.0], [-60.0]])
    assert (same.rmse_mv, same.mae_mv, same.max_mv, same.nrmse) == (0, 0, 0, 0)
    assert math.isnan(potential_error([[-62.0]], [[-61.0]]).nrmse)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: spike_lag(train(1), np.zeros((40, 2))),
            "spikes must be of the shape of reference_spikes, (40, 1), not (40, 2)",
        ),
        (lambda: spike_lag(train(1), [[2]]), "spikes must be an array of true and false, not [[2]]"),
        (
            lambda: spike_lag([["a"]], train(1)),
            "reference_spikes must be an array of true and false, not [['a']]",
        ),
        (lambda: spike_lag(1, train(1)), "reference_spikes must be of shape (timesteps, *shape), not 1"),
        (lambda: spike_lag(train(1), [[1], [1, 0]]), "spikes must be a regular array, not a ragged one"),
        (
            lambda: potential_error(np.zeros((2, 3)), np.zeros((3, 3))),
            "potentials must be of the shape of reference, (2, 3), not (3, 3)",
        ),
        (
            lambda: potential_error(np.zeros((2, 2)), [[0, 0], [0, np.nan]]),
            "potentials must be finite, not nan at index (1, 1)",
        ),
        (
            lambda: potential_error(np.zeros((0, 2)), np.zeros((0, 2))),
            "reference must have a timestep and a neuron at least, not the shape (0, 2)",
        ),
        (lambda: potential_error([["a"]], [[0]]), "reference must be an array of numbers, not [['a']]"),
    ],
)
def test_refused(call, text):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == text
