"""The claims about a population around its pipelines, from its invariants or, failing those, bounded."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import assert_never

from qlif.cosim.proof.choices import Choices, split
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.claims import Claim, timed_out
from qlif.cosim.proof.control import Control, Monitor
from qlif.cosim.proof.held_currents import (
    APART,
    HOLDS,
    OF_HELD_CURRENTS,
    STARTS,
    TAKES,
    USES,
    WAITING_CLOCKS,
    apart,
    holds,
    starts,
    takes,
    uses,
)
from qlif.cosim.proof.invariants import OF_THE_MEMORY, invariants
from qlif.cosim.proof.memories import RowMemory
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Answer, Term
from qlif.cosim.proof.update import stages_of_currents
from qlif.hdl import probes
from qlif.hdl.core import Feed
from qlif.hdl.interface import Interface
from qlif.model import random_words

READS = "each update reads the state that its neuron last wrote"
MEETS = "each current meets its neuron's state"
ORDER = "no update is lost, doubled or out of order, whatever stalls"
EVENTS = "each spike is one event, with its neuron and its timestep"
STABLE = "what is offered doesn't change until it is taken"
RESTARTS = "one clock of reset, at any moment, starts over"
ALIVE = "it never deadlocks: where outputs are taken, currents are, {} clocks later at the latest"
UNDISTURBED = "an upset of the state memory disturbs no handshake, no order and no number"
RANDOM = "each update gets the next random word of the sequence"
WRITES = "a parameter is written between two timesteps, with no row in flight and none taken"
KEEPS = "a parameter changes only by a write to it, and in a memory only its neuron's"
OWN = "each update has its own neuron's words of the memories of parameters"

PATTERNS: tuple[Mapping[str, str], ...] = (
    {"updates_ready": "1", "events_ready": "1"},
    {"updates_ready": "0" * 60 + "1" * 60, "events_ready": "1"},
    {"updates_ready": "1", "events_ready": "0" * 60 + "1" * 60},
)
"""Handshakes of outputs that are tried first, as they are quick: each clock after clock, over and over."""

PATTERN_CLOCKS = 100
"""Number of clocks."""

SEARCHED_CLOCKS = 40
"""Bound of the search for a counterexample from reset, in clocks, where the invariants don't hold."""


