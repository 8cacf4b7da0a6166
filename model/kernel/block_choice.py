"""Which size of block is fastest on this machine, found on the work itself.

Small blocks keep the state in the nearest caches over a stretch of time; one block of all neurons reads the input in
the order in which it lies in memory. Which wins depends on the caches and on what else they serve, so the first
stretches of a kind try each size, and the rest take the fastest.
"""

import functools
import threading
import time
from collections.abc import Callable

from qlif.model.kernel.blocks import BLOCK, whole_block

SIZES = (BLOCK // 4, BLOCK)
"""Sizes to try besides one block of all neurons."""

SMALLEST = SIZES[0]
"""So many neurons, or fewer, are always one block."""

TRIALS = 3
"""Of each size; its best one counts, since only the work itself is never disturbed."""

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
        self._trials = dict.fromkeys(sizes, 0)
        self._best = dict.fromkeys(sizes, float("inf"))
        self._alone = threading.Lock()

    def run(self, work: Callable[[int], bool], updates: int) -> bool:
        """Run work of `updates` updates in blocks of the best size so far, or of a size still to be tried."""
        with self._alone:
            size = self._next(updates)
        begin = time.perf_counter()
        done = work(size)
        seconds = time.perf_counter() - begin
        with self._alone:
            if done and updates >= LEAST_UPDATES and self._trials[size] < TRIALS:
                self._trials[size] += 1
                self._best[size] = min(self._best[size], seconds / updates)
        return done

    def _next(self, updates: int) -> int:
        untried = [size for size, trials in self._trials.items() if trials < TRIALS]
        if updates >= LEAST_UPDATES and untried:
            return min(untried, key=lambda size: self._trials[size])
        known = {size: best for size, best in self._best.items() if best < float("inf")}
        return min(known, key=known.__getitem__) if known else min(BLOCK, max(self._trials))


@functools.lru_cache(maxsize=256)
def block_choice(rule: str, neurons: int, shares: int) -> BlockChoice:
    """Return this process' choice for a rule's loop, by the number of neurons and threads."""
    return BlockChoice(-(-neurons // shares))
