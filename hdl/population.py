# amaranth: UnusedElaboratable=no
# (A population that is only asked for its latency never builds its pipeline.)
"""Many neurons time-multiplexed over one or more pipelines, with streams in and out."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from qlif.hdl import fixed
from qlif.hdl.core import Core
from qlif.hdl.current_memory import CurrentMemory
from qlif.hdl.neuron import NeuronPipeline
from qlif.hdl.outlet import Outlet
from qlif.hdl.parameter_port import ParameterPort
from qlif.hdl.random_words import RandomWordSource
from qlif.hdl.row_counters import RowCounter

ADDRESS_LATENCY = 1
"""Clocks from accepting currents to their row at the memory."""


# Proofs find signals by their names in the netlist: see probes.py before you rename one.


class Population(wiring.Component):
    """N neurons on L lanes: L updates per clock.

    Currents arrive row after row, timestep after timestep; row r is neurons ``r L`` to ``r L + L - 1``, one
    on each lane. Each row makes L updates, which leave :attr:`latency` clocks later at the earliest, in
    the same order. The pipelines never stall: currents are accepted only when the queue has room for their
    results, so backpressure reaches the currents and nothing is lost; it also reaches the other stream, as soon
    as both have to show the same row. The throughput is a row per clock if there are at least
    :attr:`loop_latency` rows; with fewer, bubbles keep a neuron from overtaking itself.

    Where the state is in two banks of single-port RAM, each timestep waits until the one before is written.

    Where currents are held in a memory, a command starts each timestep instead, and backpressure reaches the
    commands: an update uses its neuron's last word that was written before its timestep's command was taken, or in
    the same clock.

    A synchronous reset at any clock starts over: timestep 0, every neuron in its initial state.

    Parameters
    ----------
    core : Core
        The neurons, lanes, storage of parameters and primitives.
        A parameter write is accepted between two timesteps.

    Attributes
    ----------
    currents : In, stream of current words, or of (neuron, word)
        A row of them; with one lane, a single one. Where they are held, a write of one neuron's, which is
        accepted between two timesteps.
    steps : In, stream without payload
        Each transfer starts a timestep; absent unless currents are held.
    updates : Out, stream of (neuron, spike, potential, trace, phase)
        Absent if `core.streams` leaves it out; without a spike trace there is none in it, nor a phase without bits.
        Each row's results, in order; `neuron` is that of the first lane, the others have one per lane.
    events : Out, stream of (neuron, step, phase), or of (neuron, spike, step, phase) with several lanes
        Absent if `core.streams` leaves it out.
        Rows with a spike only: the first lane's neuron, which lanes spiked, and in which timestep since
        reset, modulo ``2**core.step_bits``; with bits of a phase, the phase of each lane.
    parameters : In, stream of (select, neuron, word)
        Writes of run-time parameters; absent if there are none.
    """

    currents: Any
    steps: Any
    updates: Any
    events: Any
    parameters: Any

    def __init__(self, core: Core) -> None:
        words, lanes = core.words, core.lanes
        self.core, self.words, self.primitives, self.lanes = core, words, core.primitives, lanes
        self._rows = core.rows
        self._pipelines = [NeuronPipeline(core) for _ in range(lanes)]
        self._parameter_port = ParameterPort(core) if core.runtime else None
        self._current_memory = CurrentMemory(core) if core.holds_currents else None
        shown = {name: self._per_lane(fixed.Shape(words.formats[name])) for name in self._shown}
        update = data.StructLayout({"neuron": core.neuron_bits, "spike": lanes, **shown})
        which = {"spike": lanes} if lanes > 1 else {}
        phase = {"phase": shown["phase"]} if "phase" in shown else {}
        event = data.StructLayout({"neuron": core.neuron_bits, **which, "step": core.step_bits, **phase})
        if self._current_memory is None:
            current = self._per_lane(fixed.Shape(words.arithmetic.current))
            members = {"currents": In(stream.Signature(current))}
        else:
            members = {"currents": In(self._current_memory.writes.signature.flip())}
            members["steps"] = In(stream.Signature(data.StructLayout({})))
        if core.streams.has_updates:
            members["updates"] = Out(stream.Signature(update))
        if core.streams.has_events:
            members["events"] = Out(stream.Signature(event))
        if self._parameter_port is not None:
            members["parameters"] = In(stream.Signature(self._parameter_port.writes.payload.shape()))
        super().__init__(members)

    @property
    def loop_latency(self) -> int:
        """Clocks between two updates of a row, at least: fewer rows cause bubbles."""
        return self._state_latency + self._pipelines[0].latency

    @property
    def latency(self) -> int:
        """Clocks from the one in which a current is accepted to the first in which its update is valid."""
        return self.loop_latency + 3

    @property
    def _state_latency(self) -> int:
        """Clocks from accepting currents to their states at the pipeline."""
        return ADDRESS_LATENCY + self.primitives.memory_latency

    @property
    def queue_depth(self) -> int:
        """Places in the output queue: enough that a ready consumer never holds up the pipeline."""
        return 1 << ceil_log2(self.latency + 1)

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        words, depth = self.words, self.queue_depth
        for lane, pipeline in enumerate(self._pipelines):
            m.submodules[f"pipeline_{lane}" if self.lanes > 1 else "pipeline"] = pipeline

        # Currents are accepted; in the clock after, their neurons' states are read.
        issue, accepted = Signal(), Signal()
        m.d.sync += accepted.eq(issue)
        m.submodules.reading = reading = RowCounter(self._rows)
        fresh = Signal(init=1)
        m.d.comb += reading.enable.eq(accepted)
        with m.If(accepted & reading.last):
            m.d.sync += fresh.eq(0)

        # What is in flight: one bit per clock since the currents were accepted.
        stages = self.loop_latency
        in_flight = Signal(stages - 1)
        m.d.sync += in_flight.eq((in_flight << 1) | accepted)
        at_pipeline, retire = in_flight[self._state_latency - 2], in_flight[stages - 2]

        # Updates retire in order, so counting them tells which row they belong to.
        m.submodules.writing = writing = RowCounter(self._rows)
        m.d.comb += writing.enable.eq(retire)

        between = self._between_timesteps(m, accepted, reading.last)
        busy = accepted | in_flight.any()
        may_start = self._connect_parameters(m, between, reading.row, busy)
        if self.core.swaps_banks:
            bank = Signal()
            m.d.sync += bank.eq(bank ^ (retire & writing.last))
            may_start = may_start & self._drained(m, between, busy)
        else:
            bank = None
        self._keep_state(m, reading.row, fresh, writing.row, retire, bank)

        if self._current_memory is None:
            currents = self._delayed_currents(m)
        else:
            may_start = may_start & self._connect_currents(
                m, self._current_memory, between, reading.row, accepted
            )
            currents = self._current_memory.words
        for pipeline, current in zip(self._pipelines, self._lanes_of(currents), strict=True):
            m.d.comb += pipeline.current.as_value().eq(current)
        if words.arithmetic.random_bits:
            m.submodules.random = random = RandomWordSource(words.arithmetic.random_seed, self.lanes)
            m.d.comb += random.advance.eq(at_pipeline)
            for pipeline, word in zip(self._pipelines, self._lanes_of(random.words), strict=True):
                m.d.comb += pipeline.random.eq(word)

        outlet = self._send(m, retire)

        # There is room for everything in flight: each row claims its place when its currents are accepted.
        # The count learns of that a clock after: one row more may be under way, so it keeps a place back,
        # and its sign tells whether there is room.
        spare = Signal(signed(ceil_log2(depth) + 1), init=depth - 2)
        claimed, returned = accepted & ~outlet.popped, outlet.popped & ~accepted
        change = Cat(claimed | returned, claimed.replicate(len(spare) - 1))
        m.d.sync += spare.eq(spare + change)
        has_room = ~spare[-1]
        room: Any = may_start & has_room
        if self._rows < self.loop_latency:
            room = room & self._room(m, "rows", self._rows, issue, in_flight[stages - 3])
        if self._current_memory is None:
            m.d.comb += [self.currents.ready.eq(room), issue.eq(room & self.currents.valid)]
        else:
            # A timestep's first row takes its command; the others follow on their own.
            m.d.comb += [self.steps.ready.eq(room & between), issue.eq(room & (self.steps.valid | ~between))]
        return m

    def _between_timesteps(self, m: Module, accepted: Value, last: Value) -> Value:
        """Return whether the row that started last was its timestep's last one, where something waits for that.

        A row that started in the clock before is being read now; if none did, nothing has changed. A single row is
        always the last one.
        """
        if not self.core.waits_for_timesteps or self._rows == 1:
            return Const(1, 1)
        between = Signal()
        was_between = Signal(init=1)
        m.d.comb += between.eq(Mux(accepted, last, was_between))
        m.d.sync += was_between.eq(between)
        return between

    def _delayed_currents(self, m: Module) -> Value:
        """Return the currents of the stream at the time at which their neurons' states are there."""
        currents: Value = self.currents.payload.as_value()
        for stage in range(self._state_latency):
            delayed = Signal(len(currents), name=f"currents_{stage}", reset_less=True)
            m.d.sync += delayed.eq(currents)
            currents = delayed
        return currents

    def _connect_currents(
        self, m: Module, memory: CurrentMemory, between: Value, row: Value, accepted: Value
    ) -> Value:
        """Connect the memory of currents; return whether a row may start beside its writes."""
        m.submodules.current_memory = memory
        # While a write waits no new timestep starts, so that it waits for one at most.
        write_waits = Signal()
        m.d.sync += write_waits.eq(self.currents.valid)
        wiring.connect(m, wiring.flipped(self.currents), memory.writes)
        # A row is read in the clock after it started: then nothing is written.
        m.d.comb += [memory.open.eq(between & ~accepted), memory.row.eq(row)]
        return ~(write_waits & between)

    def _send(self, m: Module, retire: Value) -> Outlet:
        """Queue the results, and offer them as updates and events."""
        streams = self.core.streams
        # The phase is part of an event too.
        told = [name for name in self._shown if streams.has_updates or name == "phase"]
        words = [
            Cat(getattr(pipeline, f"next_{name}").as_value() for pipeline in self._pipelines) for name in told
        ]
        m.submodules.outlet = outlet = Outlet(
            rows=self._rows,
            lanes=self.lanes,
            width=len(Cat(*words)),
            places=self.queue_depth,
            step_bits=self.core.step_bits,
            serial_steps=self.core.counts_steps_serially,
            streams=streams,
        )
        neuron = outlet.row << ceil_log2(self.lanes)
        m.d.comb += [
            outlet.push.eq(retire),
            outlet.pushed_spikes.eq(Cat(pipeline.spike for pipeline in self._pipelines)),
        ]
        if words:
            m.d.comb += outlet.pushed_words.eq(Cat(*words))
        if streams.has_updates:
            update = self.updates.payload
            m.d.comb += [
                self.updates.valid.eq(outlet.update_valid),
                outlet.update_ready.eq(self.updates.ready),
                update.neuron.eq(neuron),
                update.spike.eq(outlet.spikes),
                Cat(*(Value.cast(getattr(update, name)) for name in told)).eq(outlet.words),
            ]
        if streams.has_events:
            event = self.events.payload
            m.d.comb += [
                self.events.valid.eq(outlet.event_valid),
                outlet.event_ready.eq(self.events.ready),
                event.neuron.eq(neuron),
                event.step.eq(outlet.step),
            ]
            if self.lanes > 1:
                m.d.comb += event.spike.eq(outlet.spikes)
            if "phase" in told:
                # It is the last of the words.
                phase = Value.cast(event.phase)
                m.d.comb += phase.eq(outlet.words[len(outlet.words) - len(phase) :])
        return outlet

    @property
    def _shown(self) -> list[str]:
        """Words of the state that leave the population: its refractory counter stays."""
        return [name for name in self.words.kept_formats if name != "refractory"]

    def _per_lane(self, shape: fixed.Shape) -> Any:
        """Return the shape of one word per lane; a single word stays what it is."""
        return shape if self.lanes == 1 else data.ArrayLayout(shape, self.lanes)

    def _lanes_of(self, bits: Value) -> list[Value]:
        """Cut bits into equal parts, one per lane."""
        width = len(bits) // self.lanes
        return [bits[lane * width : (lane + 1) * width] for lane in range(self.lanes)]

    def _connect_parameters(self, m: Module, between: Value, row: Value, busy: Value) -> Value:
        """Connect the run-time parameters; return whether a row may start beside their writes."""
        port = self._parameter_port
        if port is None:
            return Const(1, 1)
        m.submodules.parameter_port = port
        # A write waits for the end of the timestep and for the pipelines to empty; while one waits, no new
        # timestep starts. Nor has one started since `quiet` was found, if a write waits still.
        pausing = Signal()
        quiet = Signal()
        m.d.sync += [pausing.eq(self.parameters.valid), quiet.eq(pausing & between & ~busy)]
        wiring.connect(m, wiring.flipped(self.parameters), port.writes)
        m.d.comb += [port.open.eq(pausing & quiet), port.row.eq(row)]
        for parameter in self.core.runtime:
            value = getattr(port, f"value_{parameter.name}")
            parts = self._lanes_of(value) if parameter.storage.is_per_neuron else [value] * self.lanes
            for pipeline, part in zip(self._pipelines, parts, strict=True):
                m.d.comb += getattr(pipeline, f"constant_{parameter.name}").as_value().eq(part)
        return ~(pausing & between)

    @staticmethod
    def _drained(m: Module, between: Value, busy: Value) -> Value:
        """Return whether a row may start: a timestep's first one when all rows of the one before are written."""
        drained = Signal()
        m.d.sync += drained.eq(between & ~busy)
        return ~between | drained

    def _keep_state(
        self, m: Module, row: Value, fresh: Signal, retired: Value, retire: Value, bank: Signal | None
    ) -> None:
        """Read each row's state before its update, from `bank` if there are two, and write it back after."""
        first = self._pipelines[0]
        fields = {name: getattr(first, name).shape() for name in self.words.kept_formats}
        layout = data.ArrayLayout(data.StructLayout(fields), self.lanes)
        written: Any = Signal(layout)
        stored: Any = Signal(layout)
        given = {"read_address": row, "write_address": retired, "write_data": written.as_value()}
        if bank is None:
            width = len(written.as_value())
            read = self.primitives.memory(m, "state", width=width, write_enables=[retire], **given)
        else:
            read = self.primitives.banks(m, "state", bank=bank, write_enable=retire, **given)
        # The memory can't be reset, so in the first timestep the initial state takes its place.
        initial_state: Any = Signal(layout)
        for _ in range(self.primitives.memory_latency):
            was_fresh = Signal(name="was_fresh")
            m.d.sync += was_fresh.eq(fresh)
            fresh = was_fresh
        m.d.comb += stored.eq(Mux(fresh, initial_state.as_value(), read))
        for lane, (pipeline, reset) in enumerate(zip(self._pipelines, self._reset_words(), strict=True)):
            m.d.comb += initial_state[lane].potential.as_value().eq(reset)
            for name in fields:
                m.d.comb += [
                    getattr(pipeline, name).eq(getattr(stored[lane], name)),
                    getattr(written[lane], name).eq(getattr(pipeline, f"next_{name}")),
                ]

    def _reset_words(self) -> list[Value]:
        """Return each lane's reset potential, at the time at which the memory's data are there."""
        storage = self.core.storage["reset"]
        if not storage.is_writable:
            return [pipeline.initial("reset").as_value() for pipeline in self._pipelines]
        port: Any = self._parameter_port
        value = port.value_reset
        return self._lanes_of(value) if storage.is_per_neuron else [value] * self.lanes

    def _room(self, m: Module, what: str, places: int, claim: Value, back: Value) -> Value:
        """Count free places; return whether there is one."""
        free = Signal(range(places + 1), init=places, name=f"free_{what}")
        m.d.sync += free.eq(free - claim + back)
        return free.any()