class PopulationProof:
    """The invariants of one population, and whether they hold."""

    def __init__(self, circuit: Circuit, interface: Interface, seconds: float) -> None:
        self.terms = terms = Products()
        self.circuit, self.interface, self.seconds = circuit, interface, seconds
        self.words = interface.words
        self.control = control = Control(terms, circuit, interface)
        self.monitor = control.any_monitor()
        self.now = self.clock({})
        self.invariants = invariants(control, self.now, self.monitor)
        self.reset = self._holds_after_reset()
        # What the memory holds matters only to itself.
        of_words = (*OF_THE_MEMORY, *OF_HELD_CURRENTS)
        self.of_control = [name for name in self.invariants if name not in of_words]
        self.disturbed = self._not_inductive(self.of_control, self.of_control)
        self.broken = self.disturbed + self._not_inductive(OF_THE_MEMORY, self.invariants)
        self.loose = self._not_inductive(OF_HELD_CURRENTS, self.invariants)

    def clock(self, states: Mapping[int, Term], **inputs: Term) -> Clock:
        """Return a clock without reset; what isn't given may be anything."""
        free = {
            name: inputs.get(name, self.terms.fresh(self.circuit.width(number), name))
            for name, number in self.circuit.inputs.items()
        }
        return Clock(self.terms, self.circuit, {**free, "rst": self.terms.false}, states)

    def prove(self, claim: Term, given: Collection[str] | None = None) -> Answer:
        """Prove what follows from the invariants: from all, or from some."""
        names = self.invariants if given is None else given
        assumed = [*(self.invariants[name] for name in names), self.control.watches_a_row]
        return self.terms.prove(claim, assumed, None, self.seconds)

    def _holds_after_reset(self) -> Answer:
        """Prove that a reset of one clock brings the invariants about, from anything at all."""
        before = Clock(self.terms, self.circuit, {"rst": self.terms.true}, {})
        after = self.clock(before.following())
        named = {f"state {name}": before.values[node] for name, node in self.circuit.states.items()}
        named = {name: term for name, term in named.items() if not term.sort().is_array()}
        held = self.terms.both(*invariants(self.control, after, self.control.reset_monitor()).values())
        return self.terms.prove(held, (), named, self.seconds)

    def _not_inductive(self, names: Collection[str], given: Collection[str]) -> list[str]:
        """Return which invariants don't follow from those a clock before, or the solver has no time for."""
        after = self.clock(self.now.following())
        monitor = self.control.next_monitor(self.now, self.monitor)
        return [
            name
            for name, held in invariants(self.control, after, monitor).items()
            if name in names and self.prove(held, given).verdict != "proved"
        ]

    def search(self, name: str) -> tuple[Answer, int]:
        """Look for a run from reset in which a claim doesn't hold; return also how many clocks it may have.

        What the pipelines give is anything in every clock. The counterexample tells the handshakes of every
        clock as ``PORT@CLOCK``; they don't depend on the currents.
        """
        for pattern in PATTERNS:
            answer, clocks = self._searched(name, {**full_speed(self.interface), **pattern}, PATTERN_CLOCKS)
            if answer.verdict == "refuted":
                return answer, clocks
        return self._searched(name, {}, SEARCHED_CLOCKS)

    def _searched(self, name: str, pattern: Mapping[str, str], clocks: int) -> tuple[Answer, int]:
        terms = self.terms
        pipelines = {node for name, node in self.circuit.states.items() if name.startswith(probes.PIPELINES)}
        states = Clock(terms, self.circuit, {"rst": terms.true}, {}).following()
        monitor = self.control.reset_monitor()
        named: dict[str, Term] = {}
        choices = Choices(terms, self.circuit, aligned=False)
        deadline = time.thread_time() + self.seconds
        for number in range(clocks):
            driven = {
                port: terms.constant(int(bits[number % len(bits)]), 1) for port, bits in pattern.items()
            }
            now = self.clock(states, **driven)
            for port, node in self.circuit.inputs.items():
                if port.endswith(("_valid", "_ready")) or port.startswith("parameters"):
                    named[f"{port}@{number}"] = now.values[node]
            choices.clocks.append(now)
            claim = visible(self.control, now, monitor)[name]
            told = partial(_told, named, choices, claim)
            answer = terms.prove(claim, [self.control.watches_a_row], told, deadline - time.thread_time())
            if answer.verdict != "proved":
                return answer, number
            states = {node: word for node, word in now.following().items() if node not in pipelines}
            monitor = self.control.next_monitor(now, monitor)
        return Answer("proved", {}), clocks


def _told(named: Mapping[str, Term], choices: Choices, claim: Term) -> dict[str, Term]:
    """Return what a counterexample of the search tells."""
    return {**named, **choices.named(claim)}


def full_speed(interface: Interface) -> dict[str, str]:
    """Return how the streams into a population are driven so that timestep follows timestep."""
    if interface.core.holds_currents:
        return {"currents_valid": "0", "steps_valid": "1"}
    return {"currents_valid": "1"}


def visible(control: Control, now: Clock, monitor: Monitor) -> dict[str, Term]:
    """Return what a population has to do in each clock, by claim: no more than the monitor can tell."""
    terms = control.terms
    held = invariants(control, now, monitor)
    watched = control.watched_at(now, monitor, control.memory.latency - 1)
    expected = terms.choose(monitor["seen"], monitor["last"], control.initial_state(now))
    shown = control.ports(monitor["shown"])
    claims = {
        READS: terms.implies(watched, terms.equal(now[probes.STORED], expected)),
        ORDER: terms.both(
            held["the queue holds what was pushed"],
            held["what is shown is what was taken out of the queue"],
            held["rows leave the queue in their order"],
            terms.equal(control.row(now, probes.OFFERED_ROWS), monitor["row"]),
            *(_updates_visible(control, now, monitor, shown) if control.streams.has_updates else ()),
        ),
    }
    if control.streams.has_events:
        events = {"spike"} if control.lanes > 1 else set()
        events |= {"phase"} & shown.keys()
        claims[EVENTS] = terms.both(
            terms.equal(now.output("events_valid"), monitor["owes_event"]),
            terms.implies(monitor["owes_event"], terms.equal(now.output("events_step"), monitor["step"])),
            control.first_neuron(monitor, now.output("events_neuron")),
            *(
                terms.implies(monitor["mine"], terms.equal(now.output(f"events_{name}"), shown[name]))
                for name in events
            ),
        )
    return claims


