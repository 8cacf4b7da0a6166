"""Equivalence proofs for mutants that no testbench killed."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from qlif.cosim.mutation.lockstep import Beside, Lockstep
from qlif.cosim.mutation.pipeline_faults import differs
from qlif.cosim.mutation.planting import SELECTOR
from qlif.cosim.mutation.same_update import Begin, SameUpdate
from qlif.cosim.proof.circuit import Circuit, Clock, Deviation, Node
from qlif.cosim.proof.claims import Unproved
from qlif.cosim.proof.outgoing import prove_always_legal, prove_on_the_way, sends_what_it_keeps
from qlif.cosim.proof.population_claims import RESTARTS, PopulationProof, population_claims
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import CLOSED, Reach
from qlif.cosim.proof.read_verilog import check_ports, read_circuit
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.update import Update, stages_of_currents, unpacked
from qlif.hdl import probes
from qlif.hdl.verilog import Export

SECONDS = 20.0
"""The time that the solver may take for one question."""

_OUTCOME = (probes.WRITTEN, probes.PUSHED_WORDS, probes.PUSHED_SPIKES)
"""Where the pipeline's results leave it."""

_ENTRY = (probes.READ, probes.WAS_FRESH)
"""Registers that the states come from, on their way to the pipeline."""


SAME, GOLDEN = "the same in each clock", "the golden update of each state that can be reached"
POWERED = "the same in each clock, as memories begin with 0"
"""The first proofs that a fault is none."""


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


