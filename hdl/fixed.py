"""Fixed-point numbers in gates: shapes, exact arithmetic, and explicit loss of bits.

Names follow Amaranth's RFC 41. Sums and products grow so that they are exact; `Value.reshape` drops
fraction bits and `Value.fit` drops integer bits, and both must be told how.
"""

from typing import Any, assert_never

from amaranth.hdl import (
    Cat,
    Mux,
    ShapeCastable,
    ShapeLike,
    ValueCastable,
    ValueLike,
    signed,
    unsigned,
)
from amaranth.hdl import Const as AmaranthConst
from amaranth.hdl import Shape as AmaranthShape
from amaranth.hdl import (
    Value as AmaranthValue,
)
from amaranth.hdl._ast import Assign
from amaranth.hdl._ast import Format as AmaranthFormat

from qlif.model.formats import Format
from qlif.model.rounding import Narrowing, Overflow, Rounding


class Shape(ShapeCastable):
    """The shape of a fixed-point signal.

    Parameters
    ----------
    format : Format
        What its bits mean.
    """

    def __init__(self, format: Format) -> None:
        self.words = format

    @property
    def i_bits(self) -> int:
        """Integer bits, including the sign."""
        return self.words.i_bits

    @property
    def f_bits(self) -> int:
        """Fraction bits."""
        return self.words.f_bits

    @property
    def signed(self) -> bool:
        """Whether it is two's complement."""
        return self.words.signed

    def as_shape(self) -> AmaranthShape:
        """Return the shape of the bare word."""
        return signed(self.words.width) if self.signed else unsigned(self.words.width)

    def const(self, init: int | None) -> Any:
        """Return the constant of a word (not of a real value: rounding is up to the model)."""
        return Const(0 if init is None else init, self)

    def from_bits(self, raw: int) -> Any:
        """Return the constant of a bit pattern."""
        return Const(AmaranthConst(raw, self.as_shape()).value, self)

    def format(self, value: Any, spec: str) -> AmaranthFormat:
        """Return how the word is printed in a simulation."""
        return AmaranthFormat(f"{{:{spec}}}", AmaranthValue.cast(value))

    def __call__(self, target: ValueLike) -> "Value":
        """Return an expression seen as a number of this shape."""
        return Value(self, target)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and other.words == self.words

    def __hash__(self) -> int:
        return hash(self.words)

    def __repr__(self) -> str:
        return f"fixed.{self.words}"


def SQ(i_bits: int, f_bits: int) -> Shape:
    """Return a signed shape; `i_bits` includes the sign."""
    return Shape(Format(i_bits, f_bits, signed=True))


def UQ(i_bits: int, f_bits: int) -> Shape:
    """Return an unsigned shape."""
    return Shape(Format(i_bits, f_bits, signed=False))


