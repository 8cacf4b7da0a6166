"""The unbounded proof of somebody else's core: from any idle state, one update is the golden step and leads back.

Idle is what the map's table ``[state]`` says: which registers hold the golden state, and what every other one holds
between two updates. From there the core is followed clock by clock, for each choice of the handshakes, with state and
current left open. What it shows is compared with the golden step as it is shown. A path ends where it is idle again,
with the golden state after the update. Where it takes a current before that, with updates under way, the registers
are shown to hold the golden state and what is still owed, and the path goes on from any such state: so it comes back
to where it was, and a finite number of clocks covers any number of updates and any pattern of stalls.

Every register is in the table, and one that is ``"any"`` is anything: a counter that waits for its 2^20th update, or
for a sequence of currents, has no place to hide.
"""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from qlif.cosim.mapping.state import WORDS, StateMap
from qlif.cosim.proof import integers
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.claims import Claim, Undecided, timed_out
from qlif.cosim.proof.idle import Golden, Idle
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.cosim.proof.solver import Answer, Term
from qlif.hdl.interface import Interface
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.golden import step as datapath
from qlif.model.golden.neurons import FixedNeurons

NODES = 3000
"""Most states that are followed: what doesn't come back by then is undecided."""

TOGETHER = 5
"""Times what the solver has for one question: the time for all of an update's."""

DRIFT = 12
"""A register that holds so many values after an update that aren't in the table isn't what the table says."""

PATIENCE = 256
"""A current that isn't answered after this many clocks with the outputs taken counts as lost."""

SETTLING = 8
"""Most clocks from a reset to an idle state."""


LEGAL = "a legal state stays legal: potential below threshold, counter and trace within their limits"
RESETS = "one clock of reset, whatever the registers hold, leads to an idle state, the initial one"
TAKES = "an idle core takes a current"
UPDATES = "an update is the golden step and leads back to an idle state; waiting changes nothing, nor does any stall"
ANSWERS = (
    "each current is answered: it is idle again {} clocks after it at the latest, where the outputs are taken"
)

LEGAL_STATES = "all legal states, and all inputs"
"""What is proved from ``[state]``: not what a core does in a state that the golden model never comes to."""


def prove_state(export: Export, state: StateMap, *, seconds: float) -> Iterator[Claim]:
    """Prove a mapped core for any number of updates, from the table ``[state]`` of its map.

    Parameters
    ----------
    export : Export
        A core of one neuron behind its adapter.
    state : StateMap
        The places of every register, those of the adapter too.
    seconds : float
        The time that the solver may take for one question.

    Raises
    ------
    InputError
        Of :class:`ForeignUpdate` and :class:`NoInvariant`; or the Verilog can't be read, or a tool isn't installed.
    """
    circuit = read_circuit(export.verilog, export.interface.module, every_signal=True)
    yield from prove_circuit(circuit, export.interface, state, seconds=seconds)


def prove_circuit(
    circuit: Circuit, interface: Interface, state: StateMap, *, seconds: float
) -> Iterator[Claim]:
    """Prove the same of a circuit that was read with every signal."""
    absent = () if interface.mapped is None else interface.mapped.absent
    core = ForeignUpdate(circuit, interface, state, absent, seconds)
    parts = {LEGAL: core.legal, RESETS: core.reset, TAKES: core.takes, UPDATES: core.follow}
    if interface.mapped is not None and not interface.mapped.resets:
        del parts[RESETS]
    found = {}
    for name, part in parts.items():
        start = time.monotonic()
        result, what, why = "proved", "", ""
        values = None
        try:
            part()
        except Refuted as refuted:
            result, what, values = "refuted", refuted.what, dict(refuted.values)
        except Undecided as undecided:
            result, why = "unknown", str(undecided)
        elapsed = time.monotonic() - start
        under = "all registers" if name == RESETS else LEGAL_STATES
        found[name] = Claim(
            interface.name, name, result, None, elapsed, values, what=what, under=under, why=why
        )
        yield found[name]
    if all(found[name].result == "proved" for name in (TAKES, UPDATES)):
        yield Claim(interface.name, ANSWERS.format(core.latest), "proved", None, 0.0, under=LEGAL_STATES)


