"""Idle states of somebody else's core, as the table ``[state]`` of its map says them."""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from qlif.cosim.mapping.state import ANY, WORDS, Expression, StateMap, dotted
from qlif.cosim.proof import integers
from qlif.cosim.proof.circuit import Circuit
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.labels import labels
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.hdl import probes
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.golden import step as datapath
from qlif.model.words import Words

_OPERATORS = {
    ast.Eq: "__eq__", ast.Lt: "__lt__", ast.LtE: "__le__", ast.Gt: "__gt__", ast.GtE: "__ge__",
    ast.Add: "__add__", ast.Sub: "__sub__", ast.Mult: "__mul__",
}  # fmt: skip


@dataclass(frozen=True)
class Golden:
    """A state of the golden model, and how many updates led to it.

    Attributes
    ----------
    words : mapping of str to Integer
    step : Term
    """

    words: Mapping[str, Integer]
    step: Term

    def state(self) -> datapath.State:
        """Return the state."""
        return datapath.State(*(self.words[name] for name in WORDS))


class Placed(NamedTuple):
    """What a register should hold: `holds` is whether it does.

    `kind` is ``word`` of the golden state, ``value`` or ``condition``; `pair` is what it holds, and what it should.
    """

    name: str
    kind: str
    holds: Term
    pair: tuple[Any, Any] | None = None


