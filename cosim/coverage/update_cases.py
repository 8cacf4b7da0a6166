"""The cases of updates that benches have to lead a population into.

A case says so of the words that go into it and come out of it, as a list of conditions. The same
list is looked for in what the benches did and, where they never did it, put to the solver.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np

from qlif.cosim.benches.inputs import rheobase_words
from qlif.model.rounding import Overflow
from qlif.model.words import Words

Conditions = Callable[[Any], list[Any]]
"""Of an update's words, by their names in :class:`qlif.cosim.coverage.observed.Updates`."""


@dataclass(frozen=True)
class UpdateCase:
    """A case of one update.

    Attributes
    ----------
    name : str
    conditions : callable
        Given the words of updates, the conditions that all have to hold.
    alone : bool
        It is about one update of any state that can be reached, so that a solver can be asked for it.
    """

    name: str
    conditions: Conditions
    alone: bool = True


def update_cases(words: Words) -> Iterator[UpdateCase]:
    """Give the cases of updates."""
    yield from _integration(words)
    yield from _rounding(words)
    yield from _refractory(words)
    yield from _trace(words)
    yield from _phase(words)


def _integration(words: Words) -> Iterator[UpdateCase]:
    potential, current = words.arithmetic.potential, words.arithmetic.current

    def integrating(name: str, more: Conditions, alone: bool = True) -> UpdateCase:
        return UpdateCase(name, lambda u: [u.refractory == 0, *more(u)], alone)

    yield integrating("rest: no current, and the potential stays", lambda u: [
        u.current == 0, u.next_potential == u.potential, u.spike == 0])  # fmt: skip
    for word in rheobase_words(words):
        yield integrating(f"around rheobase: current word {word}", _is("current", word))
    yield integrating("highest current", lambda u: [u.current == current.max_word])
    yield integrating("lowest current", lambda u: [u.current == current.min_word])
    yield integrating("from the lowest current to the highest", lambda u: [
        u.previous_current == current.min_word, u.current == current.max_word], alone=False)  # fmt: skip
    yield integrating("from the highest current to the lowest", lambda u: [
        u.previous_current == current.max_word, u.current == current.min_word], alone=False)  # fmt: skip
    threshold = words.values["threshold"]
    for name, offset in (("one word below the", -1), ("exactly the", 0), ("one word above the", 1)):
        yield integrating(f"{name} threshold", _is("total", threshold + offset))
    match words.arithmetic.overflow:
        case Overflow.SAT:
            what = "saturated"
        case Overflow.WRAP:
            what = "wrapped"
        case unknown:
            assert_never(unknown)
    yield integrating(f"{what} at the upper rail", lambda u: [u.total > potential.max_word])
    yield integrating(f"{what} at the lower rail", lambda u: [u.total < potential.min_word])
    yield integrating("potential rises", lambda u: [u.next_potential > u.potential])
    yield integrating("potential falls without a spike", lambda u: [
        u.next_potential < u.potential, u.spike == 0])  # fmt: skip
    if "lower_bound" in words.constants:
        bound = words.values["lower_bound"]
        yield integrating("held at the lower bound", lambda u: [u.total < bound])
        yield integrating("exactly the lower bound", lambda u: [u.total == bound])


def _rounding(words: Words) -> Iterator[UpdateCase]:
    rounding = words.arithmetic.rounding
    yield UpdateCase("a sum that loses its last places", lambda u: [u.refractory == 0, u.total == u.floor])
    if rounding.carries:
        yield UpdateCase("a sum that is rounded up", lambda u: [u.refractory == 0, u.total > u.floor])
    if rounding.turns_at_half:
        yield UpdateCase("a sum between an even word and the next", lambda u: [
            u.refractory == 0, u.half_up > u.half_even])  # fmt: skip


def _is(name: str, word: Any) -> Conditions:
    """Return that an update has a certain word."""
    return lambda u: [getattr(u, name) == word]


def _refractory(words: Words) -> Iterator[UpdateCase]:
    current = words.arithmetic.current
    longest = int(np.max(words.values["refractory"]))
    for count in range(1, longest + 1):
        yield UpdateCase(f"refractory, counter at {count}", _is("refractory", count))
    yield UpdateCase("spike: potential to the reset, counter to the refractory period", lambda u: [
        u.spike == 1, u.next_potential == words.values["reset"],
        u.next_refractory == words.values["refractory"]])  # fmt: skip
    yield UpdateCase("spike of a neuron that was reset and has not moved since", lambda u: [
        u.spike == 1, u.refractory == 0, u.potential == words.values["reset"]])  # fmt: skip
    yield UpdateCase("no spike right after a spike", lambda u: [
        u.previous_spike == 1, u.spike == 0], alone=False)  # fmt: skip
    if longest:
        yield UpdateCase("input lost: highest current while refractory", lambda u: [
            u.refractory > 0, u.current == current.max_word])  # fmt: skip
        yield UpdateCase("lowest current while refractory", lambda u: [
            u.refractory > 0, u.current == current.min_word])  # fmt: skip
        yield UpdateCase("the refractory period ends", lambda u: [
            u.refractory == 1, u.next_refractory == 0])  # fmt: skip


def _trace(words: Words) -> Iterator[UpdateCase]:
    if not words.parameters.spike_trace:
        return
    spiked = words.values["trace_spike"]
    yield UpdateCase("trace written by a spike", lambda u: [u.spike == 1, u.next_trace >= spiked])
    yield UpdateCase("trace decays", lambda u: [u.trace > 0, u.next_trace < u.trace, u.spike == 0])
    yield UpdateCase("trace dies away", lambda u: [u.trace > 0, u.next_trace == 0])
    yield UpdateCase("spike while there still is a trace", lambda u: [u.trace > 0, u.spike == 1])
    if words.parameters.additive_spike_trace:
        top = words.arithmetic.trace.max_word
        yield UpdateCase("additive trace at its highest", lambda u: [u.spike == 1, u.next_trace == top])


def _phase(words: Words) -> Iterator[UpdateCase]:
    for phase in range(1 << words.arithmetic.phase_bits if words.arithmetic.phase_bits else 0):
        yield UpdateCase(f"spike with phase {phase}", lambda u, phase=phase: [  # type: ignore[misc]
            u.spike == 1, u.refractory == 0, u.next_phase == phase])  # fmt: skip
        if phase:
            yield UpdateCase(f"a step that is longer by phase {phase}", lambda u, phase=phase: [  # type: ignore[misc]
                u.refractory == 0, u.phase == phase])  # fmt: skip
            if int(np.max(words.values["refractory"])):
                yield UpdateCase(f"phase {phase} held while refractory", lambda u, phase=phase: [  # type: ignore[misc]
                    u.refractory > 0, u.phase == phase, u.next_phase == phase])  # fmt: skip