class Value(ValueCastable):
    """A fixed-point expression.

    Parameters
    ----------
    shape : Shape
        What its bits mean.
    target : ValueLike
        Its word.
    """

    def __init__(self, shape: Shape, target: ValueLike) -> None:
        self._shape = shape
        word = AmaranthValue.cast(target)
        if len(word) < shape.words.width:
            raise ValueError(f"{shape} needs {shape.words.width} bits, not {len(word)}")
        if word.shape() != shape.as_shape():
            # A slice or a concatenation has lost its sign: give the word its own shape back.
            word = word[: shape.words.width]
            word = word.as_signed() if shape.signed else word.as_unsigned()
        self._word = word

    def shape(self) -> ShapeLike:
        """Return the fixed-point shape."""
        return self._shape

    @property
    def words(self) -> Format:
        """The format of the word."""
        return self._shape.words

    def as_value(self) -> AmaranthValue:
        """Return the bare word."""
        return self._word

    def eq(self, other: "Value") -> Assign:
        """Return the assignment of an expression of the same shape; nothing is lost silently."""
        if not isinstance(other, Value) or other._shape != self._shape:
            shape = other._shape if isinstance(other, Value) else type(other).__name__
            raise TypeError(f"can't assign {shape} to {self._shape}: reshape and fit it first")
        return self._word.eq(other._word)

    def __add__(self, other: "Value") -> "Value":
        return self._aligned_sum(other, self.words + other.words, negate=False)

    def __sub__(self, other: "Value") -> "Value":
        return self._aligned_sum(other, self.words - other.words, negate=True)

    def __mul__(self, other: "Value") -> "Value":
        return Value(Shape(self.words * other.words), self._word * other._word)

    def __ge__(self, other: "Value") -> AmaranthValue:
        left, right = self._aligned(other)
        if isinstance(other._word, AmaranthConst) and self._shape == other._shape:
            return _at_least(self._word, other._word.value)
        if isinstance(self._word, AmaranthConst) and self._shape == other._shape:
            highest = self._word.value == self.words.max_word
            return AmaranthConst(1, 1) if highest else ~_at_least(other._word, self._word.value + 1)
        return left >= right

    def __lt__(self, other: "Value") -> AmaranthValue:
        return ~(self >= other)

    def scaled_by_power_of_two(self, exponent: int) -> "Value":
        """Return the same bits, meaning ``2**exponent`` times as much. It costs nothing."""
        return Value(Shape(self.words.scaled_by_power_of_two(exponent)), self._word)

    def with_half(self) -> "Value":
        """Return the value and half an LSB, with a fraction bit more. It costs nothing."""
        format = Format(self.words.i_bits, self.words.f_bits + 1, self.words.signed)
        return Value(Shape(format), Cat(AmaranthConst(1, 1), self._word))

    def reshape(self, f_bits: int, rounding: Rounding, random: AmaranthValue | None = None) -> "Value":
        """Return the value with `f_bits` fraction bits.

        Parameters
        ----------
        f_bits : int
            At most as many as the value has, else zeros are appended.
        rounding : Rounding
            What the dropped bits do. Where rounding may carry, the result has one more integer bit.
        random : Value, optional
            For SR: the random bits that are added just below the LSB.
        """
        dropped = self.words.f_bits - f_bits
        if dropped <= 0:
            grown = Format(self.words.i_bits, f_bits, self.words.signed)
            return Value(Shape(grown), Cat(AmaranthConst(0, unsigned(-dropped)), self._word))
        word = self._word
        if len(word) <= dropped:
            # Leave a bit to keep: the sign, or a zero.
            word = self._extended(dropped + 1)
        kept = word[dropped:].as_signed() if self.words.signed else word[dropped:]
        floor = Format(len(kept) - f_bits, f_bits, self.words.signed)
        carried = Shape(Format(floor.i_bits + 1, f_bits, self.words.signed))
        half = word[dropped - 1]
        match rounding:
            case Rounding.TRN:
                return Value(Shape(floor), kept)
            case Rounding.RND:
                return Value(carried, kept + half)
            case Rounding.RND_CONV:
                odd_or_above = word[dropped] | word[: dropped - 1].any()
                return Value(carried, kept + (half & odd_or_above))
            case Rounding.SR:
                if random is None or not 0 < len(random) <= dropped:
                    raise ValueError(f"stochastic rounding needs 1 to {dropped} random bits")
                low = word[dropped - len(random) :]
                low = low.as_signed() if self.words.signed else low
                return Value(carried, (low + random)[len(random) :])
            case unknown:
                assert_never(unknown)

    def fit(self, shape: Shape, overflow: Overflow) -> "Value":
        """Return the value in the range of a shape with the same number of fraction bits."""
        if shape.f_bits != self.words.f_bits or shape.signed != self.words.signed:
            raise ValueError(f"can't fit {self._shape} into {shape}: only integer bits may change")
        width = shape.words.width
        if width >= self.words.width:
            return Value(shape, self._extended(width))
        match overflow:
            case Overflow.WRAP:
                return Value(shape, self._word[:width])
            case Overflow.SAT:
                return self._saturated(shape)
            case unknown:
                assert_never(unknown)

    def narrow(self, narrowing: Narrowing) -> "Value":
        """Return the value in a narrower format."""
        rounded = self.reshape(narrowing.format.f_bits, narrowing.rounding)
        return rounded.fit(Shape(narrowing.format), narrowing.overflow)

    def _saturated(self, shape: Shape) -> "Value":
        """Return the value, or the nearest end of the range of a shape with fewer integer bits."""
        width = shape.words.width
        low = self._word[:width]
        if not shape.signed:
            return Value(
                shape, Mux(self._word[width:].any(), AmaranthConst(shape.words.max_word, width), low)
            )
        # It fits exactly if all bits from the new sign upwards are alike.
        high = self._word[width - 1 :]
        fits = high.all() | ~high.any()
        highest, lowest = (
            AmaranthConst(word, signed(width)) for word in (shape.words.max_word, shape.words.min_word)
        )
        return Value(shape, Mux(fits, low.as_signed(), Mux(self._word[-1], lowest, highest)))

    def is_above(self, shape: Shape) -> AmaranthValue:
        """Return whether the value is above the range of a signed shape with as many fraction bits."""
        return ~self._word[-1] & self._word[shape.words.width - 1 :].any()

    def is_below(self, shape: Shape) -> AmaranthValue:
        """Return whether the value is below it."""
        return self._word[-1] & ~self._word[shape.words.width - 1 :].all()

    def _extended(self, width: int) -> AmaranthValue:
        """Return the word with copies of its sign, or zeros, in front."""
        missing = width - len(self._word)
        fill = self._word[-1].replicate(missing) if self.words.signed else AmaranthConst(0, unsigned(missing))
        wide = Cat(self._word, fill)
        return wide.as_signed() if self.words.signed else wide

    def _aligned(self, other: "Value") -> tuple[AmaranthValue, AmaranthValue]:
        """Return both words with the finer one's fraction."""
        finest = max(self.words.f_bits, other.words.f_bits)
        left, right = (x._word << (finest - x.words.f_bits) for x in (self, other))
        return left, right

    def _aligned_sum(self, other: "Value", total: Format, negate: bool) -> "Value":
        left, right = self._aligned(other)
        word = left - right if negate else left + right
        return Value(Shape(total), word)

    def __repr__(self) -> str:
        return f"(fixed {self._shape} {self._word!r})"


