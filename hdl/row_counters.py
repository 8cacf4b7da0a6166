"""Counters of rows of neurons and of timesteps."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class RowCounter(wiring.Component):
    """Counts rows, and wraps.

    It advances when both inputs are high.

    Parameters
    ----------
    rows : int
        How many, 1 or more.
    first : int
        Initial row.

    Attributes
    ----------
    due : In
        Known early in the clock. Left open it is 1.
    enable : In
        May be late.
    row : Out
    last : Out
        `row` is the last one.
    """

    due: Value
    enable: Value
    row: Value
    last: Value

    def __init__(self, rows: int, first: int = 0) -> None:
        self.rows, self.bits = rows, max(1, ceil_log2(rows))
        due: Any = In(1, init=1)  # type: ignore[call-arg]
        row: Any = Out(self.bits, init=first)  # type: ignore[call-arg]
        last: Any = Out(1, init=int(first == rows - 1))  # type: ignore[call-arg]
        super().__init__({"due": due, "enable": In(1), "row": row, "last": last})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        if self.rows == 1:
            m.d.comb += self.last.eq(1)
            return m
        with m.If(self.enable):
            m.d.sync += [
                self.row.eq(self.row + self.due),
                self.last.eq(Mux(self.due, equals(self.row, self.rows - 2), self.last)),
            ]
            if self.rows != 1 << self.bits:
                with m.If(self.due & self.last):
                    m.d.sync += self.row.eq(0)
        return m


class StepCounter(wiring.Component):
    """Counts timesteps from 0, in two halves: neither has a long carry.

    It advances when both inputs are high: to 0 first, then by one each time.

    Parameters
    ----------
    bits : int
        Width; it wraps.

    Attributes
    ----------
    due : In
        Known early in the clock.
    enable : In
        May be late.
    step : Out
    """

    due: Value
    enable: Value
    step: Value

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__({"due": In(1), "enable": In(1), "step": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        half = self.bits // 2
        low = Signal(half, init=-1)
        high = Signal(self.bits - half, init=-1)
        full = Signal(init=1)
        m.d.comb += self.step.eq(Cat(low, high))
        with m.If(self.enable):
            m.d.sync += [
                low.eq(low + self.due),
                full.eq(Mux(self.due, low == (1 << half) - 2, full)),
                high.eq(high + (full & self.due)),
            ]
        return m


class SerialStepCounter(wiring.Component):
    """Counts timesteps from 0 without an adder: each of a timestep's first rows adds a bit of the next one's number.

    That number is in a shift register, and has gone once around it before the timestep ends.

    Parameters
    ----------
    bits : int
        Width, 2 or more; it wraps. There must be at least two rows more.
    row_bits : int
        Width of a row's number.

    Attributes
    ----------
    due : In
        A row follows. Known early in the clock.
    enable : In
        It does now. May be late.
    row, last : In
        The row that it follows, and whether that is its timestep's last one: of a :class:`RowCounter` that starts
        there.
    free : In
        Nobody looks at the timestep of `row` any more. May be late.
    step : Out
        The timestep of `row` as long as somebody looks at it; then that of the row that follows, if one does.
    """

    due: Value
    enable: Value
    row: Value
    last: Value
    free: Value
    step: Value

    def __init__(self, bits: int, row_bits: int) -> None:
        self.bits = bits
        step: Any = Out(bits, init=-1)  # type: ignore[call-arg]
        super().__init__(
            {"due": In(1), "enable": In(1), "row": In(row_bits), "last": In(1), "free": In(1), "step": step}
        )

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        following = Signal(self.bits)
        # Each of the first rows adds a bit, in the clock in which it is there.
        turning = Signal()
        shifts = Signal()
        # Set by the last row, at which the counter of rows starts: were that elsewhere, later numbers would show it.
        carry = Signal()
        m.d.sync += [
            shifts.eq(self.enable & self.due & (self.last | turning)),
            carry.eq(Mux(shifts, carry & following[0], carry) | self.last),
        ]
        with m.If(self.enable):
            ends = equals(self.row, self.bits - 2)
            m.d.sync += turning.eq(Mux(self.due, self.last | (turning & ~ends), turning))
        # No shift comes with the last row: what a reset makes of `shifts` doesn't matter.
        with m.If(shifts & ~self.last):
            m.d.sync += following.eq(Cat(following[1:], following[0] ^ carry))
        # Not only when the row does follow: that is known late.
        with m.If(self.free & self.due & self.last):
            m.d.sync += self.step.eq(following)
        return m


def equals(signal: Value, number: int) -> Value:
    """Return whether a signal is a number.

    A comparison with 0 would come out as the logical not of a vector, which Verilator's lint refuses.
    """
    return signal == number if number else ~signal.any()
