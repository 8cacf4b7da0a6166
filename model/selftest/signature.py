"""Signatures as the self-test in gates makes them: :mod:`qlif.model.selftest.plan` says which.

Absorbing words is evaluating a polynomial whose coefficients they are. Its powers of x needn't be taken one
after another: two neighbouring words are one coefficient of a polynomial in x^2, and so on, so that whole
arrays are worked on at once.
"""

import functools
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.selftest.plan import SIGNATURE_BITS, SIGNATURE_TAPS

Remainders = npt.NDArray[np.uint64]

_LARGEST_SHIFT = SIGNATURE_BITS - SIGNATURE_TAPS.bit_length() + 1
"""Up to here what is shifted out comes back in without being shifted out again."""


def absorb(signature: int, words: npt.NDArray[np.uint64]) -> int:
    """Return a signature after it absorbed words, in their order."""
    terms: Remainders = np.concatenate([np.array([signature], dtype=np.uint64), words.ravel()])
    power = 1
    while len(terms) > 1:
        if len(terms) % 2:
            # A leading coefficient of 0 changes nothing.
            terms = np.concatenate([np.zeros(1, dtype=np.uint64), terms])
        terms = times_x(terms[0::2], power) ^ terms[1::2]
        power *= 2
    return int(terms[0])


def times_x(remainders: Remainders, power: int) -> Remainders:
    """Return remainders times a power of x, modulo the signature's polynomial."""
    if power <= _LARGEST_SHIFT:
        out = remainders >> np.uint64(SIGNATURE_BITS - power)
        result = remainders << np.uint64(power)
        for place in range(SIGNATURE_TAPS.bit_length()):
            if SIGNATURE_TAPS >> place & 1:
                result ^= out << np.uint64(place)
        return result
    factor = _power_of_x(power)
    result = np.zeros_like(remainders)
    for place in reversed(range(SIGNATURE_BITS)):
        result = times_x(result, 1)
        if factor >> place & 1:
            result ^= remainders
    return result


@functools.cache
def _power_of_x(power: int) -> int:
    """Return a power of x, a power of two, modulo the polynomial: by squaring."""
    value, reached = np.array([2], dtype=np.uint64), 1
    while reached < power:
        # A square's product with itself, bit by bit.
        square = np.zeros(1, dtype=np.uint64)
        for place in reversed(range(SIGNATURE_BITS)):
            square = times_x(square, 1)
            if int(value[0]) >> place & 1:
                square ^= value
        value, reached = square, 2 * reached
    return int(value[0])


def folded(parts: Iterable[tuple[object, int]]) -> npt.NDArray[np.uint64]:
    """Return parts side by side as words of 64 bits: bit i of them is added to bit i modulo 64.

    Parameters
    ----------
    parts : iterable of (array of int, int)
        Words, signed or not, and their width; the first one's bits are the lowest.
    """
    word, offset = np.uint64(0), 0
    result: Any = word
    for values, width in parts:
        bits = np.asarray(values).astype(np.int64).view(np.uint64) & np.uint64((1 << width) - 1)
        place = offset % SIGNATURE_BITS
        result = result ^ (bits << np.uint64(place))
        if place + width > SIGNATURE_BITS:
            result = result ^ (bits >> np.uint64(SIGNATURE_BITS - place))
        offset += width
    return np.asarray(result)
