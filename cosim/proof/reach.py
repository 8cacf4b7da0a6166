"""Which states a neuron can reach from its initial one, for any input.

Their set is wider than the real one but closed: no update leaves it. Most is proved by the solver, with the
golden step. The range of the potential is found by trying every word: within an update the sum rises or falls
with the current and with the random bits, and rounding and saturation keep order, so the ends of their
formats give the ends of what can come out. Where there are too many words, or the drive may wrap, the golden model
runs on intervals.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import numpy as np

from qlif.cosim.proof import integers, intervals
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.intervals import Interval
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Answer, Term
from qlif.cosim.proof.update import Update
from qlif.model.golden import step
from qlif.model.rounding import Overflow
from qlif.model.words import Words

LARGEST_WIDTH = 20
"""Potentials of more bits aren't tried one by one."""

PIECES = 2048
"""Number of pieces of their range."""

MARGIN_BITS = 10
"""They are searched in steps of this part of the format."""

CLOSED = "no update leaves the states that a neuron can come to"


@dataclass(frozen=True)
class Reach:
    """The states that a neuron can come to, with all its parameters in the gates.

    Attributes
    ----------
    lowest, highest : int
        Words of the potential.
    resting : int
        The potential in the refractory period: the reset, or the lower bound if that is above it.
    longest : int
        The refractory counter's highest word.
    trace : int
        The trace's highest word.
    sums : tuple of int
        Between which words the golden sum of an update from one of them is, before it is saturated.
    """

    lowest: int
    highest: int
    resting: int
    longest: int
    trace: int
    sums: tuple[int, int]

    @classmethod
    def of(cls, words: Words) -> "Reach | None":
        """Return them; None if the neurons of a population have different parameters."""
        if not all(isinstance(word, int) for word in words.values.values()):
            return None
        constants = {name: int(word) for name, word in words.values.items()}
        resting = _resting(words, constants)
        trace = words.arithmetic.trace.max_word
        if words.parameters.spike_trace and not words.parameters.additive_spike_trace:
            trace = constants["trace_spike"]
        lowest, highest = potential_range(words, constants, resting)
        sums = sums_of(words, constants, lowest, highest)
        return cls(lowest, highest, resting, constants["refractory"], trace, sums)

    def holds(self, terms: Products, words: Words, state: Mapping[str, Term]) -> list[Term]:
        """Return that a state is one of them.

        Parameters
        ----------
        terms : Products
        words : Words
        state : mapping of str to Term
            Its words; what isn't there isn't looked at.
        """
        limits = {
            "potential": (self.lowest, self.highest),
            "refractory": (0, self.longest),
            "trace": (0, self.trace),
        }
        held = []
        for name, (low, high) in limits.items():
            if name in state:
                number = Integer.of(terms, state[name], words.formats[name])
                held += [number >= low, number <= high]
        if {"potential", "refractory"} <= state.keys():
            format = words.arithmetic.potential
            at_rest = terms.equal(state["potential"], terms.constant(self.resting, format.width))
            # From a spike to the first update after the refractory period, which makes the phase 0.
            waiting = [state[name] for name in ("refractory", "phase") if name in state]
            held += [terms.either(terms.negation(terms.any(word)), at_rest) for word in waiting]
        return held

    def bounds(self, terms: Products, update: Update) -> list[Term]:
        """Return between which words the golden sum of an update is, from one of these states.

        It is the sum before it is saturated. A solver that had to find that out would have to multiply.
        """
        words, numbers = update.words, update.numbers(terms)
        constants = {name: int(word) for name, word in words.values.items()}
        low, high = self.sums
        total = step.rounded_sum(
            words,
            constants,
            numbers["potential"],
            numbers["current"],
            numbers.get("random", 0),
            partial(integers.choose, terms),
            numbers.get("phase", 0),
        )
        return [total >= low, total <= high]

    def prove(self, terms: Products, update: Update, seconds: float) -> Answer:
        """Prove with the golden step that no update leaves them, but for the potential's lowest word."""
        words, formats = update.words, update.formats()
        before = {name: update.before[name] for name in words.state_names}
        after = {name: update.expected[name].bits(formats[name].width) for name in words.state_names}
        # That one is found without the solver.
        wider = dataclasses.replace(self, lowest=formats["potential"].min_word)
        assumed = self.holds(terms, words, before)
        for claim in wider.holds(terms, words, after):
            answer = terms.prove(claim, assumed, update.before, seconds)
            if answer.verdict != "proved":
                return answer
        return Answer("proved", {})


