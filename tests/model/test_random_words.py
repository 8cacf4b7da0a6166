"""The random words of stochastic rounding: their period, their definition, their seeds, their statistics."""

import importlib.util
import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from qlif.model import random_words
from qlif.model.random_words import RandomWords, initial_register, next_register

_spec = importlib.util.spec_from_file_location(
    "random_words_statistics", Path(__file__).with_name("random_words_statistics.py")
)
statistics = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = statistics  # where dataclasses look for the names of types
_spec.loader.exec_module(statistics)

DEGREE, WORD_BITS = 107, 32
POLYNOMIAL = 1 << 107 | 1 << 34 | 1 << 28 | 1 << 9 | 1


# ---- the period: polynomials over GF(2), as integers whose bit i is the coefficient of x^i ----------


def squared(polynomial, modulus):
    square = int(format(polynomial, "b"), 4)
    while square.bit_length() >= modulus.bit_length():
        square ^= modulus << (square.bit_length() - modulus.bit_length())
    return square


def is_primitive(modulus):
    """Of prime degree d without the factor x + 1, and with 2^d - 1 prime.

    x^(2^d) = x says that all its roots are in the field of 2^d elements, so its factors are of degree 1 or d; all
    elements but 0 and 1 have order 2^d - 1 there.
    """
    power = 0b10
    for _ in range(modulus.bit_length() - 1):
        power = squared(power, modulus)
    return power == 0b10 and modulus & 1 == 1 and modulus.bit_count() % 2 == 1


def is_prime_mersenne(exponent):
    """The test of Lucas and Lehmer."""
    value = 4
    for _ in range(exponent - 2):
        value = (value * value - 2) % (2**exponent - 1)
    return value == 0


def test_the_polynomial_is_primitive_so_the_period_is_the_longest():
    assert (random_words.REGISTER_BITS, random_words.WORD_BITS) == (DEGREE, WORD_BITS)
    assert sum(1 << tap for tap in (*random_words.TAPS, DEGREE)) == POLYNOMIAL
    assert all(DEGREE % divisor for divisor in range(2, DEGREE))
    assert is_prime_mersenne(DEGREE)
    assert is_primitive(POLYNOMIAL)


@pytest.mark.parametrize("taps", [(0, 9, 28, 35), (0, 9, 28), (0, 8, 28, 34), (9, 28, 34, 35)])
def test_the_check_of_primitivity_can_fail(taps):
    assert not is_primitive(sum(1 << tap for tap in (*taps, DEGREE)))
    assert not is_prime_mersenne(DEGREE - 4)


def test_the_period_in_words_is_as_long():
    """Words step by 32 bits, and 32 shares no factor with an odd number."""
    assert math.gcd(WORD_BITS, 2**DEGREE - 1) == 1


def test_after_its_period_the_sequence_begins_again():
    """After 2^107 words, which is a period and one more, the register is that of one word later."""
    # The step is linear: a power of it is known by what it does to each bit alone, and 107 squarings lead there.
    step = [next_register(1 << place) for place in range(DEGREE)]

    def through(matrix, state):
        result = 0
        for place in range(DEGREE):
            result ^= matrix[place] if state >> place & 1 else 0
        return result

    power = step
    for _ in range(DEGREE):
        power = [through(power, column) for column in power]
    for state in (initial_register(1), initial_register(2)):
        assert through(power, state) == next_register(state)


# ---- the definition, bit by bit ---------------------------------------------------------------------