def Const(word: int, shape: Shape) -> Value:
    """Return the constant of a word."""
    return Value(shape, AmaranthConst(word, shape.as_shape()))


def choose(condition: AmaranthValue, a: Value, b: Value) -> Value:
    """Return a where the condition holds, else b; both of one shape."""
    if a.words != b.words:
        raise ValueError(f"can't choose between {a.words} and {b.words}")
    return Value(Shape(a.words), Mux(condition, a.as_value(), b.as_value()))


def _at_least(word: AmaranthValue, bound: int) -> AmaranthValue:
    """Return whether a word is at least a constant: a tree of gates, half as large as a chain of carries."""
    # With its sign turned over, a signed word compares like an unsigned one.
    width, sign = len(word), word.shape().signed
    bits = [word[place] for place in range(width)]
    if sign:
        bits[-1] = ~bits[-1]
        bound += 1 << (width - 1)
    return _compared(bits, bound)[0]


def _compared(bits: list[AmaranthValue], bound: int) -> tuple[AmaranthValue, AmaranthValue]:
    """Return whether bits are at least a constant, and whether they are equal to it."""
    if len(bits) == 1:
        return (bits[0], bits[0]) if bound & 1 else (AmaranthConst(1, 1), ~bits[0])
    # Parts of a power of two of bits fill the inputs of LUTs.
    half = 1 << (len(bits) - 1).bit_length() - 1
    low, low_equal = _compared(bits[:half], bound)
    high, high_equal = _compared(bits[half:], bound >> half)
    above = high & ~high_equal
    return above | (high_equal & low), high_equal & low_equal