def _updates_visible(
    control: Control, now: Clock, monitor: Monitor, shown: Mapping[str, Term]
) -> Iterator[Term]:
    """Give what the stream of updates has to show."""
    terms = control.terms
    yield terms.equal(now.output("updates_valid"), monitor["owes_update"])
    yield control.first_neuron(monitor, now.output("updates_neuron"))
    for name, word in shown.items():
        yield terms.implies(monitor["mine"], terms.equal(now.output(f"updates_{name}"), word))


def population_claims(circuit: Circuit, interface: Interface, seconds: float) -> Iterator[Claim]:
    """Prove a population around its pipelines.

    Parameters
    ----------
    circuit : Circuit
        One that this project exported.
    interface : Interface
    seconds : float
        The time that the solver may take for one claim.

    Raises
    ------
    InputError
        It isn't one of ours.
    """
    start = time.monotonic()
    proof = PopulationProof(circuit, interface, seconds)

    def claim(name: str, answer: Answer, bound: int | None = None) -> Claim:
        nonlocal start
        begun, start = start, time.monotonic()
        words, choices = split(answer.values)
        shown = words if answer.verdict == "refuted" else None
        why = ""
        if answer.verdict == "unknown":
            broken = dict.fromkeys((*proof.disturbed, *proof.broken, *proof.loose))
            follows = [f"it isn't shown that always: {', '.join(broken)}"] if broken else []
            why = "; ".join((*follows, timed_out(seconds)) if bound or not broken else follows)
        return Claim(
            interface.name,
            name,
            answer.verdict,
            bound,
            start - begun,
            shown,
            unit="clocks",
            why=why,
            choices=choices,
        )

    yield claim(RESTARTS, proof.reset)
    # Only what is read depends on what the memory holds.
    sound = proof.reset.verdict == "proved" and not proof.disturbed
    for name, term in visible(proof.control, proof.now, proof.monitor).items():
        holds = sound and not (name == READS and proof.broken)
        given = None if name == READS else proof.of_control
        answer = proof.prove(term, given) if holds else Answer("unknown", {})
        if answer.verdict == "proved":
            yield claim(name, answer)
        else:
            answer, clocks = proof.search(name)
            yield claim(name, answer, clocks)
    # These hold of anything that the registers may be.
    yield from _of_currents(proof, claim, sound)
    yield claim(STABLE, proof.prove(_stable(proof), ()))
    clocks = proof.control.loop + proof.control.places + 4
    answer = proof.prove(_alive(proof, clocks), proof.of_control) if sound else Answer("unknown", {})
    yield claim(ALIVE.format(clocks), answer)
    yield claim(UNDISTURBED, Answer("proved" if sound else "unknown", {}))
    if interface.words.arithmetic.random_bits:
        yield claim(RANDOM, proof.prove(_random(proof), ()))
    if interface.runtime:
        yield claim(WRITES, proof.prove(_writes(proof), proof.of_control) if sound else Answer("unknown", {}))
        yield claim(KEEPS, proof.prove(_keeps(proof), ()))
    if any(storage.is_per_neuron for storage in interface.core.storage.values()):
        yield claim(OWN, proof.prove(_own(proof), proof.of_control) if sound else Answer("unknown", {}))


