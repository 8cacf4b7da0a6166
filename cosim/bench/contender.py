"""One entry of a benchmark: something that updates neurons, and how it is timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """Something that can be run again and again.

    Attributes
    ----------
    name : str
    n : int
        Neurons.
    updates : int
        Updates that one call makes.
    run : callable
        Makes them.
    end : callable, optional
        Returns what must be the same for all contenders of one group after one run from the start: each
        is called once, first `run` and then this, before anything is measured.
    group : str
        Contenders that compute the same numbers.
    one_thread : bool
        It is timed by the processor time of its process, so that other work on the machine doesn't count;
        else by the clock.
    """

    name: str
    n: int
    updates: int
    run: Callable[[], object]
    end: Callable[[], object] | None = None
    group: str = ""
    one_thread: bool = True

    def speed(self) -> float:
        """Run once; return updates per second."""
        clock = time.process_time if self.one_thread else time.perf_counter
        begun = clock()
        self.run()
        return self.updates / (clock() - begun)


@dataclass(frozen=True)
class Skipped:
    """A contender that isn't there."""

    name: str
    reason: str
