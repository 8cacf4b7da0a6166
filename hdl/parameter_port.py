"""Run-time parameters: registers and per-neuron memories, written only between timesteps."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.core import Core
from qlif.hdl.row_counters import equals
from qlif.hdl.storage import RuntimeParameter


class ParameterPort(wiring.Component):
    """Holds the parameters that can be written, and takes the writes.

    A write is accepted only while `open` is high. A reset doesn't change parameters.

    Parameters
    ----------
    core : Core
        A core with run-time parameters; its words are their initial values.

    Attributes
    ----------
    writes : In, stream of (select, neuron, word)
        Which parameter, of which neuron (if stored per neuron), gets which word.
    open : In
        Nothing is in flight, so a write may be accepted.
    row : In
        The row of neurons whose values are wanted.
    value_NAME : Out
        One register's value for all lanes, or those of the row that was asked for `memory_latency` clocks
        before.
    """

    writes: Any
    open: Value
    row: Value

    def __init__(self, core: Core) -> None:
        self._core, self._lanes = core, core.lanes
        self._lane_bits = core.lanes.bit_length() - 1
        row_bits = max(1, core.neuron_bits - self._lane_bits)
        layout = data.StructLayout(
            {
                "select": core.select_format.width,
                "neuron": core.neuron_bits,
                "word": unsigned(core.word_format.width),
            }
        )
        super().__init__(
            {
                "writes": In(stream.Signature(layout)),
                "open": In(1),
                "row": In(row_bits),
                **{f"value_{one.name}": Out(self._width(one)) for one in core.runtime},
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the registers and memories."""
        m = Module()
        m.d.comb += self.writes.ready.eq(self.open)
        write = Signal()
        m.d.comb += write.eq(self.writes.valid & self.writes.ready)
        for parameter in self._core.runtime:
            chosen = write & equals(self.writes.payload.select, parameter.select)
            build = self._memory if parameter.storage.is_per_neuron else self._register
            build(m, parameter, chosen)
        return m

    def _width(self, parameter: RuntimeParameter) -> int:
        return parameter.format.width * (self._lanes if parameter.storage.is_per_neuron else 1)

    def _register(self, m: Module, parameter: RuntimeParameter, chosen: Value) -> None:
        width = parameter.format.width
        word = self._core.words.constants[parameter.name].word
        assert isinstance(word, int)
        register = Signal(width, init=word & ((1 << width) - 1), name=parameter.name, reset_less=True)
        with m.If(chosen):
            m.d.sync += register.eq(self.writes.payload.word)
        m.d.comb += getattr(self, f"value_{parameter.name}").eq(register)

    def _memory(self, m: Module, parameter: RuntimeParameter, chosen: Value) -> None:
        width, lanes = parameter.format.width, self._lanes
        neuron = self.writes.payload.neuron
        lane = neuron[: self._lane_bits]
        read = self._core.primitives.memory(
            m,
            f"memory_{parameter.name}",
            width=width,
            read_address=self.row,
            write_address=neuron[self._lane_bits :] if len(neuron) > self._lane_bits else Const(0, 1),
            write_data=Cat(*[self.writes.payload.word[:width]] * lanes),
            # Each lane has a write enable of its own.
            write_enables=[chosen & equals(lane, place) for place in range(lanes)],
            init=self._rows(parameter),
        )
        m.d.comb += getattr(self, f"value_{parameter.name}").eq(read)

    def _rows(self, parameter: RuntimeParameter) -> list[list[int]]:
        """Return the memory's first content, row by row, as bit patterns."""
        n, lanes = self._core.words.parameters.n, self._lanes
        word = self._core.words.constants[parameter.name].word
        words = [word] * n if isinstance(word, int) else [int(each) for each in word.ravel()]
        mask = (1 << parameter.format.width) - 1
        return [[each & mask for each in words[row : row + lanes]] for row in range(0, n, lanes)]
