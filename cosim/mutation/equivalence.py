"""Whether a fault that no bench saw is one at all: proofs about the netlist that holds it."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from qlif.cosim.mutation.netlist import SELECTOR
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.control import Control
from qlif.cosim.proof.netlist import check_ports, read_circuit
from qlif.cosim.proof.population import population_claims
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.update import LEGAL, Update, legality, population_updates, signal
from qlif.hdl.export import Export
from qlif.model.words import Words

SECONDS = 20.0
"""The time that the solver may take for one question."""

_OUTCOME = ("core.written", "core.outlet.pushed_words", "core.outlet.pushed_spikes")
"""Where the pipeline's results leave it."""

_ENTRY = ("core.read__data", "core.was_fresh")
"""Registers that the states come from, on their way to the pipeline."""


class Decision(NamedTuple):
    """What was proved of a fault.

    Attributes
    ----------
    equivalent : bool
        It changes nothing that can be seen.
    reason : str
        Which proof says so, or which one failed.
    """

    equivalent: bool
    reason: str


class Unproved(RuntimeError):
    """The population without any fault isn't proved, so nothing follows from its invariants."""


class Equivalence:
    """Decides faults of one netlist, on one lane.

    Three proofs are tried, from the quickest on. All speak of every clock after a reset, without a bound:

    1. in each clock, from each state that the invariants of :mod:`qlif.cosim.proof.control` allow, outputs
       and next state are those of the circuit without the fault;
    2. that is so of everything around the pipeline, and the pipeline's update of each legal state is the
       golden step;
    3. the circuit with the fault has invariants of its own from which all claims of ``qlif prove`` follow.

    Parameters
    ----------
    verilog : str
        The netlist, with its selector.
    words : Words
    export : Export
        The population that it was made of, of more than one row.
    seconds : float
        The time that the solver may take for one question.
    """

    def __init__(self, verilog: str, words: Words, export: Export, seconds: float = SECONDS) -> None:
        self._words, self._interface, self._seconds = words, export.interface, seconds
        self._circuit = read_circuit(verilog, export.interface["module"])
        self._original = selected(self._circuit, 0)
        check_ports(self._original, self._interface)
        self._outcome = [signal(self._circuit, name) for name in _OUTCOME]
        self._entry = [signal(self._circuit, name) for name in self._entry_names()]
        self._around = self._states_around()

    def check_premise(self) -> None:
        """Prove all that the decisions rest upon, of the netlist without a fault.

        Raises
        ------
        Unproved
            It isn't so.
        """
        for claim in population_claims(self._original, self._words, self._interface, 6 * self._seconds):
            if claim.result != "proved":
                raise Unproved(f"the population without a fault isn't proved: {claim.claim}: {claim.result}")
        terms = Products()
        for update in population_updates(terms, self._original, self._words, self._interface):
            assumed, follows = legality(terms, update)[LEGAL]
            if terms.prove(follows, assumed, None, 6 * self._seconds).verdict != "proved":
                raise Unproved(f"the population without a fault isn't proved: {LEGAL}")

    def decide(self, number: int) -> Decision:
        """Decide one fault, by its number."""
        changed = selected(self._circuit, number)
        if self._same_clock(changed, cut=False):
            return Decision(True, "the same in each clock")
        why = self._update_differs(changed)
        if why is not None:
            return Decision(False, why)
        if self._same_clock(changed, cut=True):
            return Decision(True, "the golden update of each legal state")
        for claim in population_claims(changed, self._words, self._interface, self._seconds):
            if claim.result != "proved":
                return Decision(False, f"{claim.result}: {claim.claim}")
        return Decision(True, "all claims about the population hold")

    def _entry_names(self) -> list[str]:
        """Return what else goes into the pipeline: currents, random words, run-time parameters."""
        names = [f"core.parameter_port.value_{constant['name']}" for constant in self._interface["runtime"]]
        stages = [name for name in self._circuit.named if re.fullmatch(r"core\.currents_\d+", name)]
        names.append(f"core.currents_{len(stages) - 1}")
        if self._words.arithmetic.random_bits:
            names.append("core.pipeline.random")
        return names

    def _states_around(self) -> set[int]:
        """Return the states that matter to anything but the pipeline: outputs, and what enters it."""
        circuit = self._circuit
        states = set(circuit.states.values())
        entry = [signal(circuit, name) for name in _ENTRY]
        todo = {*circuit.outputs.values(), *self._entry, *entry}
        around: set[int] = set()
        while todo:
            reached = circuit.cone(todo, self._outcome) & states
            todo = {circuit.following[state] for state in reached - around}
            around |= reached
        return around

    def _same_clock(self, changed: Circuit, *, cut: bool) -> bool:
        """Return whether a clock of the changed circuit is one of the original; cut off from its pipeline."""
        terms = Products()
        control = Control(terms, self._original, self._words, self._interface)
        monitor = control.any_monitor()
        free = {
            name: terms.fresh(self._original.width(number), name)
            for name, number in self._original.inputs.items()
        }
        states = {
            node: terms.fresh_array(self._original.sorts[node].index, self._original.sorts[node].width)
            if self._original.sorts[node].index
            else terms.fresh(self._original.width(node), name)
            for name, node in self._original.states.items()
        }
        for reset in (terms.false, terms.true):
            inputs = {**free, "rst": reset}
            now = Clock(terms, self._original, inputs, states)
            in_range = control.at_most(control.wide(control.watched_row), control.number(control.rows - 1))
            assumed = [*control.invariants(now, monitor).values(), in_range] if reset == terms.false else []
            outcome = self._outcome if cut else []
            then = Clock(terms, changed, inputs, states, {node: now.values[node] for node in outcome})
            for claim in self._equalities(terms, now, then, cut, reset == terms.true):
                if terms.prove(claim, assumed, None, self._seconds).verdict != "proved":
                    return False
        return True

    def _equalities(
        self, terms: Products, now: Clock, then: Clock, cut: bool, in_reset: bool
    ) -> Iterator[Term]:
        """Give what has to be equal in two clocks that start alike, where it isn't plainly so."""
        if not in_reset:
            for name in self._original.outputs:
                valid = f"{name.partition('_')[0]}_valid"
                same = terms.equal(now.output(name), then.output(name))
                # What a stream shows while it isn't valid is nobody's.
                shown = valid in self._original.outputs and name != valid
                if same != terms.true:
                    yield terms.implies(now.output(valid), same) if shown else same
        following, changed = now.following(), then.following()
        pairs = [
            (following[node], changed[node])
            for node in self._original.states.values()
            if not cut or node in self._around
        ]
        if cut:
            pairs += [(now.values[node], then.values[node]) for node in self._entry]
        for expected, found in pairs:
            same = terms.equal(expected, found)
            if same != terms.true:
                yield same

    def _update_differs(self, changed: Circuit) -> str | None:
        """Return how a legal update differs from the golden step in the changed circuit; None if it doesn't."""
        terms = Products()
        (update,) = population_updates(terms, changed, self._words, self._interface)
        legal = self._legal(terms, update)
        refractory = terms.any(update.before["refractory"])
        for case in (terms.negation(refractory), refractory):
            for name in update.after:
                answer = terms.prove(
                    update.agrees(terms, name), [case, *legal], update.before, self._seconds
                )
                if answer.verdict == "unknown":
                    return f"unknown: the {name} of a legal update"
                if answer.verdict == "refuted":
                    return f"refuted: the {name} of a legal update, {_shown(answer.values)}"
        return self._entry_differs(changed) or self._exit_differs(changed)

    def _entry_differs(self, changed: Circuit) -> str | None:
        """Return how a legal state that was read doesn't reach the pipeline; None if it does."""
        terms = Products()
        wrong = "refuted: a legal state reaches the pipeline"
        (update,) = population_updates(terms, self._original, self._words, self._interface)
        legal = self._legal(terms, update)
        stored = terms.concat(*reversed([update.before[name] for name in self._fields]))
        read, was_fresh = (self._circuit.register(name) for name in _ENTRY)
        for fresh in (terms.false, terms.true):
            states = {read: stored, was_fresh: fresh}
            now = Clock(terms, self._original, {"rst": terms.false}, states)
            then = Clock(terms, changed, {"rst": terms.false}, states)
            same = terms.equal(now["core.stored"], then["core.stored"])
            if terms.prove(same, legal, None, self._seconds).verdict != "proved":
                return wrong
        return None

    def _exit_differs(self, changed: Circuit) -> str | None:
        """Return whether what is queued isn't what is kept; None if it is."""
        terms = Products()
        now = Clock(terms, changed, {"rst": terms.false}, {})
        low, parts = 0, {}
        for name in self._fields:
            width = self._widths[name]
            parts[name] = terms.slice(now["core.written"], low + width - 1, low)
            low += width
        queued = [parts[name] for name in self._fields if name != "refractory"]
        same = terms.equal(now["core.outlet.pushed_words"], terms.concat(*reversed(queued)))
        if terms.prove(same, (), None, self._seconds).verdict != "proved":
            return "refuted: what is queued is what is kept"
        return None

    @property
    def _widths(self) -> dict[str, int]:
        arithmetic = self._words.arithmetic
        widths = {"potential": arithmetic.potential.width, "refractory": self._words.refractory.width}
        if self._words.parameters.spike_trace:
            widths["trace"] = arithmetic.trace.width
        return widths

    @property
    def _fields(self) -> list[str]:
        """The words of a state as they stand in the memory, the lowest first."""
        return list(self._widths)

    def _legal(self, terms: Products, update: Update) -> list[Term]:
        """Return that the state before an update is one that the population can be in."""
        limits, _ = legality(terms, update)[LEGAL]
        threshold = update.formats()["potential"]
        before = update.before["potential"]
        port = "constant_threshold"
        at = update.before.get(port)
        if at is None:
            word = int(self._words.constants["threshold"].word)
            at = terms.constant(word, threshold.width)
        return [*limits, terms.make("BV_SLT", before, at)]


def selected(circuit: Circuit, number: int) -> Circuit:
    """Return the circuit in which the selector turns one fault on."""
    selector = circuit.inputs[SELECTOR]
    nodes = [
        node._replace(operation="constant", constant=number) if node.number == selector else node
        for node in circuit.nodes
    ]
    inputs = {name: node for name, node in circuit.inputs.items() if name != SELECTOR}
    return dataclasses.replace(circuit, nodes=nodes, inputs=inputs)


def _shown(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {word}" for name, word in values.items())

