"""Somebody else's core from its idle states: a clock of it, what it shows, and claims about both."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from qlif.cosim.mapping.state import StateMap
from qlif.cosim.proof import integers
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.claims import Undecided, timed_out
from qlif.cosim.proof.foreign_node import Node, Owed, Refuted, Shown
from qlif.cosim.proof.idle import Idle
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.random_register import random_bits
from qlif.cosim.proof.solver import Answer, Term
from qlif.cosim.proof.turns import Turns
from qlif.hdl.interface import Interface
from qlif.model.exceptions import InputError
from qlif.model.golden import step as datapath

CASES = 8
"""Most numbers of one register that are followed each by itself; a register that may hold more stays open."""


_EVENT_PARTS = ("events_step", "events_neuron", "events_phase")
"""The last one only of a core that tells it."""


class ForeignCore:
    """A core in any of its idle states.

    Parameters
    ----------
    circuit : Circuit
        With the ports of ``qlif_population``, and every signal in it.
    interface : Interface
    state : StateMap
    absent : tuple of str
        What the core doesn't tell: see :class:`~qlif.hdl.interface.Mapped`.
    seconds : float
        The time that the solver may take for one question.

    Raises
    ------
    InputError
        The table doesn't place a register, or names one that isn't there; or the core has several lanes, neurons that
        differ.
    """

    def __init__(
        self, circuit: Circuit, interface: Interface, state: StateMap, absent: tuple[str, ...], seconds: float
    ) -> None:
        words = interface.words
        if interface.lanes != 1 or not all(isinstance(one.word, int) for one in words.constants.values()):
            raise InputError("the proof from [state] is of one lane, and of neurons with the same parameters")
        self.terms = terms = Products()
        self.circuit, self.words, self.absent, self.seconds = circuit, words, absent, seconds
        bits = (circuit.width(circuit.outputs[f"events_{name}"]) for name in ("step", "neuron"))
        self.idle = Idle(terms, circuit, words, state, Turns(terms, interface.neurons, *bits))
        self.current = terms.fresh(words.arithmetic.current.width, "current")
        before = self.idle.golden
        current = Integer.of(terms, self.current, words.arithmetic.current)
        self.named = {"current": self.current, **self.idle.named}
        random: Any = 0
        if before.random is not None:
            bits = random_bits(terms, before.random, words.arithmetic.random_bits)
            random, self.named["random"] = Integer.of(terms, bits, words.formats["random"]), bits
        after, self.spike = datapath.step(
            words, words.values, before.state(), current, random, partial(integers.choose, terms)
        )
        self.after = after.by_name(words)
        self.golden = self.idle.after(self.after)
        self.queued = "update_queue.push" in circuit.named
        self.event_queued = "event_queue.push" in circuit.named
        # Whether its adapter has room for another update is the same as whether a current is offered: both are tried.
        room = {"events_low": 1} | ({"held": 0} if "held" in self.idle.free_names else {})
        self._cuts = {
            circuit.named[name]: terms.constant(word, circuit.width(circuit.named[name]))
            for name, word in room.items()
            if name in circuit.named
        }
        # What the adapter keeps of updates and events was looked at before.
        self._unseen = {
            number
            for name, number in circuit.states.items()
            if name.startswith("event_queue.") or name in ("update_queue.words", "update_queue.first")
        }
        self._pure: dict[int, tuple[bool, bool]] = {}
        # By a claim's number, the paths on which it was proved. The solver numbers a term anew that nobody holds.
        self._proved: dict[int, list[frozenset[int]]] = {}
        self._held: list[Term] = []
        self.lossy: set[int] = set()

    def prove(self, claim: Term, path: tuple[Term, ...], named: Mapping[str, Term] | None = None) -> Answer:
        """Prove a claim in every idle state; an update within the refractory period is a case of its own."""
        terms = self.terms
        conditions = frozenset(one.id() for one in path)
        known = self._proved.get(claim.id(), [])
        if terms.value(claim) == 1 or any(fewer <= conditions for fewer in known):
            return Answer("proved", {})
        refractory = terms.any(self.idle.golden.words["refractory"].word)
        deadline = time.thread_time() + self.seconds
        for case in (terms.negation(refractory), refractory):
            if terms.value(case) == 0:
                continue
            given = [*self.idle.assumed, *path, case]
            answer = terms.prove(claim, given, named, max(0.1, deadline - time.thread_time()))
            if answer.verdict != "proved":
                return answer
        self._proved[claim.id()] = [*known, conditions]
        self._held += [claim, *path]
        return Answer("proved", {})

    def require(
        self,
        claim: Term,
        node: Node,
        what: str,
        pair: tuple[Any, Any] | None = None,
        of: Owed | None = None,
    ) -> None:
        """Prove that something holds.

        `pair` is what the core gives and what the golden model does; `of` is the update whose ``{neuron}`` and
        ``{step}`` are left open in `what`.
        """
        named = dict(self.named)
        if of is not None:
            named |= {"of neuron": of.neuron, "of step": of.step}
        if pair is not None:
            named |= {
                name: getattr(end, "word", end) for name, end in zip(("got", "expected"), pair, strict=True)
            }
        answer = self.prove(claim, node.path, named)
        if answer.verdict == "unknown":
            raise Undecided(timed_out(self.seconds, what))
        if answer.verdict == "refuted":
            if self.lossy & self.terms.variables([claim, *node.path]):
                raise Undecided(f"it takes a current before the update before it is over, and then: {what}")
            values = dict(answer.values)
            if of is not None:
                what = what.format(neuron=values.pop("of neuron"), step=values.pop("of step"))
            if pair is not None:
                numbers = (
                    f"{self._number(end, values.pop(name))}"
                    for name, end in zip(("got", "expected"), pair, strict=True)
                )
                what = "{}: {} in the core, {} in the golden model".format(what, *numbers)
            raise Refuted(what, values)

    def _number(self, word: Any, bits: int) -> int:
        """Return a word of a counterexample as a number, with its sign."""
        if isinstance(word, Integer) and word.signed and bits >> (word.width - 1):
            return bits - (1 << word.width)
        return bits

    def branches(self, condition: Term, path: tuple[Term, ...]) -> Iterator[tuple[bool, tuple[Term, ...]]]:
        """Give whether a condition holds, with the path on which it does."""
        word, opposite = self.terms.value(condition), self.terms.negation(condition)
        if word is not None:
            yield bool(word), path
        elif condition in path or opposite in path:
            yield condition in path, path
        else:
            yield True, (*path, condition)
            yield False, (*path, opposite)

    def depends(self, term: Term) -> tuple[bool, bool]:
        """Return whether a term depends on state or current, and on anything that is left open."""
        stack = [term]
        while stack:
            one = stack[-1]
            inner = self.terms.factors(one)
            children = inner or tuple(one[place] for place in range(one.num_children()))
            missing = [child for child in children if child.id() not in self._pure]
            if missing:
                stack += missing
                continue
            stack.pop()
            found = [self._pure[child.id()] for child in children]
            if not children:
                known = one.id() in self.idle.known or one.id() == self.current.id()
                found = [(known, not known and not one.is_value())]
            self._pure[one.id()] = (any(a for a, _ in found), any(b for _, b in found))
        return self._pure[term.id()]

    def clock(self, node: Node, valid: Term, ready: int, event_ready: int, data: Term) -> Clock:
        """Return a clock after a node, with these handshakes."""
        terms = self.terms
        inputs = {
            "rst": terms.false,
            "parameters_valid": terms.false,
            "currents_valid": valid,
            "currents_data": data,
            "updates_ready": terms.constant(ready, 1),
            "events_ready": terms.constant(event_ready, 1),
        }
        return Clock(terms, self.circuit, inputs, node.states, self._cuts)

    def shown(self, now: Clock) -> Shown:
        """Return what the core shows, before the queues of its adapter."""
        terms = self.terms
        if self.queued:
            update, names = now["update_queue.push"], "core_{}"
        else:
            update, names = now.output("updates_valid"), "updates_{}"
        words = {
            name: now[names.format(name)] if self.queued else now.output(names.format(name))
            for name in ("spike", *self.words.state_names)
            if name not in self.absent and (self.queued or names.format(name) in self.circuit.outputs)
        }
        # Behind a queue it is the adapter that counts, if the core doesn't tell.
        row = None if self.queued else now.output("updates_neuron")
        if "core_neuron" in self.circuit.named:
            row = now["core_neuron"]
        told = [name for name in _EVENT_PARTS if name in self.circuit.outputs]
        if self.event_queued:
            word, low = now["event_queue.in"], 0
            # As the adapter puts them side by side.
            parts = {}
            for name in told:
                high = low + terms.width(now.output(name))
                parts[name], low = terms.slice(word, high - 1, low), high
            return Shown(update, now["event_queue.push"], words, row, *parts.values())
        return Shown(update, now.output("events_valid"), words, row, *map(now.output, told))

    def loosened(self, states: Mapping[int, Term]) -> dict[int, Term]:
        """Return the states with each that may be anything, and depends on nothing that is compared, anything."""
        return {
            number: self.idle.anything(number)
            if number in self._unseen
            or (number in self.idle.free and not term.is_value() and not self.depends(term)[0])
            else term
            for number, term in states.items()
        }

    def decided(self, states: Mapping[int, Term], path: tuple[Term, ...]) -> dict[int, Term]:
        """Return the states with a number for each that controls the core and can only be that on a path.

        Otherwise what a branch has decided stays open in the registers, and grows from clock to clock.
        """
        found = dict(states)
        for number, term in states.items():
            is_array = bool(self.circuit.sorts[number].index)
            controls = not is_array and (self.circuit.width(number) == 1 or number in self.idle.values)
            if not controls or term.is_value() or not self.depends(term)[0]:
                continue
            width = self.circuit.width(number)
            guess = self.terms.constant(self.idle.values.get(number, 0), width)
            answer = self.prove(self.terms.equal(term, guess), path, {"held": term})
            if answer.verdict == "refuted":
                guess = self.terms.constant(answer.values["held"], width)
                answer = self.prove(self.terms.equal(term, guess), path)
            if answer.verdict == "proved":
                found[number] = guess
        return found

    def cases(
        self, states: Mapping[int, Term], path: tuple[Term, ...]
    ) -> Iterator[tuple[dict[int, Term], tuple[Term, ...]]]:
        """Give the states for each number that a register of the control may hold, with the path on which it does.

        So a current that is never answered shows in the control alone, apart from what is computed meanwhile. One
        that takes a product to tell, such as a spike, stays open.
        """
        terms = self.terms
        number = next((one for one in self.idle.values if self._is_open(states[one])), None)
        if number is None:
            yield dict(states), path
            return
        term = states[number]
        for _ in range(CASES):
            answer = self.prove(terms.false, path, {"held": term})
            if answer.verdict == "proved":
                return
            if answer.verdict == "unknown":
                break
            word = terms.constant(answer.values["held"], terms.width(term))
            here, known = terms.equal(term, word), {**states, number: word}
            if self.prove(here, path).verdict == "proved":
                yield from self.cases(known, path)
                return
            yield from self.cases(known, (*path, here))
            path = (*path, terms.negation(here))
        yield dict(states), path

    def _is_open(self, term: Term) -> bool:
        """Return whether a register of the control depends on state or current, but on no product."""
        return not term.is_value() and self.depends(term)[0] and not self.terms.has_products(term)

    def impossible(self, node: Node, what: str, of: Owed | None = None) -> None:
        """Prove that a path isn't taken: what happens on it mustn't."""
        self.require(self.terms.false, node, what, of=of)
