"""From samples to timesteps, without a running sum: the error of a timestep doesn't affect the next."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.support.checks import allocate

_LARGEST_DENOMINATOR = 10**9
_LARGEST_INTEGER = 2**62
_STRETCH = 1 << 16
"""Timesteps computed at a time."""

Samples = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def resampled(samples: Samples, rate: float, dt: float, *, linear: bool) -> Samples:
    """Return samples on the timesteps.

    Parameters
    ----------
    samples : array of float64, shape ``(samples, channels)``
        A sample holds until the next one.
    rate : float
        Sampling rate, Hz.
    dt : float
        Timestep, ms.
    linear : bool
        Interpolate between the samples at the start of each timestep, instead of averaging over it.

    Returns
    -------
    array of float64, shape ``(timesteps, channels)``
        `samples` itself where there is one sample in a timestep. A remainder shorter than a timestep is dropped.

    Raises
    ------
    InputError
        There is less than a timestep, or the timesteps don't fit in memory.
    """
    # The decimal numbers that were meant: 44,100 Hz at 0.1 ms are 4.41 samples, with no error that grows.
    exact = Fraction(str(rate)) * Fraction(str(dt)) / 1000
    timesteps = _timesteps(len(samples), exact)
    largest = min(_LARGEST_DENOMINATOR, _LARGEST_INTEGER // int(max(timesteps, 1) * max(exact, Fraction(1))))
    if largest < 1:
        raise InputError(f"{float(exact):g} samples in a timestep are too few to resample")
    # A rate of 1000 / dt is one sample in a timestep, whatever its last digit.
    each = exact.limit_denominator(largest) if exact >= 1 else 1 / (1 / exact).limit_denominator(largest)
    timesteps = _timesteps(len(samples), each)
    if timesteps == 0:
        raise InputError(f"{len(samples)} samples are shorter than one timestep of {float(each):g} samples")
    if each == 1:
        return samples
    result = allocate(timesteps, samples.shape[1])
    for begin in range(0, timesteps, _STRETCH):
        end = min(begin + _STRETCH, timesteps)
        # Where each timestep begins: a sample, and how far into it, in parts of the ratio's denominator.
        edges = np.arange(begin, end + 1, dtype=np.int64) * each.numerator
        whole, parts = np.divmod(edges, each.denominator)
        fill = _interpolated if linear else _averaged
        result[begin:end] = fill(samples, whole, parts[:, np.newaxis], each)
    return result


def _timesteps(samples: int, each: Fraction) -> int:
    return samples * each.denominator // each.numerator


def _interpolated(samples: Samples, whole: Integers, parts: Integers, each: Fraction) -> Samples:
    """Return the line between the samples before and after the beginning of each timestep."""
    first, part = whole[:-1], parts[:-1] / each.denominator
    following = np.minimum(first + 1, len(samples) - 1)
    return np.asarray((1 - part) * samples[first] + part * samples[following])


def _averaged(samples: Samples, whole: Integers, parts: Integers, each: Fraction) -> Samples:
    """Return the mean of the samples in each timestep, weighted by their overlap."""
    first, last = whole[:-1], whole[1:]
    # The samples between the one in which a timestep begins and the one in which it ends; `last` may be one
    # past the end, where no sample overlaps.
    local = np.zeros((last[-1] + 2 - first[0], samples.shape[1]))
    within = samples[first[0] : last[-1] + 1]
    local[: len(within)] = within
    bounds = np.column_stack((first + 1, last)).ravel() - first[0]
    between = np.add.reduceat(local, bounds)[::2]
    between[first + 1 >= last] = 0
    begin, end = local[first - first[0]], local[last - first[0]]
    unit = each.denominator
    mean = ((unit - parts[:-1]) * begin + unit * between + parts[1:] * end) / each.numerator
    inside = (first == last) | ((first + 1 == last) & (parts[1:, 0] == 0))
    mean[inside] = begin[inside]  # of one sample alone, to the bit
    return np.asarray(mean)
