"""How bits are lost: `drop` and `fit` against apytypes, stochastic rounding against its definition."""

import math
from fractions import Fraction

import numpy as np
import pytest
from apytypes import APyFixed, APyFixedArray, OverflowMode, QuantizationMode
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qlif.model.formats import Format
from qlif.model.golden import step
from qlif.model.golden.step import where_integer
from qlif.model.rounding import Overflow, Rounding, drop, fit

# The directed names of apytypes, which can't be mistaken: ties towards plus infinity is "half up".
QUANTIZATION = {
    Rounding.TRN: QuantizationMode.TO_NEG,
    Rounding.RND: QuantizationMode.TIES_POS,
    Rounding.RND_CONV: QuantizationMode.TIES_EVEN,
}
OVERFLOW = {Overflow.SAT: OverflowMode.SAT, Overflow.WRAP: OverflowMode.WRAP}
WIDEST_SOURCE = 6
CASTS = [(rounding, overflow) for rounding in QUANTIZATION for overflow in OVERFLOW]


def cast(words, source, target, rounding, overflow):
    """Words of a signed source format brought to a signed target format by apytypes."""
    numbers = APyFixedArray(words.tolist(), int_bits=source.i_bits, frac_bits=source.f_bits)
    there = numbers.cast(
        int_bits=target.i_bits,
        frac_bits=target.f_bits,
        quantization=QUANTIZATION[rounding],
        overflow=OVERFLOW[overflow],
    )
    bits = there.to_bits(numpy=True).astype(np.int64)
    return bits - ((bits >> (target.width - 1)) << target.width)


def every_word(format):
    return np.arange(format.min_word, format.max_word + 1)


def targets(source):
    """Every signed format on or above the last place of the source, up to one that loses nothing."""
    for f_bits in range(source.f_bits, -source.i_bits - 3, -1):
        for width in range(1, source.i_bits + f_bits + 3):
            yield Format(width - f_bits, f_bits, True)


def mismatches(words, source, target, rounding, overflow):
    dropped = step.drop(words, source.f_bits - target.f_bits, rounding)
    ours = step.fit(dropped, target, overflow, np.where)
    return np.flatnonzero(ours != cast(words, source, target, rounding, overflow))


def all_mismatches(rounding, overflow):
    """(source, target, word) of each difference, and the number of pairs of formats that were compared."""
    wrong, pairs = [], 0
    for width in range(1, WIDEST_SOURCE + 1):
        # Dropping looks at differences of fraction bits only: where the binary point is doesn't matter.
        source = Format(width, 0, True)
        words = every_word(source)
        for target in targets(source):
            pairs += 1
            wrong += [
                (str(source), str(target), int(words[i]))
                for i in mismatches(words, source, target, rounding, overflow)
            ]
    return wrong, pairs


@pytest.mark.parametrize(("rounding", "overflow"), CASTS)
def test_every_word_of_every_small_format_goes_where_apytypes_puts_it(rounding, overflow):
    wrong, pairs = all_mismatches(rounding, overflow)
    assert not wrong
    assert pairs > 100


@pytest.mark.parametrize("rounding", QUANTIZATION)
@pytest.mark.parametrize("place", [-3, 2, 5])
def test_the_binary_point_of_the_source_doesnt_matter(rounding, place):
    source = Format(5 - place, place, True)
    for target in targets(source):
        for overflow in OVERFLOW:
            assert not len(mismatches(every_word(source), source, target, rounding, overflow))


@pytest.mark.parametrize("rounding", QUANTIZATION)
@pytest.mark.parametrize("width", range(1, WIDEST_SOURCE + 1))
def test_unsigned_words_round_like_the_signed_words_that_hold_them(rounding, width):
    words = every_word(Format(width, 0, False))
    holding = Format(width + 1, 0, True)
    for bits in range(width + 3):
        target = Format(max(holding.i_bits, bits) + 1, -bits, True)
        assert np.array_equal(
            drop(words, bits, rounding), cast(words, holding, target, rounding, Overflow.SAT)
        )


@pytest.mark.parametrize("target_width", [1, 2, 4])
def test_an_unsigned_range_is_held_or_wrapped(target_width):
    format = Format(target_width, 0, False)
    words = np.arange(-20, 21)
    assert fit(words, format, Overflow.SAT, np.where).tolist() == [
        min(max(word, 0), 2**target_width - 1) for word in range(-20, 21)
    ]
    assert fit(words, format, Overflow.WRAP, np.where).tolist() == [
        word % 2**target_width for word in range(-20, 21)
    ]


DAMAGED = {
    "a tie goes down": (
        Rounding.RND,
        lambda value, bits, rounding: (value + (1 << bits >> 1) - 1) >> bits if bits else value,
    ),
    "a tie never goes to even": (
        Rounding.RND_CONV,
        lambda value, bits, rounding: drop(value, bits, Rounding.RND),
    ),
    "towards zero": (
        Rounding.TRN,
        lambda value, bits, rounding: np.where(value < 0, -(-value >> bits), value >> bits),
    ),
}