class Refuted(Exception):
    """A core isn't the golden model: what differs, and in which update."""

    def __init__(self, what: str, values: Mapping[str, int]) -> None:
        super().__init__(what)
        self.what, self.values = what, values


class NoInvariant(InputError):
    """The table of a map isn't what registers hold between two updates."""


@dataclass(frozen=True)
class Owed:
    """An update that isn't over.

    Attributes
    ----------
    spike : Term
    words : mapping of str to Integer
        Potential, refractory counter and trace after it.
    step : Term
        Its timestep.
    shown, told : bool
        Whether it was taken, and its event.
    offered, announced : bool
        Whether it is offered, and its event, so that they must stay.
    """

    spike: Term
    words: Mapping[str, Integer]
    step: Term
    shown: bool = False
    told: bool = False
    offered: bool = False
    announced: bool = False


@dataclass(frozen=True)
class Node:
    """A core between two clocks.

    Attributes
    ----------
    states : mapping of int to Term
    golden : Golden
        The state after all updates that were begun.
    owed : tuple of Owed
        The oldest first.
    path : tuple of Term
        Conditions under which it comes here.
    """

    states: Mapping[int, Term]
    golden: Golden
    owed: tuple[Owed, ...] = ()
    path: tuple[Term, ...] = ()


class _Shown(NamedTuple):
    """What a core shows in a clock."""

    update: Term
    event: Term
    words: Mapping[str, Term]
    neuron: Term
    step: Term


