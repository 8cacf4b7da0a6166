"""A queue without a wait in its logic: for a producer that knows that there is room."""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


class Queue(wiring.Component):
    """First in, first out, in a memory with a register behind it.

    What is pushed is at the output two clocks later at the earliest. Pushing more than fits is the
    producer's fault: it counts, with `popped`, which tells of each pop one clock after it.

    Parameters
    ----------
    width : int
    places : int
        A power of two; the output register is one more.

    Attributes
    ----------
    push, push_data : In
    valid, data : Out
        The oldest.
    pop : In
        It isn't needed any more; ignored if there is none.
    popped : Out
        There was a pop in the clock before.
    """

    push: Value
    push_data: Value
    valid: Value
    data: Value
    pop: Value
    popped: Value

    def __init__(self, width: int, places: int) -> None:
        self.width, self.places = width, places
        super().__init__(
            {
                "push": In(1),
                "push_data": In(width),
                "valid": Out(1),
                "data": Out(width),
                "pop": In(1),
                "popped": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the gates."""
        m = Module()
        # No place is read before the clock after it was written: no bypass is needed.
        attributes: Any = {"no_rw_check": 1}
        memory: Any = Memory(shape=self.width, depth=self.places, init=[], attrs=attributes)
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port()
        written, taken = Signal(range(self.places)), Signal(range(self.places))
        level, some = Signal(range(self.places + 1)), Signal()
        take = Signal()
        m.d.comb += [
            write.addr.eq(written),
            write.data.eq(self.push_data),
            write.en.eq(self.push),
            read.addr.eq(taken),
            read.en.eq(take),
            self.data.eq(read.data),
            take.eq(some & (~self.valid | self.pop)),
        ]
        m.d.sync += [
            self.popped.eq(self.valid & self.pop),
            self.valid.eq(some | (self.valid & ~self.pop)),
        ]
        m.d.sync += [written.eq(written + self.push), taken.eq(taken + take)]
        # `some` says that the level isn't 0, without a comparison in the way.
        with m.If(self.push & ~take):
            m.d.sync += [level.eq(level + 1), some.eq(1)]
        with m.Elif(take & ~self.push):
            m.d.sync += [level.eq(level - 1), some.eq(level != 1)]
        return m
