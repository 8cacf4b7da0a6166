"""The random words of stochastic rounding, the same in model, hardware and proof.

A linear feedback shift register over the primitive pentanomial ``x^107 + x^34 + x^28 + x^9 + 1`` makes the
sequence ``b[t + 107] = b[t + 34] ^ b[t + 28] ^ b[t + 9] ^ b[t]``, and one gate behind it the random bits,
``r[t] = b[t] ^ (b[t + 32] & b[t + 64])``. Word u is the 32 random bits from ``r[32 u]`` on, the first one lowest.
All of it repeats after 2^107 - 1 words. In gates, a word per clock takes 107 flip-flops, 32 four-input exclusive
ors, and a three-input gate for each bit of the word that is used.

Squaring is linear over GF(2), so the register's own words follow the same rule, word by word and at any
power-of-two stride; that is how the model makes them. It is also why the gate is there: without it, rounding errors
would follow the rule as well. With it, the products of up to four errors are those of independent ones, at all
distances that were searched (``make random-words``).

Word u belongs to update u, counted from reset: step after step, neuron after neuron. It is used up
whether or not the neuron is refractory, so a run's words depend on the seed alone.

A seed is put into the register as its splitmix64 hash (Steele, Lea & Flood 2014) with 43 ones above it, 64 words
before word 0. The ones, and steps that all can be undone, make sure that no seed gives the register that stays at
zero, and that different seeds give different registers. The 64 words spread a hash of few ones or few zeros.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

REGISTER_BITS = 107
TAPS = (0, 9, 28, 34)
WORD_BITS = 32
MASK_LAGS = (WORD_BITS, 2 * WORD_BITS)
"""How far behind a random bit's own place those two are whose conjunction it is changed by."""

WARM_UP = 64
"""Words between the register that a seed is put into and that of word 0."""

_HASH_BITS = 64
_KEPT_BYTES = 1 << 18
"""Of the words that are kept to make the next ones from, in a cache of the processor."""


def initial_register(seed: int) -> int:
    """Return the register of word 0, its first bit lowest; never 0."""
    mask = (1 << _HASH_BITS) - 1
    mixed = (seed + 0x9E3779B97F4A7C15) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    mixed ^= mixed >> 31
    register = mixed | ((1 << REGISTER_BITS) - (1 << _HASH_BITS))
    for _ in range(WARM_UP):
        register = next_register(register)
    return register


def next_register(register: int) -> int:
    """Return the register one word (32 bits) later."""
    fed_back = 0
    for tap in TAPS:
        fed_back ^= register >> tap
    fed_back &= (1 << WORD_BITS) - 1
    return (register >> WORD_BITS) | (fed_back << (REGISTER_BITS - WORD_BITS))


def sources(place: int) -> list[int]:
    """Return the places in the sequence of the four bits whose exclusive or a bit behind the register is.

    They are those of the rule at its largest stride, so that few rules lead from the register to any bit.
    """
    stride = 1 << (place // REGISTER_BITS).bit_length() - 1
    return [place - stride * (REGISTER_BITS - tap) for tap in TAPS]


class RandomWords:
    """The sequence of random words of one seed, from word 0 on.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    dtype : dtype
        Type of the words. A narrow one holds their low bits, which follow the same rule.
    """

    def __init__(self, seed: int, dtype: npt.DTypeLike = np.int64) -> None:
        register = initial_register(seed)
        words = []
        for _ in range(REGISTER_BITS):
            words.append(register & ((1 << WORD_BITS) - 1))
            register = next_register(register)
        # The register's own words, the latest that were made, and which of them is that of the next random word.
        self._sequence = np.array(words, dtype=np.int64).astype(dtype)
        self._next = 0

    def take(self, count: int) -> npt.NDArray[Any]:
        """Return the next `count` words, each from 0 to 2**32 - 1 if the type is wide enough."""
        taken = np.empty(count, dtype=self._sequence.dtype)
        filled = 0
        while filled < count:
            if self._next + len(MASK_LAGS) >= len(self._sequence):
                self._make_more()
            first = self._next
            self._next = min(first + count - filled, len(self._sequence) - len(MASK_LAGS))
            words = taken[filled : filled + self._next - first]
            one, other = (self._sequence[first + lag // WORD_BITS :][: len(words)] for lag in MASK_LAGS)
            np.bitwise_and(one, other, out=words)
            words ^= self._sequence[first : self._next]
            filled += len(words)
        return taken

    def _make_more(self) -> None:
        """Make as many words as are kept, which is 107 times a power of two."""
        made = len(self._sequence)
        kept = made // 2 if self._sequence.nbytes > _KEPT_BYTES else made
        sequence = np.empty(2 * kept, dtype=self._sequence.dtype)
        sequence[:kept] = self._sequence[made - kept :]
        # The rule holds for any power-of-two stride: the longer it is, the more words at once.
        stride = kept // REGISTER_BITS
        at_once = stride * (REGISTER_BITS - TAPS[-1])
        for first in range(kept, 2 * kept, at_once):
            new = sequence[first : first + at_once]
            old = [sequence[first - stride * (REGISTER_BITS - tap) :][: len(new)] for tap in TAPS]
            np.bitwise_xor(old[0], old[1], out=new)
            for words in old[2:]:
                new ^= words
        self._sequence = sequence
        self._next -= made - kept
