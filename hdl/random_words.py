"""The random words of stochastic rounding in gates: :mod:`qlif.model.random_words` says which."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.model import random_words


class RandomWordSource(wiring.Component):
    """Shows one random word after another.

    Parameters
    ----------
    seed : int
        Which sequence; it starts anew at reset.

    Attributes
    ----------
    word : Out, 32 bits
        The present word.
    advance : In
        In the next clock the next word is shown.
    """

    word: Value
    advance: Value

    def __init__(self, seed: int) -> None:
        self.seed = seed
        super().__init__({"word": Out(random_words.WORD_BITS), "advance": In(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the shift register: 32 places at once."""
        m = Module()
        bits, step, tap = random_words.REGISTER_BITS, random_words.WORD_BITS, random_words.TAP
        register = Signal(bits, init=random_words.initial_register(self.seed))
        fed_back = register[:step] ^ register[tap : tap + step]
        with m.If(self.advance):
            m.d.sync += register.eq(Cat(register[step:], fed_back))
        m.d.comb += self.word.eq(register[:step])
        return m
