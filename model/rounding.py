"""What happens to the bits that don't fit a format: rounding below, overflow above.

To add a rounding: its member, its arithmetic in `drop` and what :class:`Rounding` says of it here; the compiled
loop that computes it in :mod:`qlif.model.kernel.rules`; its gates in :mod:`qlif.hdl.fixed`. mypy names each of these.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from qlif.model.exceptions import InputError, show
from qlif.model.formats import Format

Integer = Any
"""A Python integer, an integer array, or a solver's bit-vector."""

Where = Callable[[Any, Integer, Integer], Integer]


class Rounding(StrEnum):
    """How fraction bits are dropped; names as in SystemC and ac_fixed."""

    TRN = "TRN"
    """Towards minus infinity."""
    RND = "RND"
    """To nearest, half up."""
    RND_CONV = "RND_CONV"
    """To nearest, half to even."""
    SR = "SR"
    """Stochastic: random bits are added below the LSB, then towards minus infinity."""

    @property
    def stochastic(self) -> bool:
        """Whether it takes random bits."""
        match self:
            case Rounding.TRN | Rounding.RND | Rounding.RND_CONV:
                return False
            case Rounding.SR:
                return True
            case unknown:
                assert_never(unknown)

    @property
    def carries(self) -> bool:
        """Whether it may round up, so that its result has an integer bit more."""
        match self:
            case Rounding.TRN:
                return False
            case Rounding.RND | Rounding.RND_CONV | Rounding.SR:
                return True
            case unknown:
                assert_never(unknown)

    @property
    def turns_at_half(self) -> bool:
        """Whether it turns from one word to the next halfway between them."""
        match self:
            case Rounding.RND | Rounding.RND_CONV:
                return True
            case Rounding.TRN | Rounding.SR:
                return False
            case unknown:
                assert_never(unknown)


class Overflow(StrEnum):
    """What becomes of a value that is too large for its format."""

    SAT = "SAT"
    """It stays at the nearest end of the range."""
    WRAP = "WRAP"
    """Its high bits are lost."""

    @property
    def keeps_order(self) -> bool:
        """Whether the larger of two values never becomes the smaller one."""
        match self:
            case Overflow.SAT:
                return True
            case Overflow.WRAP:
                return False
            case unknown:
                assert_never(unknown)


@dataclass(frozen=True)
class Narrowing:
    """The format that an exact result is brought to, and how; written as ``SQ(5,15) TRN WRAP``.

    Its rounding is not the stochastic one.
    """

    format: Format
    rounding: Rounding
    overflow: Overflow

    def __post_init__(self) -> None:
        _one_of("rounding", self.rounding, [one for one in Rounding if not one.stochastic])

    def __str__(self) -> str:
        return f"{self.format} {self.rounding} {self.overflow}"

    @classmethod
    def parse(cls, text: str) -> "Narrowing":
        """Return what is written as a format, a rounding and an overflow.

        Raises
        ------
        InputError
            The text is something else.
        """
        parts = text.rsplit(maxsplit=2) if isinstance(text, str) else []
        if len(parts) != 3:
            raise InputError(
                "a narrower format is written with its rounding and its overflow, as in SQ(5,15) TRN WRAP, "
                f"not {show(text)}"
            )
        format, rounding, overflow = parts
        _one_of("rounding", rounding, Rounding)
        _one_of("overflow", overflow, Overflow)
        return cls(Format.parse(format), Rounding(rounding), Overflow(overflow))


def _one_of(name: str, value: str, names: Iterable[str]) -> None:
    if value not in list(names):
        raise InputError(f"its {name} must be one of {', '.join(names)}, not {show(str(value))}")


def drop(value: Integer, bits: int, rounding: Rounding, random: Integer = 0, random_bits: int = 0) -> Integer:
    """Return an integer without its lowest bits, rounded.

    Parameters
    ----------
    value : integer
        What is rounded.
    bits : int
        How many bits are dropped, 0 or more; with SR at least `random_bits`.
    rounding : Rounding
        How.
    random : integer
        For SR: the random word, of which the low `random_bits` bits count.
    random_bits : int
        For SR: they are added just below the LSB that is kept.
    """
    if bits == 0:
        return value
    match rounding:
        case Rounding.TRN:
            pass
        case Rounding.RND:
            value = value + (1 << (bits - 1))
        case Rounding.RND_CONV:
            # Just under a half, plus one more where the kept part is odd: ties go to even.
            value = value + ((1 << (bits - 1)) - 1) + ((value >> bits) & 1)
        case Rounding.SR:
            value = value + ((random & ((1 << random_bits) - 1)) << (bits - random_bits))
        case unknown:
            assert_never(unknown)
    return value >> bits


def fit(value: Integer, format: Format, overflow: Overflow, where: Where) -> Integer:
    """Return an integer brought to the range of a format."""
    low, high = format.min_word, format.max_word
    match overflow:
        case Overflow.SAT:
            return where(value > high, high, where(value < low, low, value))
        case Overflow.WRAP:
            return ((value - low) & ((1 << format.width) - 1)) + low
        case unknown:
            assert_never(unknown)


def narrow(value: Integer, f_bits: int, narrowing: Narrowing | None, where: Where) -> Integer:
    """Return an integer of `f_bits` fraction bits in a format of its own; as it is if there is none."""
    if narrowing is None:
        return value
    format, dropped = narrowing.format, f_bits - narrowing.format.f_bits
    value = drop(value, dropped, narrowing.rounding) if dropped >= 0 else value << -dropped
    return fit(value, format, narrowing.overflow, where)