@pytest.mark.parametrize("fault", DAMAGED)
def test_a_planted_rounding_fault_is_found(monkeypatch, fault):
    rounding, damaged = DAMAGED[fault]
    monkeypatch.setattr(step, "drop", damaged)
    wrong, _ = all_mismatches(rounding, Overflow.SAT)
    assert wrong


@pytest.mark.parametrize("overflow", OVERFLOW)
def test_a_planted_overflow_fault_is_found(monkeypatch, overflow):
    other = {Overflow.SAT: Overflow.WRAP, Overflow.WRAP: Overflow.SAT}[overflow]
    monkeypatch.setattr(step, "fit", lambda value, format, _, where: fit(value, format, other, where))
    wrong, _ = all_mismatches(Rounding.RND, overflow)
    assert wrong


@st.composite
def wide_casts(draw):
    source = Format(draw(st.integers(-20, 60)), draw(st.integers(21, 60)), True)
    # apytypes 0.5.1 loses the carry of a rounding out of exactly 64 bits, its own word: 2**62 in SQ(4,60),
    # half of a last place of 8, becomes -8 instead of the highest word.
    assume(source.width != 64)
    dropped = draw(st.integers(0, source.width + 4))
    f_bits = source.f_bits - dropped
    target = Format(draw(st.integers(max(1 - f_bits, -30), max(1 - f_bits, source.i_bits) + 4)), f_bits, True)
    # Ties and ends of the range are too rare to be met by chance.
    kept = draw(st.integers(source.min_word >> dropped, source.max_word >> dropped))
    near_tie = (kept << dropped) + (1 << dropped >> 1) + draw(st.integers(-1, 1))
    word = draw(st.sampled_from([near_tie, draw(st.integers(source.min_word, source.max_word))]))
    return source, target, min(max(word, source.min_word), source.max_word)


@given(wide_casts(), st.sampled_from(CASTS))
@settings(max_examples=1000, deadline=None)
def test_words_of_wide_formats_go_where_apytypes_puts_them(case, how):
    (source, target, word), (rounding, overflow) = case, how
    number = APyFixed(word, int_bits=source.i_bits, frac_bits=source.f_bits)
    there = number.cast(
        int_bits=target.i_bits,
        frac_bits=target.f_bits,
        quantization=QUANTIZATION[rounding],
        overflow=OVERFLOW[overflow],
    )
    bits = there.to_bits()
    expected = bits - (bits >> (target.width - 1) << target.width)
    dropped = drop(word, source.f_bits - target.f_bits, rounding)
    assert fit(dropped, target, overflow, where_integer) == expected


def stochastic(word, bits, random, random_bits):
    """The definition: r random bits below the last place that is kept, then the floor."""
    return math.floor(Fraction(word, 2**bits) + Fraction(random % 2**random_bits, 2**random_bits))


STOCHASTIC = [(bits, random_bits) for bits in range(1, 6) for random_bits in range(1, bits + 1)]


@pytest.mark.parametrize(("bits", "random_bits"), STOCHASTIC)
def test_stochastic_rounding_is_the_floor_of_the_sum_with_the_random_bits(bits, random_bits):
    for word in range(-64, 64):
        for random in range(2**random_bits):
            expected = stochastic(word, bits, random, random_bits)
            assert drop(word, bits, Rounding.SR, random, random_bits) == expected
            # Higher bits of the random word aren't looked at.
            above = random + (5 << random_bits)
            assert drop(word, bits, Rounding.SR, above, random_bits) == expected


@pytest.mark.parametrize(("bits", "random_bits"), STOCHASTIC)
def test_stochastic_rounding_is_unbiased_down_to_its_last_random_bit(bits, random_bits):
    """The mean over all random words is the value, cut where the random bits end."""
    for word in range(-64, 64):
        results = [drop(word, bits, Rounding.SR, random, random_bits) for random in range(2**random_bits)]
        mean = Fraction(sum(results), len(results))
        unseen = 2 ** (bits - random_bits)
        assert mean == Fraction(word // unseen * unseen, 2**bits)
        if random_bits == bits:
            assert mean == Fraction(word, 2**bits)


@pytest.mark.parametrize("rounding", list(Rounding))
def test_nothing_dropped_is_nothing_changed(rounding):
    assert [drop(word, 0, rounding, 3, 2) for word in range(-9, 9)] == list(range(-9, 9))


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("format", [Format(4, 0, True), Format(3, 0, False)], ids=str)
def test_integers_and_both_kinds_of_arrays_agree(rounding, overflow, format):
    words = np.arange(-600, 600)
    random = np.random.default_rng(7).integers(0, 2**32, words.size)
    for bits in (3, 5):
        single = [
            fit(drop(int(word), bits, rounding, int(r), 3), format, overflow, where_integer)
            for word, r in zip(words, random, strict=True)
        ]
        for kind in (np.int64, object):
            array = fit(
                drop(words.astype(kind), bits, rounding, random.astype(kind), 3), format, overflow, np.where
            )
            assert array.tolist() == single
