"""A stream of currents for a population that holds its currents: writes, and a command for each timestep."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from qlif.hdl.row_counters import RowCounter, equals


class HeldFeed(wiring.Component):
    """Writes each row of currents neuron by neuron, and starts a timestep after the last row.

    A timestep takes as many clocks more as there are neurons: the memory takes one word in a clock.

    Parameters
    ----------
    rows, lanes : int
        Of the population.
    width : int
        Bits of a current word.

    Attributes
    ----------
    currents : In, stream
        Rows of words, the first lane's lowest.
    writes : Out, stream of (neuron, word)
    steps : Out, stream without payload
    """

    currents: Any
    writes: Any
    steps: Any

    def __init__(self, rows: int, lanes: int, width: int) -> None:
        self.rows, self.lanes, self.width = rows, lanes, width
        layout = data.StructLayout({"neuron": max(1, ceil_log2(rows * lanes)), "word": width})
        super().__init__(
            {
                "currents": In(stream.Signature(width * lanes)),
                "writes": Out(stream.Signature(layout)),
                "steps": Out(stream.Signature(data.StructLayout({}))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        m.submodules.row = row = RowCounter(self.rows)
        lane = Signal(ceil_log2(self.lanes))
        is_due, written, is_last = Signal(), Signal(), Signal()
        words: Value = self.currents.payload
        m.d.comb += [
            self.writes.valid.eq(self.currents.valid & ~is_due),
            self.writes.payload.neuron.eq(Cat(lane, row.row) if self.rows > 1 else lane),
            written.eq(self.writes.valid & self.writes.ready),
            is_last.eq(equals(lane, self.lanes - 1)),
            self.currents.ready.eq(written & is_last),
            row.enable.eq(self.currents.ready),
            self.steps.valid.eq(is_due),
        ]
        for place in range(self.lanes):
            with m.If(equals(lane, place)):
                word = words[place * self.width : (place + 1) * self.width]
                m.d.comb += self.writes.payload.word.eq(word)
        with m.If(written):
            m.d.sync += lane.eq(lane + 1)
        with m.If(self.currents.ready & row.last):
            m.d.sync += is_due.eq(1)
        with m.If(is_due & self.steps.ready):
            m.d.sync += is_due.eq(0)
        return m
