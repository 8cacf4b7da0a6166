"""Proof that what no testbench reached is unreachable: bits that never change, and cases of no update.

A bit that never changes is a constant. That it is one is proved for every clock from power-on, with any
input and any resets: the pipeline's registers are followed from the states that are read, over as many clocks
as the pipeline is long, and also from the words that they begin with; all other registers may be anything
that the invariants of :mod:`qlif.cosim.proof.invariants` allow. A state that is read is one that a neuron can
come to (:mod:`qlif.cosim.proof.reach`), or the word 0 that the memory holds at first.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

from qlif.cosim.coverage.observed import sums
from qlif.cosim.coverage.update_cases import UpdateCase
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.claims import Unproved
from qlif.cosim.proof.control import Control
from qlif.cosim.proof.integers import Integer, choose
from qlif.cosim.proof.invariants import assumed_of
from qlif.cosim.proof.outgoing import of_a_state, retired, words_of_row
from qlif.cosim.proof.population_claims import population_claims
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.reach import Reach, increments_of, sums_of
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.update import Update, population_updates, stages_of_currents, unpacked
from qlif.hdl import probes
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.golden import step
from qlif.model.rounding import Where
from qlif.model.words import Words

SECONDS = 60.0
"""The time that the solver may take for one question."""

QUICKLY = 10.0
"""The time for a first try, in which the sums may be anything."""

_PIPELINE = f"{probes.PIPELINES}."
_READ = probes.READ
_STORED = probes.STORED
_QUEUED, _OFFERED = probes.QUEUE_READ, probes.OFFERED_WORDS

Bit = tuple[str, int]
"""Signal and bit, as :class:`qlif.cosim.coverage.structure.Point` has them."""


def bit_claim(bit: Bit, word: int, begins_otherwise: bool = False) -> str:
    """Return what is proved of a bit that never changes, or once only."""
    name, place = bit
    return f"{name}[{place}] is {'always' if not begins_otherwise else 'always, once it has changed,'} {word}"


def case_claim(case: UpdateCase) -> str:
    """Return what is proved of a case that nothing reaches."""
    return f"no update of a reachable state has: {case.name}"


class Bounded(NamedTuple):
    """A register of the pipeline whose words the golden model bounds: a solver would have to multiply for that.

    Attributes
    ----------
    name : str
    golden : callable
        Returns it of the numbers of an update.
    lowest, highest : int
        Words that intervals find for any state that can be reached.
    """

    name: str
    golden: Callable[[Mapping[str, Any], Where], Any]
    lowest: int
    highest: int


class Moment(NamedTuple):
    """A clock, what is known of it, and what is known of the sums in it, which makes other proofs slower."""

    now: Clock
    assumed: list[Term]
    sums: list[Term]


class Unreachable:
    """Proves of one population what can't be reached.

    Parameters
    ----------
    export : Export
        One that this project exported, on one lane, of more neurons than its loop is long, with all
        parameters in the gates.
    seconds : float
        The time that the solver may take for one question.

    Raises
    ------
    InputError
        It isn't such a population, or a tool isn't installed.
    Unproved
        What the proofs rest upon isn't proved.
    """

    def __init__(self, export: Export, seconds: float = SECONDS) -> None:
        interface, words = export.interface, export.interface.words
        reach = None if interface.runtime else Reach.of(words)
        if reach is None or interface.lanes != 1:
            raise InputError("unreachability is proved only for one lane and parameters in the gates")
        self._words, self._interface, self._reach, self._seconds = words, interface, reach, seconds
        self._bounded = list(_bounded(words, reach))
        self._circuit = read_circuit(export.verilog, interface.module, every_signal=True)
        self._pipeline = {state for name, state in self._circuit.states.items() if name.startswith(_PIPELINE)}
        self._prove_premise()
        self._terms = Products()
        self._moments = list(self._all_moments(self._terms))
        self._source = export.verilog.splitlines()
        self._instances = instances_of(self._source)

    def constant(self, bits: Mapping[Bit, int], begins_otherwise: bool = False) -> set[Bit]:
        """Return which bits are proved to be constants.

        Parameters
        ----------
        bits : mapping of Bit to int
            The constant that each is.
        begins_otherwise : bool
            At power-on it may be the other word, as long as it changes once only.
        """
        proved: set[Bit] = set()
        signals: dict[str, dict[Bit, int]] = {}
        for bit, word in bits.items():
            signals.setdefault(bit[0], {})[bit] = word
        for name, of_signal in signals.items():
            node = self._node(name)
            if node is None:
                continue
            if self._always(node, of_signal, begins_otherwise):
                proved |= of_signal.keys()
            elif len(of_signal) > 1:
                one_by_one = ({bit: word} for bit, word in of_signal.items())
                proved |= {
                    bit for one in one_by_one for bit in one if self._always(node, one, begins_otherwise)
                }
        return proved

    def branch(self, line: int, what: str) -> str | None:
        """Return the claim that proves that a branch of a line of the Verilog is never taken, if it is proved."""
        condition = _condition(self._source[line - 1])
        if condition is None:
            return None
        name, bit, negated = condition
        taken = what.startswith(("if", "cond_then"))
        word = int(not taken) ^ negated
        needed = f"{self._module(line)}{name}", bit
        return bit_claim(needed, word) if self.constant({needed: word}) else None

    def case(self, case: UpdateCase) -> bool:
        """Return whether a case is proved to be one of no update."""
        return no_update(case, self._words, self._reach, self._seconds)

    def _node(self, name: str) -> int | None:
        circuit = self._circuit
        return circuit.named.get(name, circuit.outputs.get(name))

    def _always(self, node: int, bits: Mapping[Bit, int], begins_otherwise: bool) -> bool:
        """Return whether bits of a node are constants in every clock, or once they have changed to these."""
        terms = self._terms
        follows = bool(self._circuit.cone([node]) & self._pipeline)

        def is_so(now: Clock) -> Term:
            word = now.values[node]
            wanted = ((terms.slice(word, bit, bit), is_) for (_, bit), is_ in bits.items())
            return terms.both(*(terms.equal(found, terms.constant(is_, 1)) for found, is_ in wanted))

        steady, *early = self._moments
        claims = [(is_so(steady.now), steady)]
        if begins_otherwise and not follows:
            # Only of the pipeline's registers is it known how they begin.
            return False
        if begins_otherwise:
            claims += [
                # Of a later clock at least as much is known.
                (terms.implies(is_so(one.now), is_so(next_.now)), next_)
                for one, next_ in itertools.pairwise(early)
            ]
        elif follows:
            # What doesn't depend on the pipeline is the same whatever its registers begin with.
            claims += [(is_so(moment.now), moment) for moment in early]
        return all(self._proved(claim, moment) for claim, moment in claims)

    def _proved(self, claim: Term, moment: Moment) -> bool:
        tries = [(moment.assumed, QUICKLY), ([*moment.assumed, *moment.sums], self._seconds)]
        return claim == self._terms.true or any(
            self._terms.prove(claim, assumed, None, seconds).verdict == "proved" for assumed, seconds in tries
        )

    def _module(self, line: int) -> str:
        """Return the instance that a line of the Verilog is in, as a prefix of names."""
        module = next(match[1] for text in reversed(self._source[:line]) if (match := _MODULE.match(text)))
        return self._instances[module]

    def _all_moments(self, terms: Products) -> Iterator[Moment]:
        """Give the clocks in which the pipeline is full of states that were read, and those before."""
        stages = stages_of_currents(self._circuit)
        length = self._interface.neurons_for_full_speed - len(stages)
        first = Clock(terms, self._circuit, {}, {}).initial()
        *_, steady = self._followed(terms, {}, length + 1)
        yield steady
        yield from self._followed(terms, self._of_the_pipeline(first), length)

    def _of_the_pipeline(self, states: Mapping[int, Term]) -> dict[int, Term]:
        return {state: word for state, word in states.items() if state in self._pipeline}

    def _followed(self, terms: Products, states: Mapping[int, Term], count: int) -> Iterator[Moment]:
        """Yield `count` clocks, linked only by the pipeline's registers."""
        read: list[Term] = []
        bounds: list[Term] = []
        clocks: list[Clock] = []
        for _ in range(count):
            now = Clock(terms, self._circuit, {}, states)
            clocks.append(now)
            read.append(self._held(terms, now[_READ]))
            for register in self._bounded:
                bounds += self._is_bounded(register, terms, clocks, read)
            yield Moment(now, [*read, *self._known(terms, now)], [*bounds])
            states = self._of_the_pipeline(now.following())

    def _is_bounded(
        self, register: Bounded, terms: Products, clocks: list[Clock], assumed: list[Term]
    ) -> list[Term]:
        """Return between which words a register is, where the solver can tell that it is the golden model's."""
        circuit, words = self._circuit, self._words
        if register.name not in circuit.named:
            return []
        nodes, depth = {circuit.named[register.name]}, 0
        while circuit.named[_STORED] not in (cone := circuit.cone(nodes)):
            nodes, depth = {circuit.following[state] for state in cone & self._pipeline}, depth + 1
        if len(clocks) <= depth:
            return []
        entered, found = clocks[-1 - depth], clocks[-1][register.name]
        state = unpacked(terms, words, entered[_STORED])
        state["current"] = entered.values[stages_of_currents(circuit)[-1]]
        numbers = {name: Integer.of(terms, word, words.formats[name]) for name, word in state.items()}
        golden = register.golden(numbers, partial(choose, terms))
        half = 1 << (terms.width(found) - 1)
        number = Integer(terms, found, -half, half - 1, True)
        if terms.prove(number == golden, assumed, None, self._seconds).verdict != "proved":
            return []
        return [number >= register.lowest, number <= register.highest]

    def _known(self, terms: Products, now: Clock) -> list[Term]:
        """Return what is known of the registers that aren't the pipeline's."""
        control = Control(terms, self._circuit, self._interface)
        return [*assumed_of(control, now, control.any_monitor()), *self._on_the_way(terms, now)]

    def _on_the_way(self, terms: Products, now: Clock) -> list[Term]:
        """Return that the words in the registers behind the queue are those of such states, or 0."""
        return [self._row_sent(terms, now[_QUEUED]), self._sent(terms, now[_OFFERED])]

    def _held(self, terms: Products, row: Term) -> Term:
        """Return that a word of the memory is a state that can be reached, or 0."""
        state = unpacked(terms, self._words, row)
        return terms.either(
            terms.negation(terms.any(row)), terms.both(*self._reach.holds(terms, self._words, state))
        )

    def _sent(self, terms: Products, sent: Term) -> Term:
        """Return that words on their way out are those of such a state, or 0."""
        return terms.either(
            terms.negation(terms.any(sent)), of_a_state(terms, self._words, self._reach, sent)
        )

    def _row_sent(self, terms: Products, row: Term) -> Term:
        """Return the same of a row of the queue."""
        return self._sent(terms, words_of_row(terms, row))

    def _prove_premise(self) -> None:
        """Prove all that the proofs rest upon.

        Raises
        ------
        Unproved
            It isn't so.
        """
        interface, seconds = self._interface, 6 * self._seconds
        for claim in population_claims(self._circuit, interface, seconds):
            if claim.result != "proved":
                raise Unproved(f"{claim.claim}: {claim.result}")
        terms = Products()
        (update,) = population_updates(terms, self._circuit, interface)
        for answer in (
            update.prove(terms, seconds),
            self._reach.prove(terms, update, seconds),
        ):
            if answer.verdict != "proved":
                raise Unproved(f"an update is the golden step, and leads nowhere else: {answer.verdict}")
        terms = Products()
        for claim, assumed in self._carried(terms):
            verdict = terms.prove(claim, assumed, None, seconds).verdict
            if verdict != "proved":
                raise Unproved(f"what is kept is what came out of an update: {verdict}")

    def _carried(self, terms: Products) -> Iterator[tuple[Term, list[Term]]]:
        """Give what shows that all words in memories and registers came out of the pipeline, or are 0."""
        circuit = self._circuit
        control = Control(terms, circuit, self._interface)
        now = Clock(terms, circuit, {}, {})
        after = Clock(terms, circuit, {}, now.following())
        came = retired(terms, self._words, self._reach, control, now)
        for array, register, check in (
            (circuit.signal(probes.STATE), _READ, self._held),
            (control.queue, _QUEUED, self._row_sent),
        ):
            # Any place: so each.
            place = terms.fresh(circuit.sorts[array].index, "place")
            before, later = (terms.read(clock.values[array], place) for clock in (now, after))
            yield check(terms, later), [came, check(terms, before)]
            reads = (node for node in circuit.nodes if node.operation == "read" and node.operands[0] == array)
            places = [check(terms, now.values[node.number]) for node in reads]
            yield check(terms, after[register]), [*places, check(terms, now[register])]
        yield self._sent(terms, after[_OFFERED]), self._on_the_way(terms, now)


