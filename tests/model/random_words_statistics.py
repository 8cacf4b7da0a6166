"""Stochastic rounding's random words against an ideal source: `make random-words` prints the figures.

Three parts. A search for relations, which is exact: up to four random bits whose product isn't that of independent
ones. Moments, products at a distance and sums of rounding errors, from a sample, in standard deviations of an ideal
source. And Dieharder, where it is installed.

The former generator, a trinomial without the gate behind it, is held against the same, so that each figure is
seen to be able to fail.
"""

import itertools
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np

from qlif.model import random_words
from qlif.model.random_words import RandomWords

LIMIT = 5.0
"""In standard deviations: an ideal source is beyond it with a chance of 6e-7 for each figure."""

BITS = 8
"""Random bits of a rounding error."""

RULES = ((0, 31, 63), (0, 9, 28, 34, 107))
"""Distances in words at which the former register and today's obey their rule, and at all twofold ones."""

MASKS = {"without the gate": ((),), "with the gate": ((), (32,), (64,), (32, 64))}


def by_rule(start, exponents, count):
    """A sequence from its first elements on: each is the exclusive or of those at the rule's other exponents."""
    *taps, degree = exponents
    sequence = np.empty(degree + count, dtype=start.dtype)
    sequence[:degree] = start
    filled = degree
    while filled < len(sequence):
        stride = 1 << (filled // degree).bit_length() - 1
        new = sequence[filled : filled + stride * (degree - taps[-1])]
        new[:] = 0
        for tap in taps:
            new ^= sequence[filled - stride * (degree - tap) :][: len(new)]
        filled += len(new)
    return sequence[:count]


def trinomial_words(seed, count):
    """The former words: low bytes of 32 bits of a trinomial's sequence."""
    mask = 2**64 - 1
    z = (seed + 0x9E3779B97F4A7C15) & mask
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    z ^= z >> 31
    bits = by_rule(np.array([z >> i & 1 for i in range(63)], dtype=np.uint8), RULES[0], 32 * 63)
    return by_rule(np.packbits(bits.reshape(63, 32)[:, :8], axis=1, bitorder="little")[:, 0], RULES[0], count)


def present_words(seed, count):
    """Low bytes of today's words."""
    return RandomWords(seed, np.uint8).take(count)


# ---- relations --------------------------------------------------------------------------------------


def relations(positions, exponents, masks):
    """How many sets of two, three and four of the random bits at `positions` have a product of its own.

    The mean of a product of bits, as signs, is a sum over linear ones: a random bit is the exclusive or of its
    register's bit and some of its gate's, by `masks`, each by as much. So the products of independent bits have
    mean 0, and those here too, unless a choice of masks makes an exclusive or that is 0 for every seed. Linear
    functions are told apart by their values for 64 registers at random: at 2e7 pairs, two different ones are
    taken for the same with a chance of 1e-5.
    """
    registers = np.random.default_rng(7).integers(0, 2**64, exponents[-1], dtype=np.uint64)
    bits = by_rule(registers, exponents, int(max(positions)) + 65)
    positions = np.asarray(positions)
    values = np.array(
        [
            [bits[p] ^ np.bitwise_xor.reduce(bits[p + np.array(mask, int)]) for mask in masks]
            for p in positions
        ]
    )
    values, owner = values.ravel(), np.repeat(np.arange(len(positions)), len(masks))
    one, other = np.triu_indices(len(values), 1)
    apart = owner[one] != owner[other]
    one, other = one[apart], other[apart]
    pairs = values[one] ^ values[other]
    of_two = int(np.count_nonzero(pairs == 0))
    order = np.argsort(values)
    place = np.minimum(np.searchsorted(values[order], pairs), len(values) - 1)
    third = owner[order[place]]
    of_three = (values[order[place]] == pairs) & (third != owner[one]) & (third != owner[other])
    order = np.argsort(pairs)
    starts = np.flatnonzero(np.diff(pairs[order], prepend=~pairs[order[:1]]))
    sizes = np.diff(starts, append=len(order))
    of_four = 0
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        same = order[start : start + size]
        of_four += sum(
            len({owner[one[i]], owner[other[i]], owner[one[j]], owner[other[j]]}) == 4
            for i, j in itertools.combinations(same, 2)
        )
    return of_two, int(np.count_nonzero(of_three)) // 3, of_four // 3


def searched(words):
    """Places of random bits whose relations are searched, by name, from so many words."""
    word = random_words.WORD_BITS
    near = sorted(
        {(exponent << k) + d for exponent in RULES[1] for k in range(12) for d in (0, 1, 2, 64, 65)}
    )
    return {
        f"one bit of {words} words": np.arange(words) * word,
        f"the top 3 of 8 bits of {words // 3} words": np.array(
            [word * u + i for u in range(words // 3) for i in (7, 6, 5)]
        ),
        f"all 8 bits of {words // 8} words": np.array(
            [word * u + i for u in range(words // 8) for i in range(8)]
        ),
        "one bit at the rule's distances and near them, up to 200,000 words": np.array(near) * word,
        **{
            f"one bit of a neuron of {n}, {words} timesteps": np.arange(words) * word * n
            for n in (3, 10, 63, 100)
        },
    }


# ---- statistics -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """What was measured, what an ideal source has on average, and its standard deviation there."""

    name: str
    measured: float
    ideal: float
    deviation: float

    @property
    def distance(self):
        """In standard deviations."""
        return (self.measured - self.ideal) / self.deviation

    @property
    def passes(self):
        """Whether an ideal source would do so."""
        return abs(self.distance) < LIMIT


def errors(words, fractions):
    """Rounding errors of the low bits, standardised, by the fraction that is rounded.

    ``None`` is what a random word itself adds, whatever the fraction.
    """
    places = 2**BITS
    low = (words & (places - 1)).astype(np.float32)
    found = {None: (low - (places - 1) / 2) / np.sqrt((places**2 - 1) / 12, dtype=np.float32)}
    for fraction in fractions:
        up, chance = (low + fraction >= places).astype(np.float32), fraction / places
        found[fraction] = (up - np.float32(chance)) / np.float32(np.sqrt(chance * (1 - chance)))
    return {("" if key is None else f" of {key}/256"): error for key, error in found.items()}


def moments(error, name):
    """First to fourth moments of single errors."""
    values = np.unique(error)
    ideal = {}
    if len(values) == 2:
        chance = float(values[0] ** 2 / (1 + values[0] ** 2))
        weights = np.array([1 - chance, chance])
    else:
        weights = np.full(len(values), 1 / len(values))
    for order in range(1, 9):
        ideal[order] = float((weights * values.astype(float) ** order).sum())
    power = np.ones_like(error)
    for order in range(1, 5):
        power *= error
        deviation = np.sqrt(max(ideal[2 * order] - ideal[order] ** 2, 0.0) / len(error))
        if deviation > 1e-9:
            measured = float(power.mean(dtype=float))
            yield Figure(f"moment {order} of errors{name}", measured, ideal[order], deviation)


def products(error, name):
    """Mean products of errors at a distance: pairs, triples, fours, and all that a rule connects."""
    near = [(0, lag) for lag in (*range(1, 130), *(1 << k for k in range(8, 17)))]
    near += [(0, *rest) for rest in itertools.combinations(range(1, 9), 2)]
    near += [(0, *rest) for rest in itertools.combinations(range(1, 7), 3)]
    ruled = [
        tuple(lag << k for lag in lags)
        for rule in RULES
        for count in (3, 4)
        for lags in itertools.combinations(rule, count)
        for k in range(11)
    ]
    # Two relations of a trinomial together are one of four errors.
    ruled += [(0, 31 << k, (31 << k) * 2, (63 << k) * 2) for k in range(10)]
    for lags in dict.fromkeys(near + ruled):
        length = len(error) - lags[-1]
        product = error[lags[0] : lags[0] + length].copy()
        for lag in lags[1:]:
            product *= error[lag : lag + length]
        yield Figure(f"product at {lags}{name}", float(product.mean()), 0.0, 1 / np.sqrt(length))


def sums(error, name, terms=1000):
    """Skewness and excess kurtosis of sums of so many errors."""
    table = error[: len(error) // terms * terms].reshape(-1, terms).sum(axis=1) / np.sqrt(terms)
    square = error * error
    third, fourth = float((square * error).mean()), float((square * square).mean())
    yield Figure(
        f"skewness of sums{name}", float((table**3).mean()), third / np.sqrt(terms), np.sqrt(15 / len(table))
    )
    yield Figure(
        f"excess kurtosis of sums{name}",
        float((table**4).mean()) - 3,
        (fourth - 3) / terms,
        np.sqrt(96 / len(table)),
    )


def figures(words, neurons=(1, 64, 100, 1000, 1024), fractions=(128, 85, 32), paired=1 << 20):
    """All figures of a sample of words, those of sums for each neuron of populations too.

    Products are of the first `paired` words.
    """
    for name, error in errors(words, fractions).items():
        yield from moments(error, name)
        yield from products(error[:paired], name)
        for n in neurons:
            steps = len(error) // n
            own = np.ascontiguousarray(
                error[: steps * n].reshape(steps, n).T[:, : steps // 1000 * 1000]
            ).ravel()
            yield from sums(own, f"{name}, {n} neurons")


def main():
    """Print all figures of both generators, then what Dieharder says of today's."""
    for rule, masks in (
        (RULES[0], "without the gate"),
        (RULES[1], "without the gate"),
        (RULES[1], "with the gate"),
    ):
        print(f"\nRelations of 2, 3 and 4 random bits, register of {rule[-1]} bits {masks}:")
        for name, positions in searched(1500).items():
            print(f"  {name}: {relations(positions, rule, MASKS[masks])}")
    for name, source in (("trinomial", trinomial_words), ("today's", present_words)):
        found = list(figures(source(1, 1 << 24)))
        beyond = [figure for figure in found if not figure.passes]
        print(
            f"\nThe {name} words: {len(beyond)} of {len(found)} figures are beyond {LIMIT} standard deviations."
        )
        found.sort(key=lambda figure: -abs(figure.distance))
        shown = found[:12] + [figure for figure in found[12:] if " of sums, " in figure.name]
        for figure in shown:
            print(
                f"  {figure.name}: {figure.measured:.5f}, ideal {figure.ideal:.5f}, {figure.distance:+.1f} sigma"
            )
    if shutil.which("dieharder") is None:
        print("\nDieharder isn't installed.")
        return
    for name, dtype in (("all 32 bits", np.uint32), ("the low 8 bits", np.uint8)):
        print(f"\nDieharder, {name} of each word:", flush=True)
        with subprocess.Popen(
            ["dieharder", "-g", "200", "-a", "-k", "2", "-Y", "1"], stdin=subprocess.PIPE
        ) as battery:
            words = RandomWords(1, dtype)
            try:
                while True:
                    battery.stdin.write(words.take(1 << 20).tobytes())
            except BrokenPipeError:
                pass


if __name__ == "__main__":
    main()
