"""Fixed-point gates against fractions, the golden `drop` and `fit`, and apytypes, for every word."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from amaranth.hdl import Cat, Const, Module, Signal, signed, unsigned
from amaranth.sim import Simulator
from apytypes import APyFixedArray, OverflowMode, QuantizationMode

from qlif.hdl import fixed
from qlif.model.formats import Format
from qlif.model.golden.step import where_integer
from qlif.model.rounding import Overflow, Rounding, drop, fit

QUANTIZATION = {
    Rounding.TRN: QuantizationMode.TO_NEG,
    Rounding.RND: QuantizationMode.TIES_POS,
    Rounding.RND_CONV: QuantizationMode.TIES_EVEN,
}
OVERFLOW = {Overflow.SAT: OverflowMode.SAT, Overflow.WRAP: OverflowMode.WRAP}

OPERANDS = [
    Format(width - f_bits, f_bits, signed)
    for width, f_bits in ((1, 2), (2, 1), (3, 0), (3, -1))
    for signed in (False, True)
]


class Bench:
    """One combinational module with many outputs, which are read as one wide word for each vector."""

    def __init__(self, *widths):
        self.inputs = [Signal(width, name=f"input_{i}") for i, width in enumerate(widths)]
        self.outputs = []

    def number(self, format, index=0):
        """The low bits of an input, seen as a number."""
        return fixed.Value(fixed.Shape(format), self.inputs[index][: format.width])

    def output(self, key, value):
        """Add an output; a fixed-point one is read as the word of its own format."""
        format = value.words if isinstance(value, fixed.Value) else None
        self.outputs.append((key, format, value.as_value() if format else value))

    def run(self):
        """Yield (inputs, {key: word}) for every combination of input bits."""
        m = Module()
        bits = Cat(value for _, _, value in self.outputs)
        wide = Signal(len(bits))
        m.d.comb += wide.eq(bits)
        vectors = list(product(*(range(1 << len(signal)) for signal in self.inputs)))
        words = []

        async def bench(ctx):
            for vector in vectors:
                for signal, bits in zip(self.inputs, vector, strict=True):
                    ctx.set(signal, bits)
                words.append(ctx.get(wide))

        simulator = Simulator(m)
        simulator.add_testbench(bench)
        simulator.run()
        for vector, word in zip(vectors, words, strict=True):
            decoded, place = {}, 0
            for key, format, value in self.outputs:
                decoded[key] = as_word(word >> place, format or Format(len(value), 0, False))
                place += len(value)
            yield vector, decoded


def as_word(bits, format):
    """The word of a format that some bits spell."""
    bits &= (1 << format.width) - 1
    return bits - (1 << format.width) if format.signed and bits >> (format.width - 1) else bits


def real(word, format):
    return Fraction(word) / Fraction(2) ** format.f_bits


# ---- arithmetic -------------------------------------------------------------------------------------


def wrong_arithmetic(operands):
    """(operation, left, right, words) of each result that isn't the exact one."""
    bench = Bench(3, 3)
    formats = {}
    for left, right in product(operands, repeat=2):
        a, b = bench.number(left, 0), bench.number(right, 1)
        for name, value in (("+", a + b), ("-", a - b), ("*", a * b), (">=", a >= b), ("<", a < b)):
            key = (name, left, right)
            bench.output(key, value)
            formats[key] = value.words if isinstance(value, fixed.Value) else None
    wrong = []
    for (a_bits, b_bits), words in bench.run():
        for (name, left, right), word in words.items():
            a, b = real(as_word(a_bits, left), left), real(as_word(b_bits, right), right)
            exact = {"+": a + b, "-": a - b, "*": a * b, ">=": a >= b, "<": a < b}[name]
            format = formats[name, left, right]
            if (real(word, format) if format else bool(word)) != exact:
                wrong.append((name, str(left), str(right), a, b))
    return wrong, formats


def test_sums_differences_products_and_comparisons_are_exact_for_every_word():
    wrong, formats = wrong_arithmetic(OPERANDS)
    assert wrong == []
    grown = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}
    for (name, left, right), format in formats.items():
        if format is not None:
            assert format == grown[name](left, right)


def test_a_sum_that_lost_its_carry_would_be_found(monkeypatch):
    monkeypatch.setattr(
        Format,
        "__add__",
        lambda a, b: Format(max(a.i_bits, b.i_bits), max(a.f_bits, b.f_bits), a.signed or b.signed),
    )
    wrong, _ = wrong_arithmetic(OPERANDS[-2:])
    assert {name for name, *_ in wrong} == {"+"}