def _of_currents(
    proof: PopulationProof, claim: Callable[[str, Answer], Claim], sound: bool
) -> Iterator[Claim]:
    """Prove that each update gets its current."""
    match proof.interface.core.feed:
        case Feed.STREAM:
            yield claim(MEETS, proof.prove(_meets(proof), ()))
        case Feed.HELD:
            control, now = proof.control, proof.now
            later = following = proof.clock(now.following())
            for _ in range(1, control.memory.latency):
                later = proof.clock(later.following())
            writing = [proof.clock({}, currents_valid=proof.terms.true)]
            for _ in range(1, WAITING_CLOCKS):
                writing.append(proof.clock(writing[-1].following(), currents_valid=proof.terms.true))
            yield claim(HOLDS, proof.prove(holds(control), ()))
            yield claim(APART, proof.prove(apart(control, now), ()))
            for name, term, holds_always, given in (
                (USES, uses(control, now, proof.monitor, later), not proof.loose, proof.invariants),
                (STARTS, starts(control, now, following), True, proof.of_control),
            ):
                yield claim(
                    name, proof.prove(term, given) if sound and holds_always else Answer("unknown", {})
                )
            yield claim(TAKES, proof.prove(takes(control, writing), ()))
        case unknown:
            assert_never(unknown)


def _meets(proof: PopulationProof) -> Term:
    """Return that a current is at the pipelines as many clocks after it was taken as its state."""
    terms, now = proof.terms, proof.now
    data = now.values[proof.circuit.inputs["currents_data"]]
    taken = terms.both(now.output("currents_ready"), now.values[proof.circuit.inputs["currents_valid"]])
    stages = stages_of_currents(proof.circuit)
    later = now
    for _ in stages:
        later = proof.clock(later.following())
    youngest = len(stages) - 2
    arrives = terms.slice(later[probes.IN_FLIGHT], youngest, youngest)
    return terms.both(terms.equal(taken, arrives), terms.equal(data, later.values[stages[-1]]))


def _stable(proof: PopulationProof) -> Term:
    """Return that a payload stays as it is while it waits."""
    terms, now = proof.terms, proof.now
    later = proof.clock(now.following())
    held = []
    for stream in ("updates", "events"):
        if f"{stream}_ready" not in proof.circuit.inputs:
            continue
        ready = now.values[proof.circuit.inputs[f"{stream}_ready"]]
        waits = terms.both(now.output(f"{stream}_valid"), terms.negation(ready))
        for port in proof.circuit.outputs:
            if port.startswith(f"{stream}_"):
                same = terms.equal(now.output(port), later.output(port))
                held.append(terms.implies(waits, same))
    return terms.both(*held)


def _alive(proof: PopulationProof, clocks: int) -> Term:
    """Return that currents are taken within `clocks` clocks, if both outputs are and nothing is written."""
    terms = proof.terms
    yes = terms.true
    given = {"updates_ready": yes, "events_ready": yes, "parameters_valid": terms.false}
    given |= {port: terms.constant(int(bit), 1) for port, bit in full_speed(proof.interface).items()}
    states: dict[int, Term] = {node: proof.now.values[node] for node in proof.circuit.states.values()}
    taken = []
    for _ in range(clocks):
        now = proof.clock(states, **given)
        states = now.following()
        # Only a timestep's first row has a command that is taken.
        held = proof.control.holds_currents
        taken.append(proof.clock(states, **given)[probes.ACCEPTED] if held else now.output("currents_ready"))
    return terms.either(*taken)


def _random(proof: PopulationProof) -> Term:
    """Return that the sequence starts with its seed and goes on by a word for each neuron of a row."""
    terms, now = proof.terms, proof.now
    (name,) = (
        n
        for n in proof.circuit.named
        if n.startswith(probes.RANDOM_SOURCE) and n.endswith(probes.RANDOM_REGISTER)
    )
    state = proof.circuit.register(name)
    register = now.values[state]
    after_reset = Clock(terms, proof.circuit, {"rst": terms.true}, {}).following()[state]
    bits = [terms.slice(register, place, place) for place in range(random_words.REGISTER_BITS)]
    words = proof.control.lanes * random_words.WORD_BITS
    for place in range(len(bits), len(bits) + words):
        one, *others = (bits[source] for source in random_words.sources(place))
        for other in others:
            one = terms.make("BV_XOR", one, other)
        bits.append(one)
    shifted = terms.concat(*reversed(bits[words:]))

    def shown(place: int) -> Term:
        return terms.make(
            "BV_XOR", bits[place], terms.both(*(bits[place + lag] for lag in random_words.MASK_LAGS))
        )

    at_pipeline = proof.control.memory.latency - 1
    advances = terms.slice(now[probes.IN_FLIGHT], at_pipeline, at_pipeline)
    seed = random_words.initial_register(proof.words.arithmetic.random_seed)
    width = proof.words.arithmetic.random_bits
    used = []
    for lane in range(proof.control.lanes):
        low = lane * random_words.WORD_BITS
        word = terms.concat(*reversed([shown(place) for place in range(low, low + width)]))
        used.append(terms.equal(now[probes.random_bits(lane, proof.control.lanes)], word))
    return terms.both(
        terms.equal(after_reset, terms.constant(seed, random_words.REGISTER_BITS)),
        terms.equal(now.following()[state], terms.choose(advances, shifted, register)),
        *used,
    )