def potential_range(words: Words, constants: Mapping[str, int], resting: int) -> tuple[int, int]:
    """Return a range that holds every potential that a neuron can come to from its reset.

    The narrowest one, if the potential has few enough bits to try each word.
    """
    format = words.arithmetic.potential
    top = constants["threshold"] - 1
    match words.arithmetic.overflow:
        case Overflow.WRAP:
            return format.min_word, top
        case Overflow.SAT:
            pass
        case unknown:
            assert_never(unknown)
    bound = constants.get("lower_bound", format.min_word)
    in_order = all(
        narrowing.overflow.keeps_order
        for name, narrowing in words.arithmetic.narrowings.items()
        if name in ("drive", "increment")
    )
    ends = _ends_by_word if in_order and format.width <= LARGEST_WIDTH else _ends_by_piece
    low = high = resting
    while True:
        lowest, highest = ends(words, constants, low, high)
        wider = min(low, max(lowest, bound)), max(high, min(highest, top))
        if wider == (low, high):
            return wider
        low, high = wider


def _ends_by_word(words: Words, constants: Mapping[str, int], low: int, high: int) -> tuple[int, int]:
    """Return the ends of what an update makes of a range of potentials, by trying each."""
    kind = np.int64 if words.largest_width < 63 else object
    current = words.arithmetic.current
    before = np.arange(low, high + 1).astype(kind)
    ends = [
        step.integrate(words, constants, potential, word, random, np.where, phase)
        for word in (current.min_word, current.max_word)
        for random in (0, (1 << words.arithmetic.random_bits) - 1)
        for potential, phase in (
            (before, 0),
            (np.array(_resting(words, constants), dtype=kind), _longest(words)),
        )
    ]
    return min(int(np.min(end)) for end in ends), max(int(np.max(end)) for end in ends)


def _ends_by_piece(words: Words, constants: Mapping[str, int], low: int, high: int) -> tuple[int, int]:
    """Return no less than these ends, piece by piece with intervals."""
    format = words.arithmetic.potential
    lowest, highest = sums_of(words, constants, low, high)
    # A little further than need be, so that the search for a closed range comes to an end.
    margin = (format.max_word - format.min_word) >> MARGIN_BITS
    lowest -= margin if lowest < low else 0
    highest += margin if highest > high else 0
    return max(lowest, format.min_word), min(highest, format.max_word)


def sums_of(words: Words, constants: Mapping[str, int], low: int, high: int) -> tuple[int, int]:
    """Return between which words potentials of a range are after integration, in a format without ends."""
    currents = Interval(words.arithmetic.current.min_word, words.arithmetic.current.max_word)
    random = Interval(0, (1 << words.arithmetic.random_bits) - 1)
    resting = _resting(words, constants)
    # What any other phase adds lies between what these do.
    potentials = [(Interval(first, last), 0) for first, last in pieces(low, high)]
    potentials += [(Interval(resting, resting), _longest(words))] if low <= resting <= high else []
    ends = [
        step.rounded_sum(words, constants, potential, currents, random, intervals.choose, phase)
        for potential, phase in potentials
    ]
    return min(end.low for end in ends), max(end.high for end in ends)


def increments_of(words: Words, constants: Mapping[str, int], low: int, high: int) -> tuple[int, int]:
    """Return between which words a step adds to potentials of a range, in the format `words.added_format`."""
    currents = Interval(words.arithmetic.current.min_word, words.arithmetic.current.max_word)
    ends = [
        step.exact_increment(words, constants, Interval(first, last), currents, intervals.choose)
        for first, last in pieces(low, high)
    ]
    return min(end.low for end in ends), max(end.high for end in ends)


def pieces(low: int, high: int) -> Iterable[tuple[int, int]]:
    """Return a range in pieces, which makes the bounds of a square closer."""
    borders = sorted({low + (high - low) * piece // PIECES for piece in range(PIECES + 1)})
    return itertools.pairwise(borders if len(borders) > 1 else [low, high])


def _resting(words: Words, constants: Mapping[str, int]) -> int:
    """Return the potential in the refractory period, and with a phase."""
    return max(constants["reset"], constants.get("lower_bound", words.arithmetic.potential.min_word))


def _longest(words: Words) -> int:
    """Return the longest phase; 0 if there are none."""
    return (1 << words.arithmetic.phase_bits) - 1
