"""One entry of a benchmark: something that updates neurons, and how it is timed."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qlif.cosim.benchmark.work import Work

PIECE = 0.04
"""Seconds that a contender is measured for at a time: much longer than what its caches take to fill."""


@dataclass(frozen=True, eq=False)
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

    def repeats(self) -> int:
        """Return how often it has to run to take :data:`PIECE` seconds."""
        return max(1, math.ceil(PIECE * self.speed(1) / self.updates))

    def speed(self, repeats: int) -> float:
        """Run this many times; return updates per second."""
        clock = time.process_time if self.one_thread else time.perf_counter
        begun = clock()
        for _ in range(repeats):
            self.run()
        return self.updates * repeats / (clock() - begun)


@dataclass(frozen=True)
class Skipped:
    """A contender that isn't there."""

    name: str
    n: int
    reason: str
