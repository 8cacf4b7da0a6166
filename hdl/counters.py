"""Counters of rows of neurons and of timesteps without a comparison or a long carry in the way."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from qlif.hdl.parameter_port import equals


class RowCounter(wiring.Component):
    """Counts the rows round and round.

    Parameters
    ----------
    rows : int
        How many, 1 or more.

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

    def __init__(self, rows: int) -> None:
        self.rows, self.bits = rows, max(1, ceil_log2(rows))
        first_is_last: Any = Out(1, init=int(rows == 1))  # type: ignore[call-arg]
        super().__init__({"advance": In(1), "row": Out(self.bits), "last": first_is_last})

    def elaborate(self, platform: Any) -> Module:
        """Build the gates."""
        m = Module()
        if self.rows == 1:
            m.d.comb += self.last.eq(1)
            return m
        # Added, not enabled: a reset and an enable together cost a gate where enables go before resets.
        m.d.sync += self.row.eq(self.row + self.advance)
        with m.If(self.advance):
            m.d.sync += self.last.eq(equals(self.row, self.rows - 2))
            if self.rows != 1 << self.bits:
                with m.If(self.last):
                    m.d.sync += self.row.eq(0)
        return m


class StepCounter(wiring.Component):
    """Counts timesteps, in two halves: the upper half's next value is ready before it is needed.

    Parameters
    ----------
    bits : int
        Width; it wraps.

    Attributes
    ----------
    advance : In
    step : Out
    """

    advance: Value
    step: Value

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__({"advance": In(1), "step": Out(bits)})

    def elaborate(self, platform: Any) -> Module:
        """Build the gates."""
        m = Module()
        half = self.bits // 2
        low, high = Signal(half), Signal(self.bits - half)
        full, next_high = Signal(), Signal(self.bits - half, init=1)
        m.d.comb += self.step.eq(Cat(low, high))
        m.d.sync += next_high.eq(high + 1)
        m.d.sync += low.eq(low + self.advance)
        with m.If(self.advance):
            m.d.sync += full.eq(low == (1 << half) - 2)
        with m.If(self.advance & full):
            m.d.sync += high.eq(next_high)
        return m
