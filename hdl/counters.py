"""Counters of rows of neurons and of timesteps."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class RowCounter(wiring.Component):
    """Counts the rows round and round.

    Parameters
    ----------
    rows : int
        How many, 1 or more.
    first : int
        Where it starts.

    Attributes
    ----------
    advance : In
    row : Out
    last : Out
        `row` is the last one.
    """

    advance: Value
    row: Value
    last: Value

    def __init__(self, rows: int, first: int = 0) -> None:
        self.rows, self.bits = rows, max(1, ceil_log2(rows))
        row: Any = Out(self.bits, init=first)  # type: ignore[call-arg]
        last: Any = Out(1, init=int(first == rows - 1))  # type: ignore[call-arg]
        super().__init__({"advance": In(1), "row": row, "last": last})

    def elaborate(self, platform: Any) -> Module:
        """Build the gates."""
        m = Module()
        if self.rows == 1:
            m.d.comb += self.last.eq(1)
            return m
        with m.If(self.advance):
            m.d.sync += [self.row.eq(self.row + 1), self.last.eq(equals(self.row, self.rows - 2))]
            if self.rows != 1 << self.bits:
                with m.If(self.last):
                    m.d.sync += self.row.eq(0)
        return m


class StepCounter(wiring.Component):
    """Counts timesteps from 0, in two halves: neither has a long carry.

    It advances when both of its inputs are high.

    Parameters
    ----------
    bits : int
        Width; it wraps.

    Attributes
    ----------
    due : In
        Known early in the clock.
    advance : In
        May be late. The first time it gives 0, then each time one more.
    step : Out
    """

    due: Value
    advance: Value
    step: Value

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__({"due": In(1), "advance": In(1), "step": Out(bits)})

    def elaborate(self, platform: Any) -> Module:
        """Build the gates."""
        m = Module()
        half = self.bits // 2
        low = Signal(half, init=-1)
        high = Signal(self.bits - half, init=-1)
        full = Signal(init=1)
        m.d.comb += self.step.eq(Cat(low, high))
        with m.If(self.due & self.advance):
            m.d.sync += [low.eq(low + 1), full.eq(low == (1 << half) - 2)]
        with m.If((self.due & full) & self.advance):
            m.d.sync += high.eq(high + 1)
        return m


def equals(signal: Value, number: int) -> Value:
    """Return whether a signal is a number.

    A comparison with 0 would come out as the logical not of a vector, which Verilator's lint refuses.
    """
    return signal == number if number else ~signal.any()
