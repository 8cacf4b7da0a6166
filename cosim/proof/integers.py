"""Integers on solver bit-vectors, as wide as they need to be, so that no operation overflows.

They have the operators that :mod:`qlif.model.golden.step` uses, which computes on them what it computes on
Python's integers.
"""

from typing import Any

from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.model.formats import Format

Number = Any
"""An `Integer` or a Python integer."""


class Integer:
    """An integer from `low` to `high`, in just enough bits.

    Parameters
    ----------
    terms : Products
    word : Term
        Its bits; two's complement if `low` is negative.
    low, high : int
        Its range. It sets the width: a wider word is truncated, a narrower one extended.
    signed : bool, optional
        How `word` is extended; as `low` says if not given.
    """

    def __init__(self, terms: Products, word: Term, low: int, high: int, signed: bool | None = None) -> None:
        self.terms, self.low, self.high = terms, low, high
        self.signed = low < 0
        width = max(1, _bits_without_sign(low, high) + self.signed)
        self.word = terms.extend(word, width, self.signed if signed is None else signed)

    @classmethod
    def of(cls, terms: Products, word: Term, format: Format) -> "Integer":
        """Return a word of a format."""
        return cls(terms, word, format.min_word, format.max_word, format.signed)

    @property
    def width(self) -> int:
        """Number of bits of the word."""
        return self.terms.width(self.word)

    def bits(self, width: int) -> Term:
        """Return the number's lowest bits."""
        return self.terms.extend(self.word, width, self.signed)

    def __add__(self, other: Number) -> "Integer":
        other = self._number(other)
        return self._made("BV_ADD", other, self.low + other.low, self.high + other.high)

    __radd__ = __add__

    def __sub__(self, other: Number) -> "Integer":
        other = self._number(other)
        return self._made("BV_SUB", other, self.low - other.high, self.high - other.low)

    def __rsub__(self, other: int) -> "Integer":
        return self._number(other) - self

    def __mul__(self, other: Number) -> "Integer":
        other = self._number(other)
        # As wide as any product of such words: what a proof knows of a product doesn't tell that a square
        # is never negative.
        signed = self.signed or other.signed
        width = self.width + other.width
        word = self.terms.product(self.bits(width), other.bits(width), width)
        low = -(1 << (width - 1)) if signed else 0
        return Integer(self.terms, word, low, (1 << (width - signed)) - 1)

    __rmul__ = __mul__

    def __lshift__(self, places: int) -> "Integer":
        if places == 0:
            return self
        word = self.terms.concat(self.word, self.terms.constant(0, places))
        return Integer(self.terms, word, self.low << places, self.high << places)

    def __rshift__(self, places: int) -> "Integer":
        low, high = self.low >> places, self.high >> places
        if places >= self.width:
            top = self.terms.slice(self.word, self.width - 1, self.width - 1)
            return Integer(self.terms, top if self.signed else self.terms.constant(0, 1), low, high)
        return Integer(self.terms, self.terms.slice(self.word, self.width - 1, places), low, high)

    def __and__(self, mask: int) -> "Integer":
        """Return the bits under a mask of ones."""
        if mask & (mask + 1) or mask <= 0:
            raise ValueError(f"a mask is some ones, not {mask}")
        return Integer(self.terms, self.bits(mask.bit_length()), 0, mask)

    def __eq__(self, other: object) -> Term:
        return self._compared("EQUAL", other)

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: Number) -> Term:
        return self._compared("BV_SLT", other)

    def __le__(self, other: Number) -> Term:
        return self._compared("BV_SLE", other)

    def __gt__(self, other: Number) -> Term:
        return self._compared("BV_SGT", other)

    def __ge__(self, other: Number) -> Term:
        return self._compared("BV_SGE", other)

    def _number(self, other: Any) -> "Integer":
        if isinstance(other, Integer):
            return other
        if not isinstance(other, int):
            raise TypeError(f"not a whole number: {other!r}")
        return constant(self.terms, other)

    def _made(self, kind: str, other: "Integer", low: int, high: int) -> "Integer":
        width = max(self.width, other.width, _bits_without_sign(low, high) + 1)
        word = self.terms.make(kind, self.bits(width), other.bits(width))
        return Integer(self.terms, word, low, high)

    def _compared(self, kind: str, other: Any) -> Term:
        other = self._number(other)
        width = max(self.width, other.width) + 1
        if kind == "EQUAL":
            # Without the sign if neither has one: as the hardware compares.
            if not self.signed and not other.signed:
                width -= 1
            return self.terms.equal(self.bits(width), other.bits(width))
        return self.terms.make(kind, self.bits(width), other.bits(width))


def _bits_without_sign(low: int, high: int) -> int:
    """Return how many bits the numbers of a range take, but for their sign."""
    return max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)


def constant(terms: Products, number: int) -> Integer:
    """Return a constant."""
    width = number.bit_length() + 1
    return Integer(terms, terms.constant(number, width), number, number)


def choose(terms: Products, condition: Any, a: Number, b: Number) -> Integer:
    """Choose between two numbers: the `where` of :mod:`qlif.model.golden.step`."""
    a, b = (x if isinstance(x, Integer) else constant(terms, x) for x in (a, b))
    low, high = min(a.low, b.low), max(a.high, b.high)
    width = max(a.width, b.width) + 1
    return Integer(terms, terms.choose(condition, a.bits(width), b.bits(width)), low, high)
