"""One update: what goes into the pipeline against what comes out of it, for whatever goes in.

The circuit is followed over as many clocks as the pipeline is long. Every register and memory starts as
anything, and so does every input of every clock; only the reset is off, and parameters in registers stay as
they are. The golden step itself then runs on the state and current that entered in the first clock, and has
to give what leaves in the last one.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, assert_never

from qlif.cosim.proof import integers
from qlif.cosim.proof.choices import Choices
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Answer, Term
from qlif.hdl import probes
from qlif.hdl.core import Feed
from qlif.hdl.interface import Interface
from qlif.model.formats import Format
from qlif.model.golden import step as datapath
from qlif.model.words import Words

LEGAL = "a legal state stays legal: potential below threshold, counter and trace within their limits"
RECOVERS = (
    "after any upset of its memory a neuron's next update writes a legal potential and counter, and a trace "
    "within its format that, if too large, has shrunk"
)


@dataclass
class Update:
    """An update of one neuron: the words before it, and after it in the circuit and in the golden model.

    Attributes
    ----------
    words : Words
    before : dict of str to Term
        State, current, random bits, and run-time parameters as ``constant_NAME``.
    after : dict of str to Term
        State and spike, from the circuit.
    inputs : dict of str to Term
        All that a bare pipeline is given, as ``PORT@CLOCK``.
    expected : dict of str to Integer or Term
        The same from the golden step.
    choices : Choices, optional
        What the solver chooses besides, of a bare pipeline.
    """

    words: Words
    before: dict[str, Term]
    after: dict[str, Term]
    inputs: dict[str, Term] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    choices: Choices | None = None

    def formats(self) -> dict[str, Format]:
        """Return the format of each word in `before`."""
        constants = {f"constant_{name}": constant.format for name, constant in self.words.constants.items()}
        return {name: (self.words.formats | constants)[name] for name in self.before}

    def numbers(self, terms: Products) -> dict[str, Integer]:
        """Return the words in `before` as numbers."""
        formats = self.formats()
        return {name: Integer.of(terms, word, formats[name]) for name, word in self.before.items()}

    def named(self) -> dict[str, Term]:
        """Return what a counterexample tells: `before`, `inputs`, and `after` as ``NAME_out``."""
        outputs = {f"{name}_out": word for name, word in self.after.items()}
        return {**self.before, **outputs, **self.inputs}

    def golden(self, terms: Products) -> None:
        """Run the golden step on what goes in."""
        numbers = self.numbers(terms)
        constants = {name: numbers.get(f"constant_{name}", word) for name, word in self.words.values.items()}
        state = datapath.State(**{name: numbers[name] for name in self.words.state_names})
        after, spike = datapath.step(
            self.words,
            constants,
            state,
            numbers["current"],
            numbers.get("random", 0),
            partial(integers.choose, terms),
        )
        self.expected = {**after.by_name(self.words), "spike": spike}

    def agrees(self, terms: Products, name: str) -> Term:
        """Return whether circuit and golden model agree on a word, as numbers of any width."""
        if name == "spike":
            return terms.equal(self.after[name], self.expected[name])
        return Integer.of(terms, self.after[name], self.formats()[name]) == self.expected[name]

    def prove(self, terms: Products, seconds: float, assumed: Sequence[Term] = ()) -> Answer:
        """Prove that they agree on every word, of what is assumed.

        An update within the refractory period, where pipelines may do what they like with their products,
        is a case of its own.
        """
        refractory = terms.any(self.before["refractory"])
        deadline = time.thread_time() + seconds
        agree = terms.both(*(self.agrees(terms, name) for name in self.after))

        def told() -> dict[str, Term]:
            return self.named() | ({} if self.choices is None else self.choices.named(agree))

        for case in (terms.negation(refractory), refractory):
            answer = terms.prove(agree, [*assumed, case], told, deadline - time.thread_time())
            if answer.verdict != "proved":
                return answer
        return Answer("proved", {})


def legality(terms: Products, update: Update) -> dict[str, tuple[list[Term], Term]]:
    """Return what keeps a state legal, by claim: assumptions, and what follows.

    Reset and lower bound are taken to be below threshold. Legal is a potential below threshold, a counter up
    to the refractory period, and a trace up to what a spike writes into it; an additive trace may be anything
    that its format holds. What is claimed after an upset is claimed of any words at all, so of those with any
    bits turned over.
    """
    words, formats, before = update.words, update.formats(), update.numbers(terms)
    constants = words.values

    def constant(name: str) -> Any:
        port = f"constant_{name}"
        return before[port] if port in before else int(constants[name])

    after = {name: Integer.of(terms, update.after[name], formats[name]) for name in words.state_names}
    highest: Any = words.arithmetic.trace.max_word
    if words.parameters.spike_trace and not words.parameters.additive_spike_trace:
        highest = constant("trace_spike")
    length = constant("refractory")

    def limits(state: Mapping[str, Integer]) -> list[Term]:
        return [state["refractory"] <= length, state["trace"] <= highest]

    recovers = [
        after["refractory"] <= length,
        terms.either(after["trace"] <= highest, after["trace"] < before["trace"]),
    ]
    # Parameters that can be written can be written so that a spike's own reset is above threshold.
    sensible = [
        constant(name) < constant("threshold")
        for name in ("reset", "lower_bound")
        if name in constants and {f"constant_{name}", "constant_threshold"} & before.keys()
    ]
    below = terms.negation(after["potential"] >= constant("threshold"))
    return {
        LEGAL: ([*sensible, *limits(before)], terms.both(below, *limits(after))),
        RECOVERS: (sensible, terms.both(below, *recovers)),
    }


def neuron_update(terms: Products, circuit: Circuit, interface: Interface) -> Update:
    """Follow an update through a bare pipeline, by its ports: those of ``qlif_neuron``."""
    latency, ports = interface.latency, interface.inputs
    before = {_plain(port.name): terms.fresh(port.width, port.name) for port in ports}
    # One in a register must not change while anything is in flight; one from a memory comes with its state.
    steady = {f"constant_{one.name}" for one in interface.runtime if not one.storage.is_per_neuron}
    states: dict[int, Term] = {}
    given: dict[str, Term] = {}
    choices = Choices(terms, circuit, aligned=True)
    for clock in range(latency + 1):
        inputs = {}
        for port in ports:
            name, plain = port.name, _plain(port.name)
            held = clock == 0 or plain in steady
            inputs[name] = before[plain] if held else terms.fresh(port.width, name)
            given[f"{name}@{clock}"] = inputs[name]
        now = Clock(terms, circuit, {**inputs, "rst": terms.false}, states)
        choices.clocks.append(now)
        states = now.following()
    after = {name: now.output(f"{name}_out") for name in (*interface.words.state_names, "spike")}
    update = Update(interface.words, before, after, given, choices=choices)
    update.golden(terms)
    return update


def population_updates(terms: Products, circuit: Circuit, interface: Interface) -> list[Update]:
    """Follow a row of updates through the pipelines of a population of our own, one on each lane.

    In the first clock the states that were read are at the pipelines; in the last one those to be written.
    They are found by their names in :class:`qlif.hdl.population.Population`.

    Raises
    ------
    InputError
        A signal of that name isn't there: the population isn't one of ours.
    """
    words, lanes = interface.words, interface.lanes
    registers = {f"constant_{one.name}" for one in interface.runtime if not one.storage.is_per_neuron}
    currents, behind = entering_currents(circuit, interface)
    latency = interface.loop_latency - behind
    # The states that were read may be anything.
    stored = terms.fresh(circuit.width(circuit.signal(probes.STORED)), "stored")
    inputs = {"rst": terms.false, "parameters_valid": terms.false}
    # A write is done in the clock after it is taken; while a row is in flight none is, nor was in the clock before.
    states = Clock(terms, circuit, inputs, {}).following() if interface.runtime else {}
    for clock in range(latency + 1):
        instead = {circuit.signal(probes.STORED): stored} if clock == 0 else {}
        now = Clock(terms, circuit, inputs, states, instead)
        if clock == 0:
            first = now
        states = now.following()
    entered = {
        "current": first.values[currents],
        **{
            f"constant_{one.name}": first.values[circuit.signal(probes.parameter_value(one.name))]
            for one in interface.runtime
        },
    }
    written = now.values[circuit.signal(probes.WRITTEN)]
    spikes = now.values[circuit.signal(probes.PUSHED_SPIKES)]
    updates = []
    for lane in range(lanes):
        no_trace = {"trace": terms.constant(0, words.arithmetic.trace.width)}
        before, after = (no_trace | unpacked(terms, words, row, lane) for row in (stored, written))
        for name, word in entered.items():
            shared = name in registers
            width = terms.width(word) // (1 if shared else lanes)
            low = 0 if shared else lane * width
            before[name] = terms.slice(word, low + width - 1, low)
        if words.arithmetic.random_bits:
            before["random"] = first.values[circuit.signal(probes.random_bits(lane, lanes))]
        after["spike"] = terms.slice(spikes, lane, lane)
        update = Update(words, before, after)
        update.golden(terms)
        updates.append(update)
    return updates


def entering_currents(circuit: Circuit, interface: Interface) -> tuple[int, int]:
    """Return what holds the current words at the pipelines of our own population, and its clocks up to there."""
    core = interface.core
    match core.feed:
        case Feed.STREAM:
            stages = stages_of_currents(circuit)
            return stages[-1], len(stages)
        case Feed.HELD:
            # The row's number has a register too.
            return circuit.signal(probes.CURRENT_WORDS), 1 + core.primitives.memory_latency
        case unknown:
            assert_never(unknown)


def stages_of_currents(circuit: Circuit) -> list[int]:
    """Return the registers of our own population that a row of currents waits in for its states, in order."""
    count = sum(re.fullmatch(rf"{re.escape(probes.CURRENTS)}\d+", name) is not None for name in circuit.named)
    return [circuit.signal(probes.current_stage(stage)) for stage in range(count)]


def unpacked(terms: Products, words: Words, row: Term, lane: int = 0) -> dict[str, Term]:
    """Return a lane's part of a row of the memory, word by word; what isn't kept isn't there."""
    widths = {name: format.width for name, format in words.kept_formats.items()}
    return terms.fields(row, widths, lane * words.state_bits)


def shown_widths(words: Words) -> dict[str, int]:
    """Return how wide the words of a state are that leave the population: its refractory counter stays."""
    return {name: format.width for name, format in words.kept_formats.items() if name != "refractory"}


def _plain(port: str) -> str:
    """Return what an input of the bare pipeline carries."""
    return port.removesuffix("_in")
