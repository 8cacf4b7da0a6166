"""Heun's step in fixed point: what a second squaring would bring. It is in this study only, not in gates.

The predictor is the word of Euler's own step, rounded and saturated; the increments at both ends are exact, and
their mean is added to the potential exactly, rounded once and saturated once.
"""

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.golden import step as datapath
from qlif.model.kernel.rules import Plan
from qlif.model.rounding import drop, fit
from qlif.model.words import Words

Integers = npt.NDArray[np.int64]


def spike_times(words: Words, currents: Integers) -> list[npt.NDArray[np.float64]]:
    """Run a population under constant currents and return when each neuron spiked.

    Parameters
    ----------
    words : Words
        Without stochastic rounding.
    currents : array of int, (timesteps, neurons)
        Current words.

    Returns
    -------
    list of ndarray of float64
        Spike times of each neuron, ms.

    Raises
    ------
    InputError
        The arithmetic has stochastic rounding, or sums that 63 bits don't hold.
    """
    arithmetic, constants = words.arithmetic, words.values
    bits = arithmetic.phase_bits
    # The whole increment is multiplied by the phase here: its bits are behind the others.
    finest = max(words.added_format.f_bits, arithmetic.potential.f_bits) + bits
    if arithmetic.random_bits:
        raise InputError(f"rounding must not be stochastic for Heun's step, not {arithmetic.rounding}")
    # The mean of two increments has one fraction bit more, and the comparisons another one.
    if Plan(words).sum_range.bits + bits + 2 > 63:
        raise InputError("the sum of Heun's step must fit 63 bits: choose narrower formats")
    neurons = currents.shape[1]
    v = np.full(neurons, constants["reset"], dtype=np.int64)
    count, phase = np.zeros(neurons, dtype=np.int64), np.zeros(neurons, dtype=np.int64)
    spiked = np.zeros(currents.shape, dtype=np.bool_)
    left = np.zeros(currents.shape, dtype=np.int64)
    for timestep, current in enumerate(currents.astype(np.int64)):
        ready = count == 0
        first = datapath.exact_increment(words, constants, v, current, np.where)
        longer = datapath.longer_step(words, v, first, phase, np.where)
        ahead = _word(words, longer, words.sum_format.f_bits)
        twice = first + datapath.exact_increment(words, constants, ahead, current, np.where)
        # One fraction bit more than the sum of Euler's step.
        added = (twice << bits) + twice * phase
        total = (v << (finest + 1 - arithmetic.potential.f_bits)) + (
            added << (finest - bits - words.added_format.f_bits)
        )
        after = _word(words, total, finest + 1)
        fires = ready & (after >= constants["threshold"])
        above = total - (np.int64(constants["threshold"]) << (finest + 1 - arithmetic.potential.f_bits))
        unit = twice << (finest - bits - words.added_format.f_bits)
        units = sum(
            ((2 * above >= (2 * i - 1) * unit).astype(np.int64) for i in range(1, 1 << bits)), np.int64(0)
        )
        phase = np.where(ready, np.where(fires, units, 0), phase)
        spiked[timestep], left[timestep] = fires, phase
        v = np.where(fires, constants["reset"], np.where(ready, after, v))
        count = np.where(fires, constants["refractory"], np.maximum(count - 1, 0))
    dt = words.parameters.dt
    return [
        np.asarray((np.flatnonzero(spiked[:, n]) + 1 - left[spiked[:, n], n] / (1 << bits)) * dt)
        for n in range(neurons)
    ]


def _word(words: Words, total: Integers, f_bits: int) -> Integers:
    """Return a sum with so many fraction bits as a word of the potential."""
    arithmetic = words.arithmetic
    excess = f_bits - arithmetic.potential.f_bits
    return np.asarray(
        fit(drop(total, excess, arithmetic.rounding), arithmetic.potential, arithmetic.overflow, np.where)
    )
