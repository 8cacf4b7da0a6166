"""Pauses of a stream, cycle by cycle."""

from collections.abc import Iterable, Iterator


class Pausing:
    """What pauses on request.

    Attributes
    ----------
    pause : bool
        Set it to pause until it is cleared. A generator sets it in each cycle.
    """

    pause = False
    _pauses: Iterator[bool] | None = None

    def set_pause_generator(self, generator: Iterable[bool]) -> None:
        """Pause in each cycle for which an iterable gives true; go on when it ends."""
        self._pauses = iter(generator)

    def clear_pause_generator(self) -> None:
        """Go on without pauses."""
        self._pauses = None
        self.pause = False

    def _paused(self) -> bool:
        """Return whether to pause in this cycle."""
        if self._pauses is not None:
            try:
                self.pause = bool(next(self._pauses))
            except StopIteration:
                self.clear_pause_generator()
        return self.pause
