"""The signature against its definition, one bit after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlif.model.selftest.plan import SIGNATURE_BITS, SIGNATURE_START, SIGNATURE_TAPS
from qlif.model.selftest.signature import absorb, folded, times_x

ORDER = (1 << SIGNATURE_BITS) - 1
WORDS = st.integers(0, ORDER)


def shifted(remainder):
    """Times x, as a shift register does it."""
    carry = remainder >> (SIGNATURE_BITS - 1)
    return (remainder << 1) & ORDER ^ (SIGNATURE_TAPS if carry else 0)


def product(left, right):
    """Of two remainders, by schoolbook."""
    total = 0
    for place in range(SIGNATURE_BITS):
        if right >> place & 1:
            total ^= left
        left = shifted(left)
    return total


def power(base, exponent):
    result = 1
    while exponent:
        if exponent & 1:
            result = product(result, base)
        base, exponent = product(base, base), exponent >> 1
    return result


def test_the_polynomial_is_primitive():
    """So x has the largest order, and two wrong words can't cancel for being so many apart."""
    factors = (3, 5, 17, 257, 641, 65537, 6700417)
    assert np.prod([int(factor) for factor in factors], dtype=object) == ORDER
    assert power(2, ORDER) == 1
    assert all(power(2, ORDER // factor) != 1 for factor in factors)


@given(st.lists(WORDS, max_size=200), WORDS)
def test_absorbing_is_shifting_and_adding(words, start):
    expected = start
    for word in words:
        expected = shifted(expected) ^ word
    assert absorb(start, np.array(words, dtype=np.uint64)) == expected


def test_long_arrays_are_absorbed_like_their_halves():
    words = np.random.default_rng(1).integers(0, 1 << 63, size=100_003, dtype=np.uint64)
    half = absorb(SIGNATURE_START, words[:1234])
    assert absorb(half, words[1234:]) == absorb(SIGNATURE_START, words)


@given(st.integers(0, 14), WORDS)
def test_powers_of_x(exponent, word):
    expected = word
    for _ in range(1 << exponent):
        expected = shifted(expected)
    assert int(times_x(np.array([word], dtype=np.uint64), 1 << exponent)[0]) == expected


@pytest.mark.parametrize("place", [0, 1, 500, 998, 999])
def test_one_wrong_bit_is_seen_wherever_it_is(place):
    words = np.random.default_rng(2).integers(0, 1 << 63, size=1000, dtype=np.uint64)
    right = absorb(SIGNATURE_START, words)
    for bit in range(SIGNATURE_BITS):
        wrong = words.copy()
        wrong[place] ^= np.uint64(1 << bit)
        assert absorb(SIGNATURE_START, wrong) != right


@given(
    st.lists(st.tuples(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(1, 64)), min_size=1, max_size=5)
)
def test_parts_stand_side_by_side_modulo_64(parts):
    long, offset = 0, 0
    for value, width in parts:
        long |= (value & ((1 << width) - 1)) << offset
        offset += width
    expected = 0
    while long:
        expected, long = expected ^ (long & ORDER), long >> SIGNATURE_BITS
    assert int(folded([(np.array([value]), width) for value, width in parts])[0]) == expected
