"""Monitors: they watch a stream that somebody else drives, and keep what moves on it."""

from collections import deque
from typing import Any, TypeVar

from cocotb.triggers import Event as Trigger

from qlif.cosim.agents.agent import Agent
from qlif.cosim.agents.streams import CurrentStream, EventStream, ParameterStream, UpdateStream
from qlif.cosim.agents.transactions import Event, Update, Write
from qlif.model.exceptions import InputError

T = TypeVar("T")


class Receiver(Agent[T]):
    """Keeps what moves on a stream until it is read.

    Parameters
    ----------
    queue : bool, optional
        Whether to keep it. If not given, only as long as nobody has subscribed, a scoreboard for instance: a long
        run would fill the memory.
    *args, **options
        As :class:`Agent`.
    """

    def __init__(self, *args: Any, queue: bool | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._keeps = queue
        self._queue: deque[T] = deque()
        self._arrived = Trigger()

    async def recv(self) -> T:
        """Return the next transaction; wait for it if there is none."""
        await self.wait()
        return self._queue.popleft()

    def recv_nowait(self) -> T:
        """Return the next transaction; IndexError if there is none."""
        self._require_queue()
        return self._queue.popleft()

    async def wait(self) -> None:
        """Wait until there is something to read."""
        self._require_queue()
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()

    def count(self) -> int:
        """Return how many transactions are unread."""
        return len(self._queue)

    def empty(self) -> bool:
        """Return whether everything is read."""
        return not self._queue

    def clear(self) -> None:
        """Drop what is unread."""
        self._queue.clear()

    def _deliver(self, transaction: T) -> None:
        super()._deliver(transaction)
        if self._keeps if self._keeps is not None else not self._callbacks:
            self._queue.append(transaction)
            self._arrived.set()

    def _forget(self) -> None:
        if self._queue:
            self.log.info("reset: %d unread transactions are dropped", len(self._queue))
        self.clear()

    def _require_queue(self) -> None:
        if self._keeps is False or (self._keeps is None and self._callbacks):
            raise InputError(
                f"the {self.name} go to their subscribers: make the agent with queue=True to read them too"
            )


class CurrentMonitor(Receiver[int], CurrentStream):
    """Watches the currents that somebody else drives; its transactions are current words."""


class ParameterMonitor(Receiver[Write], ParameterStream):
    """Watches the parameter writes that somebody else drives."""


class UpdateMonitor(Receiver[Update], UpdateStream):
    """Watches the updates that somebody else takes."""


class EventMonitor(Receiver[Event], EventStream):
    """Watches the events that somebody else takes."""
