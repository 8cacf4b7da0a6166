"""Driver and monitors of a population; they know only its ports.

Anyone's Verilog with the ports of :func:`qlif.hdl.ports.population_streams` can be put under them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from qlif.cosim.benches.port_words import observed, packed_rows
from qlif.cosim.benches.scoreboard import Observed
from qlif.hdl.interface import Interface
from qlif.model.exceptions import DifferenceFound
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


class Unresolved(DifferenceFound):
    """An output that should be 0 or 1 is neither."""


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
        handles = self.handles
        valid_in, ready_in, data_in = (handles[f"currents_{part}"] for part in ("valid", "ready", "data"))
        valid_up, ready_up = handles["updates_valid"], handles["updates_ready"]
        valid_ev, ready_ev = handles["events_valid"], handles["events_ready"]
        update_fields = [handles[port.name] for port in self.interface.updates.payload]
        event_fields = [handles[port.name] for port in self.interface.events.payload]
        rows = packed_rows(self.data, currents)
        rows_per_step = self.neurons // self.lanes
        changes = sorted(writes, key=lambda change: change.step)
        flows = [stalls.flow(p, self.random) for p in (stalls.currents, stalls.updates, stalls.events)]
        flow_in, flow_up, flow_ev = flows
        # Long enough for any pause that the stalls make likely and for the longest way through.
        slowest = 1 - max(stalls.currents, stalls.updates, stalls.events)
        patience = int(500 * stalls.length / max(slowest, 0.01)) + 200
        updates: list[list[int]] = []
        events: list[list[int]] = []
        sent, written, offering, clock, idle, last = 0, 0, False, 0, 0, 0
        driven: tuple[bool, bool, bool] | None = None
        while idle < patience and clock != stop_after:
            await self._falling
            due = changes[written].step if written < len(changes) else None
            writing = due is not None and (due == 0 or sent > (due - 1) * rows_per_step)
            if self.select:
                self._offer_write(changes[written] if writing else None)
            allowed = sent < len(rows) and (due is None or sent < due * rows_per_step)
            # Once offered, a current stays until it is taken.
            offering = offering or (allowed and next(flow_in))
            take_up, take_ev = next(flow_up), next(flow_ev)
            if offering:
                data_in.value = rows[sent]
            now = (offering, take_up, take_ev)
            if now != driven:
                valid_in.value, ready_up.value, ready_ev.value = (int(bit) for bit in now)
                driven = now
            # All outputs have settled here; what is seen now is what the next rising edge acts on.
            await ReadOnly()
            clock += 1
            idle += 1
            if clock % 4096 == 0:
                progress(len(updates) / max(1, len(rows)))
            try:
                if offering and int(ready_in.value):
                    sent += 1
                    offering = False
                    idle = 0
                if writing and int(handles["parameters_ready"].value):
                    written += 1
                    idle = 0
                if int(valid_up.value) and take_up:
                    updates.append([int(field.value) for field in update_fields])
                    idle, last = 0, clock
                if int(valid_ev.value) and take_ev:
                    events.append([int(field.value) for field in event_fields])
                    idle, last = 0, clock
            except ValueError:
                unknown = [name for name, handle in handles.items() if not handle.value.is_resolvable]
                raise Unresolved(f"clock {clock}: unresolved bits in {', '.join(unknown)}") from None
            # A core in an adapter may have many events that wait for a stalled stream.
            if len(updates) == len(rows) and idle > DRAIN and not int(valid_ev.value):
                break
        return observed(self.interface, updates, events, last)

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
        taken: list[int] = []
        updates: list[list[int]] = []
        events: list[list[int]] = []
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
            for stream, kept in ((self.interface.updates, updates), (self.interface.events, events)):
                if int(handles[stream.valid.name].value) and int(handles[stream.ready.name].value):
                    kept.append([int(handles[port.name].value) for port in stream.payload])
                    idle = 0
        words = [row >> (lane * width) & ((1 << width) - 1) for row in taken for lane in range(self.lanes)]
        # A module that never takes the rest leaves its last timestep unfinished.
        whole_steps = len(words) // self.neurons * self.neurons
        currents = (np.array(words[:whole_steps], dtype=np.int64).reshape(-1, self.neurons) ^ sign) - sign
        return currents, observed(self.interface, updates, events, clock)

    def _offer_write(self, change: ParameterWrite | None) -> None:
        """Drive the parameter port for the coming clock."""
        handles = self.handles
        handles["parameters_valid"].value = int(change is not None)
        if change is not None:
            mask = (1 << self.interface.core.word_format.width) - 1
            handles["parameters_select"].value = self.select[change.name]
            handles["parameters_neuron"].value = change.neuron or 0
            handles["parameters_word"].value = change.word & mask
