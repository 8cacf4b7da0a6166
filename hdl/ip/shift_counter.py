"""Counters without an adder: a shift register whose first bit is the parity of others, for a gate or two."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Value

_LUT_INPUTS = 4
_EFFORT = 1 << 19
"""States that are walked through in search of a better counter."""
_FEW_CLOCKS = 100
"""For how many a single LUT is looked for: it takes exponentially longer with their number."""


@dataclass(frozen=True)
class ShiftCounter:
    """A shift register that begins at 0; its next first bit is the inverted parity of some of its bits.

    The last one is among those: so no two states have the same successor, and 0 comes back after all others.

    Attributes
    ----------
    bits : int
    taps : tuple of int
        Which bits, the last one included.
    """

    bits: int
    taps: tuple[int, ...]

    def following(self, state: Value) -> Value:
        """Return the state after a state."""
        return Cat(~Cat(state[tap] for tap in self.taps).xor(), state[:-1])

    def states(self, most: int) -> npt.NDArray[np.int64]:
        """Return the states from 0 on, until 0 comes back, but not more than so many."""
        mask, taps = (1 << self.bits) - 1, sum(1 << tap for tap in self.taps)
        found, state = [0], 0
        while len(found) < most:
            state = (state << 1 | ~(state & taps).bit_count() & 1) & mask
            if state == 0:
                break
            found.append(state)
        return np.array(found)


@dataclass(frozen=True)
class Mark:
    """Some bits of a counter's state that are as they are at a certain time.

    Attributes
    ----------
    counter : ShiftCounter
    places : tuple of int
        Which bits.
    word : int
        The state, of which they are looked at.
    """

    counter: ShiftCounter
    places: tuple[int, ...]
    word: int

    def seen(self, state: Value) -> Value:
        """Return whether a state has them."""
        return Cat(state[place] ^ (~self.word >> place & 1) for place in self.places).all()


@lru_cache(maxsize=64)
def nth(number: int, period: int) -> Mark:
    """Return what marks a state, counted from 0, among the first `period` ones of some counter.

    Of the shortest counters, one is taken of whose state the fewest bits have to be looked at.
    """
    best: Mark | None = None
    walked = 0
    bits = max(2, period.bit_length())
    for counter in _counters(bits):
        states = counter.states(period)
        if len(states) < period:
            continue
        places = list(range(bits))
        differences = states ^ states[number]
        for place in range(bits):
            fewer = sum(1 << other for other in places if other != place)
            if np.count_nonzero(differences & fewer == 0) == 1:
                places.remove(place)
        if best is None or len(places) < len(best.places):
            best = Mark(counter, tuple(places), int(states[number]))
        walked += period
        if walked > _EFFORT:
            break
    if best is None:
        raise ValueError(f"no counter of {bits} bits has {period} states")
    return best


@lru_cache(maxsize=64)
def not_before(clocks: int) -> Mark:
    """Return what first is seen after so many clocks or a few more: for few clocks, four bits of a state."""
    if clocks > _FEW_CLOCKS:
        return nth(clocks, clocks + 1)
    bits = _LUT_INPUTS
    while True:
        for counter in _counters(bits):
            states = counter.states(2 * clocks)
            late: list[Mark] = []
            for places in combinations(range(bits), _LUT_INPUTS):
                codes, first = np.unique(states & sum(1 << place for place in places), return_index=True)
                late += [
                    Mark(counter, places, int(code))
                    for code, when in zip(codes, first, strict=True)
                    if when >= clocks
                ]
            if late:
                return late[0]
        bits += 1


def _counters(bits: int) -> Iterator[ShiftCounter]:
    """Return counters whose next first bit is one LUT."""
    for taps in (1, 3):
        for others in combinations(range(bits - 1), taps):
            yield ShiftCounter(bits, (*others, bits - 1))
