"""Pauses of the self-test's streams, made in gates."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.ports import STALL_RATE_BITS
from qlif.hdl.random_words import RandomWordSource
from qlif.model.random_words import WORD_BITS

SEED = 1
"""Of the pauses: none that a stimulus or stochastic rounding has by default. No result depends on it."""


class Stalls(wiring.Component):
    """Lets each of some streams pause in clocks that are drawn at random.

    Parameters
    ----------
    streams : int
        How many, at most four.

    Attributes
    ----------
    rate : In, 8 bits
        In how many of 256 clocks, on average; 0 for none.
    paused : Out, a bit for each stream
        Whether it pauses in this clock.
    """

    rate: Value
    paused: Value

    def __init__(self, streams: int) -> None:
        if streams * STALL_RATE_BITS > WORD_BITS:
            raise ValueError(
                f"there are random bits for {WORD_BITS // STALL_RATE_BITS} streams, not {streams}"
            )
        self.streams = streams
        super().__init__({"rate": In(STALL_RATE_BITS), "paused": Out(streams)})

    def elaborate(self, platform: object) -> Module:
        """Compare a part of a random word for each stream, with registers around that, as there is time."""
        m = Module()
        m.submodules.source = source = RandomWordSource(SEED)
        m.d.comb += source.advance.eq(1)
        drawn = Signal(self.streams * STALL_RATE_BITS)
        parts = [drawn[low : low + STALL_RATE_BITS] for low in range(0, len(drawn), STALL_RATE_BITS)]
        m.d.sync += [drawn.eq(source.words), self.paused.eq(Cat(part < self.rate for part in parts))]
        return m
