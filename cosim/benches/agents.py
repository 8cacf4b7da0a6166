"""Driver and monitors of a population, knowing nothing but the port contract.

Anyone's Verilog with the ports of :func:`qlif.hdl.export.population_ports` can be put under them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from qlif.cosim.scoreboard import Observed

CLOCK_PERIOD_STEPS = 2


@dataclass(frozen=True)
class Stalls:
    """How often each stream pauses, as a probability per clock."""

    currents: float = 0.0
    updates: float = 0.0
    events: float = 0.0

    def flow(self, probability: float, random: np.random.Generator) -> Iterator[bool]:
        """Give, clock after clock, whether a stream may move."""
        while True:
            if probability == 0:
                yield from [True] * 4096
            else:
                yield from (random.random(4096) >= probability).tolist()


class Unresolved(AssertionError):
    """An output that should be 0 or 1 is neither."""


class PopulationBench:
    """Plays currents into a population and keeps what comes out.

    Parameters
    ----------
    dut : handle
        The module.
    interface : dict
        The ports, as in ``interface.json``.
    random : Generator
        For the stalls.
    """

    def __init__(self, dut: Any, interface: dict[str, Any], random: np.random.Generator) -> None:
        self.dut = dut
        self.random = random
        self.ports = {port["name"]: port for port in interface["ports"]}
        # Looking up a handle costs more than a clock, so each is looked up once.
        self.handles = {name: getattr(dut, name) for name in self.ports}
        self._falling = FallingEdge(dut.clk)

    def start_clock(self) -> None:
        """Start the clock, outside Python."""
        Clock(self.dut.clk, CLOCK_PERIOD_STEPS, unit="step", impl="gpi").start()

    async def reset(self, clocks: int = 3) -> None:
        """Hold the module in reset for so many rising edges."""
        await self._falling
        for name in ("currents_valid", "updates_ready", "events_ready", "currents_data"):
            self.handles[name].value = 0
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
    ) -> Observed:
        """Offer current words and take everything that comes out.

        Parameters
        ----------
        currents : array of int, any shape
            In the order of updates.
        stalls : Stalls
        stop_after : int, optional
            Leave after so many clocks, in the middle of whatever goes on.
        progress : callable
            Called now and then with the fraction of the updates that came back.
        """
        handles = self.handles
        valid_in, ready_in, data_in = (handles[f"currents_{part}"] for part in ("valid", "ready", "data"))
        valid_up, ready_up = handles["updates_valid"], handles["updates_ready"]
        valid_ev, ready_ev = handles["events_valid"], handles["events_ready"]
        update_fields = [handles[f"updates_{part}"] for part in ("neuron", "spike", "potential", "trace")]
        event_fields = [handles[f"events_{part}"] for part in ("neuron", "step")]
        mask = (1 << self.ports["currents_data"]["width"]) - 1
        words = (currents.ravel() & mask).tolist()
        flows = [stalls.flow(p, self.random) for p in (stalls.currents, stalls.updates, stalls.events)]
        flow_in, flow_up, flow_ev = flows
        # Long enough for any pause that the stalls make likely and for the longest way through.
        slowest = 1 - max(stalls.currents, stalls.updates, stalls.events)
        patience = int(500 / max(slowest, 0.01)) + 200
        updates: list[list[int]] = []
        events: list[list[int]] = []
        sent, offering, clock, idle, last = 0, False, 0, 0, 0
        driven: tuple[bool, bool, bool] | None = None
        while idle < patience and clock != stop_after:
            await self._falling
            # Once offered, a current stays until it is taken.
            offering = offering or (sent < len(words) and next(flow_in))
            take_up, take_ev = next(flow_up), next(flow_ev)
            if offering:
                data_in.value = words[sent]
            now = (offering, take_up, take_ev)
            if now != driven:
                valid_in.value, ready_up.value, ready_ev.value = (int(bit) for bit in now)
                driven = now
            # All outputs have settled here; what is seen now is what the next rising edge acts on.
            await ReadOnly()
            clock += 1
            idle += 1
            if clock % 4096 == 0:
                progress(len(updates) / max(1, len(words)))
            try:
                if offering and int(ready_in.value):
                    sent += 1
                    offering = False
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
            if idle > 4 and len(updates) == len(words) and idle > self._drain:
                break
        return self._observed(updates, events, last)

    # A spike's event may come this many clocks behind the last update.
    _drain = 64

    def _observed(self, updates: list[list[int]], events: list[list[int]], cycles: int) -> Observed:
        up = np.array(updates, dtype=np.int64).reshape(-1, 4)
        ev = np.array(events, dtype=np.int64).reshape(-1, 2)
        neuron, spike, potential, trace = (
            self._signed(f"updates_{part}", up[:, k])
            for k, part in enumerate(("neuron", "spike", "potential", "trace"))
        )
        return Observed(neuron, spike, potential, trace, ev[:, 0], ev[:, 1], cycles)

    def _signed(self, name: str, words: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return unsigned bit patterns as the numbers that the port means."""
        port = self.ports[name]
        if not port["signed"]:
            return words
        sign = 1 << (port["width"] - 1)
        return np.asarray((words ^ sign) - sign)
