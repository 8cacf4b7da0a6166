"""One entry of a benchmark: something that updates neurons, and how it is timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qlif.cosim.bench.work import Work


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
        Returns potential and refractory counter as words, of a contender that computes the golden step.
    work : Work, optional
        What it computes then.
    one_thread : bool
        It is timed by the processor time of its process, so that other work on the machine doesn't count;
        else by the clock.
    """

    name: str
    n: int
    updates: int
    run: Callable[[], object]
    end: Callable[[], Any] | None = None
    work: Work | None = None
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
    n: int
    reason: str
