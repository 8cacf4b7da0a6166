"""Errors of one run against another: in spikes, rates and potentials.

:mod:`qlif.model.metrics.spike_distances` has the measures of spike trains that other libraries define.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show

Times = npt.NDArray[np.float64] | npt.NDArray[np.int64]
"""Spike times of one neuron, ascending."""


@dataclass(frozen=True, eq=False)
class LagByIndex:
    """How a lag grows from one spike to the next, over a population.

    Entry ``k`` is about the (k+1)-th spike of each neuron that has one in both records.

    Attributes
    ----------
    mean_steps, max_steps : ndarray, (most common spikes of any neuron,)
        Mean and largest absolute lag, in timesteps.
    neurons : ndarray of int, of the same shape
        How many neurons the entry is over; it only falls with the index.
    """

    mean_steps: npt.NDArray[np.float64]
    max_steps: npt.NDArray[np.int64]
    neurons: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SpikeLag:
    """The lag of each spike behind the spike of the same index in a reference.

    Attributes
    ----------
    lags : list of ndarray of int
        For each neuron, in C order, the timesteps by which its k-th spike comes after (positive)
        or before (negative) the k-th spike of the reference, for the spikes that both have.
    reference_counts, counts : ndarray of int, of the population's shape
        Number of spikes in the reference and in the run compared with it.
    lag_by_index : LagByIndex
        The same lags, by spike index.
    """

    lags: list[npt.NDArray[np.int64]]
    reference_counts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    lag_by_index: LagByIndex

    @property
    def max_lag_steps(self) -> int:
        """The largest absolute lag of any spike, in timesteps; 0 if there is none to compare."""
        return int(self.lag_by_index.max_steps.max(initial=0))

    @property
    def missing(self) -> int:
        """Spikes that the neurons with fewer than in the reference lack, together."""
        return int(np.maximum(self.reference_counts - self.counts, 0).sum())

    @property
    def extra(self) -> int:
        """Spikes that the neurons with more than in the reference have too many, together."""
        return int(np.maximum(self.counts - self.reference_counts, 0).sum())

    @property
    def silent_neurons(self) -> int:
        """How many neurons fire in the reference and never in the record."""
        return int(((self.reference_counts > 0) & (self.counts == 0)).sum())

    @property
    def spurious_neurons(self) -> int:
        """How many neurons never fire in the reference and do in the record."""
        return int(((self.reference_counts == 0) & (self.counts > 0)).sum())


@dataclass(frozen=True)
class PotentialError:
    """The difference of two potentials over all neurons and timesteps.

    Attributes
    ----------
    rmse_mv, mae_mv, max_mv : float
        Root of the mean square, mean and largest absolute difference, mV.
    nrmse : float
        `rmse_mv` in units of the reference's range (its largest minus its smallest potential); nan
        for a reference that never moves.
    """

    rmse_mv: float
    mae_mv: float
    max_mv: float
    nrmse: float


@dataclass(frozen=True, eq=False)
class RateError:
    """How much slower or faster each neuron of a record fires than in a reference.

    Attributes
    ----------
    intervals : ndarray of float, of the population's shape
        Relative error of the mean inter-spike interval, positive where the record is late; nan where
        either has fewer than two spikes.
    rates : ndarray of float, of the population's shape
        Relative error of the number of spikes: -1 for a neuron that falls silent, inf for a spurious one, nan
        for one that is silent in both.
    silent : ndarray of bool, of the population's shape
        Where the reference spikes and the record never does.
    spurious : ndarray of bool, of the population's shape
        Where the reference never spikes and the record does.
    """

    intervals: npt.NDArray[np.float64]
    rates: npt.NDArray[np.float64]
    silent: npt.NDArray[np.bool_]
    spurious: npt.NDArray[np.bool_]

    @property
    def rms_interval(self) -> float:
        """Root mean square of `intervals` over the neurons that have one; nan if none has."""
        return root_mean_square(self.intervals)

    @property
    def rms_rate(self) -> float:
        """Root mean square of `rates` over the neurons that spike in either record; nan if none does.

        One spurious neuron makes it infinite.
        """
        return root_mean_square(self.rates)

    @property
    def max_rate(self) -> float:
        """The largest absolute value of `rates`, infinite with a spurious neuron; nan if no neuron spikes."""
        known = np.abs(self.rates[~np.isnan(self.rates)])
        return float(known.max()) if known.size else math.nan


def root_mean_square(values: npt.ArrayLike) -> float:
    """Return the root of the mean square of the values that aren't nan; nan if all are."""
    array = np.asarray(values, dtype=np.float64)
    known = array[~np.isnan(array)]
    return math.sqrt(float(np.mean(np.square(known)))) if known.size else math.nan


