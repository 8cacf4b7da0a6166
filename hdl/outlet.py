"""The output queue, and the two streams that show its oldest row."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from qlif.hdl.core import Streams
from qlif.hdl.row_counters import RowCounter, SerialStepCounter, StepCounter


class Outlet(wiring.Component):
    """Holds results of rows until they are taken.

    The oldest row is offered on two streams: as an update, and if a neuron spiked as an event. It is
    removed when each stream that offers it has transferred it. Rows leave in the
    order in which they came, so counting them tells which they are. What is pushed is offered three clocks
    later at the earliest. The producer must not push more than fits: it counts, with `popped`.

    Parameters
    ----------
    rows : int
        How many rows there are.
    lanes : int
        Neurons in a row.
    width : int
        Bits of a row's words besides its spikes.
    places : int
        Of the queue, a power of two; the two oldest rows have places of their own.
    step_bits : int
        Width of the timestep.
    serial_steps : bool
        A timestep has rows enough for :class:`~qlif.hdl.row_counters.SerialStepCounter`.
    streams : Streams
        Which of the two there are; what only the other one needs isn't built.

    Attributes
    ----------
    push : In
        A row is finished.
    pushed_spikes, pushed_words : In
        Its outcome.
    popped : Out
        A place of the queue became free in the clock before.
    update_valid, event_valid : Out
        The oldest row is offered as an update, as an event.
    update_ready, event_ready : In
        It is taken.
    spikes, words, row, step : Out
        Its outcome, its number, and the timestep since reset that it belongs to.
    """

    push: Value
    pushed_spikes: Value
    pushed_words: Value
    popped: Value
    update_valid: Value
    update_ready: Value
    event_valid: Value
    event_ready: Value
    spikes: Value
    words: Value
    row: Value
    step: Value

    def __init__(
        self,
        *,
        rows: int,
        lanes: int,
        width: int,
        places: int,
        step_bits: int,
        serial_steps: bool,
        streams: Streams,
    ) -> None:
        self.places, self.streams, self._serial_steps = places, streams, serial_steps
        # The row that isn't there yet comes before the first one.
        self._rows = RowCounter(rows, first=rows - 1)
        super().__init__(
            {
                "push": In(1),
                "pushed_spikes": In(lanes),
                "pushed_words": In(width),
                "popped": Out(1),
                "update_valid": Out(1),
                "update_ready": In(1),
                "event_valid": Out(1),
                "event_ready": In(1),
                "spikes": Out(lanes),
                "words": Out(width),
                "row": Out(self._rows.bits),
                "step": Out(step_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        updates, events = self.streams.has_updates, self.streams.has_events
        # Whether a row has a spike is known here already, and isn't found out again where it is late.
        pushed = Cat(self.pushed_spikes, self.pushed_words, *([self.pushed_spikes.any()] if events else []))
        queued: Any = Signal.like(pushed)
        # No place is read before the clock after it was written: no bypass is needed.
        attributes: Any = {"no_rw_check": 1}
        memory: Any = Memory(shape=len(queued), depth=self.places, init=[], attrs=attributes)
        m.submodules.queue = memory
        write, read = memory.write_port(), memory.read_port()
        # Where the next row goes, where the last one went, and where the oldest is, if one waits.
        written, taken = (Signal(range(self.places), name=name) for name in ("written", "taken"))
        newest = Signal(range(self.places), init=self.places - 1)
        # What waits in the queue, and what was read from it; what is offered follows when there is room.
        waits, held, refill, reading, vacant = (
            Signal(name=name) for name in ("waits", "held", "refill", "reading", "vacant")
        )
        m.d.comb += [
            queued.eq(pushed),
            write.addr.eq(written),
            write.data.eq(queued),
            write.en.eq(self.push),
            vacant.eq(Cat(self._is_free(*each) for each in self._offered()).all()),
            refill.eq(~held | vacant),
            reading.eq(waits & refill),
            read.addr.eq(taken),
            read.en.eq(refill),
        ]
        with m.If(self.push):
            m.d.sync += [written.eq(written + 1), newest.eq(written)]
        # A stream's ready comes late in the clock. All that depends on it is enabled by it, and adds what
        # was known before: one gate less than enabling only when there is something to add.
        with m.If(refill):
            m.d.sync += [taken.eq(taken + waits), held.eq(waits)]
        m.d.sync += [
            # A register, not a comparison of where it is written and taken: much depends on this.
            waits.eq(self.push | Mux(reading, newest != taken, waits)),
            self.popped.eq(reading),
        ]
        if updates:
            m.d.sync += self.update_valid.eq(Mux(vacant, held, self.update_valid & ~self.update_ready))
        if events:
            any_spike = read.data[-1]
            m.d.sync += self.event_valid.eq(
                Mux(vacant, held & any_spike, self.event_valid & ~self.event_ready)
            )
        with m.If(vacant):
            m.d.sync += Cat(self.spikes, self.words).eq(read.data)

        m.submodules.rows = self._rows
        m.d.comb += [
            self._rows.due.eq(held),
            self._rows.enable.eq(vacant),
            self.row.eq(self._rows.row),
        ]
        if events:
            m.d.comb += self.step.eq(self._count_timesteps(m, held, vacant))
        return m

    def _count_timesteps(self, m: Module, held: Value, vacant: Value) -> Value:
        """Return the timestep of the row that is offered."""
        rows, bits = self._rows, len(self.step)
        if self._serial_steps:
            m.submodules.steps = serial = SerialStepCounter(bits, rows.bits)
            m.d.comb += [
                serial.due.eq(held),
                serial.enable.eq(vacant),
                serial.row.eq(rows.row),
                serial.last.eq(rows.last),
                serial.free.eq(self._is_free(self.event_valid, self.event_ready)),
            ]
            return serial.step
        m.submodules.steps = steps = StepCounter(bits)
        m.d.comb += [steps.due.eq(held & rows.last), steps.enable.eq(vacant)]
        return steps.step

    def _offered(self) -> list[tuple[Value, Value]]:
        """Return valid and ready of each stream that there is."""
        updates = [(self.update_valid, self.update_ready)] if self.streams.has_updates else []
        return [*updates, *([(self.event_valid, self.event_ready)] if self.streams.has_events else [])]

    @staticmethod
    def _is_free(valid: Value, ready: Value) -> Value:
        return ~valid | ready
