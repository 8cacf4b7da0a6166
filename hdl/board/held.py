"""Currents that a population holds until they are written again, so that a timestep is one command."""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from qlif.hdl.row_counters import RowCounter
from qlif.model.selftest.plan import TIMESTEP_BITS


class HeldCurrents(wiring.Component):
    """A memory with a current word for each neuron, which offers all of them for each timestep.

    A reset ends the timesteps; the words stay. At first they are 0.

    Parameters
    ----------
    rows, lanes : int
        Of the population.
    width : int
        Bits of a current word.

    Attributes
    ----------
    write : In
        Writes `word` for `neuron`. Not to be done while `busy`.
    neuron, word : In
    start : In
        Begins so many timesteps as `timesteps` says.
    timesteps : In, 32 bits
    busy : Out
        There are currents that weren't taken yet.
    currents : Out, stream
        A row of words, the first lane's lowest.
    """

    write: Value
    neuron: Value
    word: Value
    start: Value
    timesteps: Value
    busy: Value
    currents: Any

    def __init__(self, rows: int, lanes: int, width: int) -> None:
        self.rows, self.lanes, self.width = rows, lanes, width
        super().__init__(
            {
                "write": In(1),
                "neuron": In(max(1, ceil_log2(rows * lanes))),
                "word": In(width),
                "start": In(1),
                "timesteps": In(TIMESTEP_BITS),
                "busy": Out(1),
                "currents": Out(stream.Signature(width * lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the gates: a row in two clocks, as the link is slower still."""
        m = Module()
        words: Any = memory.Memory(shape=self.width * self.lanes, depth=self.rows, init=[])
        m.submodules.words = words
        reading = words.read_port()
        writing = words.write_port(granularity=self.width)
        lane_bits = ceil_log2(self.lanes)
        m.d.comb += [
            writing.addr.eq(self.neuron >> lane_bits),
            writing.data.eq(self.word.replicate(self.lanes)),
            writing.en.eq(self.write << self.neuron[:lane_bits]),
        ]
        m.submodules.row = row = RowCounter(self.rows)
        left, is_read = Signal(TIMESTEP_BITS), Signal()
        m.d.comb += [
            reading.addr.eq(row.row),
            self.busy.eq(left.any()),
            self.currents.valid.eq(is_read),
            self.currents.payload.eq(reading.data),
            row.enable.eq(self.currents.valid & self.currents.ready),
        ]
        m.d.sync += is_read.eq(self.busy & ~is_read)
        with m.If(is_read & ~self.currents.ready):
            m.d.sync += is_read.eq(1)
        with m.If(row.enable & row.last):
            m.d.sync += left.eq(left - 1)
        with m.If(self.start):
            m.d.sync += left.eq(self.timesteps)
        return m