def _bounded(words: Words, reach: Reach) -> Iterator[Bounded]:
    """Give the registers whose words are bounded, of states that can be reached and of the word 0."""
    constants = {name: int(word) for name, word in words.values.items()}
    ranges = [(reach.lowest, reach.highest), (0, 0)]

    def total(numbers: Mapping[str, Any], where: Where) -> Any:
        potential, phase = numbers["potential"], numbers.get("phase", 0)
        sum_ = step.rounded_sum(words, constants, potential, numbers["current"], 0, where, phase)
        return where(numbers["refractory"] == 0, sum_, potential)

    def increment(numbers: Mapping[str, Any], where: Where) -> Any:
        added = step.exact_increment(words, constants, numbers["potential"], numbers["current"], where)
        return where(numbers["refractory"] == 0, added, 0)

    if not words.arithmetic.random_bits:
        ends = [end for low, high in ranges for end in (low, high, *sums_of(words, constants, low, high))]
        yield Bounded(probes.SUM, total, min(ends), max(ends))
    if words.arithmetic.phase_bits:
        ends = [0, *(end for low, high in ranges for end in increments_of(words, constants, low, high))]
        yield Bounded(probes.INCREMENT, increment, min(ends), max(ends))


def no_update(case: UpdateCase, words: Words, reach: Reach, seconds: float) -> bool:
    """Return whether a case is proved to be one of no update of the golden model, from any state of `reach`."""
    terms = Products()
    before = {name: terms.fresh(format.width, name) for name, format in words.formats.items()}
    if not words.parameters.spike_trace:
        before["trace"] = terms.constant(0, words.arithmetic.trace.width)
    update = Update(words, before, {})
    update.golden(terms)
    numbers = update.numbers(terms)
    totals = sums(
        words,
        numbers["potential"],
        numbers.get("phase", 0),
        numbers["current"],
        numbers.get("random", 0),
        partial(choose, terms),
    )
    after = {f"next_{name}": update.expected[name] for name in words.state_names}
    spike = Integer(terms, update.expected["spike"], 0, 1)
    conditions = case.conditions(SimpleNamespace(**numbers, **totals, **after, spike=spike))
    reached = reach.holds(terms, words, {name: before[name] for name in words.state_names})
    reached += reach.bounds(terms, update)
    claim = terms.negation(terms.both(*conditions))
    return terms.prove(claim, reached, None, seconds).verdict == "proved"


