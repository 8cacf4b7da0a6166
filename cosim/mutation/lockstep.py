"""Two circuits in lockstep: whether a mutant's outputs equal the original's, clock by clock (a miter)."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from qlif.cosim.proof.circuit import Circuit, Clock, Deviation
from qlif.cosim.proof.control import Control, Monitor
from qlif.cosim.proof.invariants import assumed_of
from qlif.cosim.proof.outgoing import always_legal, on_the_way, retired
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import Reach
from qlif.cosim.proof.solver import Given, Term
from qlif.hdl import probes
from qlif.hdl.interface import Interface

MOST_ROUNDS = 40
"""So often less is taken to be the same; it ends by itself long before."""

Beside = Callable[[Clock, Mapping[int, Term]], Clock]
"""The other circuit: its clock beside the original's, given what some of its nodes are instead."""

WHOLE = -1
"""The place of all bits: a memory is the same as a whole, or not."""


class Bit(NamedTuple):
    """A bit of a register, or a memory."""

    state: int
    place: int


class Guard(NamedTuple):
    """A bit of the original's registers, and what it is while something has to be the same in both."""

    bit: Bit
    value: bool = True


Guards = frozenset[Guard]
"""Something has to be the same in both only while one of them holds."""

Alike = dict[Bit, Guards | None]
"""When what is the same in both; None is always."""

NEVER: Guards = frozenset()

WAITING, SEEN, READ = (Guard(Bit(WHOLE, number)) for number in range(3))
"""Guards that are no bits: the place of the queue that is watched, which is any, holds a row that wasn't read yet;
the row of the state memory that is watched, which is any, was written since the reset; a row that was read from it,
and was written before, is at the pipeline."""


class _Scene(NamedTuple):
    """A clock of the original, with or without reset.

    The same clock if the pipelines' results are anything that they may be; the monitor after it; what is assumed;
    that the places that are read are watched; and any other value of registers that differ.
    """

    now: Clock
    other: Clock
    monitor: Monitor
    given: Given
    reads: tuple[Term, Term]
    others: Mapping[int, Term]


