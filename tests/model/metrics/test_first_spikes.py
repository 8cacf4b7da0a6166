"""First spikes and their lags."""

import numpy as np

from qlif.model.metrics.first_spikes import first_spikes, largest_lags
from qlif.model.recording import Recording


def test_a_spike_that_there_is_not_is_just_after_the_end():
    spikes = np.zeros((10, 3), dtype=bool)
    spikes[[1, 4, 9], 0] = True
    spikes[3, 2] = True
    assert first_spikes(Recording(0.1, spikes), 2).tolist() == [[1, 4], [10, 10], [3, 10]]
    phases = np.full((10, 3), 0.25)
    assert first_spikes(Recording(0.1, spikes, phases=phases), 2)[0].tolist() == [0.75, 3.75]


def test_a_spike_that_only_one_has_lags_at_least_to_the_end():
    expected = np.array([[10.0, 20.0], [10.0, 98.0], [10.0, 100.0], [100.0, 100.0]])
    found = np.array([[11.0, 19.0], [10.0, 100.0], [10.0, 40.0], [100.0, 100.0]])
    assert largest_lags(expected, found).tolist() == [1.0, 2.0, 60.0, 0.0]