class ForeignUpdate:
    """Follows a core of one neuron from its idle states.

    Parameters
    ----------
    circuit : Circuit
        With the ports of ``qlif_population``, and every signal in it.
    interface : Interface
    state : StateMap
    absent : tuple of str
        What the core doesn't tell, of ``spike``, ``potential``, ``trace``, ``refractory`` and ``events``.
    seconds : float
        The time that the solver may take for one question.

    Raises
    ------
    InputError
        The table doesn't place a register, or names one that isn't there; or the core has several neurons, or
        stochastic rounding.
    """

    def __init__(
        self, circuit: Circuit, interface: Interface, state: StateMap, absent: tuple[str, ...], seconds: float
    ) -> None:
        words = interface.words
        if interface.neurons != 1 or interface.lanes != 1:
            raise InputError("the proof from [state] is of a core with one neuron: put one in the map")
        if words.arithmetic.random_bits:
            raise InputError("the proof from [state] is of cores without stochastic rounding")
        self.terms = terms = Products()
        self.circuit, self.words, self.absent, self.seconds = circuit, words, absent, seconds
        self.idle = Idle(terms, circuit, words, state, circuit.width(circuit.outputs["events_step"]))
        self.current = terms.fresh(words.arithmetic.current.width, "current")
        before = self.idle.golden
        current = Integer.of(terms, self.current, words.arithmetic.current)
        self._after, self._spike = datapath.step(
            words, words.values, before.state(), current, 0, partial(integers.choose, terms)
        )
        one = terms.constant(1, terms.width(before.step))
        self.golden = Golden(self._after._asdict(), terms.make("BV_ADD", before.step, one))
        self.named = {"current": self.current, **self.idle.named}
        self._queued = "update_queue.push" in circuit.named
        self._event_queued = "event_queue.push" in circuit.named
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
        self._proved: set[tuple[int, frozenset[int]]] = set()
        self._lossy: set[int] = set()
        self._drifting: set[tuple[object, ...]] = set()
        self._overlaps = ""
        self.latest = 0

    def prove(self, claim: Term, path: tuple[Term, ...], named: Mapping[str, Term] | None = None) -> Answer:
        """Prove a claim in every idle state; an update within the refractory period is a case of its own."""
        terms = self.terms
        question = (claim.id(), frozenset(one.id() for one in path))
        if terms.value(claim) == 1 or question in self._proved:
            return Answer("proved", {})
        refractory = terms.any(self.idle.golden.words["refractory"].word)
        deadline = time.monotonic() + self.seconds
        for case in (terms.negation(refractory), refractory):
            if terms.value(case) == 0:
                continue
            given = [*self.idle.assumed, *path, case]
            answer = terms.prove(claim, given, named, max(0.1, deadline - time.monotonic()))
            if answer.verdict != "proved":
                return answer
        self._proved.add(question)
        return Answer("proved", {})

    def _require(self, claim: Term, node: Node, what: str, pair: tuple[Any, Any] | None = None) -> None:
        """Prove that something holds; `pair` is what the core gives and what the golden model does."""
        named = dict(self.named)
        if pair is not None:
            named |= {
                name: getattr(end, "word", end) for name, end in zip(("got", "expected"), pair, strict=True)
            }
        answer = self.prove(claim, node.path, named)
        if answer.verdict == "unknown":
            raise Undecided(timed_out(self.seconds, what))
        if answer.verdict == "refuted":
            if self._lossy & self._variables([claim, *node.path]):
                raise Undecided(f"it takes a current before the update before it is over, and then: {what}")
            values = dict(answer.values)
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

    def _variables(self, roots: list[Term]) -> set[int]:
        """Return the variables that terms are made of, through their products."""
        seen: set[int] = set()
        stack, found = list(roots), set[int]()
        while stack:
            one = stack.pop()
            if one.id() in seen:
                continue
            seen.add(one.id())
            inner = self.terms.factors(one) or tuple(one[place] for place in range(one.num_children()))
            stack += inner
            if not inner:
                found.add(one.id())
        return found

    def _branches(self, condition: Term, path: tuple[Term, ...]) -> Iterator[tuple[bool, tuple[Term, ...]]]:
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

    def _clock(self, node: Node, valid: Term, ready: int, event_ready: int, data: Term) -> Clock:
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

    def _shown(self, now: Clock) -> _Shown:
        """Return what the core shows, before the queues of its adapter."""
        terms = self.terms
        if self._queued:
            update, names = now["update_queue.push"], "core_{}"
        else:
            update, names = now.output("updates_valid"), "updates_{}"
        words = {
            name: now[names.format(name)] if self._queued else now.output(names.format(name))
            for name in ("spike", *WORDS)
            if name not in self.absent and (self._queued or names.format(name) in self.circuit.outputs)
        }
        if self._event_queued:
            word, bits = now["event_queue.in"], terms.width(now.output("events_step"))
            step, neuron = terms.slice(word, bits - 1, 0), terms.slice(word, terms.width(word) - 1, bits)
            return _Shown(update, now["event_queue.push"], words, neuron, step)
        event = now.output("events_valid")
        return _Shown(update, event, words, now.output("events_neuron"), now.output("events_step"))

    def follow(self) -> None:
        """Follow the core from its idle states until nothing new comes.

        Raises
        ------
        Refuted, Undecided, NoInvariant
        """
        start = self.idle.node_states(), self.idle.golden
        deadline = time.monotonic() + TOGETHER * self.seconds
        todo = deque([Node(*start)])
        keys = {self._key(todo[0]): 0}
        nodes, live = list(todo), {0: list[int]()}
        while todo:
            node = todo.popleft()
            place = keys[self._key(node)]
            if time.monotonic() > deadline:
                raise Undecided(
                    f"{TOGETHER * self.seconds:g} s passed with {len(todo)} states still to follow"
                )
            for found, taken_in, lively in self._successors(node):
                arrived = self._settled(found)
                if arrived is None:
                    if lively and not taken_in:
                        live[place].append(0)
                    continue
                kept = tuple(one for one in arrived.path if self.depends(one)[0])
                arrived = replace(arrived, path=kept)
                key = self._key(arrived)
                if key not in keys:
                    if len(nodes) >= NODES:
                        raise Undecided(f"it didn't come back to a known state within {NODES} different ones")
                    keys[key] = len(nodes)
                    live[len(nodes)] = []
                    nodes.append(arrived)
                    todo.append(arrived)
                if lively and not taken_in:
                    live[place].append(keys[key])
        self._check_answers(nodes, live)
        if self._overlaps:
            raise Undecided(self._overlaps)

    def _key(self, node: Node) -> tuple[object, ...]:
        """Return what tells a node from others: a register that may be anything doesn't."""
        states = tuple(
            -1
            if not term.is_value() and not self.depends(term)[0] and number in self.idle.free
            else term.id()
            for number, term in sorted(node.states.items())
        )
        owed = tuple(
            (
                *(term.id() for term in (o.spike, o.step, *(word.word for word in o.words.values()))),
                *(o.shown, o.told, o.offered, o.announced),
            )
            for o in node.owed
        )
        golden = (node.golden.step.id(), *(word.word.id() for word in node.golden.words.values()))
        return states, golden, owed, frozenset(one.id() for one in node.path)

    def _successors(self, node: Node) -> Iterator[tuple[Node, bool, bool]]:
        """Give the nodes a clock later, whether a current was taken, and whether both outputs could be."""
        terms = self.terms
        events = (1,) if self._event_queued or "events" in self.absent else (0, 1)
        fresh = self.golden.step.id() == node.golden.step.id()
        for valid in (0, 1):
            for ready in (0, 1):
                for event_ready in events:
                    lively = bool(ready and event_ready)
                    anything = terms.fresh(terms.width(self.current), "anything")
                    handshakes = (terms.constant(valid, 1), ready, event_ready)
                    now = self._clock(node, *handshakes, anything)
                    taken = now.output("currents_ready") if valid else terms.false
                    for accepted, path in self._branches(taken, node.path):
                        if accepted and fresh:
                            # Updates are followed one at a time: this one isn't known to be in the state yet.
                            continue
                        here = replace(node, path=path)
                        if accepted:
                            now = self._clock(node, *handshakes, self.current)
                            new = Owed(self._spike, self.golden.words, self.idle.golden.step)
                            here = replace(here, golden=self.golden, owed=(*node.owed, new))
                        for later in self._observed(now, here, ready, event_ready):
                            yield later, accepted, lively

    def _observed(self, now: Clock, node: Node, ready: int, event_ready: int) -> Iterator[Node]:
        """Compare what is shown in a clock with what is owed; give the nodes after it."""
        shown = self._shown(now)
        after = self._loosened(now.following())
        taken, event_taken = ready or self._queued, event_ready or self._event_queued
        event = self.terms.false if "events" in self.absent else shown.event
        for told, event_path in self._branches(event, node.path):
            here = replace(node, path=event_path)
            if told:
                here = self._told(here, shown, bool(event_taken))
            elif any(one.announced for one in here.owed):
                self._impossible(here, "an event is withdrawn before it is taken")
                continue
            for updated, path in self._branches(shown.update, here.path):
                there = replace(here, path=path)
                if updated:
                    there = self._updated(there, shown, bool(taken))
                elif any(one.offered for one in there.owed):
                    self._impossible(there, "an update is withdrawn before it is taken")
                    continue
                for rest in self._over(there):
                    yield replace(rest, states=after)

    def _impossible(self, node: Node, what: str) -> None:
        """Prove that a path isn't taken: what happens on it mustn't."""
        self._require(self.terms.false, node, what)

    def _told(self, node: Node, shown: _Shown, taken: bool) -> Node:
        """Compare an event."""
        terms, owed = self.terms, list(node.owed)
        for place, one in enumerate(owed):
            if one.told:
                continue
            if terms.value(one.spike) != 1 and (
                self.prove(terms.negation(one.spike), node.path).verdict == "proved"
            ):
                owed[place] = replace(one, told=True)
                continue
            self._require(one.spike, node, "an event without a spike")
            self._require(terms.negation(terms.any(shown.neuron)), node, "an event's neuron")
            self._require(
                terms.equal(shown.step, one.step), node, "an event's timestep", (shown.step, one.step)
            )
            owed[place] = replace(one, told=taken, announced=not taken)
            return replace(node, owed=tuple(owed))
        self._impossible(node, "an event without a spike")
        return node

    def _updated(self, node: Node, shown: _Shown, taken: bool) -> Node:
        """Compare an update."""
        terms, owed = self.terms, list(node.owed)
        place = next((place for place, one in enumerate(owed) if not one.shown), None)
        if place is None:
            self._impossible(node, "an update without a current")
            return node
        one = owed[place]
        for name, word in shown.words.items():
            if name == "spike":
                self._require(terms.equal(word, one.spike), node, "the spike of an update", (word, one.spike))
            else:
                number = Integer.of(terms, word, self.words.formats[name])
                self._require(
                    number == one.words[name], node, f"the {name} of an update", (number, one.words[name])
                )
        owed[place] = replace(one, shown=taken, offered=not taken)
        return replace(node, owed=tuple(owed))

    def _over(self, node: Node) -> Iterator[Node]:
        """Drop the updates that are over; what is left of others depends on whether they spiked."""
        terms = self.terms
        if not node.owed or not node.owed[0].shown:
            yield node
            return
        oldest, *others = node.owed
        rest = replace(node, owed=tuple(others))
        if oldest.told or "events" in self.absent:
            yield from self._over(rest)
            return
        no_spike = terms.negation(oldest.spike)
        if self.prove(no_spike, node.path).verdict == "proved":
            yield from self._over(rest)
            return
        for spiked, path in self._branches(oldest.spike, node.path):
            if spiked:
                waits = replace(oldest, spike=terms.true)
                yield replace(node, owed=(waits, *others), path=path)
            else:
                yield from self._over(replace(rest, path=path))

    def _loosened(self, states: Mapping[int, Term]) -> dict[int, Term]:
        """Return the states with each that may be anything, and depends on nothing that is compared, anything."""
        return {
            number: self.idle.anything(number)
            if number in self._unseen
            or (number in self.idle.free and not term.is_value() and not self.depends(term)[0])
            else term
            for number, term in states.items()
        }

    def _settled(self, node: Node) -> Node | None:
        """Return where a node goes on: None if it is idle, or what may be any node like it."""
        terms = self.terms
        places = list(self.idle.places(node.states, node.golden))
        if not node.owed and not any(terms.value(place.holds) == 0 for place in places):
            for place in places:
                self._require_place(node, place.name, place.holds, place.kind, place.pair)
            return None
        if node.golden.step.id() != self.golden.step.id():
            return node
        anything = terms.fresh(terms.width(self.current), "anything")
        if terms.value(self._clock(node, terms.true, 1, 1, anything).output("currents_ready")) == 0:
            return node
        for _ in self._successors(node):
            # What it shows next is compared while each register is still known.
            pass
        found = self._any_like(node)
        if found is not None and not node.owed:
            self._drifting.add(self._key(found))
            if len(self._drifting) > DRIFT:
                off = [place.name for place in places if terms.value(place.holds) == 0]
                raise NoInvariant(f"state: after {DRIFT} updates it isn't so that {', '.join(off)}")
        return found or node

    def _require_place(
        self, node: Node, name: str, holds: Term, kind: str, pair: tuple[Any, Any] | None
    ) -> None:
        waits = node.golden.step.id() == self.idle.golden.step.id()
        when = "waiting without a current" if waits else "an update"
        try:
            self._require(holds, node, f"{when} leaves {name}", pair)
        except Refuted as refuted:
            if kind != "condition":
                raise
            raise NoInvariant(
                f"state: {name} is no invariant: {when} leaves it, from {dict(refuted.values)}"
            ) from None

    def _any_like(self, node: Node) -> Node | None:
        """Return the node with any state in place of this one; None if it doesn't hold the golden one yet."""
        terms = self.terms
        broken = set()
        for place in self.idle.places(node.states, node.golden):
            if place.kind == "value" or self.prove(place.holds, node.path).verdict == "proved":
                continue
            if place.kind == "condition":
                broken.add(place.name)
            else:
                self._overlaps = (
                    "it takes a current before the state after the one before is in the registers that [state] "
                    f"names ({place.name}): such updates are not followed"
                )
                return None
        states = self.idle.like(broken)
        golden = self.idle.golden
        owed: list[Owed] = []
        used: set[int] = set()
        known: list[tuple[Any, Term]] = [(node.golden.step, golden.step)]
        known += [(node.golden.words[name], golden.words[name].word) for name in WORDS]
        for age, one in zip(range(len(node.owed), 0, -1), node.owed, strict=True):
            newest = age == 1
            step = terms.make("BV_SUB", golden.step, terms.constant(age, terms.width(golden.step)))
            spike = one.spike
            if terms.value(spike) is None:
                spike = self.idle.owed_term(age, "spike", 1)
                known.append((one.spike, spike))
            words = {}
            for name, word in one.words.items():
                if newest:
                    words[name] = golden.words[name]
                    continue
                format = self.words.formats[name]
                words[name] = Integer.of(terms, self.idle.owed_term(age, name, format.width), format)
                known.append((word, words[name].word))
            known.append((one.step, step))
            owed.append(replace(one, spike=spike, words=words, step=step))
        for number, term in node.states.items():
            if number in states:
                continue
            if term.is_value() or (number in self.idle.free and not self.depends(term)[0]):
                states[number] = term
            elif (same := self._same(term, known, node)) is not None:
                states[number] = same
                used.add(same.id())
            elif number in self.idle.free:
                states[number] = self.idle.anything(number)
                if owed:
                    self._lossy.add(states[number].id())
            else:
                self._overlaps = (
                    "it takes a current while another update is under way, and then "
                    f"{self.idle.names[number]} holds something that [state] doesn't speak of"
                )
                return None
        return Node(states, golden, tuple(self._lost(owed, used)), self._spike_shows(owed))

    def _lost(self, owed: list[Owed], used: set[int]) -> Iterator[Owed]:
        """Give the updates that are owed, with other variables for what no register holds.

        That such a word isn't shown may be because it isn't known any more how the core would make it.
        """
        for age, one in zip(range(len(owed), 0, -1), owed, strict=True):
            spike, words = one.spike, dict(one.words)
            if self.terms.value(spike) is None and spike.id() not in used:
                spike = self.idle.owed_term(age, "lost spike", 1)
                self._lossy.add(spike.id())
            for name, word in one.words.items():
                if age > 1 and word.word.id() not in used:
                    format = self.words.formats[name]
                    lost = self.idle.owed_term(age, f"lost {name}", format.width)
                    self._lossy.add(lost.id())
                    words[name] = Integer.of(self.terms, lost, format)
            yield replace(one, spike=spike, words=words)

    def _spike_shows(self, owed: list[Owed]) -> tuple[Term, ...]:
        """Return what the golden state tells of the last update's spike: it starts the refractory period."""
        length = int(self.words.values["refractory"])
        if not owed or not length:
            return ()
        return (self.terms.equal(owed[-1].spike, self.idle.golden.words["refractory"] == length),)

    def _same(self, term: Term, known: list[tuple[Any, Term]], node: Node) -> Term | None:
        """Return what a register holds, if it is one of the words that are known, in terms of any such node."""
        terms = self.terms
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
            if self.prove(terms.equal(term, bits), node.path).verdict == "proved":
                return new
        return None

    def _check_answers(self, nodes: list[Node], live: Mapping[int, list[int]]) -> None:
        """Refuse paths that never become idle where the outputs are taken; note the longest."""
        depth: dict[int, int] = {0: 0}
        for start in live:
            stack: list[tuple[int, Iterator[int]]] = (
                [(start, iter(live[start]))] if start not in depth else []
            )
            on_path = {start}
            while stack:
                place, others = stack[-1]
                other = next(others, None)
                if other is None:
                    stack.pop()
                    on_path.discard(place)
                    depth[place] = 1 + max((depth[one] for one in live[place]), default=0)
                elif other in on_path:
                    self._never_idle(nodes[other])
                elif other not in depth:
                    on_path.add(other)
                    stack.append((other, iter(live[other])))
        self.latest = max(depth.values())

    def _never_idle(self, node: Node) -> None:
        """Refuse a node from which a path leads back to itself, with the outputs taken all the time."""
        if node.owed:
            missing = "an event" if node.owed[0].shown else "an update"
            self._impossible(node, f"{missing} never comes, however long the outputs are taken")
        anything = self.terms.fresh(self.terms.width(self.current), "anything")
        ready = self._clock(node, self.terms.true, 1, 1, anything).output("currents_ready")
        off = [
            place.name
            for place in self.idle.places(node.states, node.golden)
            if self.terms.value(place.holds) == 0
        ]
        if self.terms.value(ready) == 0:
            self._impossible(
                node, f"after an update it never takes another current: {', '.join(off)} isn't so"
            )
        raise NoInvariant(f"state: after an update, however long it waits, it isn't so that {', '.join(off)}")

    def takes(self) -> None:
        """Show that from any idle state a current is taken within some clocks, if the outputs are."""
        terms = self.terms
        node = Node(self.idle.node_states(), self.idle.golden)
        taken: list[Term] = []
        for _ in range(PATIENCE):
            anything = terms.fresh(terms.width(self.current), "anything")
            now = self._clock(node, terms.true, 1, 1, anything)
            ready = now.output("currents_ready")
            if terms.value(ready) == 1:
                return
            taken.append(ready)
            if len(taken) & (len(taken) - 1) == 0 and (
                self.prove(terms.either(*taken), ()).verdict == "proved"
            ):
                return
            node = replace(node, states=now.following())
        self._require(
            terms.either(*taken), node, f"no current is taken for {PATIENCE} clocks of an idle core"
        )

    def reset(self) -> None:
        """Show that one clock of reset leads to an idle state with the initial state, from any registers at all."""
        terms = self.terms
        before = Clock(terms, self.circuit, {"rst": terms.true}, {})
        states = self._loosened(before.following())
        first = {
            name: int(word.ravel()[0]) for name, word in FixedNeurons(self.words).state._asdict().items()
        }
        golden = Golden(
            {name: integers.constant(terms, word) for name, word in first.items()},
            terms.constant(0, terms.width(self.golden.step)),
        )
        named = {
            self.idle.names.get(node, name): before.values[node]
            for name, node in self.circuit.states.items()
            if not self.circuit.sorts[node].index
        }
        off: list[str] = []
        for _ in range(SETTLING):
            places = list(self.idle.places(states, golden))
            off = [place.name for place in places if terms.value(place.holds) == 0]
            if not off:
                for place in places:
                    answer = terms.prove(place.holds, (), named, self.seconds)
                    if answer.verdict == "unknown":
                        raise Undecided(timed_out(self.seconds, f"{place.name} after a reset"))
                    if answer.verdict == "refuted":
                        raise Refuted(f"a reset doesn't bring about {place.name}", answer.values)
                return
            now = self._clock(Node(states, golden), terms.false, 1, 1, terms.fresh(terms.width(self.current)))
            states = self._loosened(now.following())
        raise NoInvariant(f"state: {SETTLING} clocks after a reset it isn't so that {', '.join(off)}")

    def legal(self) -> None:
        """Show that a legal state stays legal in the golden model."""
        node = Node({}, self.idle.golden)
        for name, holds in self.idle.legal(self.golden).items():
            self._require(holds, node, f"the golden model leaves {name}")