def _writes(proof: PopulationProof) -> Term:
    """Return that a write is taken only while nothing else goes on.

    A clock after any other; a clock of reset takes away what allows a write.
    """
    terms, later = proof.terms, proof.clock(proof.now.following())
    row = proof.control.row(later, probes.READING)
    starting = "steps" if proof.control.holds_currents else "currents"
    moving = [later[probes.ACCEPTED], later.output(f"{starting}_ready")]
    at_rest = terms.both(
        terms.equal(row, terms.constant(0, terms.width(row))),
        *(terms.negation(bit) for bit in (*moving, *proof.control.bits(later[probes.IN_FLIGHT]))),
    )
    after_reset = proof.clock(Clock(terms, proof.circuit, {"rst": terms.true}, {}).following())
    refused = terms.negation(after_reset.output("parameters_ready"))
    return terms.both(terms.implies(later.output("parameters_ready"), at_rest), refused)


def _keeps(proof: PopulationProof) -> Term:
    """Return that a parameter becomes the word of a write to it, and stays what it is without one.

    It is written in the clock after the handshake. Of a memory, that is claimed of any row.
    """
    terms, now, inputs = proof.terms, proof.now, proof.circuit.inputs
    select, neuron, word = (now.values[inputs[f"parameters_{part}"]] for part in ("select", "neuron", "word"))
    written = terms.both(now.values[inputs["parameters_valid"]], now.output("parameters_ready"))
    before = proof.clock(now.following())
    after = proof.clock(before.following())
    held = []
    for parameter in proof.interface.runtime:
        name, width = parameter.name, parameter.format.width
        chosen = terms.both(
            written, terms.equal(select, terms.constant(parameter.select, terms.width(select)))
        )
        new = terms.slice(word, width - 1, 0)
        if not parameter.storage.is_per_neuron:
            register = probes.parameter_register(name)
            expected = terms.choose(chosen, new, before[register])
            held.append(terms.equal(after[register], expected))
            continue
        memory, row = _memory_of(proof, name), proof.control.watched_row
        written_row = proof.control.written(chosen, neuron, new, memory.row(before, row))
        held.append(terms.equal(memory.row(after, row), written_row))
    return terms.both(*held)


def _own(proof: PopulationProof) -> Term:
    """Return that what a row's updates get of the memories is what these hold of the row, as it is read.

    Two clocks after any other: a write is done in the clock after its handshake, and not while a row is read.
    """
    terms = proof.terms
    begun = now = proof.clock(proof.clock(proof.now.following()).following())
    row = proof.control.row(begun, probes.READING)
    for _ in range(proof.control.memory.latency):
        now = proof.clock(now.following())
    return terms.both(
        *(
            terms.implies(
                begun[probes.ACCEPTED],
                terms.equal(
                    now[probes.parameter_value(parameter.name)],
                    _memory_of(proof, parameter.name).row(begun, row),
                ),
            )
            for parameter in proof.interface.runtime
            if parameter.storage.is_per_neuron
        )
    )


def _memory_of(proof: PopulationProof, name: str) -> RowMemory:
    lanes, width = proof.control.lanes, proof.words.constants[name].format.width
    memory = probes.parameter_memory(name)
    return RowMemory(proof.terms, proof.circuit, memory, width * lanes, lanes)
