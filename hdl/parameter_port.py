"""Run-time parameters: registers and per-neuron memories, written only between timesteps."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.primitives import Primitives
from qlif.hdl.row_counters import equals
from qlif.hdl.storage import Depth, RuntimeConstant, select_format, word_width
from qlif.model.words import Words


class ParameterPort(wiring.Component):
    """Holds the parameters that can be written, and takes the writes.

    A write is taken only while `open` is high. A reset doesn't change a parameter: it starts the
    neurons over, not their configuration.

    Parameters
    ----------
    words : Words
        What the parameters are at first.
    constants : tuple of RuntimeConstant
        Which of them can be written, one or more.
    neuron_bits, lanes : int
        Width of a neuron's number; how many neurons share a memory row.
    primitives : Primitives
        What the memories are made of.

    Attributes
    ----------
    writes : In, stream of (select, neuron, word)
        Which parameter, of which neuron (if it has one value for each), becomes which word.
    open : In
        Nothing is in flight, so a write may be taken.
    row : In
        The row of neurons whose values are wanted.
    value_NAME : Out
        One register's value for all lanes, or those of the row that was asked for `memory_latency` clocks
        before.
    """

    writes: Any
    open: Value
    row: Value

    def __init__(
        self,
        words: Words,
        constants: tuple[RuntimeConstant, ...],
        neuron_bits: int,
        lanes: int,
        primitives: Primitives,
    ) -> None:
        self._words = words
        self._constants = constants
        self._lanes = lanes
        self._primitives = primitives
        self._lane_bits = lanes.bit_length() - 1
        row_bits = max(1, neuron_bits - self._lane_bits)
        layout = data.StructLayout(
            {
                "select": select_format(constants).width,
                "neuron": neuron_bits,
                "word": unsigned(word_width(constants)),
            }
        )
        super().__init__(
            {
                "writes": In(stream.Signature(layout)),
                "open": In(1),
                "row": In(row_bits),
                **{f"value_{constant.name}": Out(self._width(constant)) for constant in constants},
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the registers and memories."""
        m = Module()
        m.d.comb += self.writes.ready.eq(self.open)
        write = Signal()
        m.d.comb += write.eq(self.writes.valid & self.writes.ready)
        for constant in self._constants:
            chosen = write & equals(self.writes.payload.select, constant.select)
            build = self._memory if constant.depth is Depth.MEMORY else self._register
            build(m, constant, chosen)
        return m

    def _width(self, constant: RuntimeConstant) -> int:
        return constant.format.width * (self._lanes if constant.depth is Depth.MEMORY else 1)

    def _register(self, m: Module, constant: RuntimeConstant, chosen: Value) -> None:
        width = constant.format.width
        word = self._words.constants[constant.name].word
        assert isinstance(word, int)
        register = Signal(width, init=word & ((1 << width) - 1), name=constant.name, reset_less=True)
        with m.If(chosen):
            m.d.sync += register.eq(self.writes.payload.word)
        m.d.comb += getattr(self, f"value_{constant.name}").eq(register)

    def _memory(self, m: Module, constant: RuntimeConstant, chosen: Value) -> None:
        width, lanes = constant.format.width, self._lanes
        neuron = self.writes.payload.neuron
        lane = neuron[: self._lane_bits]
        read = self._primitives.memory(
            m,
            f"memory_{constant.name}",
            width=width,
            read_address=self.row,
            write_address=neuron[self._lane_bits :] if len(neuron) > self._lane_bits else Const(0, 1),
            write_data=Cat(*[self.writes.payload.word[:width]] * lanes),
            # Each lane has a write enable of its own.
            write_enables=[chosen & equals(lane, place) for place in range(lanes)],
            init=self._rows(constant),
        )
        m.d.comb += getattr(self, f"value_{constant.name}").eq(read)

    def _rows(self, constant: RuntimeConstant) -> list[list[int]]:
        """Return the memory's first content, row by row, as bit patterns."""
        n, lanes = self._words.parameters.n, self._lanes
        word = self._words.constants[constant.name].word
        words = [word] * n if isinstance(word, int) else [int(each) for each in word.ravel()]
        mask = (1 << constant.format.width) - 1
        return [[each & mask for each in words[row : row + lanes]] for row in range(0, n, lanes)]
