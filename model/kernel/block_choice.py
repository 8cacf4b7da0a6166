"""Which size of block is fastest on this machine, found on the work itself.

Small blocks keep the state in the nearest caches over a stretch of time; one block of all neurons reads the input in
the order in which it lies in memory. Which wins depends on the caches and on what else they serve, so the first
stretches of a kind try each size, and the rest take the fastest, with another look now and then.
"""

import functools
import itertools
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable

from qlif.model.kernel.blocks import BLOCK, whole_block

SIZES = (BLOCK // 4, BLOCK)
"""Sizes to try besides one block of all neurons."""

SMALLEST = SIZES[0]
"""So many neurons, or fewer, are always one block."""

TRIALS = 5
"""The latest ones of each size that count, by their median: one that was disturbed, or found its input in the
caches, decides nothing."""

EVERY = 64
"""So many stretches later another size is tried again: the first ones may have met a busy machine."""

LEAST_UPDATES = 1 << 19
"""A stretch of fewer is over too soon to be timed."""


class BlockChoice:
    """The sizes of block for one kind of work, and how fast each was.

    Parameters
    ----------
    neurons : int
        Of the population, or of a thread's share of it.
    """

    def __init__(self, neurons: int) -> None:
        sizes = [size for size in SIZES if size < neurons] + [whole_block(neurons)]
        self._seconds: dict[int, deque[float]] = {size: deque(maxlen=TRIALS) for size in sizes}
        self._best = min(BLOCK, max(sizes))
        self._others = itertools.cycle(sizes)
        self._stretches = 0
        self._alone = threading.Lock()

    def run(self, work: Callable[[int], bool], updates: int) -> bool:
        """Run work of `updates` updates in blocks of the best size so far, or of a size to be tried."""
        long = updates >= LEAST_UPDATES
        with self._alone:
            size = self._next() if long else self.best()
        begin = time.perf_counter()
        done = work(size)
        seconds = time.perf_counter() - begin
        if done and long:
            with self._alone:
                self._seconds[size].append(seconds / updates)
                # Here and not where it is asked for: a short run is over sooner than medians are taken.
                known = {size: statistics.median(each) for size, each in self._seconds.items() if each}
                self._best = min(known, key=known.__getitem__)
        return done

    def best(self) -> int:
        """Return the size that is fastest as far as is known."""
        return self._best

    def _next(self) -> int:
        self._stretches += 1
        fewest = min(self._seconds, key=lambda size: len(self._seconds[size]))
        if len(self._seconds[fewest]) < TRIALS:
            return fewest
        return next(self._others) if self._stretches % EVERY == 0 else self.best()


@functools.lru_cache(maxsize=256)
def block_choice(rule: str, neurons: int, shares: int) -> BlockChoice:
    """Return this process' choice for a rule's loop, by the number of neurons and threads."""
    return BlockChoice(-(-neurons // shares))
