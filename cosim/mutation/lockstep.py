"""Two circuits in lockstep: whether a mutant's outputs equal the original's, clock by clock (a miter)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.control import Control, Monitor
from qlif.cosim.proof.invariants import assumed_of
from qlif.cosim.proof.outgoing import on_the_way, retired
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import Reach
from qlif.cosim.proof.solver import Term
from qlif.hdl import probes
from qlif.hdl.interface import Interface

MOST_ROUNDS = 40
"""So often less is taken to be the same; it ends by itself long before."""


WHOLE = -1
"""The place of all bits: a memory is the same as a whole, or not."""


class Bit(NamedTuple):
    """A bit of a register, or a memory."""

    state: int
    place: int


Guards = frozenset[Bit]
"""Bits of the original's registers: something has to be the same in both only while one of them is 1."""

Alike = dict[Bit, Guards | None]
"""When what is the same in both; None is always."""

NEVER: Guards = frozenset()

_WAITING = Bit(WHOLE, WHOLE)
"""The guard of the queue's memory: the place that is watched, which is any, holds a row that wasn't read yet."""


class _Pair(NamedTuple):
    """What both circuits' registers hold a clock later, of what is assumed; and the monitor."""

    control: Control
    monitor: Monitor
    assumed: list[Term]
    watched: Term
    following: Mapping[int, Term]
    changed: Mapping[int, Term]