def rate_error(reference_times: Sequence[Times], times: Sequence[Times]) -> RateError:
    """Compare how fast neurons fire, from their spike times.

    Parameters
    ----------
    reference_times, times : sequence of array_like
        The spike times of each neuron, ascending, in one unit of time.

    Returns
    -------
    RateError
        Its arrays have one entry per neuron.

    Raises
    ------
    InputError
        The two have different numbers of neurons.
    """
    if len(reference_times) != len(times):
        raise InputError(
            f"times must be of {len(reference_times)} neurons like reference_times, not of {len(times)}"
        )
    expected, found = mean_intervals(reference_times), mean_intervals(times)
    expected_counts = np.array([len(one) for one in reference_times], dtype=np.float64)
    found_counts = np.array([len(one) for one in times], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = (found_counts - expected_counts) / expected_counts
    return RateError(
        (found - expected) / expected,
        rates,
        silent=(expected_counts > 0) & (found_counts == 0),
        spurious=(expected_counts == 0) & (found_counts > 0),
    )


def mean_intervals(times: Sequence[Times]) -> npt.NDArray[np.float64]:
    """Return the mean inter-spike interval of each neuron; nan with fewer than two spikes."""
    intervals = np.full(len(times), math.nan)
    for neuron, one in enumerate(times):
        if len(one) >= 2:
            intervals[neuron] = (one[-1] - one[0]) / (len(one) - 1)
    return intervals


def spike_lag(reference_spikes: npt.ArrayLike, spikes: npt.ArrayLike) -> SpikeLag:
    """Compare two spike records spike by spike.

    The k-th spike of a neuron is compared with its k-th spike in the reference, whenever the two
    come. So one spike that is missed or invented shifts the index of all later ones, and their lags
    from there on contain whole inter-spike intervals. A missed spike and an invented one in the same neuron
    leave its count as it was: they show in the lags between them, not in ``missing`` and ``extra``,
    which compare counts only.

    Parameters
    ----------
    reference_spikes, spikes : array_like of bool, (timesteps, *shape)
        Who spiked in each timestep; 0 and 1 are accepted.

    Returns
    -------
    SpikeLag

    Raises
    ------
    InputError
        The shapes differ, or something isn't an array of true and false.
    """
    expected = _spikes("reference_spikes", reference_spikes)
    found = _spikes("spikes", spikes)
    _same_shape("spikes", found, "reference_spikes", expected)
    shape = expected.shape[1:]
    neurons = math.prod(shape)
    # Transposed, so that the spikes come neuron by neuron and in each one in the order of time.
    expected_neurons, expected_steps = np.nonzero(expected.reshape(len(expected), neurons).T)
    found_neurons, found_steps = np.nonzero(found.reshape(len(found), neurons).T)
    expected_counts = np.bincount(expected_neurons, minlength=neurons)
    found_counts = np.bincount(found_neurons, minlength=neurons)
    common = np.minimum(expected_counts, found_counts)
    expected_index = _index_in_neuron(expected_neurons, expected_counts)
    found_index = _index_in_neuron(found_neurons, found_counts)
    expected_kept = expected_index < common[expected_neurons]
    found_kept = found_index < common[found_neurons]
    lags = (found_steps[found_kept] - expected_steps[expected_kept]).astype(np.int64)
    return SpikeLag(
        lags=np.split(lags, np.cumsum(common)[:-1]) if neurons else [],
        reference_counts=expected_counts.reshape(shape),
        counts=found_counts.reshape(shape),
        lag_by_index=_by_index(expected_index[expected_kept], np.abs(lags)),
    )


def potential_error(reference: npt.ArrayLike, potentials: npt.ArrayLike) -> PotentialError:
    """Compare two potentials timestep by timestep.

    Where a spike comes one timestep late, the difference there is as large as the whole reset, so
    these numbers say little without those of :func:`spike_lag`.

    Parameters
    ----------
    reference, potentials : array_like, (timesteps, *shape)
        Potentials in mV.

    Returns
    -------
    PotentialError

    Raises
    ------
    InputError
        The shapes differ, there is no timestep or no neuron, or a value isn't a finite number.
    """
    expected = _potentials("reference", reference)
    found = _potentials("potentials", potentials)
    _same_shape("potentials", found, "reference", expected)
    distance = np.abs(found - expected)
    largest = float(distance.max())
    # Scaled by the largest, so that no square overflows or vanishes.
    rmse = largest * math.sqrt(float(np.mean(np.square(distance / largest)))) if largest else 0.0
    span = float(np.ptp(expected))
    return PotentialError(
        rmse_mv=rmse,
        mae_mv=float(distance.mean()),
        max_mv=largest,
        nrmse=rmse / span if span else math.nan,
    )


def _index_in_neuron(neurons: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many spikes of its own neuron came before each spike of a list sorted by neuron."""
    first = np.cumsum(counts) - counts
    return np.asarray(np.arange(len(neurons)) - first[neurons])


def _by_index(index: npt.NDArray[np.int64], distance: npt.NDArray[np.int64]) -> LagByIndex:
    neurons = np.bincount(index)
    largest = np.zeros(len(neurons), dtype=np.int64)
    np.maximum.at(largest, index, distance)
    return LagByIndex(np.bincount(index, weights=distance) / neurons, largest, neurons)


def _spikes(name: str, value: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    array = _regular(name, value)
    if array.dtype.kind not in "biuf" or not np.all((array == 0) | (array == 1)):
        raise InputError(f"{name} must be an array of true and false, not {show(array)}")
    return array.astype(np.bool_, copy=False)


def _potentials(name: str, value: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = _regular(name, value)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must be an array of numbers, not {show(array)}")
    if array.size == 0:
        raise InputError(f"{name} must have a timestep and a neuron at least, not the shape {array.shape}")
    numbers = array.astype(np.float64, copy=False)
    finite = np.isfinite(numbers)
    if not np.all(finite):
        bad = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InputError(f"{name} must be finite, not {numbers[bad]} at index {bad}")
    return numbers


def _regular(name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{name} must be a regular array, not a ragged one") from None
    if array.ndim == 0:
        raise InputError(f"{name} must be of shape (timesteps, *shape), not {show(value)}")
    return array


def _same_shape(name: str, array: npt.NDArray[Any], other: str, like: npt.NDArray[Any]) -> None:
    if array.shape != like.shape:
        raise InputError(f"{name} must be of the shape of {other}, {like.shape}, not {array.shape}")