# ---- rounding and overflow --------------------------------------------------------------------------


def cast(words, source, target, rounding, overflow):
    """Words of a signed source brought to a signed target by apytypes."""
    numbers = APyFixedArray(words, int_bits=source.i_bits, frac_bits=source.f_bits)
    there = numbers.cast(
        int_bits=target.i_bits,
        frac_bits=target.f_bits,
        quantization=QUANTIZATION[rounding],
        overflow=OVERFLOW[overflow],
    )
    return [as_word(int(bits), target) for bits in np.asarray(there.to_bits(numpy=True)).ravel()]


def wrong_casts(source):
    """(rounding, overflow, target, word) of each word that isn't where golden model and apytypes put it."""
    bench = Bench(source.width)
    number = bench.number(source)
    keys = []
    for dropped, rounding in product(range(source.width + 3), QUANTIZATION):
        rounded = number.reshape(source.f_bits - dropped, rounding)
        widths = range(1, max(source.width - dropped, 1) + 3)
        for width, overflow in product(widths, OVERFLOW):
            target = Format(width - rounded.words.f_bits, rounded.words.f_bits, source.signed)
            keys.append((rounding, overflow, target))
            bench.output(keys[-1], rounded.fit(fixed.Shape(target), overflow))
    vectors = list(bench.run())
    inputs = [as_word(bits, source) for (bits,), _ in vectors]
    wrong = []
    for rounding, overflow, target in keys:
        golden = [
            fit(drop(word, source.f_bits - target.f_bits, rounding), target, overflow, where_integer)
            for word in inputs
        ]
        if source.signed:
            assert golden == cast(inputs, source, target, rounding, overflow)
        gates = [words[rounding, overflow, target] for _, words in vectors]
        wrong += [
            (rounding, overflow, str(target), word)
            for word, expected, got in zip(inputs, golden, gates, strict=True)
            if expected != got
        ]
    return wrong


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("width", range(1, 7))
def test_every_word_of_a_small_format_is_rounded_and_fitted_as_in_the_golden_model(width, signed):
    assert wrong_casts(Format(width - 2, 2, signed)) == []


def _without_even(value, f_bits, rounding, random=None):
    return ORIGINAL_RESHAPE(
        value, f_bits, Rounding.RND if rounding is Rounding.RND_CONV else rounding, random
    )


def _wrapping(value, shape, overflow):
    return ORIGINAL_FIT(value, shape, Overflow.WRAP)


ORIGINAL_RESHAPE, ORIGINAL_FIT = fixed.Value.reshape, fixed.Value.fit
FAULTS = {"half up for half to even": ("reshape", _without_even), "wraps for saturates": ("fit", _wrapping)}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_the_gates_is_found(monkeypatch, fault):
    monkeypatch.setattr(fixed.Value, *FAULTS[fault])
    assert wrong_casts(Format(2, 2, True))


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("width", [1, 3, 5])
def test_stochastic_rounding_is_that_of_the_golden_model_for_every_random_word(width, signed):
    source = Format(width - 2, 2, signed)
    bench = Bench(width, 4)
    number = bench.number(source)
    for dropped in range(1, width + 2):
        for random_bits in range(1, min(dropped, 4) + 1):
            random = bench.inputs[1][:random_bits]
            key = (dropped, random_bits)
            bench.output(key, number.reshape(source.f_bits - dropped, Rounding.SR, random))
    for (bits, random), words in bench.run():
        for (dropped, random_bits), word in words.items():
            assert word == drop(as_word(bits, source), dropped, Rounding.SR, random, random_bits)


@pytest.mark.parametrize("source", [Format(3, 0, True), Format(3, 0, False), Format(0, 3, True)], ids=str)
@pytest.mark.parametrize("rounding", list(Rounding))
def test_more_fraction_bits_change_no_value(source, rounding):
    bench = Bench(3)
    longer = bench.number(source).reshape(source.f_bits + 2, rounding)
    bench.output("longer", longer)
    bench.output("same", bench.number(source).reshape(source.f_bits, rounding))
    for (bits,), words in bench.run():
        word = as_word(bits, source)
        assert real(words["longer"], longer.words) == real(word, source)
        assert words["same"] == word