class Lockstep:
    """Compares circuits with the same registers, of which one is without a fault.

    By induction over the clocks, from a reset of any registers, the bits of their registers stay the same. One that
    may differ has to be the same while a guard is 1, such as the valid bit of a payload: all that could be one are
    tried, and those by which it doesn't hold are left out, until the rest holds. Without a guard it is anything. Of
    the queue's memory, places have to be the same while they wait to be read. Then the outputs have to be the same.
    So a word that nobody reads before it is written may be reset to anything.

    Parameters
    ----------
    original : Circuit
        The population without a fault.
    interface : Interface
    reach : Reach, optional
        The states of its neurons.
    seconds : float
        The time that the solver may take for one question.
    """

    def __init__(
        self,
        original: Circuit,
        interface: Interface,
        reach: Reach | None,
        seconds: float,
    ) -> None:
        self._original, self._words, self._interface = original, interface.words, interface
        self._reach, self._seconds = reach, seconds
        in_flight = original.shown(original.signal(probes.IN_FLIGHT))
        self._around = {
            state
            for name, state in original.states.items()
            if not name.startswith(probes.PIPELINES) and state in original.following
        }
        self._guards = frozenset(
            bit
            for state in self._around
            for bit in self._bits(state)
            if bit.place != WHOLE and (original.width(state) == 1 or state == in_flight)
        )

    def same_registers(self, changed: Circuit) -> bool:
        """Return whether outputs and all registers are proved to be the same in every clock after a reset."""
        return self._weaker(changed, self._all_of(self._original.states.values()), (), NEVER) == {}

    def same(
        self,
        changed: Circuit,
        states: Collection[int],
        cut: Collection[int] = (),
        needed: Collection[int] = (),
    ) -> bool:
        """Return whether the outputs are proved to be the same in every clock after a reset.

        Parameters
        ----------
        changed : Circuit
            The one with the fault.
        states : collection of int
            The registers and memories that matter.
        cut : collection of int
            Nodes that are taken to be the same in both, whatever drives them.
        needed : collection of int
            Registers that what drives those depends on: they have to be the same too, always.
        """
        alike = self._all_of(states)
        for _ in range(MOST_ROUNDS):
            weaker = self._weaker(changed, alike, cut, self._guards)
            if weaker is None or any(bit.state in needed for bit in weaker):
                return False
            if not weaker:
                return True
            alike |= weaker
        return False

    def _bits(self, state: int) -> Iterator[Bit]:
        sort = self._original.sorts[state]
        return (Bit(state, place) for place in ([WHOLE] if sort.index else range(sort.width)))

    def _all_of(self, states: Iterable[int]) -> Alike:
        return {bit: None for state in states for bit in self._bits(state)}

    def _weaker(self, changed: Circuit, alike: Alike, cut: Collection[int], guards: Guards) -> Alike | None:
        """Return what of `alike` holds less often a clock later, and when; None if an output may differ.

        What was the same in every clock gets those of the `guards` by which it is.
        """
        terms = Products()
        control = Control(terms, self._original, self._interface)
        monitor = control.any_monitor()
        free = {
            name: terms.fresh(self._original.width(number), name)
            for name, number in self._original.inputs.items()
        }
        states = {node: self._anything(terms, node) for node in self._original.states.values()}
        others = {node: self._alike(control, monitor, node, states, alike) for node in states}
        still = dict(alike)
        for reset in (terms.false, terms.true):
            inputs = {**free, "rst": reset}
            now = Clock(terms, self._original, inputs, states)
            then = Clock(terms, changed, inputs, others, {node: now.values[node] for node in cut})
            # A reset comes at any time, from anything at all.
            assumed, later = list[Term](), control.reset_monitor()
            if reset == terms.false:
                assumed = [*assumed_of(control, now, monitor), *self._reached(terms, control, now)]
                later = control.next_monitor(now, monitor)
                if not all(self._proved(terms, claim, assumed) for claim in same_outputs(terms, now, then)):
                    return None
            watched = terms.equal(control.watched_place, now[probes.QUEUE_TAKEN])
            pair = _Pair(control, later, assumed, watched, now.following(), then.following())
            for state in sorted({bit.state for bit in still} & pair.following.keys()):
                still |= self._weaker_of(pair, state, still, guards)
        return {bit: guards for bit, guards in still.items() if guards != alike[bit]}

    def _anything(self, terms: Products, node: int) -> Term:
        sort = self._original.sorts[node]
        return terms.fresh_array(sort.index, sort.width) if sort.index else terms.fresh(sort.width)

    def _alike(
        self, control: Control, monitor: Monitor, node: int, states: Mapping[int, Term], alike: Alike
    ) -> Term:
        """Return the other circuit's state: the same where it has to be, anything elsewhere."""
        terms = control.terms
        word, other = states[node], self._anything(terms, node)
        if self._original.sorts[node].index:
            guards, place = alike.get(Bit(node, WHOLE), NEVER), control.watched_place
            if guards is None or not guards:
                return word if guards is None else other
            there = terms.choose(monitor["waiting"], terms.read(word, place), terms.read(other, place))
            return terms.make("ARRAY_STORE", other, place, there)
        parts: list[Term] = []
        places = range(self._original.width(node))
        for guards, run in groupby(places, lambda place: alike.get(Bit(node, place), NEVER)):
            low, *_, high = [*run] * 2
            same = terms.true if guards is None else self._one_of(terms, guards, states)
            parts.append(terms.choose(same, terms.slice(word, high, low), terms.slice(other, high, low)))
        return terms.concat(*reversed(parts))

    def _one_of(self, terms: Products, guards: Guards, states: Mapping[int, Term]) -> Term:
        """Return whether one of some guards is 1."""
        return terms.either(*(terms.slice(states[g.state], g.place, g.place) for g in sorted(guards)))

    def _weaker_of(self, pair: _Pair, state: int, alike: Alike, candidates: Guards) -> Alike:
        """Return what of a register or memory is the same less often a clock later, and when."""
        if pair.following[state] == pair.changed[state]:
            return {}
        by_guards: dict[Guards | None, list[Bit]] = {}
        for bit, guards in alike.items():
            if bit.state == state:
                by_guards.setdefault(guards, []).append(bit)
        weaker: Alike = {}
        for guards, bits in by_guards.items():
            if guards is None:
                queue = frozenset({_WAITING}) if state == pair.control.queue else NEVER
                guards = candidates and (queue if bits[0].place == WHOLE else candidates)
                # Nothing in the pipelines is valid or not.
                guards = guards if state in self._around else NEVER
                # All together, as most of them are equal.
                bits = [] if self._equal(pair, bits) else [b for b in bits if not self._equal(pair, [b])]
            # The bits of a payload have the same guards.
            if bits:
                held = frozenset(guard for guard in guards if self._equal(pair, bits, guard))
                weaker |= dict.fromkeys(bits, held)
        return weaker

    def _equal(self, pair: _Pair, bits: Collection[Bit], guard: Bit | None = None) -> bool:
        """Return whether bits, or a memory, are proved to be the same a clock later, where a guard is 1."""
        terms, place = pair.control.terms, pair.control.watched_place
        if guard == _WAITING:
            ((state, _),) = bits
            one, other = (terms.read(words[state], place) for words in (pair.following, pair.changed))
            claim = terms.implies(pair.monitor["waiting"], terms.equal(one, other))
            return self._proved(terms, claim, pair.assumed)
        same = []
        for state, bit in bits:
            one, other = pair.following[state], pair.changed[state]
            if bit != WHOLE:
                one, other = (terms.slice(word, bit, bit) for word in (one, other))
            same.append(terms.equal(one, other))
        given = [] if guard is None else [self._one_of(terms, frozenset({guard}), pair.following)]
        # Any place is watched: here the one that is read.
        return self._proved(terms, terms.both(*same), [*pair.assumed, pair.watched, *given])

    def _proved(self, terms: Products, claim: Term, assumed: list[Term]) -> bool:
        if claim == terms.true:
            return True
        return terms.prove(claim, assumed, None, self._seconds).verdict == "proved"

    def _reached(self, terms: Products, control: Control, now: Clock) -> list[Term]:
        """Return that the words on their way out of the pipeline are those of states that can be reached."""
        if self._reach is None:
            return []
        return [
            retired(terms, self._words, self._reach, control, now),
            *on_the_way(terms, self._words, self._reach, now).values(),
        ]


def same_outputs(terms: Products, now: Clock, then: Clock) -> Iterator[Term]:
    """Give what has to be equal of two circuits' outputs; what a stream shows while it isn't valid is nobody's."""
    outputs = now.circuit.outputs
    for name in outputs:
        valid = f"{name.partition('_')[0]}_valid"
        same = terms.equal(now.output(name), then.output(name))
        yield terms.implies(now.output(valid), same) if valid in outputs and name != valid else same
