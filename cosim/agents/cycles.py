"""Clock cycles: one task for all agents of a clock, so that they act in a fixed order."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

_running: dict[Any, "Cycles"] = {}


class Clocked(ABC):
    """What acts in each cycle of a clock.

    Attributes
    ----------
    place : int
        The lower, the earlier it acts: what goes into a design before what comes out of it.
    """

    place: ClassVar[int]

    @abstractmethod
    def drive(self) -> None:
        """Drive signals, at the falling edge."""

    @abstractmethod
    def sample(self) -> None:
        """Look at signals that have settled: the coming rising edge acts on what is seen now."""

    @abstractmethod
    def deliver(self) -> None:
        """Hand over what the rising edge moved. Whoever waits for it may drive signals again."""


class Cycles:
    """Lets agents act in each cycle of a clock, from now to the end of the test."""

    def __init__(self, clock: Any) -> None:
        self._agents: list[Clocked] = []
        self._edges = FallingEdge(clock), ReadOnly(), RisingEdge(clock)
        self._task = cocotb.start_soon(self._run())

    @classmethod
    def of(cls, clock: Any) -> "Cycles":
        """Return those of a clock; new ones in each test, as the tasks end with it."""
        if clock not in _running or _running[clock]._task.done():
            _running[clock] = cls(clock)
        return _running[clock]

    def add(self, agent: Clocked) -> None:
        """Let an agent act from the next cycle on."""
        # A new list: the old one may be in use.
        self._agents = sorted([*self._agents, agent], key=lambda one: one.place)

    async def _run(self) -> None:
        falling, settled, rising = self._edges
        while True:
            await falling
            agents = self._agents
            for agent in agents:
                agent.drive()
            await settled
            for agent in agents:
                agent.sample()
            await rising
            for agent in agents:
                agent.deliver()