def splitmix64(seed):
    """The first output of Steele, Lea & Flood's generator, as in Vigna's splitmix64.c."""
    z = (seed + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def words_bit_by_bit(seed, count):
    """After the definition in docs/numerics.md."""
    bits = [splitmix64(seed) >> place & 1 for place in range(64)] + [1] * 43
    while len(bits) < WORD_BITS * (64 + count) + 64:
        bits.append(bits[-107 + 34] ^ bits[-107 + 28] ^ bits[-107 + 9] ^ bits[-107])
    bits = bits[WORD_BITS * 64 :]
    random = [bits[t] ^ (bits[t + 32] & bits[t + 64]) for t in range(WORD_BITS * count)]
    return [
        sum(bit << place for place, bit in enumerate(random[WORD_BITS * u : WORD_BITS * (u + 1)]))
        for u in range(count)
    ]


PUBLISHED_SPLITMIX64 = {0: 0xE220A8397B1DCDAF, 1: 0x910A2DEC89025CC1, 1234567: 6457827717110365317}


@pytest.mark.parametrize(("seed", "output"), PUBLISHED_SPLITMIX64.items())
def test_seeds_are_hashed_by_the_published_splitmix64(seed, output):
    assert splitmix64(seed) == output


@pytest.mark.parametrize("seed", [0, 1, 42, 2**63, 2**64 - 1])
def test_the_words_are_the_defined_bits(seed):
    assert RandomWords(seed).take(300).tolist() == words_bit_by_bit(seed, 300)
    assert RandomWords(seed, np.uint8).take(300).tolist() == [
        word & 0xFF for word in words_bit_by_bit(seed, 300)
    ]


PINNED = {
    0: [0xE5FB60DF, 0x7D506DDE, 0x1C89FE18, 0xC3DAAB42],
    1: [0x27F739B4, 0x37ADFC0A, 0x0F24055E, 0x26CA7F6F],
    2**64 - 1: [0xF0331AAC, 0xD8EACE67, 0xCD9D8A88, 0xA9663EAE],
}


@pytest.mark.parametrize(("seed", "words"), PINNED.items())
def test_the_first_words_of_a_seed_dont_change(seed, words):
    assert RandomWords(seed).take(4).tolist() == words


# ---- seeds ------------------------------------------------------------------------------------------


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


def test_the_step_can_be_undone_so_only_the_register_of_zeros_stays_there():
    """It is linear; its columns are independent."""
    basis = {}
    for place in range(DEGREE):
        column = next_register(1 << place)
        while column and column.bit_length() in basis:
            column ^= basis[column.bit_length()]
        assert column
        basis[column.bit_length()] = column


@pytest.mark.parametrize("output", [0, 2**63, 2**64 - 1])
def test_each_seed_has_a_register_of_its_own_that_isnt_zero(output):
    """Its hash, which no other seed has, and ones above it, and 64 steps that can be undone."""
    seed = unmixed(output)
    assert splitmix64(seed) == output
    register = output | (2**43 - 1) << 64
    for _ in range(64):
        register = next_register(register)
    assert initial_register(seed) == register != 0


def test_no_seed_of_few_ones_or_zeros_starts_poorly():
    """Of the hashes that a bad mixing would show: with up to two ones or zeros; and two seeds that once got stuck.

    Six sigma of the first 512 bits, and of the first 128, of which a poor start is made.
    """
    hashes = [
        sum(1 << place for place in places)
        for n in range(3)
        for places in itertools.combinations(range(64), n)
    ]
    seeds = [unmixed(z ^ flip) for z in hashes for flip in (0, 2**64 - 1)]
    assert {7046029254386353131, 3453682501520545093} <= set(seeds)
    words = np.array([RandomWords(seed, np.uint32).take(16) for seed in seeds])
    ones = np.bitwise_count(words).astype(int)
    assert np.all(np.abs(ones.sum(axis=1) - 256) < 6 * math.sqrt(512 / 4))
    assert np.all(np.abs(ones[:, :4].sum(axis=1) - 64) < 6 * math.sqrt(128 / 4))
    assert len({tuple(row) for row in words[:, :4].tolist()}) == len(seeds)


# ---- in bulk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chunks",
    [
        [5000],
        [1] * 200,
        [104, 1, 1, 1, 107, 108, 213, 214, 1, 4000],
        [0, 3, 0, 0, 1000, 7, 0, 2000],
        [105, 106, 107, 3424, 3425, 500],
    ],
    ids=["at once", "one by one", "around 107", "with none", "around strides"],
)
def test_words_in_bulk_are_the_defined_ones_whatever_the_chunks(chunks):
    source = RandomWords(9)
    taken = [source.take(count) for count in chunks]
    assert [len(words) for words in taken] == chunks
    assert all(words.dtype == np.int64 for words in taken)
    assert np.concatenate(taken).tolist() == words_bit_by_bit(9, sum(chunks))


