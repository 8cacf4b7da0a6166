# amaranth: UnusedElaboratable=no
# (A population that is only asked for its latency never builds its pipeline.)
"""Many neurons time-multiplexed over one pipeline, with streams in and out."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from qlif.hdl import fixed
from qlif.hdl.neuron import NeuronPipeline
from qlif.hdl.random_words import RandomWordSource
from qlif.model.errors import InputError
from qlif.model.words import Words

STEP_BITS = 32
"""Width of the timestep in an event; it wraps."""

MEMORY_LATENCY = 2
"""Clocks from a read address to the state at the pipeline: the memory and its output register."""

LARGEST_POPULATION = 1 << 20


class Population(wiring.Component):
    """N neurons, one update per clock.

    Currents arrive neuron after neuron, timestep after timestep. Each makes one update, which leaves
    :attr:`latency` clocks later at the earliest, in the same order. The pipeline itself never stops: a
    current is accepted only when there is room for what it will cause, so a consumer that stalls
    holds up the currents and loses nothing. Updates flow at one per clock as long as there are at least
    :attr:`loop_latency` neurons; with fewer, bubbles keep a neuron from overtaking itself.

    A synchronous reset at any clock starts over: timestep 0, every neuron in its initial state.

    Parameters
    ----------
    words : Words
        The neuron; one value for the whole population of each constant.
    neurons : int
        How many, 1 or more.

    Attributes
    ----------
    currents : In, stream of current words
        One per update.
    updates : Out, stream of (neuron, spike, potential, trace)
        Each update's outcome, in order.
    events : Out, stream of (neuron, step)
        Spikes only: who, and in which timestep since reset, modulo 2**32.

    Raises
    ------
    InputError
        The number of neurons, or a constant with one value per neuron.
    """

    currents: Any
    updates: Any
    events: Any

    def __init__(self, words: Words, neurons: int) -> None:
        if (
            isinstance(neurons, bool)
            or not isinstance(neurons, int)
            or not 1 <= neurons <= LARGEST_POPULATION
        ):
            raise InputError(
                f"neurons must be a whole number from 1 to {LARGEST_POPULATION}, not {neurons!r}"
            )
        self.words = words
        self.neurons = neurons
        self.neuron_bits = max(1, ceil_log2(neurons))
        self._pipeline = NeuronPipeline(words)
        update = data.StructLayout(
            {
                "neuron": self.neuron_bits,
                "spike": 1,
                "potential": fixed.Shape(words.arithmetic.potential),
                "trace": fixed.Shape(words.arithmetic.trace),
            }
        )
        event = data.StructLayout({"neuron": self.neuron_bits, "step": STEP_BITS})
        super().__init__(
            {
                "currents": In(stream.Signature(fixed.Shape(words.arithmetic.current))),
                "updates": Out(stream.Signature(update)),
                "events": Out(stream.Signature(event)),
            }
        )

    @property
    def loop_latency(self) -> int:
        """Clocks after which a neuron's next update may follow: fewer neurons cause bubbles."""
        return MEMORY_LATENCY + self._pipeline.latency + 1

    @property
    def latency(self) -> int:
        """Clocks from the one in which a current is accepted to the first in which its update is valid."""
        return self.loop_latency + 1

    @property
    def depth(self) -> int:
        """Places in each output queue: enough that a ready consumer never holds up the pipeline."""
        return 1 << ceil_log2(self.latency + 2)

    def elaborate(self, platform: Any) -> Module:
        """Build the gates."""
        m = Module()
        m.submodules.pipeline = pipeline = self._pipeline
        words, depth = self.words, self.depth
        last_neuron = self.neurons - 1

        # Where the next current belongs, and whether this is its neuron's first update.
        neuron = Signal(self.neuron_bits)
        fresh = Signal(init=1)
        issue = Signal()
        with m.If(issue):
            m.d.sync += neuron.eq(Mux(neuron == last_neuron, 0, neuron + 1))
            with m.If(neuron == last_neuron):
                m.d.sync += fresh.eq(0)

        # What is in flight: one bit per clock since the current was accepted.
        stages = MEMORY_LATENCY + pipeline.latency
        in_flight = Signal(stages)
        m.d.sync += in_flight.eq((in_flight << 1) | issue)
        at_pipeline, retire = in_flight[MEMORY_LATENCY - 1], in_flight[stages - 1]

        # Updates retire in order, so counting them tells which neuron and timestep they belong to.
        retired = Signal(self.neuron_bits)
        step = Signal(STEP_BITS)
        with m.If(retire):
            m.d.sync += retired.eq(Mux(retired == last_neuron, 0, retired + 1))
            with m.If(retired == last_neuron):
                m.d.sync += step.eq(step + 1)

        self._keep_state(m, neuron, fresh, retired, retire)

        current = self.currents.payload
        for stage in range(MEMORY_LATENCY):
            delayed = Signal(fixed.Shape(words.arithmetic.current), name=f"current_{stage}", reset_less=True)
            m.d.sync += delayed.eq(current)
            current = delayed
        m.d.comb += pipeline.current.eq(current)
        if words.arithmetic.random_bits:
            m.submodules.random = random = RandomWordSource(words.arithmetic.random_seed)
            m.d.comb += [pipeline.random.eq(random.word), random.advance.eq(at_pipeline)]

        # Both queues have room for everything in flight, because each update claims its places when its
        # current is accepted. A place in the event queue comes back at once if there was no spike.
        update_pop = self.updates.valid & self.updates.ready
        event_pop = self.events.valid & self.events.ready
        silent = retire & ~pipeline.spike
        room = self._room(m, "updates", depth, issue, update_pop, Const(0, 1))
        room &= self._room(m, "events", depth, issue, event_pop, silent)
        if self.neurons < self.loop_latency:
            room &= self._room(m, "neurons", self.neurons, issue, retire, Const(0, 1))
        m.d.comb += [self.currents.ready.eq(room), issue.eq(room & self.currents.valid)]

        outcome: Any = Signal(self.updates.payload.shape())
        m.d.comb += [
            outcome.neuron.eq(retired),
            outcome.spike.eq(pipeline.spike),
            outcome.potential.eq(pipeline.next_potential),
            outcome.trace.eq(pipeline.next_trace),
        ]
        event: Any = Signal(self.events.payload.shape())
        m.d.comb += [event.neuron.eq(retired), event.step.eq(step)]
        self._queue(m, "updates", outcome, retire, self.updates)
        self._queue(m, "events", event, retire & pipeline.spike, self.events)
        return m

    def _keep_state(self, m: Module, neuron: Signal, fresh: Signal, retired: Signal, retire: Value) -> None:
        """Read each neuron's state before its update and write it back after."""
        pipeline, words = self._pipeline, self.words
        fields = {"potential": pipeline.potential.shape(), "refractory": pipeline.refractory.shape()}
        if words.parameters.spike_trace:
            fields["trace"] = pipeline.trace.shape()
        layout = data.StructLayout(fields)
        memory: Any = Memory(shape=layout, depth=1 << self.neuron_bits, init=[])
        m.submodules.state = memory
        read, write = memory.read_port(), memory.write_port()
        m.d.comb += [read.addr.eq(neuron), write.addr.eq(retired), write.en.eq(retire)]

        # The memory can't be reset, so in the first timestep the initial state takes its place.
        initial: Any = Signal(layout)
        m.d.comb += initial.potential.eq(pipeline.constant("reset"))
        was_fresh = Signal()
        stored: Any = Signal(layout, reset_less=True)
        m.d.sync += [was_fresh.eq(fresh), stored.eq(Mux(was_fresh, initial.as_value(), read.data.as_value()))]
        for name in fields:
            m.d.comb += [
                getattr(pipeline, name).eq(getattr(stored, name)),
                getattr(write.data, name).eq(getattr(pipeline, f"next_{name}")),
            ]

    def _room(self, m: Module, what: str, places: int, claim: Value, back: Value, back_too: Value) -> Value:
        """Count free places; return whether there is one."""
        free = Signal(range(places + 1), init=places, name=f"free_{what}")
        m.d.sync += free.eq(free - claim + back + back_too)
        return free.any()

    def _queue(self, m: Module, what: str, payload: Any, push: Value, output: Any) -> None:
        """Put a first-in first-out queue in front of an output stream."""
        queue = SyncFIFOBuffered(width=len(payload.as_value()), depth=self.depth)
        m.submodules[f"{what}_queue"] = queue
        m.d.comb += [
            queue.w_data.eq(payload.as_value()),
            queue.w_en.eq(push),
            output.payload.as_value().eq(queue.r_data),
            output.valid.eq(queue.r_rdy),
            queue.r_en.eq(output.ready),
        ]
