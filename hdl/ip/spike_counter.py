"""The shell's counter of spikes, or of timesteps: an adder for its low bits, none for the others."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

BITS = 32


class SpikeCounter(wiring.Component):
    """Counts spikes; wraps.

    When the low bits have wrapped, a carry goes through the others, a bit a clock, while they go once around their
    shift register. Before the low bits can wrap again, it is done.

    Parameters
    ----------
    lanes : int
        How many spikes there may be in a clock.

    Attributes
    ----------
    spikes : In, `lanes` wide
        Each bit is one.
    settled : Out
        No carry is on its way.
    count : Out
        Right while that is so.
    """

    spikes: Value
    settled: Value
    count: Value

    def __init__(self, lanes: int) -> None:
        # A wrap takes 32 clocks or more; a carry through the others takes fewer than 32, and two to begin and end.
        self._low_bits = 5 + (lanes - 1).bit_length()
        super().__init__({"spikes": In(lanes), "settled": Out(1), "count": Out(BITS)})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        low = Signal(self._low_bits)
        high = Signal(BITS - len(low))
        wrapped = Signal()
        carrying = Signal()
        carry = Signal()
        # A single one goes along with the carry.
        place = Signal(len(high))
        total: Any = sum(self.spikes, low)
        m.d.comb += [self.count.eq(Cat(low, high)), self.settled.eq(~(wrapped | carrying))]
        m.d.sync += [
            Cat(low, wrapped).eq(total[: len(low) + 1]),
            place.eq(Cat(wrapped, place[:-1])),
            carrying.eq(wrapped | (carrying & ~place[-1])),
            carry.eq(wrapped | (carry & high[0])),
        ]
        with m.If(carrying):
            m.d.sync += high.eq(Cat(high[1:], high[0] ^ carry))
        return m
