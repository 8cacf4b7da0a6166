"""A core that takes a current with updates under way: any state like the one it is in, so that paths come back."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from qlif.cosim.proof.foreign_core import ForeignCore
from qlif.cosim.proof.foreign_node import Node, Owed
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.solver import Term


class Overlaps:
    """Finds any state like one.

    Parameters
    ----------
    core : ForeignCore

    Attributes
    ----------
    undecided : str
        Why updates that overlap aren't followed; empty if all of them are.
    """

    def __init__(self, core: ForeignCore) -> None:
        self.core, self.undecided = core, ""

    def any_like(self, node: Node) -> Node | None:
        """Return the node with any state in place of this one; None if it doesn't hold the golden one yet."""
        terms = self.core.terms
        broken = set()
        for place in self.core.idle.places(node.states, node.golden):
            if place.kind == "value" or self.core.prove(place.holds, node.path).verdict == "proved":
                continue
            if place.kind == "condition":
                broken.add(place.name)
            else:
                self.undecided = (
                    "it takes a current before the state after the one before is in the registers that [state] "
                    f"names ({place.name}): such updates are not followed"
                )
                return None
        states = self.core.idle.like(broken)
        golden = self.core.idle.golden
        owed: list[Owed] = []
        used: set[int] = set()
        known: list[tuple[Any, Term]] = [(node.golden.step, golden.step), (node.golden.neuron, golden.neuron)]
        known += [(word, golden.words[name].word) for name, word in node.golden.words.items()]
        if golden.random is not None:
            known.append((node.golden.random, golden.random))
        neuron, step = golden.neuron, golden.step
        for age, one in enumerate(reversed(node.owed), 1):
            neuron, step = self.core.idle.turns.before(neuron, step)
            newest = age == 1
            spike = one.spike
            if terms.value(spike) is None:
                spike = self.core.idle.owed_term(age, "spike", 1)
                known.append((one.spike, spike))
            words = {}
            last = golden.words if self.core.idle.turns.neurons == 1 else self.core.idle.row(neuron)
            for name, word in one.words.items():
                if newest:
                    words[name] = last[name]
                    known.append((word, words[name].word))
                    continue
                format = self.core.words.formats[name]
                words[name] = Integer.of(terms, self.core.idle.owed_term(age, name, format.width), format)
                known.append((word, words[name].word))
            known += [(one.step, step), (one.neuron, neuron)]
            owed.insert(0, replace(one, spike=spike, words=words, step=step, neuron=neuron))
        for number, term in node.states.items():
            if number in states:
                continue
            if term.is_value() or (number in self.core.idle.free and not self.core.depends(term)[0]):
                states[number] = term
            elif (same := self._same(term, known, node)) is not None:
                states[number] = same
                used.add(same.id())
            elif number in self.core.idle.free:
                states[number] = self.core.idle.anything(number)
                if owed:
                    self.core.lossy.add(states[number].id())
            else:
                self.undecided = (
                    "it takes a current while another update is under way, and then "
                    f"{self.core.idle.names[number]} holds something that [state] doesn't speak of"
                )
                return None
        return Node(states, golden, tuple(self._lost(owed, used)), self._spike_shows(owed))

    def _lost(self, owed: list[Owed], used: set[int]) -> Iterator[Owed]:
        """Give the updates that are owed, with other variables for what no register holds.

        That such a word isn't shown may be because it isn't known any more how the core would make it.
        """
        for age, one in zip(range(len(owed), 0, -1), owed, strict=True):
            spike, words = one.spike, dict(one.words)
            if self.core.terms.value(spike) is None and spike.id() not in used:
                spike = self.core.idle.owed_term(age, "lost spike", 1)
                self.core.lossy.add(spike.id())
            for name, word in one.words.items():
                if age > 1 and word.word.id() not in used:
                    format = self.core.words.formats[name]
                    lost = self.core.idle.owed_term(age, f"lost {name}", format.width)
                    self.core.lossy.add(lost.id())
                    words[name] = Integer.of(self.core.terms, lost, format)
            yield replace(one, spike=spike, words=words)

    def _spike_shows(self, owed: list[Owed]) -> tuple[Term, ...]:
        """Return what the golden state tells of the last update's spike: it starts the refractory period."""
        length = int(self.core.words.values["refractory"])
        if not owed or not length:
            return ()
        return (self.core.terms.equal(owed[-1].spike, owed[-1].words["refractory"] == length),)

    def _same(self, term: Term, known: list[tuple[Any, Term]], node: Node) -> Term | None:
        """Return what a register holds, if it is one of the words that are known, in terms of any such node."""
        terms = self.core.terms
        if term.sort().is_array() or not node.owed:
            return None
        width = terms.width(term)
        fits = []
        for old, new in known:
            bits = old.bits(width) if isinstance(old, Integer) else old
            if terms.width(new) == width == terms.width(bits):
                if bits.id() == term.id():
                    return new
                fits.append((bits, new))
        for bits, new in fits:
            if self.core.prove(terms.equal(term, bits), node.path).verdict == "proved":
                return new
        return None