def test_random_chunks_give_the_same_words():
    generator = np.random.default_rng(2)
    expected = words_bit_by_bit(77, 20_000)
    source, position = RandomWords(77), 0
    while position < len(expected):
        count = min(int(generator.integers(0, 1500)), len(expected) - position)
        assert source.take(count).tolist() == expected[position : position + count]
        position += count


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int64])
def test_words_are_right_far_on_where_only_the_latest_are_kept(dtype):
    """After so many that no more are kept, in the middle of what is made at once and across its ends."""
    count = 300_000
    taken = RandomWords(6, dtype).take(count)
    register = initial_register(6)
    for _ in range(count - 1000):
        register = next_register(register)
    bits = [register >> place & 1 for place in range(DEGREE)]
    while len(bits) < WORD_BITS * 1000 + 64:
        bits.append(bits[-107 + 34] ^ bits[-107 + 28] ^ bits[-107 + 9] ^ bits[-107])
    used = np.array(bits)
    used = used[: WORD_BITS * 1000] ^ (used[32 : WORD_BITS * 1000 + 32] & used[64 : WORD_BITS * 1000 + 64])
    expected = used.reshape(1000, WORD_BITS) @ (1 << np.arange(WORD_BITS))
    assert np.array_equal(taken[-1000:], expected.astype(dtype))


@pytest.mark.parametrize(
    ("name", "value"), [("TAPS", (0, 9, 28, 35)), ("MASK_LAGS", (32, 32)), ("WARM_UP", 63)]
)
def test_another_rule_would_be_found(monkeypatch, name, value):
    monkeypatch.setattr(random_words, name, value)
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


def test_near_seeds_give_unrelated_words():
    words = np.array([RandomWords(seed).take(64) for seed in range(64)])
    different = [bin(int(a) ^ int(b)).count("1") for a, b in zip(words[0], words[1], strict=True)]
    assert abs(sum(different) - 64 * 16) < 6 * math.sqrt(64 * 8)
    assert len(np.unique(words)) == words.size


# ---- against an ideal source -------------------------------------------------------------------------


FAST = {"neurons": (1, 1000, 1024), "fractions": (85,), "paired": 1 << 17}


def test_rounding_errors_are_those_of_an_ideal_source():
    """Moments, products at a distance and sums, of a population and of its neurons.

    That an ideal source fails has a chance of less than one in a thousand; but these words never change.
    """
    figures = list(statistics.figures(statistics.present_words(1, 1 << 21), **FAST))
    assert len(figures) > 600
    assert [figure for figure in figures if not figure.passes] == []


def test_the_former_words_fail():
    """In the products that their rule connects, and in sums; not in what was known to be good."""
    figures = list(statistics.figures(statistics.trinomial_words(1, 1 << 21), **FAST))
    failed = {figure.name for figure in figures if not figure.passes}
    assert {"product at (0, 31, 63)", "skewness of sums, 1 neurons"} <= failed
    third = next(figure for figure in figures if figure.name == "product at (0, 31, 63)")
    assert third.measured == pytest.approx(-0.742, abs=0.01)
    assert not any(name.startswith("moment") for name in failed)


def test_the_former_words_are_those_that_the_issue_was_about():
    assert statistics.trinomial_words(0, 4).tolist() == [0xAF, 0x39, 0xEE, 0xF2]


@pytest.mark.parametrize("name", statistics.searched(240))
def test_no_relation_of_up_to_four_random_bits(name):
    positions = statistics.searched(240)[name]
    assert statistics.relations(positions, statistics.RULES[1], statistics.MASKS["with the gate"]) == (
        0,
        0,
        0,
    )


def test_relations_are_found_where_there_are_some():
    positions, alone = np.arange(140) * WORD_BITS, statistics.MASKS["without the gate"]
    of_two, of_three, of_four = statistics.relations(positions, statistics.RULES[0], alone)
    # Of the rule itself and its double, at each place where there is room; the products of two in all ways.
    assert (of_two, of_three) == (0, (140 - 63) + (140 - 126))
    assert of_four > 0
    assert statistics.relations(np.arange(40), (0, 1, 20), alone)[1] == 20
    gate = statistics.MASKS["with the gate"]
    # Behind the gate, where two terms of the rule are as far apart as the gate's inputs.
    assert statistics.relations(np.array([0, 96, 10, 50]), (0, 32, 96), gate)[0] > 0
