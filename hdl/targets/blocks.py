"""Instantiated multiplier blocks, common to the families."""

import functools
import operator

from amaranth.hdl import Cat, Const, Instance, Signal, Value

from qlif.hdl import fixed
from qlif.hdl.pipeline import Pipeline, Timed
from qlif.hdl.primitives import Primitives, Variant
from qlif.model.formats import Format
from qlif.model.rounding import Rounding


class Blocks(Primitives):
    """Multiplier blocks with input, internal and output registers: three clocks.

    Attributes
    ----------
    multiplier_bits : int
        Width of the two words that a block multiplies.
    """

    variant = Variant.EXPLICIT
    multiplier_bits: int

    def multiply(self, pipe: Pipeline, name: str, left: Timed, right: Timed) -> Timed:
        """Return a product; words too wide for a block are split, and the partial products added."""
        stage = pipe.latest(left, right)
        assert stage is not None
        left, right = pipe.at(left, stage), pipe.at(right, stage)
        shape = fixed.Shape(left.value.words * right.value.words)
        (a, shift_a), (b, shift_b) = _odd(left.value), _odd(right.value)
        factor = b.as_value()
        if isinstance(factor, Const) and factor.value == 1:
            return Timed(_scaled(a, shift_b, shape), stage)
        parts = [
            Timed(self._product(pipe, f"{name}_{i}_{j}", x, y), stage + 3)
            for i, x in enumerate(self._pieces(a))
            for j, y in enumerate(self._pieces(b))
        ]
        total = functools.reduce(lambda x, y: pipe.register(f"{name}__sum", operator.add, x, y), parts)
        return Timed(_scaled(total.value, shift_a + shift_b, shape), total.stage)

    def _pieces(self, value: fixed.Value) -> list[fixed.Value]:
        """Cut a number into pieces; the last one keeps its sign."""
        word, size = value.as_value(), self.multiplier_bits
        pieces = []
        for low in range(0, len(word), size):
            last = low + size >= len(word)
            bits = word[low:] if last else word[low : low + size]
            format = Format(len(bits), 0, signed=value.words.signed and last)
            pieces.append(fixed.Value(fixed.Shape(format), bits).scaled_by_power_of_two(low))
        return pieces

    def _product(self, pipe: Pipeline, name: str, left: fixed.Value, right: fixed.Value) -> fixed.Value:
        product = Signal(2 * self.multiplier_bits, name=name)
        operands = [extended(x.as_value(), x.words.signed, self.multiplier_bits) for x in (left, right)]
        signs = [Const(int(x.words.signed), 1) for x in (left, right)]
        pipe.instances[name] = self.block(product, operands, signs)
        return fixed.Value(fixed.Shape(left.words * right.words), product)

    def block(self, product: Value, operands: list[Value], signs: list[Const]) -> Instance:
        """Return the family's block: a product of two words, each signed or not."""
        raise NotImplementedError


def _odd(value: fixed.Value) -> tuple[fixed.Value, int]:
    """Return a number's word as a whole number; of a constant without the zeros at its end, and how many."""
    word, signed = value.as_value(), value.words.signed
    if not isinstance(word, Const) or word.value == 0:
        return fixed.Value(fixed.Shape(Format(len(word), 0, signed)), word), 0
    zeros = (word.value & -word.value).bit_length() - 1
    odd = word.value >> zeros
    format = Format(odd.bit_length() + (odd < 0), 0, signed=odd < 0)
    return fixed.Const(odd, fixed.Shape(format)), zeros


def _scaled(value: fixed.Value, shift: int, shape: fixed.Shape) -> fixed.Value:
    """Return a whole number with zeros appended, as the word of a shape that holds it."""
    whole = value.scaled_by_power_of_two(shift).reshape(0, Rounding.TRN)
    return fixed.Value(shape, extended(whole.as_value(), whole.words.signed, shape.words.width))


def extended(word: Value, signed: bool, width: int) -> Value:
    """Return a word with copies of its sign, or zeros, up to a width; or without what is above it."""
    if len(word) >= width:
        return word[:width]
    missing = width - len(word)
    return Cat(word, word[-1].replicate(missing) if signed else Const(0, missing))
