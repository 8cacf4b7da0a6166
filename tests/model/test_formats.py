"""Formats: what they hold, how they grow, how they are written."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.formats import SQ, UQ, Format

SMALL = [
    Format(width - f_bits, f_bits, signed)
    for width in (1, 2, 3, 4)
    for f_bits in (-1, 0, 2)
    for signed in (False, True)
]
OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}


def every_value(format):
    return [
        Fraction(word) / Fraction(2) ** format.f_bits for word in range(format.min_word, format.max_word + 1)
    ]


def narrower(format):
    return Format(format.i_bits - 1, format.f_bits, format.signed)


def can_hold(format, value):
    word = value * Fraction(2) ** format.f_bits
    return word.denominator == 1 and format.min_word <= word <= format.max_word


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_format_of_a_result_holds_every_result_exactly(operation):
    apply = OPERATIONS[operation]
    for left, right in itertools.product(SMALL, repeat=2):
        grown = apply(left, right)
        results = {apply(a, b) for a in every_value(left) for b in every_value(right)}
        assert all(can_hold(grown, result) for result in results), f"{left} {operation} {right} = {grown}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_integer_bit_less_would_lose_a_result(operation):
    """With words of two bits or more on one binary point, gates pay for no bit that is never used."""
    apply = OPERATIONS[operation]
    checked = 0
    for left, right in itertools.product(SMALL, repeat=2):
        if min(left.width, right.width) < 2 or left.f_bits != right.f_bits:
            continue
        grown = apply(left, right)
        results = {apply(a, b) for a in every_value(left) for b in every_value(right)}
        assert not all(can_hold(narrower(grown), result) for result in results), f"{left} {operation} {right}"
        checked += 1
    assert checked > 50


def test_one_fraction_bit_less_would_lose_a_result():
    for left, right in itertools.product(SMALL, repeat=2):
        finest = max(left.f_bits, right.f_bits)
        assert (left + right).f_bits == (left - right).f_bits == finest
        assert (left * right).f_bits == left.f_bits + right.f_bits


def test_a_difference_is_signed_and_a_sum_of_unsigned_is_not():
    assert UQ(4, 0) - UQ(4, 0) == SQ(5, 0)
    assert UQ(4, 0) + UQ(4, 0) == UQ(5, 0)
    assert UQ(4, 0) + SQ(4, 0) == SQ(6, 0)
    assert UQ(4, 1) * SQ(4, 2) == SQ(8, 3)


@pytest.mark.parametrize("format", SMALL, ids=str)
def test_the_range_and_the_resolution_are_those_of_the_words(format):
    values = every_value(format)
    assert len(values) == 2**format.width
    assert (Fraction(format.min), Fraction(format.max)) == (min(values), max(values))
    assert Fraction(format.resolution) == Fraction(1, 2) ** format.f_bits
    assert (format.min_word < 0) is format.signed


@pytest.mark.parametrize("exponent", [-9, -1, 0, 1, 9])
@pytest.mark.parametrize("format", [SQ(3, 2), UQ(0, 4), SQ(-2, 5)], ids=str)
def test_a_power_of_two_keeps_the_words_and_changes_what_they_mean(format, exponent):
    scaled = format.scaled_by_power_of_two(exponent)
    assert (scaled.width, scaled.signed) == (format.width, format.signed)
    assert every_value(scaled) == [value * Fraction(2) ** exponent for value in every_value(format)]


@pytest.mark.parametrize("format", [*SMALL, SQ(8, 8), SQ(8, 24), UQ(0, 24), SQ(-3, 21), SQ(40, 24)], ids=str)
def test_words_survive_the_way_through_real_values(format):
    if format.width <= 10:
        words = np.arange(format.min_word, format.max_word + 1)
    else:
        generator = np.random.default_rng(1)
        words = generator.integers(max(format.min_word, -(2**52)), min(format.max_word, 2**52), 1000)
        words[:2] = max(format.min_word, -(2**52)), min(format.max_word, 2**52)
    assert np.array_equal(format.words(format.values(words)), words)


@pytest.mark.parametrize("format", [SQ(4, 3), UQ(3, 3), SQ(5, -1)], ids=str)
def test_the_word_of_a_value_is_the_nearest_one_ties_to_even(format):
    places = np.arange(4 * format.min_word, 4 * format.max_word + 1)
    values = np.ldexp(places / 4, -format.f_bits)
    expected = [round(Fraction(int(place), 4)) for place in places]
    assert format.words(values).tolist() == expected


@pytest.mark.parametrize("format", [SQ(4, 3), UQ(3, 3)], ids=str)
@pytest.mark.parametrize("value", [1e3, -1e3, 1e300, -1e300])
def test_a_value_far_outside_becomes_a_word_that_isnt_held(format, value):
    word = format.words(value)
    assert word.dtype == np.int64
    assert not format.holds(word)
    assert (word > format.max_word) == (value > 0)


def test_words_of_wide_formats_are_whole_numbers_of_python():
    words = SQ(34, 30).words([1.5, -(2.0**33), 2.0**33])
    assert words.dtype == object
    assert words.tolist() == [3 << 29, -(1 << 63), 1 << 63]
    assert SQ(34, 30).holds(words).tolist() == [True, True, False]
    assert int(SQ(34, 30).words(0.25)) == 1 << 28


@pytest.mark.parametrize("format", SMALL, ids=str)
def test_exactly_the_words_of_the_format_are_held(format):
    words = np.arange(-40, 41)
    expected = [format.min_word <= word <= format.max_word for word in range(-40, 41)]
    assert format.holds(words).tolist() == expected
    assert format.holds(words.astype(object)).tolist() == expected


@pytest.mark.parametrize("format", [*SMALL, SQ(-3, 21), UQ(12, -4), SQ(8, 24)], ids=str)
def test_a_format_is_read_back_from_how_it_is_written(format):
    assert Format.parse(str(format)) == format


def test_blanks_in_a_written_format_dont_matter():
    assert Format.parse("  SQ( 6 , -2 ) ") == SQ(6, -2)


@pytest.mark.parametrize(
    "text", ["", "Q(4,4)", "SQ(4)", "SQ(4,4,4)", "SQ(4.0,4)", "sq(4,4)", "SQ(4,4)x", "SQ(+4,4)"]
)
def test_anything_else_is_no_format(text):
    with pytest.raises(InputError) as caught:
        Format.parse(text)
    assert str(caught.value) == f"a format is written SQ(i_bits,f_bits) or UQ(i_bits,f_bits), not {text!r}"


@pytest.mark.parametrize("text", ["SQ(0,0)", "UQ(-4,4)", "SQ(3,-4)"])
def test_a_format_without_bits_is_refused(text):
    with pytest.raises(InputError) as caught:
        Format.parse(text)
    assert str(caught.value) == f"a format must have at least one bit, not {text}"


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ((math.nan, 1), "i_bits must be a whole number from -4096 to 4096, not nan"),
        ((1.5, 2), "i_bits must be a whole number from -4096 to 4096, not 1.5"),
        ((2, "4"), "f_bits must be a whole number from -4096 to 4096, not '4'"),
        ((True, 4), "i_bits must be a whole number from -4096 to 4096, not True"),
        ((10**9, 1), "i_bits must be a whole number from -4096 to 4096, not 1000000000"),
    ],
)
@pytest.mark.parametrize("kind", [SQ, UQ])
def test_bits_are_whole_numbers(kind, bits, text):
    with pytest.raises(InputError) as caught:
        kind(*bits)
    assert str(caught.value) == text


def test_bits_of_numpy_are_plain_integers_then():
    assert type(SQ(np.int64(5), np.int8(3)).i_bits) is int


@pytest.mark.parametrize(
    "text", [None, 5, "", "SQ(5)", "SQ(1" + "0" * 5000 + ",1)", "SQ(\N{ARABIC-INDIC DIGIT FIVE},3)"]
)
def test_a_format_is_written_in_one_way(text):
    with pytest.raises(InputError):
        Format.parse(text)
