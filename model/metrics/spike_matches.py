"""Which spikes of two trains are the same one."""

import numpy as np
import numpy.typing as npt


def matches(
    reference: npt.NDArray[np.float64], times: npt.NDArray[np.float64], window: float
) -> npt.NDArray[np.float64]:
    """Return by how much spikes that both trains have within a window differ, each used once.

    Parameters
    ----------
    reference, times : array of float64
        Spike times, ascending.
    window : float
        In their unit.
    """
    differences = []
    i = j = 0
    while i < len(reference) and j < len(times):
        difference = times[j] - reference[i]
        if abs(difference) <= window:
            differences.append(difference)
            i, j = i + 1, j + 1
        elif difference < 0:
            j += 1
        else:
            i += 1
    return np.array(differences)
