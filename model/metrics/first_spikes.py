"""The first spikes of each neuron, and how far those of two runs are from each other."""

import numpy as np
import numpy.typing as npt

from qlif.model.recording import Recording

Reals = npt.NDArray[np.float64]


def first_spikes(recording: Recording, count: int) -> Reals:
    """Return when each neuron had its first `count` spikes.

    Returns
    -------
    ndarray of float64, (neurons, count)
        In timesteps from the start, a spike that ends the first one at 0. A spike that there isn't counts as one just
        after the end of the run: it comes then at the earliest.
    """
    flat = recording.spikes.reshape(recording.timesteps, -1)
    neurons, steps = np.nonzero(flat.T)
    found = steps.astype(np.float64)
    if recording.phases is not None:
        found -= recording.phases.reshape(flat.shape)[steps, neurons]
    times = np.full((flat.shape[1], count), float(recording.timesteps))
    return place(times, np.zeros(flat.shape[1], dtype=np.int64), neurons, found)


def place(
    times: Reals,
    counts: npt.NDArray[np.int64],
    neurons: npt.NDArray[np.int64],
    found: npt.NDArray[np.float64],
) -> Reals:
    """Write spikes behind those that each neuron has already, as far as there is room; return `times`.

    Parameters
    ----------
    times : ndarray, (neurons, count)
        Is written.
    counts : ndarray of int, (neurons,)
        Spikes that each neuron has, in `times` or beyond; is advanced.
    neurons, found : ndarray, (spikes,)
        Whose each new one is, and when; sorted by neuron, and by time for each neuron.
    """
    new = np.bincount(neurons, minlength=len(counts))
    index = np.arange(len(neurons)) - (np.cumsum(new) - new)[neurons] + counts[neurons]
    kept = index < times.shape[1]
    times[neurons[kept], index[kept]] = found[kept]
    counts += new
    return times


def largest_lags(expected: Reals, found: Reals) -> Reals:
    """Return the largest lag of any first spike of each neuron behind or before the one of its index, timesteps.

    A spike that only one of the two has comes in the other after the end, if at all: its lag is at least the time
    from it to the end, which is what counts.
    """
    # Times on the grid are whole numbers, except for floating-point error.
    return np.asarray(np.round(np.abs(found - expected).max(axis=1), 6))