class Equivalence:
    """Decides faults of one netlist, on one lane.

    Four proofs are tried, from the quickest on. All speak of every clock, without a bound.

    1. No update is another one (:mod:`qlif.cosim.mutation.same_update`), nor is anything around the pipeline
       (:mod:`qlif.cosim.mutation.lockstep`), after a reset of any registers.
    2. That is so from power-on, where memories begin with 0.
    3. Everything around the pipeline is the same, and the pipeline's update of each state that can be reached is the
       golden step, with a refractory counter of its own.
    4. The circuit with the fault has invariants of its own from which all claims of ``qlif prove`` follow.

    Parameters
    ----------
    verilog : str
        The netlist, with faults behind a selector.
    export : Export
        The population that it was made of, of more than one row.
    seconds : float
        The time that the solver may take for one question.
    """

    def __init__(self, verilog: str, export: Export, seconds: float = SECONDS) -> None:
        self._interface, self._seconds = export.interface, seconds
        self._words = words = export.interface.words
        self._circuit = read_circuit(verilog, export.interface.module)
        self._outcome = _drivers(self._circuit, (self._circuit.signal(name) for name in _OUTCOME))
        self._original = selected(self._circuit, 0, self._outcome)
        check_ports(self._original, self._interface)
        self._reach = None if export.interface.runtime else Reach.of(words)
        self._faults = _switches(self._circuit)
        inputs = {SELECTOR: 0}
        read, was_fresh = (self._circuit.register(name) for name in _ENTRY)
        begin = Begin(
            read,
            was_fresh,
            self._circuit.shown(self._stages[-1]),
            {name: self._circuit.signal(node) for name, node in self._alongside.items()},
        )
        self._entry = [begin.read, begin.was_fresh, begin.current, *begin.alongside.values()]

        def lockstep(powered: bool) -> Lockstep:
            return Lockstep(
                self._circuit, self._interface, self._reach, seconds,
                inputs=inputs, cut=self._outcome, entry=self._entry, states=self._states_around(), powered=powered,
            )  # fmt: skip

        self._lockstep = lockstep(powered=False)
        # Without the states that can be reached, nothing more is known of what memories begin with.
        self._powered = None if self._reach is None else lockstep(powered=True)
        self._same_update = None
        if self._reach is not None:
            self._same_update = SameUpdate(
                self._circuit, inputs, begin, self._latency, self._outcome, words, self._reach, seconds / 4
            )

    def check_premise(self) -> None:
        """Prove all that the decisions rest upon, of the netlist without a fault.

        Raises
        ------
        Unproved
            It isn't so.
        """
        for claim in population_claims(self._original, self._interface, 6 * self._seconds):
            if claim.result != "proved":
                raise Unproved(f"the population without a fault isn't proved: {claim.claim}: {claim.result}")
        if self._reach is None:
            return
        if why := differs(lambda terms, own: self._update(terms, self._original, own), 6 * self._seconds):
            raise Unproved(f"the population without a fault isn't proved: {why}")
        terms = Products()
        update, _, _ = self._update(terms, self._original, False)
        closed = self._reach.prove(terms, update, 6 * self._seconds).verdict
        for prove in (prove_on_the_way, prove_always_legal):
            if closed == "proved":
                closed = prove(self._original, self._interface, self._reach, 6 * self._seconds)
        if closed != "proved":
            raise Unproved(f"the population without a fault isn't proved: {CLOSED}: {closed}")
        parts = (self._same_update, self._lockstep, self._powered)
        assumed = [given for part in parts if part is not None for given in part.assumptions]
        if not all(given.holds_somewhere(6 * self._seconds) for given in assumed):
            raise Unproved(
                "nothing is known of which all holds that is assumed of the population without a fault"
            )

    def decide(self, number: int) -> Decision:
        """Decide one fault, by its number."""
        if number not in self._faults:
            # Nothing depends on what it changes.
            return Decision(True, SAME)
        beside = self._beside(number)
        same = None if self._same_update is None else self._same_update.same(self._faults[number])
        why = None
        if self._same_update is None or same is False:
            changed = selected(self._circuit, number, self._outcome)
            why = differs(lambda terms, own: self._update(terms, changed, own), self._seconds)
            why = why or self._entry_differs(changed) or self._exit_differs(changed)
        if why is None:
            if self._lockstep.same(beside):
                return Decision(True, SAME if self._same_update and same is None else GOLDEN)
            if self._powered is not None and self._powered.same(beside):
                return Decision(True, POWERED)
            why = "not proved: outputs and what enters the pipeline are the same"
        if why.startswith("refuted"):
            return Decision(False, why)
        changed = selected(self._circuit, number, self._outcome)
        proof = PopulationProof(changed, self._interface, self._seconds)
        if proof.reset.verdict != "proved":
            return Decision(False, f"{proof.reset.verdict}: {RESTARTS}")
        if proof.broken:
            return Decision(False, f"not proved: {proof.broken[0]}")
        for claim in population_claims(changed, self._interface, self._seconds):
            if claim.result != "proved":
                return Decision(False, f"{claim.result}: {claim.claim}")
        return Decision(True, "all claims about the population hold")

    def decide_all(self, numbers: Sequence[int]) -> list[Decision]:
        """Decide some faults, each by itself."""
        return [self.decide(number) for number in numbers]

    def _beside(self, number: int) -> Beside:
        """Return the circuit with a fault, beside the one without."""
        switch = self._faults[number]

        def beside(now: Clock, instead: Mapping[int, Term]) -> Clock:
            return Deviation(now, {switch: now.terms.true, **instead})

        return beside

    def _states_around(self) -> set[int]:
        """Return the states that matter to anything but the pipeline: outputs, and what enters it."""
        circuit = self._circuit
        states = set(circuit.states.values())
        todo = {*circuit.outputs.values(), *self._entry}
        around: set[int] = set()
        while todo:
            reached = circuit.cone(todo, self._outcome) & states
            todo = {circuit.following[state] for state in reached - around if state in circuit.following}
            around |= reached
        return around

    def _update(self, terms: Products, changed: Circuit, own: bool) -> tuple[Update, Term, list[Term]]:
        """Follow an update through the changed circuit: from the registers that its state was read into.

        Returns it, the refractory counter that was read, which is one of the circuit's own or the golden one,
        and that the golden state can be reached.
        """
        circuit = self._circuit
        fields = {name: terms.fresh(format.width, name) for name, format in self._words.kept_formats.items()}
        counter = terms.fresh(terms.width(fields["refractory"]), "counter") if own else fields["refractory"]
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
            read: terms.concat(*reversed((fields | {"refractory": counter}).values())),
            was_fresh: terms.false,
            current: terms.fresh(circuit.width(current), "current"),
        }
        first = Clock(terms, self._original, inputs, begin)
        before = {"trace": terms.constant(0, self._words.arithmetic.trace.width), **fields}
        before["current"] = begin[current]
        before |= {name: first[node] for name, node in self._alongside.items()}
        states: dict[int, Term] = begin
        for clock in range(self._latency + 1):
            # Run-time parameters stay as they are, the other inputs are anything.
            given = inputs if clock == 0 else {"rst": terms.false, "parameters_valid": terms.false}
            now = Clock(terms, changed, given, states)
            states = now.following()
        after = {"trace": before["trace"], **unpacked(terms, self._words, now[probes.WRITTEN])}
        after["spike"] = now[probes.PUSHED_SPIKES]
        update = Update(self._words, before, after)
        update.golden(terms)
        reached = []
        if self._reach is not None:
            reached = [
                *self._reach.holds(terms, self._words, fields),
                *self._reach.bounds(terms, update),
            ]
        return update, counter, reached

    def _entry_differs(self, changed: Circuit) -> str | None:
        """Return how the initial state misses the pipeline in the first timestep; None if it doesn't."""
        terms = Products()
        states = {self._circuit.register(probes.WAS_FRESH): terms.true}
        now = Clock(terms, self._original, {"rst": terms.false}, states)
        then = Clock(terms, changed, {"rst": terms.false}, states)
        same = terms.equal(now[probes.STORED], then[probes.STORED])
        verdict = terms.prove(same, (), None, self._seconds).verdict
        return None if verdict == "proved" else f"{verdict}: the first timestep begins in the initial state"

    def _exit_differs(self, changed: Circuit) -> str | None:
        """Return whether what is queued isn't what is kept; None if it is."""
        terms = Products()
        now = Clock(terms, changed, {"rst": terms.false}, {})
        verdict = terms.prove(sends_what_it_keeps(terms, self._words, now), (), None, self._seconds).verdict
        return None if verdict == "proved" else f"{verdict}: what is queued is what is kept"

    @property
    def _latency(self) -> int:
        """Clocks of the pipeline."""
        return self._interface.neurons_for_full_speed - len(self._stages)

    @property
    def _stages(self) -> list[int]:
        """The registers that a current waits in for its state."""
        return stages_of_currents(self._circuit)

    @property
    def _alongside(self) -> dict[str, str]:
        """What enters the pipeline beside state and current, and the signals that it is on."""
        names = {f"constant_{one.name}": probes.parameter_value(one.name) for one in self._interface.runtime}
        if self._words.arithmetic.random_bits:
            names["random"] = probes.random_bits()
        return names


