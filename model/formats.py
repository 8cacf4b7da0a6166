"""Fixed-point formats: how many integer and fraction bits a word has.

A format says what the bits of a word mean; it holds no value. The same object describes a word in
the golden model, a signal in the hardware and a bit-vector in the proof.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show
from qlif.model.support.arrays import real_array, refuse_non_finite

MOST_BITS = 4096
"""More integer or fraction bits than any exact sum or product in a neuron needs."""

_WRITTEN = r"\s*([SU])Q\(\s*(-?[0-9]{1,9})\s*,\s*(-?[0-9]{1,9})\s*\)\s*"


@dataclass(frozen=True)
class Format:
    """A two's complement or unsigned fixed-point format: ``value = word * 2**-f_bits``.

    Parameters
    ----------
    i_bits : int
        Integer bits, including the sign bit of a signed format. May be negative: the format of a
        small coefficient has its leading bit below the binary point.
    f_bits : int
        Fraction bits. May be negative. ``i_bits + f_bits`` is the width, 1 or more.
    signed : bool
        Whether words are two's complement.
    """

    i_bits: int
    f_bits: int
    signed: bool

    def __post_init__(self) -> None:
        for name in ("i_bits", "f_bits"):
            bits: Any = getattr(self, name)
            if (
                isinstance(bits, bool)
                or not isinstance(bits, (int, np.integer))
                or not -MOST_BITS <= bits <= MOST_BITS
            ):
                raise InputError(
                    f"{name} must be a whole number from -{MOST_BITS} to {MOST_BITS}, not {show(bits)}"
                )
            object.__setattr__(self, name, int(bits))
        if not isinstance(self.signed, (bool, np.bool_)):
            raise InputError(f"signed must be true or false, not {show(self.signed)}")
        if self.width < 1:
            raise InputError(f"a format must have at least one bit, not {self}")

    @property
    def width(self) -> int:
        """Number of bits of a word."""
        return self.i_bits + self.f_bits

    @property
    def min_word(self) -> int:
        """The lowest word."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max_word(self) -> int:
        """The highest word."""
        return (1 << (self.width - self.signed)) - 1

    @property
    def resolution(self) -> float:
        """The value of an LSB."""
        return 2.0**-self.f_bits

    @property
    def min(self) -> float:
        """The lowest value."""
        return self.min_word * self.resolution

    @property
    def max(self) -> float:
        """The highest value."""
        return self.max_word * self.resolution

    def __str__(self) -> str:
        return f"{'SQ' if self.signed else 'UQ'}({self.i_bits},{self.f_bits})"

    def __repr__(self) -> str:
        """Return it as it is written in Python."""
        return str(self)

    def __add__(self, other: "Format") -> "Format":
        """Return the format that holds every sum of a value of this and of the other, exactly.

        An unsigned operand of a signed sum first grows by its missing sign bit.
        """
        signed = self.signed or other.signed
        i_bits = max(self._i_bits_as(signed), other._i_bits_as(signed)) + 1
        return Format(i_bits, max(self.f_bits, other.f_bits), signed)

    def __sub__(self, other: "Format") -> "Format":
        """Return the format that holds every difference exactly; it is always signed."""
        signed = self.signed or other.signed
        i_bits = max(self._i_bits_as(signed), other._i_bits_as(signed)) + 1
        return Format(i_bits, max(self.f_bits, other.f_bits), True)

    def __mul__(self, other: "Format") -> "Format":
        """Return the format that holds every product exactly."""
        return Format(self.i_bits + other.i_bits, self.f_bits + other.f_bits, self.signed or other.signed)

    def scaled_by_power_of_two(self, exponent: int) -> "Format":
        """Return the format of the same words when each value is multiplied by ``2**exponent``."""
        return Format(self.i_bits + exponent, self.f_bits - exponent, self.signed)

    def words(self, values: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the nearest words (ties to even) of real values, whether or not the format holds them.

        Words are int64, or Python integers in an object array if the format has more than 53 bits.
        """
        real = real_array("values", values)
        refuse_non_finite("values", real)
        with np.errstate(over="ignore"):  # infinite is far outside too
            nearest: npt.NDArray[np.float64] = np.nan_to_num(np.rint(np.ldexp(real, self.f_bits)))
        if self.width > 53:
            return np.asarray(np.vectorize(int, otypes=[object])(nearest))
        # Far outside is clipped to just outside, so that the conversion to integers is defined.
        return np.clip(nearest, self.min_word - 1, self.max_word + 1).astype(np.int64)

    def values(self, words: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the real values of words."""
        return np.asarray(np.ldexp(np.asarray(words).astype(np.float64), -self.f_bits))

    def holds(self, words: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return where words are within the range of the format."""
        array = np.asarray(words)
        return np.asarray((array >= self.min_word) & (array <= self.max_word))

    def _i_bits_as(self, signed: bool) -> int:
        return self.i_bits + (1 if signed and not self.signed else 0)

    @classmethod
    def parse(cls, text: str) -> "Format":
        """Return the format written as ``SQ(i_bits,f_bits)`` or ``UQ(i_bits,f_bits)``.

        Raises
        ------
        InputError
            The text is something else.
        """
        match = re.fullmatch(_WRITTEN, text) if isinstance(text, str) else None
        if match is None:
            raise InputError(f"a format is written SQ(i_bits,f_bits) or UQ(i_bits,f_bits), not {show(text)}")
        kind, i_bits, f_bits = match.groups()
        return cls(int(i_bits), int(f_bits), kind == "S")


def SQ(i_bits: int, f_bits: int) -> Format:
    """Return a signed format; `i_bits` includes the sign."""
    return Format(i_bits, f_bits, signed=True)


def UQ(i_bits: int, f_bits: int) -> Format:
    """Return an unsigned format."""
    return Format(i_bits, f_bits, signed=False)
