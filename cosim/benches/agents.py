"""Driver and monitors of a population; they know only its ports.

Anyone's Verilog with the ports of :func:`qlif.hdl.ports.population_streams` can be put under them.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from qlif.cosim.benches.monitors import SURPLUS, AbsentStream, Broken, Rule, StreamMonitor
from qlif.cosim.benches.port_words import observed, packed_rows
from qlif.cosim.benches.scoreboard import Observed
from qlif.hdl.interface import Interface
from qlif.model.golden.neurons import ParameterWrite

CLOCK_PERIOD_STEPS = 2

DRAIN = 64
"""A spike's event may come this many clocks behind the last update."""


@dataclass(frozen=True)
class Stalls:
    """How often each stream pauses, as a probability, for each `length` clocks anew."""

    currents: float = 0.0
    updates: float = 0.0
    events: float = 0.0
    length: int = 1

    def flow(self, probability: float, random: np.random.Generator) -> Iterator[bool]:
        """Give, clock after clock, whether a stream may move."""
        while True:
            if probability == 0:
                yield from [True] * 4096
            else:
                moves = random.random(4096 // self.length + 1) >= probability
                yield from np.repeat(moves, self.length).tolist()


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
        (self.data,) = interface.currents.payload
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
        drive = _Drive(self, currents, stalls, sorted(writes, key=lambda change: change.step))
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
                progress(len(updates.transfers) / max(1, len(drive.rows)))
            drive.look(clock)
            if isinstance(updates, AbsentStream):
                updates.follow(drive.sent, clock)
            moved = updates.sample(clock, drive.ready_up)
            if events.sample(clock, drive.ready_ev) or moved:
                drive.idle = 0
            if updates.blind or events.blind or _floods(len(drive.rows), updates, events):
                break
            whole = len(updates.transfers) == len(drive.rows)
            # A core in an adapter may have many events that wait for a stalled stream.
            if whole and drive.idle > (DRAIN if events.shown else 2 * DRAIN) and not events.waits:
                break
        return self._observed(updates, events, drive.broken)

    async def play_given(self, inputs: Sequence[Mapping[str, int]]) -> tuple[npt.NDArray[np.int64], Observed]:
        """Drive the handshakes clock by clock, then rest until everything has come out.

        The currents are random. After the given clocks, more are offered until the timestep is whole.
        Returns the currents that were taken, (timesteps, neurons), and what came out.

        Parameters
        ----------
        inputs : sequence of mapping of str to int
            For each clock, the unsigned word of each port but that of the currents.
        """
        width = self.data.format.width
        sign = 1 << (width - 1)
        # None of them negative: with those, neurons would only sink.
        random = self.random.integers(0, sign, (4096, self.lanes), dtype=np.int64)
        rows = packed_rows(self.data, random)
        handles, rows_per_step = self.handles, self.neurons // self.lanes
        monitors = updates, events = self._monitors()
        taken: list[int] = []
        idle, clock = 0, 0
        while clock < len(inputs) or idle < 4 * DRAIN:
            await self._falling
            whole = len(taken) % rows_per_step == 0
            rest = {
                "currents_valid": int(not whole),
                "updates_ready": 1,
                "events_ready": 1,
            }
            driven = {**rest, "parameters_valid": 0} if clock >= len(inputs) else inputs[clock]
            offered = {"currents_data": rows[len(taken) % len(rows)]}
            for name, word in {**driven, **offered}.items():
                if name in handles:
                    handles[name].value = word
            await ReadOnly()
            clock, idle = clock + 1, idle + 1
            if int(handles["currents_valid"].value) and int(handles["currents_ready"].value):
                taken.append(int(handles["currents_data"].value))
                idle = 0
            for monitor in monitors:
                if isinstance(monitor, AbsentStream):
                    if monitor is updates:
                        monitor.follow(len(taken), clock)
                elif monitor.sample(clock, bool(int(handles[f"{monitor.name}_ready"].value))):
                    idle = 0
            if clock >= len(inputs) and _floods(len(taken), *monitors):
                break
        words = [row >> (lane * width) & ((1 << width) - 1) for row in taken for lane in range(self.lanes)]
        # A module that never takes the rest leaves its last timestep unfinished.
        whole_steps = len(words) // self.neurons * self.neurons
        currents = (np.array(words[:whole_steps], dtype=np.int64).reshape(-1, self.neurons) ^ sign) - sign
        return currents, self._observed(updates, events)

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


class _Drive:
    """Drives the inputs of a run, clock after clock, and counts what is taken.

    Attributes
    ----------
    sent : int
        Rows of currents that were taken.
    idle : int
        Clocks since anything moved.
    patience : int
        Of `idle`, after which nothing is waited for.
    ready_up, ready_ev : bool
        What is driven in this clock.
    broken : list of Broken
        What of the handshakes of the inputs is unknown.
    """

    def __init__(
        self,
        bench: PopulationBench,
        currents: npt.NDArray[np.int64],
        stalls: Stalls,
        changes: Sequence[ParameterWrite],
    ) -> None:
        self.bench, self.handles, self.changes = bench, bench.handles, changes
        self.rows = packed_rows(bench.data, currents)
        self._rows_per_step = bench.neurons // bench.lanes
        rates = stalls.currents, stalls.updates, stalls.events
        self.flow_in, self.flow_up, self.flow_ev = (stalls.flow(rate, bench.random) for rate in rates)
        # Long enough for any pause that the stalls make likely and for the longest way through.
        self.patience = int(500 * stalls.length / max(1 - max(rates), 0.01)) + 200
        self.patience += 4 * bench.interface.latency
        self.idle = self.sent = self._written = 0
        self.ready_up = self.ready_ev = False
        self.broken: list[Broken] = []
        self._offering = self._writing = False
        self._driven: tuple[bool, bool, bool] | None = None
        self._valid, self._data = self.handles["currents_valid"], self.handles["currents_data"]
        self._readies = [self.handles.get(name) for name in ("updates_ready", "events_ready")]

    def offer(self, ready_up: bool, ready_ev: bool) -> None:
        """Drive everything for the coming rising edge."""
        sent, written, changes = self.sent, self._written, self.changes
        due = changes[written].step if written < len(changes) else None
        self._writing = due is not None and (due == 0 or sent > (due - 1) * self._rows_per_step)
        if self.bench.select:
            self._offer_write(changes[written] if self._writing else None)
        allowed = sent < len(self.rows) and (due is None or sent < due * self._rows_per_step)
        # Once offered, a current stays until it is taken.
        self._offering = self._offering or (allowed and next(self.flow_in))
        if self._offering:
            self._data.value = self.rows[sent]
        self.ready_up, self.ready_ev = ready_up, ready_ev
        now = self._offering, ready_up, ready_ev
        if now != self._driven:
            self._valid.value = int(self._offering)
            for handle, ready in zip(self._readies, now[1:], strict=True):
                if handle is not None:
                    handle.value = int(ready)
            self._driven = now

    def look(self, clock: int) -> None:
        """Count what the coming rising edge takes."""
        for name, offered in (("currents", self._offering), ("parameters", self._writing)):
            if not offered:
                continue
            ready = self.handles[f"{name}_ready"].value
            if not ready.is_resolvable:
                what = f"unresolved bits in {name}_ready"
                self.broken.append(Broken.of(Rule.KNOWN, name, clock, what))
            elif int(ready):
                self.idle = 0
                if name == "currents":
                    self.sent, self._offering = self.sent + 1, False
                else:
                    self._written += 1

    def _offer_write(self, change: ParameterWrite | None) -> None:
        """Drive the parameter port for the coming clock."""
        handles = self.handles
        handles["parameters_valid"].value = int(change is not None)
        if change is not None:
            mask = (1 << self.bench.interface.core.word_format.width) - 1
            handles["parameters_select"].value = self.bench.select[change.name]
            handles["parameters_neuron"].value = change.neuron or 0
            handles["parameters_word"].value = change.word & mask
