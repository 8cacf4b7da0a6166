"""The random words of stochastic rounding in gates: :mod:`qlif.model.random_words` says which."""

import functools
import operator
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.model import random_words


class RandomWordSource(wiring.Component):
    """Shows some random words at once, then the next ones.

    Parameters
    ----------
    seed : int
        Which sequence; it starts anew at reset.
    at_once : int
        How many words are shown in one clock.

    Attributes
    ----------
    words : Out, 32 bits each
        The present words, the first one lowest.
    advance : In
        In the next clock the next words are shown.
    """

    words: Value
    advance: Value

    def __init__(self, seed: int, at_once: int = 1) -> None:
        self.seed = seed
        self.at_once = at_once
        super().__init__({"words": Out(random_words.WORD_BITS * at_once), "advance": In(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the shift register: as many places at once as the words have bits."""
        m = Module()
        register = Signal(random_words.REGISTER_BITS, init=random_words.initial_register(self.seed))
        places = len(self.words)
        # The sequence from here on: which bits of the register each bit is the exclusive or of. Written as
        # that of two earlier bits each, it would be an expression of a size beyond all bounds.
        bits = [{place} for place in range(random_words.REGISTER_BITS)]
        for place in range(places):
            bits.append(bits[place] ^ bits[place + random_words.TAP])
        values = [functools.reduce(operator.xor, (register[place] for place in sorted(bit))) for bit in bits]
        with m.If(self.advance):
            m.d.sync += register.eq(Cat(values[places:]))
        m.d.comb += self.words.eq(Cat(values[:places]))
        return m
