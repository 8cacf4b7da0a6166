"""Sources: they drive currents and parameter writes into a core."""

from collections import deque
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from cocotb.triggers import Event as Trigger

from qlif.cosim.agents.agent import Agent
from qlif.cosim.agents.pauses import Pausing
from qlif.cosim.agents.streams import CurrentStream, ParameterStream
from qlif.cosim.agents.transactions import Write
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.golden.neurons import ParameterWrite

T = TypeVar("T")


class Source(Pausing, Agent[T]):
    """Offers transfers one after another, each until it is taken.

    Parameters
    ----------
    limit : int
        :meth:`send` waits while so many transfers are queued; 0 for no limit.
    *args, **options
        As :class:`Agent`.
    """

    def __init__(self, *args: Any, limit: int = 0, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limit = limit
        self._queue: deque[tuple[int, ...]] = deque()
        self._offered = False
        self._moved = Trigger()
        self.bus.valid.value = 0
        for column in self.bus.columns.values():
            column.handle.value = 0

    def count(self) -> int:
        """Return how many transfers are queued or offered."""
        return len(self._queue)

    def idle(self) -> bool:
        """Return whether everything was taken."""
        return not self._queue

    async def wait(self) -> None:
        """Wait until everything was taken."""
        while not self.idle():
            await self._change()

    def clear(self) -> None:
        """Drop what is queued. What is offered stays, as the handshake wants it."""
        self._queue = deque([self._queue[0]] if self._offered else [])
        self._moved.set()

    def drive(self) -> None:
        """Offer the next transfer, unless there is a pause."""
        paused = self._paused()
        if self._in_reset:
            self._offered = False
        elif not self._offered and self._queue and not paused:
            self._offered = True
            for column, bits in zip(self.bus.columns.values(), self._queue[0], strict=True):
                column.handle.value = bits
        self.bus.valid.value = int(self._offered)

    def sample(self) -> None:
        """See whether what is offered is taken."""
        before = self.transfers
        super().sample()
        if self.transfers != before:
            self._queue.popleft()
            self._offered = False

    def deliver(self) -> None:
        """Hand over what was taken, and wake who waits for that."""
        moved = bool(self._taken)
        super().deliver()
        if moved:
            self._moved.set()

    def _forget(self) -> None:
        # Before anything was offered, a run hasn't begun, and what is queued is for the one to come.
        if self._queue and (self.transfers or self._offered):
            self.log.warning("reset: %d transfers that were sent are dropped", len(self._queue))
            self._queue.clear()
        self._offered = False
        self._moved.set()

    async def _put(self, transfers: Iterable[tuple[int, ...]]) -> None:
        for transfer in transfers:
            while self._limit and len(self._queue) >= self._limit:
                await self._change()
            self._queue.append(transfer)

    async def _change(self) -> None:
        self._moved.clear()
        await self._moved.wait()


class CurrentSource(Source[int], CurrentStream):
    """Drives currents into a core: neuron by neuron, timestep by timestep."""

    async def send(self, words: int | npt.ArrayLike) -> None:
        """Queue current words, and return; wait only if the queue is at its limit.

        Parameters
        ----------
        words : int or array of int, any shape
            In the order of updates: ``(timesteps, neurons)`` is one.

        Raises
        ------
        InputError
            A word is outside the current format, or they don't fill the lanes.
        """
        await self._put(self._rows(words))

    def send_nowait(self, words: int | npt.ArrayLike) -> None:
        """Queue current words whatever the limit; errors as :meth:`send`."""
        self._queue.extend(self._rows(words))

    def _rows(self, words: int | npt.ArrayLike) -> list[tuple[int, ...]]:
        given = np.asarray(words)
        if given.dtype.kind not in "iu":
            raise InputError(
                f"current words must be whole numbers, not {given.dtype}: see words.current_words"
            )
        self.words.require_current_words(given)
        if given.size % self.lanes:
            raise InputError(f"current words must fill rows of {self.lanes} lanes, not be {given.size}")
        column = self.bus.columns["data"]
        return [(column.encode(row),) for row in given.reshape(-1, self.lanes).tolist()]


class ParameterWriter(Source[Write], ParameterStream):
    """Writes parameters of a core while it runs."""

    async def send(self, name: str, word: int, neuron: int | None = None) -> None:
        """Queue a write, and return; wait only if the queue is at its limit.

        Parameters
        ----------
        name : str
            One of `selects`.
        word : int
            Its new word.
        neuron : int, optional
            Whose, of a parameter that each neuron has its own word of.

        Raises
        ------
        InputError
            The parameter can't be written, or the word or the neuron is out of range.
        """
        await self._put([self._row(name, word, neuron)])

    def send_nowait(self, name: str, word: int, neuron: int | None = None) -> None:
        """Queue a write whatever the limit; errors as :meth:`send`."""
        self._queue.append(self._row(name, word, neuron))

    def _row(self, name: str, word: int, neuron: int | None) -> tuple[int, ...]:
        if name not in self.selects:
            raise InputError(unknown_name("parameter that can be written", name, self.selects))
        ParameterWrite(0, name, word, neuron).check(self.words)
        if (neuron is not None) != (name in self.per_neuron):
            needs = "needs a neuron" if neuron is None else "is the same for all neurons"
            raise InputError(f"neuron is {neuron}, but {name} {needs}")
        mask = (1 << self.words.constants[name].format.width) - 1
        values = {"select": self.selects[name], "neuron": neuron or 0, "word": word & mask}
        return tuple(column.encode([values[field]]) for field, column in self.bus.columns.items())
