"""Sinks: they take the updates and events that a core gives."""

from collections.abc import Callable
from typing import Any, TypeVar

from qlif.cosim.agents.monitors import Receiver
from qlif.cosim.agents.pauses import Pausing
from qlif.cosim.agents.streams import EventStream, UpdateStream
from qlif.cosim.agents.transactions import Event, Update
from qlif.cosim.benches.monitors import RISES_WITHIN

T = TypeVar("T")

_PATIENCE = 256
"""For so many cycles, ready is held back from a stream whose valid hasn't been seen without it."""


class Sink(Pausing, Receiver[T]):
    """Drives ready, and keeps what a stream gives; parameters as :class:`Receiver`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._due: Callable[[], int] | None = None
        self._any_due: Callable[[], int] = int
        self._waited, self._patience, self._suspected = 0, _PATIENCE, False
        self._given: int | None = None
        self._ready = False
        if self.bus.ready is not None:
            self.bus.ready.value = 0

    def hold_back(self, due: Callable[[], int], any_due: Callable[[], int]) -> None:
        """Hold ready back at first, to see whether valid waits for it; a scoreboard asks for this.

        Parameters
        ----------
        due : callable
            How much the stream owes.
        any_due : callable
            How much the core owes, on all its streams.
        """
        self._due, self._any_due = due, any_due

    def drive(self) -> None:
        """Drive ready."""
        paused = self._paused()
        if self.bus.ready is None:
            return
        take = not paused and not self._in_reset
        self._ready = take and (self._due is None or self._watch.shown or self._may_prompt())
        self.bus.ready.value = int(self._ready)

    def sample(self) -> None:
        """Take what moves; a valid that came only when ready had come is tried once more, with another delay."""
        before, shown = self.transfers, self._watch.shown
        super().sample()
        if self.transfers == before or shown or self._given is None:
            return
        if not self._suspected and self.cycle - self._given < RISES_WITHIN:
            self._suspected, self._watch.shown = True, False
            self._patience, self._waited = 2 * self._patience + 2 * RISES_WITHIN + 1, 0
        self._given = None

    def _may_prompt(self) -> bool:
        """Return whether ready was held back for long enough, or needn't be as valid is there without it."""
        if not self._ready:
            self._watch.glance()
        if self._watch.shown:
            return True
        self._waited += self._any_due() > 0
        if self._waited < self._patience:
            return False
        if self._given is None and self._due is not None and self._due():
            self._given = self.cycle
            if self._suspected:
                self._watch.prompt(self.cycle)
        return True

    def _forget(self) -> None:
        super()._forget()
        self._waited, self._given = 0, None


class UpdateSink(Sink[Update], UpdateStream):
    """Takes the updates of a core."""


class EventSink(Sink[Event], EventStream):
    """Takes the events of a core."""