_MODULE = re.compile(r"module\s+\\?(\S+?)\s*\(")


def instances_of(source: Sequence[str]) -> dict[str, str]:
    """Return where each module of a Verilog text is instantiated, as a prefix of names; the top one is nowhere."""
    modules = {match[1] for text in source if (match := _MODULE.match(text))}
    inside: dict[str, tuple[str, str]] = {}
    current = ""
    for text in source:
        if match := _MODULE.match(text):
            current = match[1]
        elif (match := re.match(r"\s+\\?(\S+)\s+\\?(\S+)\s*\($", text)) and match[1] in modules:
            inside[match[1]] = current, match[2]

    def prefix(module: str) -> str:
        if module not in inside:
            return ""
        around, instance = inside[module]
        return f"{prefix(around)}{instance}."

    return {module: prefix(module) for module in modules}


def _condition(text: str) -> tuple[str, int, bool] | None:
    """Return the bit that a line of Yosys' Verilog branches on: signal, bit, and whether it is inverted."""
    reference = r"(!?)\s*(?:\\(\S+)|([A-Za-z_]\w*))\s*(?:\[(\d+)\])?"
    match = re.search(rf"if \({reference}\s*\)", text) or re.search(rf"=\s*{reference}\s*\?", text)
    if match is None:
        return None
    negated, escaped, plain, bit = match.groups()
    return escaped or plain, int(bit or 0), bool(negated)