@pytest.mark.parametrize("exponent", [-3, 0, 2])
def test_a_power_of_two_moves_no_bit(exponent):
    source = Format(2, 1, True)
    bench = Bench(3)
    scaled = bench.number(source).scaled_by_power_of_two(exponent)
    bench.output("scaled", scaled)
    for (bits,), words in bench.run():
        assert real(words["scaled"], scaled.words) == real(as_word(bits, source), source) * 2**exponent


def test_a_choice_is_one_of_two_numbers_of_one_shape():
    format = Format(2, 0, True)
    bench = Bench(2, 2)
    a, b = bench.number(format, 0), bench.number(format, 1)
    bench.output("least", fixed.choose(a < b, a, b))
    for bits, words in bench.run():
        assert words["least"] == min(as_word(word, format) for word in bits)


# ---- shapes, constants, and what is refused ---------------------------------------------------------


def test_a_signal_of_a_shape_is_a_number():
    signal = Signal(fixed.SQ(3, 2), init=-5)
    assert isinstance(signal, fixed.Value)
    assert signal.words == Format(3, 2, True)
    assert signal.as_value().shape() == signed(5)
    assert signal.as_value().init == -5
    assert Signal(fixed.UQ(3, 2)).as_value().shape() == unsigned(5)


def test_shapes_compare_by_their_format():
    assert fixed.SQ(3, 2) == fixed.Shape(Format(3, 2, True))
    assert len({fixed.SQ(3, 2), fixed.Shape(Format(3, 2, True)), fixed.UQ(3, 2)}) == 2
    assert fixed.SQ(3, 2) != "SQ(3,2)"
    assert repr(fixed.UQ(3, -1)) == "fixed.UQ(3,-1)"
    shape = fixed.SQ(3, 2)
    assert (shape.i_bits, shape.f_bits, shape.signed) == (3, 2, True)


@pytest.mark.parametrize("word", [-16, -1, 0, 15])
def test_constants_are_words_or_bit_patterns(word):
    shape = fixed.SQ(3, 2)
    assert fixed.Const(word, shape).as_value().value == word
    assert shape.const(word).as_value().value == word
    assert shape.from_bits(word & 31).as_value().value == word
    assert shape.const(None).as_value().value == 0


REFUSALS = {
    "an assignment that would lose bits": (
        TypeError,
        lambda: Signal(fixed.SQ(3, 2)).eq(Signal(fixed.SQ(3, 3))),
        "can't assign fixed.SQ(3,3) to fixed.SQ(3,2): reshape and fit it first",
    ),
    "an assignment of bare bits": (
        TypeError,
        lambda: Signal(fixed.SQ(3, 2)).eq(Signal(5)),
        "can't assign Signal to fixed.SQ(3,2): reshape and fit it first",
    ),
    "a fit that would move the binary point": (
        ValueError,
        lambda: Signal(fixed.SQ(3, 2)).fit(fixed.SQ(3, 1), Overflow.SAT),
        "can't fit fixed.SQ(3,2) into fixed.SQ(3,1): only integer bits may change",
    ),
    "a fit that would lose the sign": (
        ValueError,
        lambda: Signal(fixed.SQ(3, 2)).fit(fixed.UQ(3, 2), Overflow.SAT),
        "can't fit fixed.SQ(3,2) into fixed.UQ(3,2): only integer bits may change",
    ),
    "stochastic rounding without random bits": (
        ValueError,
        lambda: Signal(fixed.SQ(3, 2)).reshape(0, Rounding.SR),
        "stochastic rounding needs 1 to 2 random bits",
    ),
    "stochastic rounding with too many": (
        ValueError,
        lambda: Signal(fixed.SQ(3, 2)).reshape(0, Rounding.SR, Signal(3)),
        "stochastic rounding needs 1 to 2 random bits",
    ),
    "a choice between two shapes": (
        ValueError,
        lambda: fixed.choose(Const(1, 1), Signal(fixed.SQ(3, 2)), Signal(fixed.SQ(3, 3))),
        "can't choose between SQ(3,2) and SQ(3,3)",
    ),
    "too few bits": (
        ValueError,
        lambda: fixed.Value(fixed.SQ(3, 2), Signal(4)),
        "fixed.SQ(3,2) needs 5 bits, not 4",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_would_lose_bits_in_silence_is_refused_in_words(case):
    error, action, text = REFUSALS[case]
    with pytest.raises(error) as caught:
        action()
    assert str(caught.value) == text
