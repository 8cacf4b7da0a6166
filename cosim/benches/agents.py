"""Driver and monitors of a population; they know only its ports.

Anyone's Verilog with the ports of :func:`qlif.hdl.ports.population_streams` can be put under them.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from qlif.cosim.benches.drive import Drive, GivenRows, RowDrive, Stalls
from qlif.cosim.benches.held_drive import GivenHeld, HeldDrive, RacingDrive
from qlif.cosim.benches.monitors import SURPLUS, AbsentStream, Broken, StreamMonitor
from qlif.cosim.benches.port_words import observed
from qlif.cosim.benches.scoreboard import Observed
from qlif.hdl.core import Feed
from qlif.hdl.interface import Interface
from qlif.model.golden.neurons import ParameterWrite

CLOCK_PERIOD_STEPS = 2

DRAIN = 64
"""A spike's event may come this many clocks behind the last update."""


_held: dict[str, npt.NDArray[np.int64]] = {}
"""The current words that a module holds, in this simulation."""


class PopulationBench:
    """Plays currents into a population and keeps what comes out.

    Parameters
    ----------
    dut : handle
        The module.
    interface : Interface
        The population's.
    random : Generator
        For the stalls.
    """

    def __init__(self, dut: Any, interface: Interface, random: np.random.Generator) -> None:
        self.dut = dut
        self.interface = interface
        self.random = random
        self.neurons, self.lanes = interface.neurons, interface.lanes
        # Of a write of a current that is held, the word comes behind its neuron.
        *_, self.data = interface.currents.payload
        # A reset keeps what is held, and each test makes a bench of its own.
        self.held = _held.setdefault(interface.module, np.zeros(self.neurons, dtype=np.int64))
        self.select = {parameter.name: parameter.select for parameter in interface.runtime}
        # Looking up a handle costs more than a clock, so each is looked up once.
        self.handles = {port.name: getattr(dut, port.name) for port in interface.ports}
        self._falling = FallingEdge(dut.clk)

    def start_clock(self) -> None:
        """Start the clock, outside Python; every input is known at its first edge."""
        for port in self.interface.inputs:
            self.handles[port.name].value = 0
        self.dut.rst.value = 1
        Clock(self.dut.clk, CLOCK_PERIOD_STEPS, unit="step", impl="gpi").start(start_high=False)

    async def reset(self, clocks: int = 3) -> None:
        """Hold the module in reset for `clocks` rising edges, all inputs at 0."""
        await self._falling
        for port in self.interface.inputs:
            self.handles[port.name].value = 0
        self.dut.rst.value = 1
        for _ in range(clocks):
            await self._falling
        self.dut.rst.value = 0

    async def play(
        self,
        currents: npt.NDArray[np.int64],
        stalls: Stalls,
        stop_after: int | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
        writes: Iterable[ParameterWrite] = (),
    ) -> Observed:
        """Offer current words and take everything that comes out.

        Parameters
        ----------
        currents : array of int, any shape
            In the order of updates.
        stalls : Stalls
        stop_after : int, optional
            Stop after this many clocks, whatever is in progress.
        progress : callable
            Called now and then with the fraction of the updates that came back.
        writes : iterable of ParameterWrite
            Each is offered while the timestep before its own is under way, and the first current of its own
            timestep only after it was taken.
        """
        drive = self._drive(currents, stalls, sorted(writes, key=lambda change: change.step))
        return await self._play(drive, stop_after, progress)

    async def race(self, timesteps: int, stalls: Stalls) -> tuple[npt.NDArray[np.int64], Observed]:
        """Offer random writes of held currents and commands at once; return what was held at each, and what came.

        Parameters
        ----------
        timesteps : int
        stalls : Stalls
            The currents have to pause at times, as a timestep starts while no write waits.
        """
        drive = RacingDrive(self, np.zeros((timesteps, self.neurons), dtype=np.int64), stalls, ())
        seen = await self._play(drive)
        return np.array(drive.started).reshape(-1, self.neurons), seen

    async def _play(
        self,
        drive: Drive,
        stop_after: int | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> Observed:
        updates, events = self._monitors()
        clock, whole = 0, False
        while drive.idle < drive.patience and clock != stop_after and not drive.broken:
            await self._falling
            clock += 1
            # Ready is held back until each stream has shown that its valid doesn't wait for it, or long enough.
            # What its registers show by now is answered in the same clock, so that the run takes no longer.
            # Behind the last update, no more than an event can come.
            prompted = drive.idle >= (DRAIN if whole else drive.patience // 2)
            for monitor in (updates, events):
                if not monitor.shown:
                    monitor.glance()
            take_up, take_ev = next(drive.flow_up), next(drive.flow_ev)
            drive.offer(take_up and (updates.shown or prompted), take_ev and (events.shown or prompted))
            if prompted:
                updates.prompt(clock)
                events.prompt(clock)
            # All outputs have settled here; what is seen now is what the next rising edge acts on.
            await ReadOnly()
            drive.idle += 1
            if clock % 4096 == 0:
                progress(len(updates.transfers) / max(1, drive.total))
            drive.look(clock)
            if isinstance(updates, AbsentStream):
                updates.follow(drive.sent, clock)
            moved = updates.sample(clock, drive.ready_up)
            if events.sample(clock, drive.ready_ev) or moved:
                drive.idle = 0
            if updates.blind or events.blind or _floods(drive.total, updates, events):
                break
            whole = len(updates.transfers) == drive.total
            # A core in an adapter may have many events that wait for a stalled stream.
            if whole and drive.idle > (DRAIN if events.shown else 2 * DRAIN) and not events.waits:
                break
        return self._observed(updates, events, drive.broken)

    def _drive(
        self, currents: npt.NDArray[np.int64], stalls: Stalls, writes: Sequence[ParameterWrite]
    ) -> Drive:
        match self.interface.core.feed:
            case Feed.STREAM:
                return RowDrive(self, currents, stalls, writes)
            case Feed.HELD:
                return HeldDrive(self, currents, stalls, writes)
            case unknown:
                assert_never(unknown)

    async def play_given(self, inputs: Sequence[Mapping[str, int]]) -> tuple[npt.NDArray[np.int64], Observed]:
        """Drive the handshakes clock by clock, then rest until everything has come out.

        The currents are random. After the given clocks, more are offered until the timestep is whole.
        Returns the currents that were taken, (timesteps, neurons), and what came out.

        Parameters
        ----------
        inputs : sequence of mapping of str to int
            For each clock, the unsigned word of each port but that of the currents.
        """
        handles = self.handles
        given: GivenRows | GivenHeld = (GivenHeld if self.interface.core.holds_currents else GivenRows)(self)
        monitors = updates, events = self._monitors()
        idle, clock = 0, 0
        while clock < len(inputs) or idle < 4 * DRAIN:
            await self._falling
            rest = {**given.rest(), "updates_ready": 1, "events_ready": 1, "parameters_valid": 0}
            driven = rest if clock >= len(inputs) else inputs[clock]
            for name, word in {**driven, **given.offered()}.items():
                if name in handles:
                    handles[name].value = word
            await ReadOnly()
            clock, idle = clock + 1, idle + 1
            if given.look():
                idle = 0
            for monitor in monitors:
                if isinstance(monitor, AbsentStream):
                    if monitor is updates:
                        monitor.follow(given.rows, clock)
                elif monitor.sample(clock, bool(int(handles[f"{monitor.name}_ready"].value))):
                    idle = 0
            if clock >= len(inputs) and _floods(given.rows, *monitors):
                break
        return given.currents, self._observed(updates, events)

    def _monitors(self) -> tuple[StreamMonitor, StreamMonitor]:
        """Return a monitor of the updates and one of the events."""
        interface = self.interface

        def monitor(name: str) -> StreamMonitor:
            for stream in interface.streams:
                if stream.name == name:
                    payload = {port.name: self.handles[port.name] for port in stream.payload}
                    return StreamMonitor(name, self.handles[stream.valid.name], payload)
            return AbsentStream(name, interface.rows, self.lanes, interface.latency)

        return monitor("updates"), monitor("events")

    def _observed(
        self, updates: StreamMonitor, events: StreamMonitor, broken: Sequence[Broken] = ()
    ) -> Observed:
        """Return what the monitors took, and each rule that was broken."""
        last = max(updates.clocks[-1:] + events.clocks[-1:], default=0)
        got = observed(self.interface, updates.transfers, events.transfers, last)
        # With several lanes, a transfer has an event for each that spiked.
        each = [transfer[1].bit_count() if self.lanes > 1 else 1 for transfer in events.transfers]
        clocks = np.repeat(events.clocks, each).tolist()
        found = sorted((*broken, *updates.broken, *events.broken), key=lambda rule: rule.clock or 0)
        return dataclasses.replace(got, event_clocks=tuple(clocks), broken=tuple(found))


def _floods(rows: int, *streams: StreamMonitor) -> bool:
    """Return whether a stream gave so much more than it was asked for that it may never end."""
    return any(len(stream.transfers) > rows + SURPLUS for stream in streams)
