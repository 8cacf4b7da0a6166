"""From samples to timesteps: against exact rational arithmetic, and to the bit where nothing is to be done."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qlif.model.inputs.recordings import load
from qlif.model.inputs.resampling import resampled

RATES = [
    (44100, 0.1),
    (8000, 0.1),
    (48000, 0.025),
    (12345.678, 0.0713),
    (10001, 0.1),
    (9999, 0.1),
    (22050, 1 / 3),
]


def exact_means(signal, rate, dt):
    each = Fraction(str(rate)) * Fraction(str(dt)) / 1000
    means = []
    for step in range(len(signal) * each.denominator // each.numerator):
        begin, end = step * each, (step + 1) * each
        total, sample = Fraction(0), int(begin)
        while sample < end:
            overlap = min(end, Fraction(sample + 1)) - max(begin, Fraction(sample))
            total += overlap * Fraction(float(signal[sample]))
            sample += 1
        means.append(total / each)
    return means


@pytest.mark.parametrize(("rate", "dt"), RATES)
def test_average_against_rational_arithmetic(rate, dt):
    signal = np.random.default_rng(1).normal(size=300)
    signal[57] = 1e15  # an artefact spoils its own timesteps, and no other
    means = exact_means(signal, rate, dt)
    got = resampled(signal[:, np.newaxis], rate, dt, linear=False)[:, 0]
    assert len(got) == len(means)
    for value, mean in zip(got, means, strict=True):
        assert abs(Fraction(float(value)) - mean) <= 1e-13 * max(1, abs(mean))


@pytest.mark.parametrize(("rate", "dt"), RATES[:-1])  # a third is read as a third, not as its decimals
def test_linear_against_rational_arithmetic(rate, dt):
    signal = np.random.default_rng(2).normal(size=200)
    each = Fraction(str(rate)) * Fraction(str(dt)) / 1000
    got = resampled(signal[:, np.newaxis], rate, dt, linear=True)[:, 0]
    for step, value in enumerate(got):
        first = int(step * each)
        part = step * each - first
        following = min(first + 1, len(signal) - 1)
        exact = (1 - part) * Fraction(float(signal[first])) + part * Fraction(float(signal[following]))
        assert abs(Fraction(float(value)) - exact) <= 1e-14


@pytest.mark.parametrize("dt", [0.1, 0.05, 0.025, 0.035, 0.07, 1 / 3, 1 / 7, 2.0])
@pytest.mark.parametrize("linear", [False, True])
def test_one_sample_in_a_timestep_changes_nothing(dt, linear):
    samples = np.random.default_rng(3).normal(size=(20_000, 2)) * 1e3
    assert resampled(samples, 1000 / dt, dt, linear=linear) is samples


def test_what_is_held_stays_what_it_is():
    samples = np.full((50, 1), 0.1)
    held = resampled(samples, 1300.0, 0.1, linear=False)
    np.testing.assert_array_max_ulp(held, np.full_like(held, 0.1), 2)
    inside = resampled(np.arange(50.0)[:, np.newaxis] / 10, 1000.0, 0.1, linear=False)
    np.testing.assert_array_equal(inside[:, 0], np.repeat(np.arange(50.0) / 10, 10))


def test_stretches_join(monkeypatch):
    samples = np.random.default_rng(4).normal(size=(3000, 2))
    whole = resampled(samples, 44_100, 0.1, linear=False)
    monkeypatch.setattr("qlif.model.inputs.resampling._STRETCH", 17)
    np.testing.assert_array_equal(resampled(samples, 44_100, 0.1, linear=False), whole)


def save(path, array):
    np.save(path, array)
    return path


def test_average_of_whole_blocks(tmp_path):
    path = save(tmp_path / "a.npy", np.arange(11.0))
    np.testing.assert_array_equal(load(path, dt=0.1, rate=40_000), [[1.5], [5.5]])


def test_average_weights_by_overlap(tmp_path):
    path = save(tmp_path / "a.npy", np.array([1.0, 4.0, 10.0]))
    np.testing.assert_allclose(
        load(path, dt=0.1, rate=15_000), [[(1 + 0.5 * 4) / 1.5], [(0.5 * 4 + 10) / 1.5]]
    )
    np.testing.assert_allclose(load(path, dt=0.1, rate=5000), [[1], [1], [4], [4], [10], [10]])


@given(
    signal=hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-100, 100)),
    samples_per_step=st.sampled_from([0.125, 0.3, 1.0, 1.6, 2.5]),
)
@settings(max_examples=40, deadline=None)
def test_average_keeps_the_charge(tmp_path_factory, signal, samples_per_step):
    signal = np.append(signal, np.zeros(3))  # what is dropped at the end has no charge
    path = save(tmp_path_factory.mktemp("npy") / "a.npy", signal)
    currents = load(path, dt=0.1, rate=samples_per_step * 10_000)
    np.testing.assert_allclose(currents.sum() * samples_per_step, signal.sum(), atol=1e-9)


def test_linear(tmp_path):
    path = save(tmp_path / "a.npy", np.array([[0.0, 3.0], [1.0, 1.0]]))
    currents = load(path, dt=0.1, rate=5000, resample="linear")
    np.testing.assert_allclose(currents, [[0, 3], [0.5, 2], [1, 1], [1, 1]])


@pytest.mark.parametrize("linear", [False, True])
def test_a_second_is_a_second(linear):
    assert len(resampled(np.zeros((44_100, 1)), 44_100, 0.1, linear=linear)) == 10_000


def test_rounding_loses_no_timestep():
    assert len(resampled(np.ones((14, 1)), 1000, 0.035, linear=False)) == 400  # floats say 399.99..