def _switches(circuit: Circuit) -> dict[int, int]:
    """Return the node that turns each fault on, by its number: the selector's comparison with it."""
    selector = circuit.inputs[SELECTOR]
    constants = {node.number: node.constant for node in circuit.nodes if node.operation == "constant"}
    found: dict[int, int] = {}
    for node in circuit.nodes:
        if node.operation == "eq" and selector in node.operands:
            (number,) = (constants[operand] for operand in node.operands if operand != selector)
            if number in found:
                raise ValueError(f"fault {number} has two switches")
            found[number] = node.number
    return found


def selected(circuit: Circuit, number: int, kept: Collection[int] = ()) -> Circuit:
    """Return the circuit in which the selector turns one fault on, without what is left of the others.

    The nodes in `kept` stay in any case.
    """
    return _folded(circuit, {circuit.inputs[SELECTOR]: number}, kept)


def one_of(circuit: Circuit, numbers: Collection[int], kept: Collection[int] = ()) -> Circuit:
    """Return the circuit with one of some faults, or with none: its selector is a register that keeps its value.

    Registers begin with anything, so what is proved of the circuit is proved of each of these faults.
    """
    selector = circuit.inputs[SELECTOR]
    constants = {node.number: node.constant for node in circuit.nodes if node.operation == "constant"}
    off = {
        node.number: 0
        for node in circuit.nodes
        if node.operation == "eq"
        and selector in node.operands
        and not any(constants.get(operand) in numbers for operand in node.operands)
    }
    held = dataclasses.replace(
        circuit,
        nodes=[n._replace(operation="state") if n.number == selector else n for n in circuit.nodes],
        states=circuit.states | {SELECTOR: selector},
        following=circuit.following | {selector: selector},
    )
    return _folded(held, off, kept)


def _folded(circuit: Circuit, known_words: Mapping[int, int], kept: Collection[int]) -> Circuit:
    """Return the circuit with some nodes as constants, without the selector among its inputs.

    Whatever depends on them alone becomes a constant, and a choice by such a constant is what it chooses.
    """
    words = dict(known_words)
    chosen: dict[int, int] = {}
    nodes = []
    for node in circuit.nodes:
        operands = tuple(chosen.get(operand, operand) for operand in node.operands)
        known = [words.get(operand) for operand in operands]
        if node.operation == "constant":
            words[node.number] = node.constant
        elif node.operation == "ite" and known[0] is not None:
            chosen[node.number] = operands[1 if known[0] else 2]
        elif node.operation in _FOLDED and None not in known:
            words[node.number] = _FOLDED[node.operation](node, circuit, known) & (
                (1 << circuit.width(node.number)) - 1
            )
        if node.number in words:
            node = node._replace(operation="constant", operands=(), constant=words[node.number])
        elif node.number in chosen:
            # A second name.
            node = node._replace(operation="uext", operands=(chosen[node.number],), indices=(0,))
        else:
            node = node._replace(operands=operands)
        if node.number in kept:
            # Nothing goes past it.
            words.pop(node.number, None)
            chosen.pop(node.number, None)
        nodes.append(node)
    inputs = {name: node for name, node in circuit.inputs.items() if name != SELECTOR}
    whole = dataclasses.replace(circuit, nodes=nodes, inputs=inputs)
    needed = whole.cone(
        [*circuit.outputs.values(), *circuit.following.values(), *circuit.states.values(), *inputs.values(),
         *circuit.named.values(), *circuit.initial.values(), *kept]
    )  # fmt: skip
    return dataclasses.replace(whole, nodes=[node for node in nodes if node.number in needed])


_FOLDED: dict[str, Callable[[Node, Circuit, list[Any]], int]] = {
    "eq": lambda node, circuit, known: known[0] == known[1],
    "neq": lambda node, circuit, known: known[0] != known[1],
    "not": lambda node, circuit, known: ~known[0],
    "and": lambda node, circuit, known: known[0] & known[1],
    "or": lambda node, circuit, known: known[0] | known[1],
    "xor": lambda node, circuit, known: known[0] ^ known[1],
    "redor": lambda node, circuit, known: known[0] != 0,
    "uext": lambda node, circuit, known: known[0],
    "slice": lambda node, circuit, known: known[0] >> node.indices[1],
    "concat": lambda node, circuit, known: known[0] << circuit.width(node.operands[1]) | known[1],
}
"""What operations of BTOR2 on constants give; bits above the width don't count."""


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
