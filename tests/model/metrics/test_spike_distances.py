"""The distances of spike trains, on trains whose distances are known by hand."""

import sys

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.metrics import spike_distances as module
from qlif.model.metrics.run_errors import mean_intervals, rate_error
from qlif.model.metrics.spike_distances import spike_distances


@pytest.fixture(autouse=True)
def installed():
    for library in ("pyspike", "elephant"):
        pytest.importorskip(library)


def test_equal_trains_have_no_distance():
    trains = [np.array([5.0, 20.0, 31.0]), np.array([])]
    found = spike_distances(trains, trains, duration_ms=50.0)
    assert (found.victor_purpura, found.isi, found.spike) == (0.0, 0.0, 0.0)
    assert found.van_rossum == pytest.approx(0.0, abs=1e-6)


def test_a_moved_spike_costs_its_way_and_a_missing_one_costs_one():
    found = spike_distances([[10.0, 30.0]], [[12.0, 30.0]], duration_ms=50.0, time_scale_ms=10.0)
    assert found.victor_purpura == pytest.approx(0.2)
    found = spike_distances([[10.0, 30.0]], [[30.0]], duration_ms=50.0, time_scale_ms=10.0)
    assert found.victor_purpura == pytest.approx(1.0)
    # One spike more has norm 1 in Elephant's units: the integral of exp(-2 t / tau), over tau / 2.
    assert found.van_rossum == pytest.approx(1.0, rel=1e-6)


def test_trains_at_double_rate_have_the_isi_distance_of_one_half():
    slow, fast = np.arange(0.0, 1001.0, 20.0), np.arange(0.0, 1001.0, 10.0)
    found = spike_distances([slow], [fast], duration_ms=1000.0)
    assert found.isi == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("reference", "times", "message"),
    [
        ([[1.0]], [[1.0], [2.0]], "as many neurons"),
        ([], [], "1 or more"),
        ([[1.0]], [[3.0, 2.0]], "times must be a list of ascending"),
        ([[1.0]], [[60.0]], "times must be from 0 to 50 ms"),
    ],
)
def test_wrong_trains_are_refused(reference, times, message):
    with pytest.raises(InputError, match=message):
        spike_distances(reference, times, duration_ms=50.0)


def test_a_missing_library_names_the_extra(monkeypatch):
    # What is None there can't be imported.
    monkeypatch.setitem(sys.modules, "pyspike", None)
    module._libraries.cache_clear()
    with pytest.raises(InputError, match=r"^pyspike is not installed: pip install 'qlif\[study\]'$"):
        spike_distances([[1.0]], [[1.0]], duration_ms=50.0)


def test_rates_and_intervals():
    reference = [np.array([10.0, 20.0, 30.0]), np.array([5.0]), np.array([])]
    found = rate_error(reference, [np.array([11.0, 22.0]), np.array([]), np.array([3.0])])
    np.testing.assert_allclose(found.intervals, [0.1, np.nan, np.nan])
    # The last is silent in the reference: no number of spikes is near to none.
    np.testing.assert_allclose(found.rates, [-1 / 3, -1.0, np.inf])
    assert found.silent.tolist() == [False, True, False]
    assert found.spurious.tolist() == [False, False, True]
    assert (found.max_rate, found.rms_rate, found.rms_interval) == (np.inf, np.inf, pytest.approx(0.1))
    quiet = rate_error([*reference[:2], []], [[11.0, 22.0], [], []])
    np.testing.assert_allclose(quiet.rates, [-1 / 3, -1.0, np.nan])
    assert (quiet.max_rate, quiet.rms_rate) == (1.0, pytest.approx(np.sqrt((1 / 9 + 1) / 2)))
    assert np.isnan(rate_error([[]], [[]]).rms_interval) and np.isnan(rate_error([[]], [[]]).max_rate)
    with pytest.raises(InputError, match="of 1 neurons like reference_times, not of 2"):
        rate_error([[]], [[], []])
    np.testing.assert_array_equal(mean_intervals([np.array([1, 4, 9])]), [4.0])
