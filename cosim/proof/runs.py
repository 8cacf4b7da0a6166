"""Bounded model checking of a population through its ports: from reset, for all currents in a few timesteps.

This needs nothing but the port contract, so it is how Verilog of other people is proved. The handshakes run
at full speed; the currents of the last timesteps are anything, those before them are given and bring the
neurons where something happens. Each update is held against the golden step from the state that the update
before it showed.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.monitors import judge_events
from qlif.cosim.proof import integers
from qlif.cosim.proof.choices import Choice, Choices, split
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.claims import Undecided
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Answer, Term
from qlif.hdl.interface import Interface
from qlif.model.golden import step as datapath
from qlif.model.random_words import RandomWords
from qlif.model.words import Words

PATIENCE = 200
"""An update that takes more clocks than this counts as lost."""


AN_EVENT, EVENTS = "an event", "the number of events"
_EVENT_PARTS = ("valid", "neuron", "step", "phase")
"""The last one only of a core that has phases."""


DRAIN = 8
"""Most clocks that an event may lag its update."""


@dataclass
class Run:
    """A run of a population.

    Attributes
    ----------
    currents : list of Term
        In the order of updates.
    updates : list of dict of str to Term
        What the update stream gave: ``neuron``, ``spike``, ``potential``, ``trace``, ``refractory`` if it is told.
    events : list of tuple (Term, Term, Term)
        For each clock, whether an event was given, of which neuron, in which timestep.
    absent : tuple of str
        What the updates don't tell; there the golden model's is taken for seen.
    choices : Choices
        What the solver chooses besides the currents.
    """

    choices: Choices

    currents: list[Term] = field(default_factory=list)
    updates: list[dict[str, Term]] = field(default_factory=list)
    events: list[tuple[Term, ...]] = field(default_factory=list)
    absent: tuple[str, ...] = ()


def follow(
    terms: Products, circuit: Circuit, interface: Interface, prefix: npt.NDArray[Any], steps: int
) -> Run:
    """Follow a population with one lane from a reset of one clock, which comes at any moment.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
        With the ports of ``qlif_population``.
    interface : Interface
    prefix : array of int, (timesteps, neurons)
        The currents of the first timesteps.
    steps : int
        In how many timesteps after them the currents are free.

    Raises
    ------
    Undecided
        A handshake depends on the currents.
    """
    neurons = interface.neurons
    width = circuit.width(circuit.inputs["currents_data"])
    choices = Choices(terms, circuit, aligned=False)
    run = Run(choices, [terms.constant(int(word), width) for word in prefix.ravel()], absent=interface.absent)
    run.currents += [terms.fresh(width, "current") for _ in range(steps * neurons)]
    # Parameters in registers keep what they were made with, and a core without a reset has its initial state; all
    # else may be anything when the reset comes.
    kept = interface.runtime or (interface.mapped is not None and not interface.mapped.resets)
    states = Clock(terms, circuit, {}, {}).initial() if kept else {}
    states = Clock(terms, circuit, {"rst": terms.true, "parameters_valid": terms.false}, states).following()
    sent = idle = 0
    while idle < PATIENCE:
        offered = sent < len(run.currents)
        inputs = {
            "rst": terms.false,
            "parameters_valid": terms.false,
            "currents_valid": terms.constant(offered, 1),
            "updates_ready": terms.true,
            "events_ready": terms.true,
        }
        if offered:
            inputs["currents_data"] = run.currents[sent]
        now = Clock(terms, circuit, inputs, states)
        choices.clocks.append(now)
        states = now.following()
        idle += 1
        if offered and _known(terms, now.output("currents_ready")):
            sent, idle = sent + 1, 0
        if _known(terms, now.output("updates_valid")):
            parts = interface.updates.fields
            run.updates.append({part: now.output(f"updates_{part}") for part in parts})
            idle = 0
        told = _EVENT_PARTS if "phase" in interface.events.fields else _EVENT_PARTS[:-1]
        event = tuple(now.output(f"events_{part}") for part in told)
        if terms.value(event[0]) != 0:
            run.events.append(event)
        if len(run.updates) > len(run.currents):
            break
        if len(run.updates) == len(run.currents) and idle > DRAIN:
            break
    return run


def prove_run(
    terms: Products, words: Words, run: Run, neurons: int, seconds: float
) -> tuple[Answer, str, npt.NDArray[Any], tuple[Choice, ...]]:
    """Prove that a run is the golden model's.

    Returns
    -------
    answer : Answer
    what : str
        What isn't so, if it was refuted; what is undecided, if it is unknown.
    currents : array of int, (timesteps, neurons)
        Current words with which it isn't.
    choices : tuple of Choice
        What the solver chose besides.
    """
    deadline = time.thread_time() + seconds
    named = {str(number): word for number, word in enumerate(run.currents)}
    if len(run.updates) != len(run.currents):
        zeros = {name: terms.value(word) or 0 for name, word in named.items()}
        what = f"{len(run.updates)} updates follow {len(run.currents)} currents"
        return Answer("refuted", zeros), what, _currents(words, zeros, neurons), run.choices.known()
    verdict, undecided = Answer("proved", {}), ""
    claims = _update_claims(terms, words, run, neurons)
    if not {"spike", "events"} <= set(run.absent):
        claims += _event_claims(terms, run, neurons)
    for what, claim in claims:
        if terms.value(claim) == 1:
            continue
        answer = terms.prove(claim, (), partial(_told, run, claim, named), deadline - time.thread_time())
        if answer.verdict == "refuted":
            values, choices = split(answer.values)
            what = _event_fault(run, values, neurons) or what if what in (AN_EVENT, EVENTS) else what
            return answer, what, _currents(words, {name: values[name] for name in named}, neurons), choices
        if answer.verdict == "unknown":
            verdict, undecided = answer, what
    return verdict, undecided, np.zeros((0, neurons), dtype=np.int64), ()


def _told(run: Run, claim: Term, currents: Mapping[str, Term]) -> dict[str, Term]:
    """Return what a counterexample tells: currents, choices, and the spikes and events by place and part."""
    named = {**currents, **run.choices.named(claim)}
    for place, update in enumerate(run.updates):
        named |= {f"{part} {place}": update[part] for part in ("spike", "phase") if part in update}
    for place, event in enumerate(run.events):
        parts = _EVENT_PARTS[: len(event)]
        named |= {f"event {place} {part}": term for part, term in zip(parts, event, strict=True)}
    return named


def _event_fault(run: Run, values: Mapping[str, int], neurons: int) -> str:
    """Return what a bench says of the events in a counterexample."""
    parts = _EVENT_PARTS[: len(run.events[0])] if run.events else ()
    told = "phase" in parts
    spikes = [
        divmod(place, neurons) + ((values[f"phase {place}"],) if told else ())
        for place in range(len(run.updates))
        if values[f"spike {place}"]
    ]
    given = [tuple(values[f"event {place} {part}"] for part in parts) for place in range(len(run.events))]
    events = [(step, neuron, *phase) for valid, neuron, step, *phase in given if valid]
    return "; ".join(broken.text for broken in judge_events(spikes, events))


def _update_claims(terms: Products, words: Words, run: Run, neurons: int) -> list[tuple[str, Term]]:
    """Return, update by update, that it is the golden step on what the one before it showed."""
    arithmetic = words.arithmetic
    # The words of each neuron.
    constants = [
        {name: int(np.broadcast_to(word, neurons)[neuron]) for name, word in words.values.items()}
        for neuron in range(neurons)
    ]
    random_words = RandomWords(arithmetic.random_seed).take(len(run.updates))

    zero = integers.constant(terms, 0)
    states = [
        datapath.State(integers.constant(terms, constants[neuron]["reset"]), zero, zero, zero)
        for neuron in range(neurons)
    ]
    claims = []
    for place, (update, current) in enumerate(zip(run.updates, run.currents, strict=True)):
        step, neuron = divmod(place, neurons)
        state = states[neuron]
        random = (
            int(random_words[place]) & ((1 << arithmetic.random_bits) - 1) if arithmetic.random_bits else 0
        )
        after, spike = datapath.step(
            words,
            constants[neuron],
            state,
            Integer.of(terms, current, arithmetic.current),
            random,
            partial(integers.choose, terms),
        )
        potential, trace = after.potential, after.trace
        if "potential" not in run.absent:
            potential = Integer.of(terms, update["potential"], arithmetic.potential)
        if "trace" not in run.absent:
            trace = Integer.of(terms, update["trace"], arithmetic.trace)
        if "spike" in run.absent:
            update["spike"] = spike
        at = f"neuron {neuron}, timestep {step}"
        same_neuron = terms.equal(update["neuron"], terms.constant(neuron, terms.width(update["neuron"])))
        claims += [
            (f"{at}: the neuron's number", same_neuron),
            (f"{at}: its spike", terms.equal(update["spike"], spike)),
            (f"{at}: its potential", potential == after.potential),
            (f"{at}: its trace", trace == after.trace),
        ]
        phase = after.phase
        if words.arithmetic.phase_bits:
            format = words.formats["phase"]
            phase = Integer.of(terms, update.setdefault("phase", after.phase.bits(format.width)), format)
            claims.append((f"{at}: its phase", phase == after.phase))
        if "refractory" not in run.absent:
            waiting = Integer.of(terms, update["refractory"], words.refractory)
            claims.append((f"{at}: its refractory counter", waiting == after.refractory))
        # From here on the spike that was seen is the spike; that it is the golden one is the claim above.
        counted = state.refractory - integers.choose(terms, state.refractory == 0, 0, 1)
        refractory = integers.choose(terms, update["spike"], constants[neuron]["refractory"], counted)
        format = words.refractory
        states[neuron] = datapath.State(
            potential, Integer(terms, refractory.word, 0, format.max_word), trace, phase
        )
    return claims


def _event_claims(terms: Products, run: Run, neurons: int) -> list[tuple[str, Term]]:
    """Return that the events are the spikes of the updates, in their order."""
    width = (len(run.updates) + len(run.events) + 1).bit_length()
    claims = []
    count, before = terms.constant(0, width), []
    for update in run.updates:
        before.append(count)
        count = terms.make("BV_ADD", count, terms.extend(update["spike"], width, False))
    given = terms.constant(0, width)
    for valid, neuron, step, *phase in run.events:
        right = []
        for place, update in enumerate(run.updates):
            of_step, of_neuron = divmod(place, neurons)
            right.append(
                terms.both(
                    update["spike"],
                    terms.equal(before[place], given),
                    terms.equal(neuron, terms.constant(of_neuron, terms.width(neuron))),
                    terms.equal(step, terms.constant(of_step, terms.width(step))),
                    *(terms.equal(word, update["phase"]) for word in phase),
                )
            )
        claims.append((AN_EVENT, terms.implies(valid, terms.either(*right))))
        given = terms.make("BV_ADD", given, terms.extend(valid, width, False))
    claims.append((EVENTS, terms.equal(given, count)))
    return claims


def _known(terms: Products, condition: Term) -> bool:
    """Return whether a handshake happens."""
    word = terms.value(condition)
    if word is not None:
        return bool(word)
    for claim, answer in ((condition, True), (terms.negation(condition), False)):
        if terms.prove(claim, (), None, 10.0).verdict == "proved":
            return answer
    raise Undecided(
        "whether an update or a current is taken depends on the currents, or takes too long to find out"
    )


def _currents(words: Words, values: Mapping[str, int], neurons: int) -> npt.NDArray[Any]:
    """Return the current words of a counterexample."""
    format = words.arithmetic.current
    raw = np.array([values[str(place)] for place in range(len(values))], dtype=np.int64)
    return np.where(raw > format.max_word, raw - (1 << format.width), raw).reshape(-1, neurons)
