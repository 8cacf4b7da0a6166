"""Distances between spike trains as the literature defines them, computed by the libraries that keep them.

Victor-Purpura and van Rossum distance come from Elephant, ISI- and SPIKE-distance from PySpike; both are
in the extra ``study``. They see what a lag by spike index can't: a spike that is missed in one place and
invented in another.
"""

import functools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, apart
from qlif.model.support.checks import Quantity
from qlif.model.support.optional import optional

DURATION = Quantity("ms", 0.0, open=True)


@dataclass(frozen=True)
class SpikeDistances:
    """Distances of a population's spike trains from a reference's, each the mean over its neurons.

    Attributes
    ----------
    victor_purpura : float
        The cheapest way to turn one train into the other, where a spike costs 1 to add or remove and
        ``1 / time_scale_ms`` to move by 1 ms. Victor and Purpura, J. Neurophysiol. 76, 1310 (1996).
    van_rossum : float
        The distance of the trains after an exponential filter with a time constant of
        `time_scale_ms`. van Rossum, Neural Computation 13, 751 (2001), but normalised so that a spike that only one
        train has gives 1, as usual today; by the article's definition it gives the square root of one half, 0.71.
    isi : float
        Relative difference of the momentary inter-spike intervals, averaged over time, 0 to 1.
        Kreuz et al., J. Neurosci. Methods 165, 151 (2007).
    spike : float
        Relative difference of the times of the nearest spikes, averaged over time, 0 to 1.
        Kreuz et al., J. Neurophysiol. 109, 1457 (2013).
    """

    victor_purpura: float
    van_rossum: float
    isi: float
    spike: float


def spike_distances(
    reference_times: Sequence[npt.ArrayLike],
    times: Sequence[npt.ArrayLike],
    *,
    duration_ms: float,
    time_scale_ms: float = 10.0,
) -> SpikeDistances:
    """Compare spike trains neuron by neuron.

    Parameters
    ----------
    reference_times, times : sequence of array_like
        Spike times of each neuron, ms, ascending, from 0 to `duration_ms`.
    duration_ms : float
        How long both were recorded.
    time_scale_ms : float
        Of the Victor-Purpura and the van Rossum distance.

    Returns
    -------
    SpikeDistances

    Raises
    ------
    InputError
        The numbers of neurons differ or are 0, a spike is outside the duration, or the extra
        ``study`` isn't installed.
    """
    if len(reference_times) != len(times) or not len(times):
        raise InputError(
            f"times must be of as many neurons as reference_times, {len(reference_times)}, 1 or more, "
            f"not of {len(times)}"
        )
    duration = DURATION.check("duration_ms", duration_ms)
    scale = DURATION.check("time_scale_ms", time_scale_ms)
    expected = [_train("reference_times", one, duration) for one in reference_times]
    found = [_train("times", one, duration) for one in times]
    each = np.array([_pair(*pair, duration, scale) for pair in zip(expected, found, strict=True)])
    mean = each.mean(axis=0)
    return SpikeDistances(*(float(one) for one in mean))


def _pair(
    expected: npt.NDArray[np.float64], found: npt.NDArray[np.float64], duration: float, scale: float
) -> tuple[float, float, float, float]:
    """Return the four distances of one neuron's trains."""
    pyspike, dissimilarity, neo, units = _libraries()
    if not len(expected) and not len(found):
        return 0.0, 0.0, 0.0, 0.0  # equal; PySpike leaves that case undefined
    pair = (expected, found)
    trains = [neo.SpikeTrain(one, t_stop=duration, units="ms") for one in pair]
    with warnings.catch_warnings():
        # Of a square that rounding made negative by a last place, which Elephant sets to 0.
        warnings.filterwarnings("ignore", "van_rossum_distance: very small negative", RuntimeWarning)
        victor = dissimilarity.victor_purpura_distance(trains, cost_factor=1 / (scale * units.ms))[0, 1]
        rossum = dissimilarity.van_rossum_distance(trains, time_constant=scale * units.ms)[0, 1]
    sides = [pyspike.SpikeTrain(one, [0.0, duration]) for one in pair]
    return float(victor), float(rossum), pyspike.isi_distance(*sides), pyspike.spike_distance(*sides)


def _train(name: str, times: npt.ArrayLike, duration: float) -> npt.NDArray[np.float64]:
    train = np.asarray(times, dtype=np.float64)
    if train.ndim != 1 or np.any(np.diff(train) < 0):
        raise InputError(f"{name} must be a list of ascending spike times for each neuron")
    if train.size and not (train[0] >= 0 and train[-1] <= duration):
        highest, first, last = apart(duration, train[0], train[-1])
        raise InputError(f"{name} must be from 0 to {highest} ms, not {first} to {last}")
    return train


def check_libraries() -> None:
    """Raise InputError if the extra ``study`` isn't installed."""
    _libraries()


@functools.cache
def _libraries() -> tuple[Any, Any, Any, Any]:
    names = ("pyspike", "elephant.spike_train_dissimilarity", "neo", "quantities")
    pyspike, dissimilarity, neo, quantities = (optional(name, "study") for name in names)
    return pyspike, dissimilarity, neo, quantities
