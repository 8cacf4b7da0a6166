"""Interval arithmetic for the golden model: integers of which only a range is known.

The result is a range that contains every possible result: often too wide, never too narrow.
"""

from dataclasses import dataclass
from typing import Any, Union


@dataclass(frozen=True)
class Interval:
    """A whole number from `low` to `high`."""

    low: int
    high: int

    @classmethod
    def of(cls, number: Union["Interval", int]) -> "Interval":
        """Return a number as an interval."""
        return number if isinstance(number, Interval) else cls(int(number), int(number))

    def __add__(self, other: Union["Interval", int]) -> "Interval":
        other = Interval.of(other)
        return Interval(self.low + other.low, self.high + other.high)

    __radd__ = __add__

    def __sub__(self, other: Union["Interval", int]) -> "Interval":
        other = Interval.of(other)
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Union["Interval", int]) -> "Interval":
        other = Interval.of(other)
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(ends), max(ends))

    __rmul__ = __mul__

    def __lshift__(self, places: int) -> "Interval":
        return Interval(self.low << places, self.high << places)

    def __rshift__(self, places: int) -> "Interval":
        return Interval(self.low >> places, self.high >> places)

    def __and__(self, mask: int) -> "Interval":
        # A mask of the lowest bits, as the golden model has them.
        return self if self.low >= 0 and self.high <= mask else Interval(0, mask)

    def __gt__(self, other: Union["Interval", int]) -> bool | None:
        """Return whether it is larger; None if that can't be told."""
        other = Interval.of(other)
        return True if self.low > other.high else False if self.high <= other.low else None

    def __lt__(self, other: Union["Interval", int]) -> bool | None:
        return Interval.of(other) > self


def choose(condition: Any, a: Interval | int, b: Interval | int) -> Interval:
    """Choose between two numbers, or return both in one: the `where` of :mod:`qlif.model.golden.step`."""
    a, b = Interval.of(a), Interval.of(b)
    if condition is None:
        return Interval(min(a.low, b.low), max(a.high, b.high))
    return a if condition else b
