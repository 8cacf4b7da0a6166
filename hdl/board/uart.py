"""A UART in gates: eight data bits, no parity, one stop bit."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

IDLE = 1
"""The level of a line that says nothing."""
_BITS = 10


class Receiver(wiring.Component):
    """Bytes from a pin.

    Parameters
    ----------
    divisor : int
        Clocks per bit, 4 or more.

    Attributes
    ----------
    pin : In
        Asynchronous.
    data : Out, 8 bits
    valid : Out
        For one clock with each byte; one without a stop bit is left out.
    """

    pin: Value
    data: Value
    valid: Value

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        pin: Any = In(1, init=IDLE)  # type: ignore[call-arg]
        super().__init__({"pin": pin, "data": Out(8), "valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the gates: each bit is looked at in its middle."""
        m = Module()
        level, timer, left = Signal(init=IDLE), Signal(range(self.divisor)), Signal(range(_BITS + 1))
        m.submodules.synchroniser = FFSynchronizer(self.pin, level, init=IDLE)
        m.d.sync += self.valid.eq(0)
        with m.If(left == 0), m.If(level != IDLE):
            m.d.sync += [left.eq(_BITS), timer.eq(self.divisor // 2 - 1)]
        with m.Elif(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += [timer.eq(self.divisor - 1), left.eq(left - 1)]
            with m.If(left == 1):
                m.d.sync += self.valid.eq(level == IDLE)
            with m.Elif((left == _BITS) & (level == IDLE)):
                m.d.sync += left.eq(0)  # a glitch, not a start bit
            with m.Else():
                m.d.sync += self.data.eq(Cat(self.data[1:], level))
        return m


class Transmitter(wiring.Component):
    """Bytes to a pin.

    Parameters
    ----------
    divisor : int
        Clocks per bit.

    Attributes
    ----------
    bytes : In, stream of 8 bits
    pin : Out
    """

    bytes: Any
    pin: Value

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        pin: Any = Out(1, init=IDLE)  # type: ignore[call-arg]
        super().__init__({"bytes": In(stream.Signature(8)), "pin": pin})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        shift, timer, left = Signal(_BITS - 1, init=-1), Signal(range(self.divisor)), Signal(range(_BITS + 1))
        m.d.comb += self.bytes.ready.eq(left == 0)
        m.d.sync += timer.eq(timer - 1)
        with m.If(left == 0), m.If(self.bytes.valid):
            # The start bit at once, then the byte from its lowest bit.
            m.d.sync += [
                self.pin.eq(0), shift.eq(Cat(self.bytes.payload, IDLE)), left.eq(_BITS), timer.eq(self.divisor - 1)
            ]  # fmt: skip
        with m.Elif(timer == 0):
            m.d.sync += [
                self.pin.eq(shift[0]), shift.eq(Cat(shift[1:], IDLE)), left.eq(left - 1), timer.eq(self.divisor - 1)
            ]  # fmt: skip
        return m
