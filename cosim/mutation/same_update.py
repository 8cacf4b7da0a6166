"""Whether a fault changes any update: the pipeline with it beside the one without, from every reachable state."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

from qlif.cosim.proof.circuit import Circuit, Clock, Deviation
from qlif.cosim.proof.products import Factor, Products
from qlif.cosim.proof.reach import Reach
from qlif.cosim.proof.solver import Given, Term
from qlif.cosim.proof.update import Update, unpacked
from qlif.hdl import probes
from qlif.model.words import Words


class Begin(NamedTuple):
    """Registers and nodes at the pipeline's entry.

    Attributes
    ----------
    read, was_fresh, current : int
        The row that was read from the memory, whether that was in the first timestep, and the current.
    alongside : mapping of str to int
        What else enters, by its name in :attr:`qlif.cosim.proof.update.Update.before`.
    """

    read: int
    was_fresh: int
    current: int
    alongside: Mapping[str, int]


class _Case(NamedTuple):
    """Updates of some kind: the original's clocks, what leaves it in the last one, and what is assumed.

    Of products, `given` knows little, and `real` what they are.
    """

    clocks: list[Clock]
    outcome: Mapping[int, Term]
    assumed: list[Term]
    given: Given
    real: Given
    products: set[int]


class SameUpdate:
    """An update in the original, to which those of faults are compared.

    Three cases are followed: of a neuron that isn't refractory, of one that is (then its potential is known, and so
    are the products), and the first one since the reset. Of each clock, only what the outcome of this update depends
    on is worked out.

    Parameters
    ----------
    circuit : Circuit
        The population with all faults.
    inputs : mapping of str to int
        What inputs always are: no fault is on.
    begin : Begin
    latency : int
        Clocks of the pipeline.
    outcome : collection of int
        Where its results leave it.
    words : Words
    reach : Reach
    seconds : float
        The time that the solver may take for one question.

    Raises
    ------
    ValueError
        The outcome depends on more than what enters.
    """

    def __init__(
        self,
        circuit: Circuit,
        inputs: Mapping[str, int],
        begin: Begin,
        latency: int,
        outcome: Collection[int],
        words: Words,
        reach: Reach,
        seconds: float,
    ) -> None:
        self._circuit, self._words, self._reach, self._seconds = circuit, words, reach, seconds
        self._begin, self._outcome = begin, outcome
        self._terms = terms = Products()
        self._inputs = {
            name: terms.constant(word, circuit.width(circuit.inputs[name])) for name, word in inputs.items()
        }
        self._clocks = self._needed(latency)
        self._cases = [self._case(kind) for kind in ("ready", "refractory", "first")]

    @property
    def assumptions(self) -> list[Given]:
        """What is assumed of each case."""
        return [given for case in self._cases for given in (case.given, case.real)]

    def same(self, fault: int) -> bool | None:
        """Return whether an update is proved to be the same if a node is 1; None if it has no part in one."""
        part = False
        for case in self._cases:
            states: dict[int, Term] = {}
            for now in case.clocks:
                known = {node: word for node, word in states.items() if node in now.values}
                if fault in now.values:
                    known[fault] = self._terms.true
                then = Deviation(now, known)
                following = now.circuit.following
                states = {s: then.changed[n] for s, n in following.items() if n in then.changed}
            differing = [
                self._terms.equal(word, then.changed[node])
                for node, word in case.outcome.items()
                if node in then.changed
            ]
            part = part or bool(differing)
            if differing and not self._proved(case, self._terms.both(*differing)):
                return False
        return True if part else None

    def _proved(self, case: _Case, claim: Term) -> bool:
        if case.given.proves(claim, seconds=self._seconds):
            return True
        if self._terms.products_of([claim]) <= case.products:
            return case.real.proves(claim, seconds=self._seconds)
        # Of another product, the factors may be the same.
        return self._terms.prove(claim, case.assumed, None, self._seconds).verdict == "proved"

    def _needed(self, latency: int) -> list[Circuit]:
        """Return the circuit of each clock: what the outcome in the last one depends on."""
        circuit = self._circuit
        roots, clocks = set(self._outcome), list[Circuit]()
        for clock in reversed(range(latency + 1)):
            if clock == 0:
                roots.add(circuit.signal(probes.STORED))
            cone = circuit.cone(roots)
            following = {
                s: n for s, n in circuit.following.items() if clocks and s in clocks[-1].states.values()
            }
            states = {name: node for name, node in circuit.states.items() if node in cone}
            nodes = [node for node in circuit.nodes if node.number in cone]
            clocks.append(replace(circuit, nodes=nodes, states=states, following=following))
            roots = {circuit.following[node] for node in states.values() if node in circuit.following}
        return clocks[::-1]

    def _case(self, kind: str) -> _Case:
        terms, words, begin, circuit = self._terms, self._words, self._begin, self._circuit
        fields = {name: terms.fresh(format.width, name) for name, format in words.kept_formats.items()}
        if kind == "ready":
            fields["refractory"] = terms.constant(0, words.formats["refractory"].width)
        if kind == "refractory":
            fields["potential"] = terms.constant(self._reach.resting, words.formats["potential"].width)
        current = terms.fresh(circuit.width(begin.current), "current")
        entered = {name: terms.fresh(circuit.width(node), name) for name, node in begin.alongside.items()}
        states = {
            begin.read: terms.concat(*reversed(fields.values())),
            begin.was_fresh: terms.constant(kind == "first", 1),
            begin.current: current,
        }
        instead = {begin.alongside[name]: word for name, word in entered.items()}
        allowed = terms.variables([*fields.values(), current, *entered.values()])
        clocks = list[Clock]()
        for number, needed in enumerate(self._clocks):
            given = {**self._inputs, "rst": terms.false}
            now = Clock(terms, needed, given, states, instead if number == 0 else None)
            clocks.append(now)
            states = now.following()
        outcome = {node: now.values[node] for node in self._outcome}
        if more := terms.variables(outcome.values()) - allowed:
            raise ValueError(f"the outcome of an update depends on {len(more)} things that didn't enter")
        assumed = list[Term]()
        if kind == "first":
            fields = unpacked(terms, words, clocks[0][probes.STORED])
        else:
            assumed += self._reach.holds(terms, words, fields)
        if kind == "refractory":
            assumed.append(terms.any(fields["refractory"]))
        else:
            before = {
                "trace": terms.constant(0, words.arithmetic.trace.width),
                **fields,
                "current": current,
                **entered,
            }
            assumed += self._reach.bounds(terms, Update(words, before, {}))
        assumed += terms.equalities([*outcome.values(), *assumed], assumed, self._seconds)
        roots = [*outcome.values(), *assumed]
        limits: dict[Factor, tuple[int, int]] = {}
        if kind != "first":
            ends = {"potential": (self._reach.lowest, self._reach.highest), "trace": (0, self._reach.trace)}
            limits = {Factor(fields[n], words.formats[n].signed): ends[n] for n in ends if n in fields}
        assumed += terms.between(roots, limits)
        real = Given(terms, [*assumed, *terms.definitions(roots)])
        return _Case(clocks, outcome, assumed, Given(terms, assumed), real, terms.products_of(roots))
