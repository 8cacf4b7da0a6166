"""Two circuits in lockstep: whether a mutant's outputs equal the original's, clock by clock (a miter)."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.control import Control
from qlif.cosim.proof.invariants import assumed_of
from qlif.cosim.proof.outgoing import SHOWN, on_the_way, retired
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import Reach
from qlif.cosim.proof.solver import Term
from qlif.hdl import probes
from qlif.hdl.interface import Interface

MOST_ROUNDS = 40
"""So often fewer bits are taken to be the same; it ends by itself long before."""

_GUARDS = {
    probes.QUEUE_READ: (probes.HELD,),
    probes.OFFERED_WORDS: SHOWN,
    probes.OFFERED_SPIKES: SHOWN,
}
"""Registers whose words count only while one of some others is 1."""


class Bit(NamedTuple):
    """A bit of a register, or a memory as a whole."""

    state: int
    place: int | None


class Lockstep:
    """Compares circuits with the same registers, of which one is without a fault.

    They start alike. By induction over the clocks, the bits of their registers stay the same, but for those
    that are found to differ; then the outputs have to be the same without these.

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
        self._guards = {
            original.register(name): [original.register(guard) for guard in guards]
            for name, guards in _GUARDS.items()
        }

    def same(
        self,
        changed: Circuit,
        states: Collection[int],
        cut: Collection[int] = (),
        needed: Collection[int] = (),
        rounds: int = MOST_ROUNDS,
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
            Registers that what drives those depends on: they have to be the same too.
        rounds : int
            How often, at most, bits are found to differ; 1 for none.
        """
        alike = {bit for state in states for bit in self._bits(state)}
        for _ in range(rounds):
            differing = self._differing(changed, alike, cut)
            if differing is None or any(bit.state in needed for bit in differing):
                return False
            if not differing:
                return True
            alike -= differing
        return False

    def _bits(self, state: int) -> Iterator[Bit]:
        sort = self._original.sorts[state]
        places = [None] if sort.index else range(sort.width)
        return (Bit(state, place) for place in places)

    def _differing(self, changed: Circuit, alike: set[Bit], cut: Collection[int]) -> set[Bit] | None:
        """Return the bits that may differ a clock later than `alike`; None if an output may differ."""
        terms = Products()
        control = Control(terms, self._original, self._interface)
        monitor = control.any_monitor()
        free = {
            name: terms.fresh(self._original.width(number), name)
            for name, number in self._original.inputs.items()
        }
        states = {node: self._anything(terms, node) for node in self._original.states.values()}
        others = {node: self._alike(terms, node, states, alike) for node in states}
        differing: set[Bit] = set()
        for reset in (terms.false, terms.true):
            inputs = {**free, "rst": reset}
            now = Clock(terms, self._original, inputs, states)
            then = Clock(terms, changed, inputs, others, {node: now.values[node] for node in cut})
            # A reset comes at any time, from anything at all.
            assumed: list[Term] = []
            if reset == terms.false:
                assumed = [*assumed_of(control, now, monitor), *self._reached(terms, control, now)]
                if not all(self._proved(terms, claim, assumed) for claim in same_outputs(terms, now, then)):
                    return None
            following, changed_following = now.following(), then.following()
            for state in {bit.state for bit in alike - differing}:
                if state in following:
                    bits = {bit for bit in alike - differing if bit.state == state}
                    expected, found = following[state], changed_following[state]
                    counts = self._counts(terms, state, following)
                    differing |= self._bits_differing(terms, bits, expected, found, [*assumed, counts])
        return differing

    def _anything(self, terms: Products, node: int) -> Term:
        sort = self._original.sorts[node]
        return terms.fresh_array(sort.index, sort.width) if sort.index else terms.fresh(sort.width)

    def _counts(self, terms: Products, node: int, states: Mapping[int, Term]) -> Term:
        """Return whether a register's word counts."""
        guards = self._guards.get(node)
        return terms.true if guards is None else terms.either(*(states[guard] for guard in guards))

    def _alike(self, terms: Products, node: int, states: Mapping[int, Term], alike: set[Bit]) -> Term:
        """Return the other circuit's state: the same in some bits, anything in the others."""
        word = states[node]
        if self._original.sorts[node].index:
            return word if Bit(node, None) in alike else self._anything(terms, node)
        width = self._original.width(node)
        same = [Bit(node, place) in alike for place in range(width)]
        if not all(same):
            parts = [
                terms.slice(word, place, place) if same[place] else terms.fresh(1) for place in range(width)
            ]
            word = terms.concat(*reversed(parts))
        return terms.choose(self._counts(terms, node, states), word, self._anything(terms, node))

    def _bits_differing(
        self, terms: Products, bits: set[Bit], expected: Term, found: Term, assumed: list[Term]
    ) -> set[Bit]:
        if expected == found:
            return set()
        if any(bit.place is None for bit in bits):
            return set() if self._proved(terms, terms.equal(expected, found), assumed) else bits
        pairs = {
            bit: terms.equal(
                terms.slice(expected, bit.place, bit.place), terms.slice(found, bit.place, bit.place)
            )
            for bit in bits
            if bit.place is not None
        }
        # All together, as most of them are equal.
        if self._proved(terms, terms.both(*pairs.values()), assumed):
            return set()
        return {bit for bit, same in pairs.items() if not self._proved(terms, same, assumed)}

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