class Idle:
    """The idle states of a core.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
    words : Words
    state : StateMap
        It places every register.
    step_bits : int
        Width of a timestep.

    Attributes
    ----------
    golden : Golden
        Any legal state, which the registers hold.
    named : dict of str to Term
        What a counterexample tells of it.
    assumed : list of Term
        That it is legal, and the conditions of the table.
    free : set of int
        The states that may hold anything.
    values : dict of int to int
        The states that hold a number.
    names : dict of int to str
        Of a state's number, as the table calls it.
    known : set of int
        Variables that stand for words of the golden model, and for registers with conditions.

    Raises
    ------
    InputError
        A register isn't placed, or isn't there.
    """

    def __init__(
        self, terms: Products, circuit: Circuit, words: Words, state: StateMap, step_bits: int
    ) -> None:
        self.terms, self.circuit, self._words = terms, circuit, words
        self.names: dict[int, str] = {}
        self.known: set[int] = set()
        self._owed: dict[tuple[int, str], Term] = {}
        self._registers = labels(circuit)
        faults: list[str] = []
        present = {name: place for name, place in state.adapter.items() if name in circuit.states}
        state = replace(state, others={**state.others, **present})
        self._find(state, faults)
        self._words_at = {name: self._state(register) for name, register in state.words.items() if not faults}
        self.values: dict[int, int] = {}
        self._conditions: list[tuple[str, Expression]] = []
        self.free: set[int] = set()
        bound: dict[int, Term] = {}
        if not faults:
            for register, place in state.others.items():
                number = self._state(register)
                if isinstance(place, Expression):
                    self._conditions.append((register, place))
                    bound[number] = self._variable(self._width(number, register, faults), register)
                elif place == ANY:
                    self.free.add(number)
                else:
                    width, value = self._width(number, register, faults), int(place)
                    if not -(1 << width - 1) <= value < 1 << width:
                        faults.append(f"state: others: {register} has {width} bits, which don't hold {value}")
                    self.values[number] = value
        self._check_needed(faults)
        if faults:
            raise InputError("; ".join(faults))
        self._bound = bound
        spoken = {name for _, place in self._conditions for name in place.names}
        numbers, self.named = {}, {}
        for name in WORDS:
            numbers[name] = integers.constant(terms, 0)
            if name in self._words_at or f"golden.{name}" in spoken:
                format = words.formats[name]
                self.named[name] = self._variable(format.width, name)
                numbers[name] = Integer.of(terms, self.named[name], format)
        self.golden = Golden(numbers, self._variable(step_bits, "timestep"))
        self.named |= {self.names[number]: term for number, term in bound.items()}
        conditions = (place.holds for place in self.places(self.node_states(), self.golden))
        self.assumed = [*self.legal(self.golden).values(), *(c for c in conditions if terms.value(c) is None)]

    def _variable(self, width: int, name: str) -> Term:
        term = self.terms.fresh(width, name)
        self.known.add(term.id())
        return term

    def _width(self, number: int, register: str, faults: list[str]) -> int:
        if self.circuit.sorts[number].index:
            faults.append(f'state: {register} is a memory: of one, [state] can only say "any"')
        return self.circuit.width(number)

    def _state(self, name: str) -> int:
        """Return the state of a register by its name, in the core or in the adapter around it."""
        for full in (f"{probes.CORE}.{name}", name):
            if full in self.circuit.states:
                return self.circuit.states[full]
            if full in self.circuit.named:
                found = self.circuit.cone([self.circuit.named[full]]) & self._registers.keys()
                if len(found) == 1:
                    return found.pop()
        raise KeyError(name)

    def _find(self, state: StateMap, faults: list[str]) -> None:
        """Find every register of a table, and one for every state."""
        known = [name for name in self._registers.values() if name not in state.adapter]
        conditions = [place for place in state.others.values() if isinstance(place, Expression)]
        spoken = [n for place in conditions for n in place.names if not n.startswith("golden.")]
        for name in dict.fromkeys((*state.words.values(), *state.others, *spoken)):
            try:
                number = self._state(name)
            except KeyError:
                faults.append(f"state: {unknown_name('register', name, known)}")
                continue
            if name in state.others or name in state.words.values():
                if number in self.names:
                    faults.append(f"state: {name} and {self.names[number]} are the same register")
                self.names[number] = name
        for number, name in self._registers.items():
            if number not in self.names:
                faults.append(
                    f'state: register {name} has no place: give it a value, "any" or a condition in [state.others]'
                )

    def _check_needed(self, faults: list[str]) -> None:
        """Refuse a table that doesn't say where a word is that the neuron has."""
        spoken = {name for _, place in self._conditions for name in place.names}
        has = {
            "potential": True,
            "refractory": self._words.values["refractory"] != 0,
            "trace": self._words.parameters.spike_trace,
        }
        for name, needed in has.items():
            if needed and not faults and name not in self._words_at and f"golden.{name}" not in spoken:
                faults.append(
                    f"state: {name} is missing: name its register, or tell golden.{name} in a condition of others"
                )

    @property
    def free_names(self) -> set[str]:
        """The names of the states that may hold anything."""
        return {self.names[number] for number in self.free}

    def anything(self, number: int) -> Term:
        """Return any content of a state."""
        sort = self.circuit.sorts[number]
        if sort.index:
            return self.terms.fresh_array(sort.index, sort.width, "anything")
        return self.terms.fresh(sort.width, "anything")

    def owed_term(self, age: int, name: str, width: int) -> Term:
        """Return the word of an update that isn't over, as any node has it."""
        if (age, name) not in self._owed:
            self._owed[age, name] = self._variable(width, f"{name} owed")
        return self._owed[age, name]

    def node_states(self) -> dict[int, Term]:
        """Return the registers of any idle state."""
        states = self.like()
        states |= {
            number: self.terms.constant(v, self.circuit.width(number)) for number, v in self.values.items()
        }
        return states | {number: self.anything(number) for number in self.free}

    def like(self, broken: Collection[str] = ()) -> dict[int, Term]:
        """Return the registers of any idle state that hold the golden one, or have a condition that isn't broken."""
        held = {
            number: self.golden.words[name].bits(self.circuit.width(number))
            for name, number in self._words_at.items()
        }
        bound = {
            number: term for number, term in self._bound.items() if number not in self._spoken_of(broken)
        }
        return held | bound

    def _spoken_of(self, broken: Collection[str]) -> set[int]:
        """Return the registers that a broken condition speaks of, or one that shares a register with it."""
        groups = [
            {self._state(name) for name in (register, *place.names) if not name.startswith("golden.")}
            for register, place in self._conditions
        ]
        names = [f"{register} = {place.text!r}" for register, place in self._conditions]
        found = set().union(*(group for name, group in zip(names, groups, strict=True) if name in broken))
        while any(group & found and not group <= found for group in groups):
            found = found.union(*(group for group in groups if group & found))
        return found

    def places(self, states: Mapping[int, Term], golden: Golden) -> Iterator[Placed]:
        """Give what the table says of some registers, if `golden` is the state."""
        terms = self.terms
        for number, value in self.values.items():
            width = self.circuit.width(number)
            should = terms.constant(value, width)
            yield Placed(f"{self.names[number]} = {value}", "value", terms.equal(states[number], should))
        for register, place in self._conditions:
            yield Placed(f"{register} = {place.text!r}", "condition", self._holds(place.tree, states, golden))
        for name, number in self._words_at.items():
            width, format, word = self.circuit.width(number), self._words.formats[name], golden.words[name]
            low = -(1 << width - 1) if format.signed else 0
            held = Integer(terms, states[number], low, low + (1 << width) - 1, format.signed)
            yield Placed(f"{name} in {self.names[number]}", "word", held == word, (held, word))

    def legal(self, golden: Golden) -> dict[str, Term]:
        """Return what makes a state of the golden model legal, by name."""
        return legal_limits(self._words, golden.words)

    def _holds(self, node: ast.expr, states: Mapping[int, Term], golden: Golden) -> Term:
        """Return whether a condition holds."""
        terms = self.terms
        match node:
            case ast.BoolOp(op=joins, values=values):
                parts = [self._holds(value, states, golden) for value in values]
                return terms.both(*parts) if isinstance(joins, ast.And) else terms.either(*parts)
            case ast.UnaryOp(operand=operand):
                return terms.negation(self._holds(operand, states, golden))
            case ast.Compare(left=left, ops=ops, comparators=others):
                numbers = [self._number(one, states, golden) for one in (left, *others)]
                parts = []
                for place, op in enumerate(ops):
                    a, b = numbers[place], numbers[place + 1]
                    if isinstance(op, ast.NotEq):
                        parts.append(terms.negation(a == b))
                    else:
                        parts.append(getattr(a, _OPERATORS[type(op)])(b))
                return terms.both(*parts)
        raise TypeError(ast.dump(node))

    def _number(self, node: ast.expr, states: Mapping[int, Term], golden: Golden) -> Integer:
        """Return the number that an expression stands for."""
        terms = self.terms
        match node:
            case ast.Constant(value=int(value)):
                return integers.constant(terms, value)
            case ast.UnaryOp(operand=operand):
                return 0 - self._number(operand, states, golden)
            case ast.BinOp(op=ast.LShift(), left=left, right=ast.Constant(value=int(places))):
                return self._number(left, states, golden) << places
            case ast.BinOp(op=ast.BitAnd(), left=left, right=ast.Constant(value=int(mask))):
                return self._number(left, states, golden) & mask
            case ast.BinOp(op=op, left=left, right=right):
                a, b = (self._number(one, states, golden) for one in (left, right))
                made: Integer = getattr(a, _OPERATORS[type(op)])(b)
                return made
            case ast.Call(args=[argument]):
                term = states[self._state(dotted(argument) or "")]
                top = 1 << terms.width(term) - 1
                return Integer(terms, term, -top, top - 1, True)
        name = dotted(node) or ""
        if name == "golden.timestep":
            return Integer(terms, golden.step, 0, (1 << terms.width(golden.step)) - 1)
        if name.startswith("golden."):
            return golden.words[name.removeprefix("golden.")]
        term = states[self._state(name)]
        return Integer(terms, term, 0, (1 << terms.width(term)) - 1)


def legal_limits(words: Words, state: Mapping[str, Integer]) -> dict[str, Term]:
    """Return what makes a state of the golden model legal, by name."""
    constants = words.values
    limits = {
        "potential below threshold": state["potential"] < int(constants["threshold"]),
        "refractory counter within its period": state["refractory"] <= int(constants["refractory"]),
    }
    if "lower_bound" in constants:
        limits["potential at its lower bound"] = state["potential"] >= int(constants["lower_bound"])
    if words.parameters.spike_trace and not words.parameters.additive_spike_trace:
        limits["trace within what a spike writes"] = state["trace"] <= int(constants["trace_spike"])
    return limits
