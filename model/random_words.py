"""The random words of stochastic rounding, the same in model, hardware and proof.

They come from one linear feedback shift register over the primitive trinomial ``x^63 + x^31 + 1``:
a sequence of bits with ``b[t + 63] = b[t + 31] ^ b[t]``, which repeats after 2^63 - 1 bits. Word u is
the 32 bits from ``b[32 u]`` on, the first one lowest. In gates that is 63 flip-flops and 32 two-input
exclusive ors for a word per clock; and because squaring is linear over GF(2), whole words follow the
same rule, ``w[u + 63] = w[u + 31] ^ w[u]``, which is how the model makes them.

Word u belongs to update u, counted from reset: step after step, neuron after neuron. It is used up
whether or not the neuron is refractory, so a run's words depend on the seed alone.

The first 63 bits are the low bits of the splitmix64 hash of the seed (Steele, Lea & Flood 2014), so
that near seeds give unrelated sequences.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

REGISTER_BITS = 63
TAP = 31
WORD_BITS = 32

_REGISTER_MASK = (1 << REGISTER_BITS) - 1


def initial_register(seed: int) -> int:
    """Return the first 63 bits of the sequence, the first one lowest; never 0."""
    mask = (1 << 64) - 1
    mixed = (seed + 0x9E3779B97F4A7C15) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    # The two seeds whose hash ends in 63 zeros would stick there.
    return ((mixed ^ (mixed >> 31)) & _REGISTER_MASK) or 1


def next_register(register: int) -> int:
    """Return the register one word (32 bits) later."""
    fed_back = (register ^ (register >> TAP)) & ((1 << WORD_BITS) - 1)
    return (register >> WORD_BITS) | (fed_back << (REGISTER_BITS - WORD_BITS))


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
        self._ahead = np.array(words, dtype=np.int64).astype(dtype)  # the next 63 words

    def take(self, count: int) -> npt.NDArray[Any]:
        """Return the next `count` words, each from 0 to 2**32 - 1 if the type is wide enough."""
        sequence = np.empty(REGISTER_BITS + count, dtype=self._ahead.dtype)
        sequence[:REGISTER_BITS] = self._ahead
        filled, stride = REGISTER_BITS, 1
        while filled < len(sequence):
            # The rule holds for any power-of-two stride; the longer it is, the more words at once.
            while filled >= 2 * stride * REGISTER_BITS:
                stride *= 2
            old, new = stride * REGISTER_BITS, stride * (REGISTER_BITS - TAP)
            end = min(filled + new, len(sequence))
            span = end - filled
            sequence[filled:end] = (
                sequence[filled - new : filled - new + span] ^ sequence[filled - old : filled - old + span]
            )
            filled = end
        self._ahead = sequence[count:].copy()
        return sequence[:count]
