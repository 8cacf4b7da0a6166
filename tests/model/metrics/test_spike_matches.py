"""Which spikes of two trains are the same one."""

import numpy as np

from qlif.model.metrics.spike_matches import matches


def test_matches_uses_each_spike_once():
    reference, times = np.array([10.0, 11.0, 30.0, 50.0]), np.array([10.5, 30.1, 30.2, 49.0, 60.0])
    assert matches(reference, times, 2.0).round(6).tolist() == [0.5, 0.1, -1.0]
    assert not len(matches(reference, np.array([]), 2.0))
