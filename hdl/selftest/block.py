"""A self-test: stimulus and signature in gates around any Verilog with a population's ports."""

from collections.abc import Collection, Mapping
from typing import Any

from amaranth.hdl import (
    Cat,
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    ResetInserter,
    ResetSignal,
    Signal,
    Value,
)
from amaranth.lib import wiring
from amaranth.utils import ceil_log2

from qlif.hdl.interface import Interface
from qlif.hdl.ports import STALL_RATE_BITS
from qlif.hdl.row_counters import RowCounter
from qlif.hdl.selftest.held_feed import HeldFeed
from qlif.hdl.selftest.signature import Signature, folded
from qlif.hdl.selftest.stalls import Stalls
from qlif.hdl.selftest.stimulus import Stimulus
from qlif.model.selftest.plan import SIGNATURE_BITS, TIMESTEP_BITS, SelfTestPlan

DRAIN = 64
"""A spike's event may be offered this many clocks behind the last update."""

COMPARED_BITS = 8
"""Bits of two numbers that are compared between two registers."""


class SelfTest(Elaboratable):
    """Runs a population for some timesteps, and outputs the signature of its results.

    The population is an instance of a module that is described elsewhere; only its port contract counts.
    It is reset at each start, so that each run of as many timesteps ends with the same signature. Its
    run-time parameters, if it has any, stay as they are.

    Parameters
    ----------
    plan : SelfTestPlan
    interface : Interface
        The population's.
    observed : bool
        Whether its output streams can be looked at from outside.
    handed_through : collection of str
        Inputs of the module that aren't in the port contract, and come from outside.
    shared : bool
        Whether others use the population while no run is in progress.

    Attributes
    ----------
    start : In
        Starts a run if none is in progress.
    timesteps : In, 32 bits
        Length of the run; sampled in the clock after `start`.
    stalls : In, 8 bits
        In how many of 256 clocks, on average, each stream pauses; no signature depends on it.
    done : Out
        The last run is over.
    timestep : Out, 32 bits
        Timesteps whose updates are all in the signature.
    signature : Out, 128 bits
        That of the updates in the low half, that of the events in the high half.
    watched : dict of str to Signal
        The population's output streams, by the names of its ports; empty unless `observed`.
    handed : dict of str to Signal
        The inputs that come from outside, by their names.
    running : Out
        A run is in progress.
    lent : dict of str to Signal
        The population's streams for others, by the names of its ports; nothing moves on them during a run. Empty
        unless `shared`.
    """

    def __init__(
        self,
        plan: SelfTestPlan,
        interface: Interface,
        observed: bool = False,
        handed_through: Collection[str] = (),
        shared: bool = False,
    ) -> None:
        self.plan, self.interface, self.observed = plan, interface, observed
        self.shared = shared
        self.neurons, self.lanes = interface.neurons, interface.lanes
        self._ports = {port.name: port for port in interface.ports}
        # Plain signals: a component of Amaranth's can't have a port that is called `signature`.
        self.start = Signal()
        self.timesteps = Signal(TIMESTEP_BITS)
        self.stalls = Signal(STALL_RATE_BITS)
        self.done = Signal()
        self.timestep = Signal(TIMESTEP_BITS)
        self.signature = Signal(2 * SIGNATURE_BITS)
        self.watched = {
            port.name: Signal(port.width, name=port.name)
            for stream in interface.streams
            for port in stream.ports
            if observed and stream.role == "source"
        }
        self.handed = {name: Signal(self._ports[name].width, name=name) for name in handed_through}
        self.running = Signal()
        lent = [port for stream in interface.streams for port in stream.ports] if shared else []
        self.lent = {port.name: Signal(port.width, name=port.name) for port in lent}

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        # In the clock after `start`, everything is as after a reset.
        restart, running = Signal(), Signal()
        restarted = ResetInserter(restart)
        m.d.sync += restart.eq(self.start & ~running & ~restart)

        m.submodules.stimulus = stimulus = Stimulus(self.plan, self.neurons, self.lanes)
        m.submodules.stalls = stalls = Stalls(3)
        pause_currents, pause_updates, pause_events = stalls.paused
        m.d.comb += [
            stalls.rate.eq(self.stalls),
            stimulus.start.eq(restart),
            stimulus.timesteps.eq(self.timesteps),
            stimulus.pause.eq(pause_currents),
        ]
        ports = self._instance(m, restart, stimulus.currents)
        m.d.comb += [ports["updates_ready"].eq(~pause_updates), ports["events_ready"].eq(~pause_events)]
        taken = {name: ports[f"{name}_valid"] & ports[f"{name}_ready"] for name in ("updates", "events")}
        if self.shared:
            m.d.comb += self.running.eq(running)
            self._lend(m, ports, running)
            for name in taken:
                taken[name] = taken[name] & running

        m.submodules.updates = updates = restarted(Signature(self.lanes))
        m.submodules.events = events = restarted(Signature())
        m.d.comb += [
            updates.words.eq(Cat(self._update_words(ports))),
            updates.absorb.eq(taken["updates"]),
            events.words.eq(self._event_word(ports)),
            events.absorb.eq(taken["events"]),
            self.signature.eq(Cat(updates.value, events.value)),
        ]
        self._count(m, ports, taken["updates"], restart, running)
        m.d.comb += [signal.eq(ports[name]) for name, signal in self.watched.items()]
        m.d.comb += [ports[name].eq(signal) for name, signal in self.handed.items()]
        return m

    def _lend(self, m: Module, ports: Mapping[str, Signal], running: Value) -> None:
        """Give the population's streams to others while no run is in progress."""
        for stream in self.interface.streams:
            for port in stream.ports:
                inner, outer = ports[port.name], self.lent[port.name]
                is_handshake = port in (stream.valid, stream.ready)
                if port.direction == "output":
                    m.d.comb += outer.eq(inner & ~running if is_handshake else inner)
                elif stream.name == "parameters":
                    m.d.comb += inner.eq(outer & ~running if is_handshake else outer)
                else:
                    # This comes after what the run itself drives.
                    with m.If(~running):
                        m.d.comb += inner.eq(outer)

    def _count(
        self, m: Module, ports: Mapping[str, Signal], taken: Value, restart: Value, running: Signal
    ) -> None:
        """Count finished timesteps; end the run when all are back and nothing has followed for a while."""
        rows = RowCounter(self.neurons // self.lanes)
        m.submodules.rows = ResetInserter(restart)(rows)
        # A clock later, as the signature has a register in front.
        finished, all_back, expected = Signal(), Signal(), Signal(TIMESTEP_BITS)
        # Compared piece by piece, as there is time for it.
        equal = Signal(-(-TIMESTEP_BITS // COMPARED_BITS))
        idle = Signal(range(DRAIN + 1))
        moved = ports["updates_valid"] | ports["events_valid"]
        m.d.comb += rows.enable.eq(taken)
        m.d.sync += [
            finished.eq(taken & rows.last),
            equal.eq(
                Cat(
                    self.timestep[low : low + COMPARED_BITS] == expected[low : low + COMPARED_BITS]
                    for low in range(0, TIMESTEP_BITS, COMPARED_BITS)
                )
            ),
            all_back.eq(equal.all()),
        ]
        with m.If(finished):
            m.d.sync += self.timestep.eq(self.timestep + 1)
        with m.If(moved | ~all_back):
            m.d.sync += idle.eq(0)
        with m.Elif(idle != DRAIN):
            m.d.sync += idle.eq(idle + 1)
        with m.If(running & (idle == DRAIN)):
            m.d.sync += [running.eq(0), self.done.eq(1)]
        with m.If(restart):
            m.d.sync += [
                running.eq(1),
                self.done.eq(0),
                self.timestep.eq(0),
                expected.eq(self.timesteps),
                finished.eq(0),
                equal.eq(0),
                all_back.eq(0),
                idle.eq(0),
            ]

    def _instance(self, m: Module, restart: Value, currents: Any) -> dict[str, Signal]:
        """Put the population in; return its ports."""
        ports = {name: Signal(port.width, name=f"core_{name}") for name, port in self._ports.items()}
        connections = {f"{self._ports[name].direction[0]}_{name}": signal for name, signal in ports.items()}
        m.submodules.population = Instance(
            self.interface.module, i_clk=ClockSignal(), i_rst=ResetSignal() | restart, **connections
        )
        if self.interface.core.holds_currents:
            self._write(m, restart, currents, ports)
            return ports
        m.d.comb += [
            ports["currents_valid"].eq(currents.valid),
            ports["currents_data"].eq(currents.payload),
            currents.ready.eq(ports["currents_ready"]),
        ]
        return ports

    def _write(self, m: Module, restart: Value, currents: Any, ports: Mapping[str, Signal]) -> None:
        """Write the currents into a population that holds them."""
        core = self.interface.core
        feed = HeldFeed(core.rows, core.lanes, core.words.arithmetic.current.width)
        m.submodules.feed = ResetInserter(restart)(feed)
        wiring.connect(m, currents, feed.currents)
        m.d.comb += [
            ports["currents_valid"].eq(feed.writes.valid),
            ports["currents_neuron"].eq(feed.writes.payload.neuron),
            ports["currents_word"].eq(feed.writes.payload.word),
            feed.writes.ready.eq(ports["currents_ready"]),
            ports["steps_valid"].eq(feed.steps.valid),
            feed.steps.ready.eq(ports["steps_ready"]),
        ]

    def _update_words(self, ports: Mapping[str, Signal]) -> list[Value]:
        """Return the words that the signature absorbs of one row of updates."""
        return [
            folded(
                [
                    self._lane(ports, "updates_spike", lane),
                    # The port tells the first lane's neuron.
                    ports["updates_neuron"] ^ Const(lane, max(1, ceil_log2(self.lanes))),
                    self._lane(ports, "updates_potential", lane),
                    self._lane(ports, "updates_trace", lane),
                    *([self._lane(ports, "updates_phase", lane)] if "updates_phase" in ports else []),
                ]
            )
            for lane in range(self.lanes)
        ]

    def _event_word(self, ports: Mapping[str, Signal]) -> Value:
        which = [ports["events_spike"]] if self.lanes > 1 else []
        phase = [ports["events_phase"]] if "events_phase" in ports else []
        return folded([ports["events_neuron"], *which, ports["events_step"], *phase])

    def _lane(self, ports: Mapping[str, Signal], name: str, lane: int) -> Value:
        if name not in ports:  # no spike trace: a word of zeros
            return Const(0, self.interface.words.arithmetic.trace.width)
        width = self._ports[name].format.width
        return ports[name][lane * width : (lane + 1) * width]
