"""The random words of stochastic rounding: their period, their definition, their pinned values."""

import math

import numpy as np
import pytest

from qlif.model import random_words
from qlif.model.random_words import RandomWords, initial_register, next_register

DEGREE, TAP, WORD_BITS = 63, 31, 32
ORDER = 2**63 - 1
PRIME_FACTORS = {7: 2, 73: 1, 127: 1, 337: 1, 92737: 1, 649657: 1}
ALL_BITS_64 = 2**64 - 1


# ---- the period: polynomials over GF(2), as integers whose bit i is the coefficient of x^i ----------


def reduced(polynomial, modulus):
    while polynomial.bit_length() >= modulus.bit_length():
        polynomial ^= modulus << (polynomial.bit_length() - modulus.bit_length())
    return polynomial


def multiplied(a, b, modulus):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1, b >> 1
    return reduced(product, modulus)


def power_of_x(exponent, modulus):
    result, square = 1, 0b10
    while exponent:
        if exponent & 1:
            result = multiplied(result, square, modulus)
        square, exponent = multiplied(square, square, modulus), exponent >> 1
    return result


def is_primitive(modulus):
    """Whether x has the full order: then the polynomial is irreducible too, or there'd be fewer powers."""
    full = power_of_x(ORDER, modulus) == 1
    return full and all(power_of_x(ORDER // prime, modulus) != 1 for prime in PRIME_FACTORS)


def test_the_factors_of_the_period_are_all_its_prime_factors():
    assert math.prod(prime**count for prime, count in PRIME_FACTORS.items()) == ORDER
    for prime in PRIME_FACTORS:
        assert all(prime % divisor for divisor in range(2, math.isqrt(prime) + 1))


def test_the_trinomial_is_primitive_so_the_period_is_the_longest():
    assert (random_words.REGISTER_BITS, random_words.TAP, random_words.WORD_BITS) == (DEGREE, TAP, WORD_BITS)
    assert is_primitive(1 << DEGREE | 1 << TAP | 1)


@pytest.mark.parametrize("tap", [30, 32 - 2, 21, 33])
def test_the_check_of_primitivity_can_fail(tap):
    assert not is_primitive(1 << DEGREE | 1 << tap | 1)


def test_the_period_in_words_is_as_long():
    """Words step by 32 bits, and 32 shares no factor with an odd number."""
    assert math.gcd(WORD_BITS, ORDER) == 1


# ---- the definition, bit by bit ---------------------------------------------------------------------


def splitmix64(seed):
    """The first output of Steele, Lea & Flood's generator, as in Vigna's splitmix64.c."""
    z = (seed + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def words_bit_by_bit(seed, count):
    first = splitmix64(seed) % 2**63
    bits = [first >> place & 1 for place in range(63)]
    while len(bits) < WORD_BITS * count:
        bits.append(bits[-63 + 31] ^ bits[-63])
    return [
        sum(bit << place for place, bit in enumerate(bits[WORD_BITS * u : WORD_BITS * (u + 1)]))
        for u in range(count)
    ]


PUBLISHED_SPLITMIX64 = {0: 0xE220A8397B1DCDAF, 1: 0x910A2DEC89025CC1, 1234567: 6457827717110365317}


@pytest.mark.parametrize(("seed", "output"), PUBLISHED_SPLITMIX64.items())
def test_the_first_bits_are_those_of_the_published_splitmix64(seed, output):
    assert splitmix64(seed) == output
    assert initial_register(seed) == output % 2**63


@pytest.mark.parametrize("seed", [0, 1, 42, 2**63, 2**64 - 1])
def test_the_words_are_the_defined_bits(seed):
    assert RandomWords(seed).take(300).tolist() == words_bit_by_bit(seed, 300)


PINNED = {
    0: [0x7B1DCDAF, 0xE220A839, 0x5FAE4EEE, 0x2EBE1AF2],
    1: [0x89025CC1, 0x110A2DEC, 0x558B038C, 0x5D0E157A],
    2**64 - 1: [0x1B652C20, 0x64D97177, 0xE96BE767, 0x5B075FDC],
}


@pytest.mark.parametrize(("seed", "words"), PINNED.items())
def test_the_first_words_of_a_seed_dont_change(seed, words):
    assert RandomWords(seed).take(4).tolist() == words


def unmixed(z):
    """The seed whose splitmix64 output is z: each step undone."""

    def unshifted(value, shift):
        result = value
        for _ in range(64 // shift):
            result = value ^ result >> shift
        return result

    z = unshifted(z, 31) * pow(0x94D049BB133111EB, -1, 2**64) % 2**64
    z = unshifted(z, 27) * pow(0xBF58476D1CE4E5B9, -1, 2**64) % 2**64
    return (unshifted(z, 30) - 0x9E3779B97F4A7C15) % 2**64


@pytest.mark.parametrize("output", [0, 2**63])
def test_no_seed_gives_the_register_that_stays_at_zero(output):
    seed = unmixed(output)
    assert splitmix64(seed) == output
    assert initial_register(seed) == 1
    assert np.any(RandomWords(seed).take(100))


# ---- in bulk ----------------------------------------------------------------------------------------


def stepped(seed, count):
    register, words = initial_register(seed), []
    for _ in range(count):
        words.append(register & (2**WORD_BITS - 1))
        register = next_register(register)
    return words


@pytest.mark.parametrize(
    "chunks",
    [
        [5000],
        [1] * 200,
        [62, 1, 63, 64, 65, 126, 127, 1, 4000],
        [0, 3, 0, 0, 1000, 7, 0, 2000],
        [31, 32, 33, 2016, 2017, 500],
    ],
    ids=["at once", "one by one", "around 63", "with none", "around strides"],
)
def test_words_in_bulk_are_the_words_of_the_register_whatever_the_chunks(chunks):
    source = RandomWords(9)
    taken = [source.take(count) for count in chunks]
    assert [len(words) for words in taken] == chunks
    assert all(words.dtype == np.int64 for words in taken)
    assert np.concatenate(taken).tolist() == stepped(9, sum(chunks))


def test_random_chunks_give_the_same_words():
    generator = np.random.default_rng(2)
    expected = stepped(77, 20_000)
    source, position = RandomWords(77), 0
    while position < len(expected):
        count = min(int(generator.integers(0, 1500)), len(expected) - position)
        assert source.take(count).tolist() == expected[position : position + count]
        position += count


def test_a_wrong_tap_would_be_found(monkeypatch):
    monkeypatch.setattr(random_words, "TAP", TAP - 1)
    assert RandomWords(0).take(300).tolist() != words_bit_by_bit(0, 300)


def test_words_that_were_taken_arent_changed_later():
    source = RandomWords(3)
    first = source.take(100)
    copy = first.copy()
    source.take(1000)
    assert np.array_equal(first, copy)


# ---- sanity of the distribution: six sigma, of a sequence that never changes -------------------------

SAMPLE = 1 << 17


@pytest.fixture(scope="module")
def sample():
    return RandomWords(1).take(SAMPLE)


def test_words_are_32_bits(sample):
    assert sample.min() >= 0
    assert 2**31 < sample.max() < 2**32


@pytest.mark.parametrize("place", range(WORD_BITS))
def test_every_bit_is_set_half_of_the_time(sample, place):
    ones = np.count_nonzero(sample >> place & 1)
    assert abs(ones - SAMPLE / 2) < 6 * math.sqrt(SAMPLE / 4)


@pytest.mark.parametrize("low_bits", [4, 8, 12])
def test_the_low_bits_that_rounding_uses_are_uniform(sample, low_bits):
    counts = np.bincount(sample & (2**low_bits - 1), minlength=2**low_bits)
    expected = SAMPLE / 2**low_bits
    freedom = 2**low_bits - 1
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert abs(chi_square - freedom) < 6 * math.sqrt(2 * freedom)


@pytest.mark.parametrize("lag", [1, 2, 31, 64, 1024])
def test_words_of_different_updates_arent_correlated(sample, lag):
    """The lags of the trinomial itself, 32 and 63 words apart, are linear by design, but not correlated."""
    centred = sample / 2**32 - 0.5
    correlation = float(np.mean(centred[lag:] * centred[:-lag])) * 12
    assert abs(correlation) < 6 / math.sqrt(SAMPLE)


def test_near_seeds_give_unrelated_words():
    words = np.array([RandomWords(seed).take(64) for seed in range(64)])
    different = [bin(int(a) ^ int(b)).count("1") for a, b in zip(words[0], words[1], strict=True)]
    assert abs(sum(different) - 64 * 16) < 6 * math.sqrt(64 * 8)
    assert len(np.unique(words)) == words.size
