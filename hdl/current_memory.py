"""The currents of a population that holds them: one word per neuron, written only between timesteps."""

from typing import Any

from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl import fixed
from qlif.hdl.core import Core
from qlif.hdl.parameter_port import neuron_memory


class CurrentMemory(wiring.Component):
    """Holds each neuron's current until it is written.

    All are 0 at first. A reset doesn't change them.

    Parameters
    ----------
    core : Core

    Attributes
    ----------
    writes : In, stream of (neuron, word)
        Which neuron gets which current word.
    open : In
        No timestep is being read, so a write may be accepted.
    row : In
        The row of neurons whose currents are wanted.
    words : Out
        Those of the row that was asked for `memory_latency` clocks before, the first lane's lowest.
    """

    writes: Any
    open: Value
    row: Value
    words: Value

    def __init__(self, core: Core) -> None:
        self._core = core
        word = fixed.Shape(core.words.arithmetic.current)
        layout = data.StructLayout({"neuron": unsigned(core.neuron_bits), "word": word})
        super().__init__(
            {
                "writes": In(stream.Signature(layout)),
                "open": In(1),
                "row": In(core.row_bits),
                "words": Out(core.words.arithmetic.current.width * core.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        writes = self.writes
        words = neuron_memory(
            m,
            self._core,
            "memory",
            row=self.row,
            neuron=writes.payload.neuron,
            word=writes.payload.word.as_value(),
            write=writes.valid & writes.ready,
        )
        m.d.comb += [writes.ready.eq(self.open), self.words.eq(words)]
        return m
