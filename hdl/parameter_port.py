"""Run-time parameters: registers and per-neuron memories, written only between timesteps."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.core import Core
from qlif.hdl.row_counters import equals
from qlif.hdl.storage import RuntimeParameter


def neuron_memory(
    m: Module,
    core: Core,
    name: str,
    *,
    row: Value,
    neuron: Value,
    word: Value,
    write: Value,
    init: Sequence[Sequence[int]] = (),
) -> Value:
    """Build a memory of one word per neuron, which is written for one neuron and read by rows.

    Parameters
    ----------
    m : Module
        Where it is built.
    core : Core
    name : str
    row : Value
        What is read: its words are there `memory_latency` clocks later, the first lane's lowest.
    neuron, word : Value
        What is written.
    write : Value
        Whether it is. No row may be read in the same clock.
    init : sequence of sequence of int
        The first words, row by row.
    """
    lanes, lane_bits = core.lanes, core.lanes.bit_length() - 1
    lane = neuron[:lane_bits]
    return core.primitives.memory(
        m,
        name,
        width=len(word),
        read_address=row,
        write_address=neuron[lane_bits:] if len(neuron) > lane_bits else Const(0, 1),
        write_data=Cat(*[word] * lanes),
        # Each lane has a write enable of its own.
        write_enables=[write & equals(lane, place) for place in range(lanes)],
        init=init,
    )


class ParameterPort(wiring.Component):
    """Holds the parameters that can be written, and takes the writes.

    A write is accepted only while `open` is high, and done in the clock after. A reset doesn't change parameters.

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
                "row": In(core.row_bits),
                **{f"value_{one.name}": Out(self._width(one)) for one in core.runtime},
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the registers and memories."""
        m = Module()
        writes = self.writes
        m.d.comb += writes.ready.eq(self.open)
        # Between a write's handshake and what it enables is a register: that path would be the longest.
        word, neuron = (
            Signal.like(part, name=f"written_{name}", reset_less=True)
            for name, part in (("word", writes.payload.word), ("neuron", writes.payload.neuron))
        )
        m.d.sync += [word.eq(writes.payload.word), neuron.eq(writes.payload.neuron)]
        for parameter in self._core.runtime:
            chosen = Signal(name=f"writes_{parameter.name}", reset_less=True)
            m.d.sync += chosen.eq(
                writes.valid & writes.ready & equals(writes.payload.select, parameter.select)
            )
            value = getattr(self, f"value_{parameter.name}")
            if parameter.storage.is_per_neuron:
                m.d.comb += value.eq(self._memory(m, parameter, chosen, neuron, word))
            else:
                m.d.comb += value.eq(self._register(m, parameter, chosen, word))
        return m

    def _width(self, parameter: RuntimeParameter) -> int:
        return parameter.format.width * (self._lanes if parameter.storage.is_per_neuron else 1)

    def _register(self, m: Module, parameter: RuntimeParameter, chosen: Value, written: Value) -> Value:
        width = parameter.format.width
        word = self._core.words.constants[parameter.name].word
        assert isinstance(word, int)
        register = Signal(width, init=word & ((1 << width) - 1), name=parameter.name, reset_less=True)
        with m.If(chosen):
            m.d.sync += register.eq(written)
        return register

    def _memory(
        self, m: Module, parameter: RuntimeParameter, chosen: Value, neuron: Value, written: Value
    ) -> Value:
        return neuron_memory(
            m,
            self._core,
            f"memory_{parameter.name}",
            row=self.row,
            neuron=neuron,
            word=written[: parameter.format.width],
            write=chosen,
            init=self._rows(parameter),
        )

    def _rows(self, parameter: RuntimeParameter) -> list[list[int]]:
        """Return the memory's first content, row by row, as bit patterns."""
        n, lanes = self._core.words.parameters.n, self._lanes
        word = self._core.words.constants[parameter.name].word
        words = [word] * n if isinstance(word, int) else [int(each) for each in word.ravel()]
        mask = (1 << parameter.format.width) - 1
        return [[each & mask for each in words[row : row + lanes]] for row in range(0, n, lanes)]
