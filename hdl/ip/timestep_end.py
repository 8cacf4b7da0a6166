"""Which row of currents is its timestep's last one."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.ip.shift_counter import nth


class TimestepEnd(wiring.Component):
    """Counts rows, but not in numbers: only the last one matters.

    Parameters
    ----------
    rows : int
        Of a timestep, 1 or more.

    Attributes
    ----------
    moved : In
        A row is taken.
    last : Out
        The next one that is taken is its timestep's last one.
    """

    moved: Value
    last: Value

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__({"moved": In(1), "last": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        if self.rows == 1:
            m.d.comb += self.last.eq(1)
            return m
        if self.rows == 2:
            with m.If(self.moved):
                m.d.sync += self.last.eq(~self.last)
            return m
        mark = nth(self.rows - 2, self.rows)
        row = Signal(mark.counter.bits)
        with m.If(self.moved):
            m.d.sync += [row.eq(mark.counter.following(row)), self.last.eq(mark.seen(row))]
        # The last row needs no number: the first one's can wait there. (Whether it is taken is known late.)
        with m.If(self.last):
            m.d.sync += row.eq(0)
        return m
