"""The self-test's stimulus and signature as compiled loops.

They give what :mod:`qlif.model.selftest.golden` gives in numpy, at a few nanoseconds for an
update. Importing this fails without numba.
"""

import numba
import numpy as np

from qlif.model.kernel.jit import Compiled
from qlif.model.selftest.plan import SIGNATURE_BITS, SIGNATURE_TAPS, STRETCH_BITS

AT_ONCE = 32
"""Polynomials that are evaluated side by side: every 32nd word belongs to the same one."""

_OUT = np.uint64(SIGNATURE_BITS - AT_ONCE)
_TOP = np.uint64(SIGNATURE_BITS - 1)
_BY = np.uint64(AT_ONCE)
_ONE = np.uint64(1)
_TAPS = np.uint64(SIGNATURE_TAPS)
# The polynomial's lower powers of x besides 1.
_FIRST, _SECOND, _THIRD = (np.uint64(place) for place in range(1, 64) if SIGNATURE_TAPS >> place & 1)


@Compiled
def currents(random, timestep, near, strong, noise_bits, width, out):  # type: ignore[no-untyped-def]
    """Fill `out`, (timesteps, neurons), with current words made of random words."""
    timesteps, neurons = out.shape
    highest, lowest = (1 << (width - 1)) - 1, -(1 << (width - 1))
    rails = np.array([0, highest, lowest, highest])
    noise_shift, shift = 64 - noise_bits, 64 - width
    for step in range(timesteps):
        stretch = (timestep + step) >> STRETCH_BITS
        for first in range(4):
            # Every fourth neuron is in the same regime.
            regime = (first + stretch) & 3
            base = step * neurons
            for neuron in range(first, neurons, 4):
                word = random[base + neuron]
                if regime == 1:
                    word = near + ((word << noise_shift) >> noise_shift)
                elif regime == 2:
                    word = rails[word & 3]
                elif regime == 3:
                    word = strong + (word & 3)
                out[step, neuron] = (word << shift) >> shift


@Compiled
def update_words(spikes, potential, trace, neuron_bits, potential_bits, trace_bits):  # type: ignore[no-untyped-def]
    """Return what the signature absorbs of each update, all in (timesteps, neurons)."""
    timesteps, neurons = spikes.shape
    words = np.empty((timesteps, neurons), dtype=np.uint64)
    potential_mask = (_ONE << np.uint64(potential_bits)) - _ONE
    trace_mask = (_ONE << np.uint64(trace_bits)) - _ONE
    at_potential = np.uint64(1 + neuron_bits)
    at_trace = np.uint64(1 + neuron_bits + potential_bits)
    # Bits behind the 64th are added to those at the beginning; all widths together stay below 128.
    beyond = 1 + neuron_bits + potential_bits + trace_bits > SIGNATURE_BITS
    back = np.uint64(SIGNATURE_BITS) - at_trace
    for step in range(timesteps):
        for neuron in range(neurons):
            trace_word = np.uint64(trace[step, neuron]) & trace_mask
            word = np.uint64(spikes[step, neuron]) | np.uint64(neuron) << _ONE
            word ^= (np.uint64(potential[step, neuron]) & potential_mask) << at_potential
            word ^= trace_word << at_trace
            if beyond:
                word ^= trace_word >> back
            words[step, neuron] = word
    return words


@Compiled
def absorb(signature, words):  # type: ignore[no-untyped-def]
    """Return a signature after it absorbed words."""
    sums = np.zeros(AT_ONCE, dtype=np.uint64)
    sums[AT_ONCE - 1] = signature
    whole = len(words) - len(words) % AT_ONCE
    for start in range(0, whole, AT_ONCE):
        for place in range(AT_ONCE):
            value = sums[place]
            out = value >> _OUT
            sums[place] = (
                (value << _BY)
                ^ out
                ^ (out << _FIRST)
                ^ (out << _SECOND)
                ^ (out << _THIRD)
                ^ words[start + place]
            )
    total = np.uint64(0)
    for place in range(AT_ONCE):
        total = _times_x(total) ^ sums[place]
    for place in range(whole, len(words)):
        total = _times_x(total) ^ words[place]
    return total


@numba.njit
def _times_x(value):  # type: ignore[no-untyped-def]
    return (value << _ONE) ^ (_TAPS if value >> _TOP else np.uint64(0))
