"""How a stretch of time is cut into blocks of neurons, and the blocks among threads."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

BLOCK = 8192
"""Neurons that go through a stretch of time together: their state stays in the nearest caches."""

STRETCH_UPDATES = 1 << 23
"""About so many updates are computed at once: what is held besides the recording, and what an interrupt
waits for."""

_WORTH_UPDATES, _WORTH_NEURONS = 1 << 20, 2048
"""A thread that has less to do isn't worth its start."""

_PIECES = 4
_BITS = 64


def stretches(timesteps: int, neurons: int, cuts: Sequence[int] = ()) -> Iterator[tuple[int, int]]:
    """Yield begin and end of stretches of time, none across one of the rising `cuts`."""
    longest = max(1, STRETCH_UPDATES // neurons)
    begin = 0
    for cut in (*cuts, timesteps):
        while begin < cut:
            end = min(begin + longest, cut)
            yield begin, end
            begin = end


def whole_block(neurons: int) -> int:
    """Return the size of one block for all neurons: whole words of bits."""
    return -(-neurons // _BITS) * _BITS


def block_of(neurons: int) -> int:
    """Return the usual size of a block."""
    return min(BLOCK, whole_block(neurons))


def shares_of(timesteps: int, neurons: int, threads: int) -> int:
    """Return how many threads are worth their start."""
    return max(1, min(threads, timesteps * neurons // _WORTH_UPDATES, neurons // _WORTH_NEURONS))


def on_blocks(work: Callable[[int, int], bool], neurons: int, shares: int, block: int) -> bool:
    """Have `work` done for all neurons, from a first to a last one; return whether all went well.

    In `shares` threads, in blocks of at most `block` neurons. No two threads share a word of spikes.
    """
    # Several pieces for each thread, so that none waits long for the others, if they are whole blocks.
    pieces = shares * min(_PIECES, -(-neurons // (block * shares)))
    piece = -(-neurons // (_BITS * pieces)) * _BITS
    pool = _threads(os.getpid(), shares)
    parts = [pool.submit(work, first, min(first + piece, neurons)) for first in range(0, neurons, piece)]
    try:
        return all(part.result() for part in parts)
    finally:
        # Interrupted, nothing may be restored while a thread still writes.
        wait(parts)


@functools.lru_cache(maxsize=1)
def _threads(process: int, count: int) -> ThreadPoolExecutor:
    """Return threads that wait for work: to start them takes as long as some of it. A fork hasn't them."""
    return ThreadPoolExecutor(count)