class Lockstep:
    """Compares circuits with the same registers, of which one is without a fault.

    By induction over the clocks, from a reset of any registers, the bits of their registers stay the same. One that
    may differ has to be the same while a guard holds, such as the valid bit of a payload: all that could be one are
    tried, and those by which it doesn't hold are left out, until the rest holds. Without a guard it is anything. Of
    the queue's memory, places have to be the same while they wait to be read; of the state memory, rows that were
    written since the reset. Then the outputs have to be the same. So a word that nobody reads before it is written
    may be reset to anything.

    Parameters
    ----------
    original : Circuit
        The population without a fault.
    interface : Interface
    reach : Reach, optional
        The states of its neurons.
    seconds : float
        The time that the solver may take for one question.
    inputs : mapping of str to int
        What inputs always are.
    cut : collection of int
        Where the pipelines' results leave them: if nothing retires they are anything, else the same in both, whatever
        drives them.
    entry : collection of int
        What enters the pipelines: it has to be the same while a row does, but for a row that was read from the memory
        in the first timestep.
    states : collection of int, optional
        The registers and memories that outputs, `entry` and these themselves depend on, up to `cut`; all if not
        given.
    powered : bool
        Begin as the text says that registers and memories begin, not from anything before a reset.
    """

    def __init__(
        self,
        original: Circuit,
        interface: Interface,
        reach: Reach | None,
        seconds: float,
        *,
        inputs: Mapping[str, int] | None = None,
        cut: Collection[int] = (),
        entry: Collection[int] = (),
        states: Collection[int] | None = None,
        powered: bool = False,
    ) -> None:
        self._original, self._words = original, interface.words
        self._reach, self._seconds, self._entry, self._cut = reach, seconds, entry, cut
        self._states = original.states.values() if states is None else states
        self._in_flight, self._read, self._was_fresh = (
            original.shown(original.signal(name))
            for name in (probes.IN_FLIGHT, probes.READ, probes.WAS_FRESH)
        )
        self._around = {
            state
            for name, state in original.states.items()
            if not name.startswith(probes.PIPELINES) and state in original.following
        }
        guards = {
            Guard(bit)
            for state in self._around
            for bit in self._bits(state)
            if bit.place != WHOLE and (original.width(state) == 1 or state == self._in_flight)
        }
        # A timestep's number is loaded after its predecessor's last row.
        last = original.states.get(probes.counted_last(probes.OFFERED_ROWS))
        self._guards = frozenset(guards if last is None else guards | {Guard(Bit(last, 0), False)})
        self._terms = terms = Products()
        self._control = control = Control(terms, original, interface)
        self._entering = control.memory.latency - 1
        self._monitor = control.any_monitor()
        # Addresses of the state memory that are no row's.
        self._last_row = control.number(control.rows - 1)
        index = original.sorts[control.memory.arrays[0]].index
        self._nowhere = terms.fresh(index, "no row") if 1 << index > control.rows > 1 else None
        given = {
            name: terms.constant(word, original.width(original.inputs[name]))
            for name, word in (inputs or {}).items()
        }
        free = {
            name: terms.fresh(original.width(number), name) for name, number in original.inputs.items()
        } | given
        anything = {node: self._anything(node) for node in original.states.values()}
        self._scenes = [
            self._scene(Clock(terms, original, {**free, "rst": reset}, anything), reset, powered)
            for reset in (terms.false, terms.true)
        ]

    @property
    def assumptions(self) -> list[Given]:
        """What is assumed of a clock without reset, and of one with it."""
        return [scene.given for scene in self._scenes]

    def same_registers(self, beside: Beside) -> bool:
        """Return whether outputs and all registers are proved to be the same in every clock after a reset."""
        return self._weaker(beside, self._all_of(self._states), NEVER) == {}

    def same(self, beside: Beside) -> bool:
        """Return whether the outputs are proved to be the same in every clock after a reset."""
        alike = self._all_of(self._states)
        for _ in range(MOST_ROUNDS):
            weaker = self._weaker(beside, alike, self._guards)
            if not weaker:
                return weaker is not None
            alike |= weaker
        return False

    def _scene(self, now: Clock, reset: Term, powered: bool) -> _Scene:
        terms, control = self._terms, self._control
        assumed, monitor = list[Term](), control.reset_monitor()
        if reset == terms.false:
            monitor = control.next_monitor(now, self._monitor)
        # A reset comes at any time, from anything at all.
        if powered or reset == terms.false:
            assumed = [*assumed_of(control, now, self._monitor), *self._reached(now)]
        if powered and self._reach is not None:
            assumed += always_legal(control, self._words, self._reach, now)
        reads = (
            terms.equal(control.row(now, probes.READING), control.watched_row),
            terms.equal(now[probes.QUEUE_TAKEN], control.watched_place),
        )
        retires = control.bits(now[probes.IN_FLIGHT])[-1]
        left = {n: terms.choose(retires, now.values[n], self._anything(n)) for n in self._cut}
        others = {node: self._anything(node) for node in self._original.states.values()}
        return _Scene(now, Deviation(now, left), monitor, Given(terms, assumed), reads, others)

    def _bits(self, state: int) -> Iterator[Bit]:
        sort = self._original.sorts[state]
        return (Bit(state, place) for place in ([WHOLE] if sort.index else range(sort.width)))

    def _all_of(self, states: Iterable[int]) -> Alike:
        return {bit: None for state in states for bit in self._bits(state)}

    def _weaker(self, beside: Beside, alike: Alike, guards: Guards) -> Alike | None:
        """Return what of `alike` holds less often a clock later, and when; None if what is seen may differ.

        What was the same in every clock gets those of the `guards` by which it is.
        """
        still = dict(alike)
        for scene in self._scenes:
            then = beside(scene.other, self._instead(scene, alike))
            if scene is self._scenes[0]:
                seen = (*same_outputs(self._terms, scene.now, then), *self._enters(scene.now, then))
                if not all(self._proved(scene, claim) for claim in seen):
                    return None
            following = scene.now.following(), then.following()
            for state in sorted({bit.state for bit in still} & following[0].keys()):
                if following[0][state] != following[1][state]:
                    still |= self._weaker_of(scene, following, state, still, guards)
        return {bit: guards for bit, guards in still.items() if guards != alike[bit]}

    def _anything(self, node: int) -> Term:
        sort = self._original.sorts[node]
        return (
            self._terms.fresh_array(sort.index, sort.width) if sort.index else self._terms.fresh(sort.width)
        )

    def _instead(self, scene: _Scene, alike: Alike) -> dict[int, Term]:
        """Return what the other circuit's registers are: the same where they have to be, anything elsewhere."""
        found = {node: scene.other.values[node] for node in self._cut}
        # What isn't in `alike` has no part in what is asked.
        for node in {bit.state for bit, guards in alike.items() if guards is not None}:
            found[node] = self._alike(scene.now.values, scene.others[node], node, alike)
        return found

    def _alike(self, states: Mapping[int, Term], other: Term, node: int, alike: Alike) -> Term:
        terms, word = self._terms, states[node]
        if self._original.sorts[node].index:
            guards = alike.get(Bit(node, WHOLE), NEVER)
            if guards is None or not guards:
                return word if guards is None else other
            (guard,) = guards
            place, counts = self._place(node, guard, self._monitor)
            there = terms.choose(counts, terms.read(word, place), terms.read(other, place))
            return terms.make("ARRAY_STORE", other, place, there)
        parts: list[Term] = []
        places = range(self._original.width(node))
        for guards, run in groupby(places, lambda place: alike.get(Bit(node, place), NEVER)):
            low, *_, high = [*run] * 2
            same = terms.true if guards is None else self._one_of(guards, states)
            parts.append(terms.choose(same, terms.slice(word, high, low), terms.slice(other, high, low)))
        return terms.concat(*reversed(parts))

    def _place(self, memory: int, guard: Guard, monitor: Monitor) -> tuple[Term, Term]:
        """Return which place of a memory is watched, and whether it counts."""
        if guard == WAITING:
            return self._control.watched_place, monitor["waiting"]
        row = self._terms.extend(self._control.watched_row, self._original.sorts[memory].index, False)
        return row, monitor["seen"]

    def _one_of(self, guards: Guards, states: Mapping[int, Term]) -> Term:
        """Return whether one of some guards holds."""
        return self._terms.either(*(self._holds(guard, states) for guard in sorted(guards)))

    def _holds(self, guard: Guard, states: Mapping[int, Term]) -> Term:
        if guard == READ:
            fresh = states[self._was_fresh]
            return self._terms.both(self._enters_now(states), self._terms.negation(fresh))
        (state, place), value = guard
        bit = self._terms.slice(states[state], place, place)
        return bit if value else self._terms.negation(bit)

    def _enters_now(self, states: Mapping[int, Term]) -> Term:
        return self._terms.slice(states[self._in_flight], self._entering, self._entering)

    def _enters(self, now: Clock, then: Clock) -> Iterator[Term]:
        """Give what has to be equal of what enters the pipelines."""
        registers = set(self._original.states.values())
        for node in self._entry:
            when = self._holds(READ, now.values) if node == self._read else self._enters_now(now.values)
            # What isn't a register of the row alone, such as a parameter, is read after it entered too.
            when = when if node in registers else self._terms.true
            yield self._terms.implies(when, self._terms.equal(now.values[node], then.values[node]))

    def _weaker_of(
        self,
        scene: _Scene,
        following: tuple[Mapping[int, Term], Mapping[int, Term]],
        state: int,
        alike: Alike,
        candidates: Guards,
    ) -> Alike:
        """Return what of a register or memory is the same less often a clock later, and when."""
        by_guards: dict[Guards | None, list[Bit]] = {}
        for bit, guards in alike.items():
            if bit.state == state:
                by_guards.setdefault(guards, []).append(bit)
        weaker: Alike = {}
        for guards, bits in by_guards.items():
            if guards is None:
                guards = candidates and self._candidates(state, candidates)
                # All together, as most of them are equal.
                if self._equal(scene, following, bits):
                    bits = []
                elif len(bits) > 1:
                    bits = [bit for bit in bits if not self._equal(scene, following, [bit])]
            # The bits of a payload have the same guards.
            if bits:
                held = frozenset(guard for guard in guards if self._equal(scene, following, bits, guard))
                weaker |= dict.fromkeys(bits, held)
        return weaker

    def _candidates(self, state: int, candidates: Guards) -> Guards:
        """Return which guards a register or memory may have."""
        if state == self._control.queue:
            return frozenset({WAITING})
        if state not in self._around:
            # Nothing in the pipelines is valid or not.
            return NEVER
        if self._original.sorts[state].index:
            return frozenset({SEEN}) if state in self._control.memory.arrays else NEVER
        return candidates | {READ} if state == self._read else candidates

    def _equal(
        self,
        scene: _Scene,
        following: tuple[Mapping[int, Term], Mapping[int, Term]],
        bits: Collection[Bit],
        guard: Guard | None = None,
    ) -> bool:
        """Return whether bits, or a memory, are proved to be the same a clock later, where a guard holds."""
        terms, (first, *_) = self._terms, bits
        if first.state == self._control.queue or first.state in self._control.memory.arrays:
            # Any place is watched, so one stands for all.
            watched = WAITING if first.state == self._control.queue else SEEN
            place, counts = self._place(first.state, watched, scene.monitor)
            claim = terms.implies(
                terms.true if guard is None else counts, self._same_at(place, first, following)
            )
            if guard is None and watched == SEEN and self._nowhere is not None:
                no_row = terms.negation(
                    self._control.at_most(self._control.wide(self._nowhere), self._last_row)
                )
                claim = terms.both(
                    claim, terms.implies(no_row, self._same_at(self._nowhere, first, following))
                )
            return self._proved(scene, claim)
        same = []
        for state, bit in bits:
            one, other = (words[state] for words in following)
            if bit != WHOLE:
                one, other = (terms.slice(word, bit, bit) for word in (one, other))
            same.append(terms.equal(one, other))
        given = [] if guard is None else [self._holds(guard, following[0])]
        # Here the place that is read is watched.
        return self._proved(scene, terms.both(*same), *scene.reads, *given)

    def _same_at(
        self, place: Term, memory: Bit, following: tuple[Mapping[int, Term], Mapping[int, Term]]
    ) -> Term:
        return self._terms.equal(*(self._terms.read(words[memory.state], place) for words in following))

    def _proved(self, scene: _Scene, claim: Term, *given: Term) -> bool:
        return scene.given.proves(claim, *given, seconds=self._seconds)

    def _reached(self, now: Clock) -> list[Term]:
        """Return that the words on their way out of the pipeline are those of states that can be reached."""
        if self._reach is None:
            return []
        return [
            retired(self._terms, self._words, self._reach, self._control, now),
            *on_the_way(self._terms, self._words, self._reach, now).values(),
        ]


def whole(changed: Circuit) -> Beside:
    """Return a circuit as what is beside the original, whose registers and inputs have the same numbers."""

    def beside(now: Clock, instead: Mapping[int, Term]) -> Clock:
        original = now.circuit
        known = {node: now.values[node] for node in (*original.inputs.values(), *original.states.values())}
        return Clock(now.terms, changed, {}, {}, known | dict(instead))

    return beside


def same_outputs(terms: Products, now: Clock, then: Clock) -> Iterator[Term]:
    """Give what has to be equal of two circuits' outputs; what a stream shows while it isn't valid is nobody's."""
    outputs = now.circuit.outputs
    for name in outputs:
        valid = f"{name.partition('_')[0]}_valid"
        same = terms.equal(now.output(name), then.output(name))
        yield terms.implies(now.output(valid), same) if valid in outputs and name != valid else same
