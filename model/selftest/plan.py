"""What the self-test of a population feeds it and what it makes of the answer: the numbers, defined once.

The hardware (:mod:`qlif.hdl.selftest.block`) and the golden model (:mod:`qlif.model.selftest.golden`) are both
written from this page.

**Stimulus.** Update u, counted from reset, step after step and neuron after neuron, gets its current from
random word u of :mod:`qlif.model.random_words`. For 64 timesteps at a time each neuron is in one of four
regimes, its neighbours in the others: regime ``(neuron + (timestep >> 6)) & 3``. With W bits in a current
word, everything modulo ``2**W``:

0. `anything`: the low W bits of the random word;
1. `near rheobase`: the rheobase's word plus the random word's low ``max(2, W - 4)`` bits, taken as signed;
2. `rails`: by the random word's low two bits, 0, the highest, the lowest, the highest current;
3. `driven`: twice the rheobase's word plus the random word's low two bits, so that the neuron spikes
   steadily and is still never in the same state twice.

**Signature.** Two remainders of polynomials over GF(2), one for each output stream. Absorbing a word takes
a remainder S to ``S x + word`` modulo ``x^64 + x^4 + x^3 + x + 1``, which is primitive; both begin as all
ones. What happens between words doesn't matter, so latency and stalls don't. A single wrong word is always
seen; two or more cancel with a probability of 2^-64.

* Each update gives one word: spike (1 bit, lowest), neuron, potential, trace and, where it has bits, phase, side by
  side in the widths of the population's ports.
* Each row with a spike gives one: the first lane's neuron, which lanes spiked (with several lanes), the
  timestep, in the width of its port (32 bits unless the population was made with fewer), and the lanes' phases.

Where the parts have more than 64 bits together, bit i of them is added to bit i modulo 64.
"""

from dataclasses import dataclass

import numpy as np

from qlif.model.exceptions import InputError
from qlif.model.support.checks import whole
from qlif.model.theory import closed_form
from qlif.model.words import Words

SIGNATURE_BITS = 64
SIGNATURE_TAPS = 0b11011
"""The polynomial without its highest power."""
SIGNATURE_START = (1 << SIGNATURE_BITS) - 1

STRETCH_BITS = 6
"""A regime lasts 2**6 timesteps."""

TIMESTEP_BITS = 32
LARGEST_TIMESTEPS = (1 << TIMESTEP_BITS) - 1
LARGEST_SEED = (1 << 63) - 1


@dataclass(frozen=True)
class SelfTestPlan:
    """Which self-test a population gets.

    Attributes
    ----------
    seed : int
        Of the stimulus, 0 to 2**63 - 1.
    width : int
        Bits of a current word.
    near, strong : int
        Current word at rheobase; at twice the rheobase. The nearest ones that the format holds.
    noise_bits : int
        Random bits around rheobase.
    """

    seed: int
    width: int
    near: int
    strong: int
    noise_bits: int

    @classmethod
    def of(cls, words: Words, seed: int = 0) -> "SelfTestPlan":
        """Return the self-test of a population.

        Raises
        ------
        InputError
            The seed isn't a whole number in its range.
        """
        if whole("seed", seed, minimum=0) > LARGEST_SEED:
            raise InputError(f"seed must be from 0 to {LARGEST_SEED}, not {seed}")
        format = words.arithmetic.current
        rheobase = float(np.min(closed_form.rheobase(words.parameters) * np.asarray(words.current_scale)))
        near, strong = (
            int(np.clip(format.words(multiple * rheobase), format.min_word, format.max_word))
            for multiple in (1, 2)
        )
        return cls(seed, format.width, near, strong, max(2, format.width - 4))

    @property
    def random_seed(self) -> int:
        """Seed of the stimulus' random words: never one that stochastic rounding has by default."""
        return self.seed + (1 << 63)
