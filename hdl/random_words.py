"""The random words of stochastic rounding in gates: :mod:`qlif.model.random_words` says which."""

import functools
import operator

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.model import random_words


class RandomWordSource(wiring.Component):
    """Outputs several random words per clock.

    Parameters
    ----------
    seed : int
        Seed of the sequence, which restarts at reset.
    at_once : int
        Number of words per clock.

    Attributes
    ----------
    words : Out, 32 bits each
        The current words, the first one lowest.
    advance : In
        Move on to the next words.
    """

    words: Value
    advance: Value

    def __init__(self, seed: int, at_once: int = 1) -> None:
        self.seed = seed
        self.at_once = at_once
        super().__init__({"words": Out(random_words.WORD_BITS * at_once), "advance": In(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the shift register, as many places at once as the words have bits, and the gates behind it."""
        m = Module()
        shift_register = Signal(random_words.REGISTER_BITS, init=random_words.initial_register(self.seed))
        places = len(self.words)
        sequence = self._sequence(m, shift_register, places + len(shift_register))
        with m.If(self.advance):
            m.d.sync += shift_register.eq(sequence[places:])
        one, other = (sequence[lag : lag + places] for lag in random_words.MASK_LAGS)
        m.d.comb += self.words.eq(sequence[:places] ^ (one & other))
        return m

    def _sequence(self, m: Module, register: Signal, count: int) -> Value:
        """Return the next bits of the sequence, starting with the register's.

        Together go those that are made of what is known; as that is far back, few gates are in a row.
        """
        known: Value = register
        while (first := len(known)) < count:
            new: list[Value] = []
            while first + len(new) < count and max(random_words.sources(first + len(new))) < first:
                earlier = (known[place] for place in random_words.sources(first + len(new)))
                new.append(functools.reduce(operator.xor, earlier))
            following = Signal(len(new), name=f"from_{first}")
            m.d.comb += following.eq(Cat(new))
            known = Cat(known, following)
        return known
