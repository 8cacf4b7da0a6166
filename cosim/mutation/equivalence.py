"""Whether a fault that no bench saw is one at all: proofs about the netlist that holds it."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from qlif.cosim.mutation.netlist import SELECTOR
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.control import Control
from qlif.cosim.proof.netlist import check_ports, read_circuit
from qlif.cosim.proof.population import RESTARTS, PopulationProof, population_claims
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.update import LEGAL, Update, legality, signal, stages_of_currents, unpacked
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
        self._outcome = _drivers(self._circuit, (signal(self._circuit, name) for name in _OUTCOME))
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
        assumed, follows = legality(terms, self._update(terms, self._original))[LEGAL]
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
        proof = PopulationProof(changed, self._words, self._interface, self._seconds)
        if proof.reset.verdict != "proved":
            return Decision(False, f"{proof.reset.verdict}: {RESTARTS}")
        if proof.broken:
            return Decision(False, f"not proved: {proof.broken[0]}")
        for claim in population_claims(changed, self._words, self._interface, self._seconds):
            if claim.result != "proved":
                return Decision(False, f"{claim.result}: {claim.claim}")
        return Decision(True, "all claims about the population hold")

    def _states_around(self) -> set[int]:
        """Return the states that matter to anything but the pipeline: outputs, and what enters it."""
        circuit = self._circuit
        states = set(circuit.states.values())
        entry = [signal(circuit, name) for name in (*_ENTRY, *self._alongside.values())]
        todo = {*circuit.outputs.values(), *entry, self._stages[-1]}
        around: set[int] = set()
        while todo:
            reached = circuit.cone(todo, self._outcome) & states
            todo = {circuit.following[state] for state in reached - around if state in circuit.following}
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
            for node in self._original.following
            if not cut or node in self._around
        ]
        for expected, found in pairs:
            same = terms.equal(expected, found)
            if same != terms.true:
                yield same

    def _update_differs(self, changed: Circuit) -> str | None:
        """Return how a legal update differs from the golden step; None if it doesn't."""
        terms = Products()
        update = self._update(terms, changed)
        legal = self._legal(terms, update)
        refractory = terms.any(update.before["refractory"])
        for case in (terms.negation(refractory), refractory):
            for name in update.after:
                answer = terms.prove(update.agrees(terms, name), [case, *legal], update.before, self._seconds)
                if answer.verdict == "unknown":
                    return f"unknown: the {name} of a legal update"
                if answer.verdict == "refuted":
                    return f"refuted: the {name} of a legal update, {_shown(answer.values)}"
        return self._entry_differs(changed) or self._exit_differs(changed)

    def _update(self, terms: Products, changed: Circuit) -> Update:
        """Follow an update through the changed circuit: from the registers that its state was read into."""
        circuit = self._circuit
        fields = {name: terms.fresh(form.width, name) for name, form in self._words.kept_formats.items()}
        read, was_fresh = (circuit.register(name) for name in _ENTRY)
        current = circuit.shown(self._stages[-1])
        free = {name: terms.fresh(circuit.width(number), name) for name, number in changed.inputs.items()}
        inputs = {**free, "rst": terms.false, "parameters_valid": terms.false}
        begin = {
            number: terms.fresh(circuit.width(number), name)
            for name, number in circuit.states.items()
            if not circuit.sorts[number].index
        }
        begin |= {
            read: terms.concat(*reversed(fields.values())),
            was_fresh: terms.false,
            current: terms.fresh(circuit.width(current), "current"),
        }
        golden = Clock(terms, self._original, inputs, begin)
        before = {"trace": terms.constant(0, self._words.arithmetic.trace.width), **fields}
        before["current"] = begin[current]
        before |= {name: golden[node] for name, node in self._alongside.items()}
        states: dict[int, Term] = begin
        for clock in range(self._latency + 1):
            # Run-time parameters stay as they are, the other inputs are anything.
            given = inputs if clock == 0 else {"rst": terms.false, "parameters_valid": terms.false}
            now = Clock(terms, changed, given, states)
            states = now.following()
        after = {"trace": before["trace"], **unpacked(terms, self._words, now["core.written"])}
        after["spike"] = now["core.outlet.pushed_spikes"]
        update = Update(self._words, before, after)
        update.golden(terms)
        return update

    def _entry_differs(self, changed: Circuit) -> str | None:
        """Return how the initial state misses the pipeline in the first timestep; None if it doesn't."""
        terms = Products()
        states = {self._circuit.register("core.was_fresh"): terms.true}
        now = Clock(terms, self._original, {"rst": terms.false}, states)
        then = Clock(terms, changed, {"rst": terms.false}, states)
        same = terms.equal(now["core.stored"], then["core.stored"])
        if terms.prove(same, (), None, self._seconds).verdict != "proved":
            return "refuted: the first timestep begins in the initial state"
        return None

    def _exit_differs(self, changed: Circuit) -> str | None:
        """Return whether what is queued isn't what is kept; None if it is."""
        terms = Products()
        now = Clock(terms, changed, {"rst": terms.false}, {})
        parts = unpacked(terms, self._words, now["core.written"])
        queued = [parts[name] for name in parts if name != "refractory"]
        same = terms.equal(now["core.outlet.pushed_words"], terms.concat(*reversed(queued)))
        if terms.prove(same, (), None, self._seconds).verdict != "proved":
            return "refuted: what is queued is what is kept"
        return None

    @property
    def _latency(self) -> int:
        """Clocks of the pipeline."""
        return int(self._interface["neurons_for_full_speed"]) - len(self._stages)

    @property
    def _stages(self) -> list[int]:
        """The registers that a current waits in for its state."""
        return stages_of_currents(self._circuit)

    @property
    def _alongside(self) -> dict[str, str]:
        """What enters the pipeline beside state and current, and the signals that it is on."""
        names = {
            f"constant_{constant['name']}": f"core.parameter_port.value_{constant['name']}"
            for constant in self._interface["runtime"]
        }
        if self._words.arithmetic.random_bits:
            names["random"] = "core.pipeline.random"
        return names

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


def _drivers(circuit: Circuit, signals: Iterable[int]) -> list[int]:
    """Return the nodes that signals are put together from."""
    nodes = {node.number: node for node in circuit.nodes}
    found, stack = [], list(signals)
    while stack:
        number = stack.pop()
        node = nodes[number]
        if node.operation in ("concat", "slice") or (node.operation == "uext" and node.indices == (0,)):
            stack += node.operands
        else:
            found.append(number)
    return found


def _shown(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {word}" for name, word in values.items())
