"""Idle states of somebody else's core, as the table ``[state]`` of its map says them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from qlif.cosim.mapping.state import ANY, Expression, StateMap
from qlif.cosim.proof import expressions, integers
from qlif.cosim.proof.circuit import Circuit
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.random_register import next_register
from qlif.cosim.proof.register_names import RegisterNames
from qlif.cosim.proof.rows import Rows
from qlif.cosim.proof.solver import Term
from qlif.cosim.proof.turns import Turns
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.golden import step as datapath
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.random_words import REGISTER_BITS, initial_register
from qlif.model.words import Words


@dataclass(frozen=True)
class Golden:
    """A state of the golden model, and which update comes next.

    Attributes
    ----------
    words : mapping of str to Integer
        Those of the neuron that is updated next.
    step, neuron : Term
        Timestep and number of that update.
    watched : mapping of str to Integer
        The words of the neuron that is watched, which is any: so what holds of it holds of each.
    random : Term, optional
        The register of random words, with stochastic rounding.
    """

    words: Mapping[str, Integer]
    step: Term
    neuron: Term
    watched: Mapping[str, Integer]
    random: Term | None = None

    def state(self) -> datapath.State:
        """Return the state."""
        return datapath.State(**self.words)


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
    turns : Turns

    Attributes
    ----------
    golden : Golden
        Any legal state, which the registers hold.
    watch : Term
        The neuron that is watched.
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
        self, terms: Products, circuit: Circuit, words: Words, state: StateMap, turns: Turns
    ) -> None:
        self.terms, self.circuit, self._words, self.turns = terms, circuit, words, turns
        self.names: dict[int, str] = {}
        self.known: set[int] = set()
        self._owed: dict[tuple[int, str], Term] = {}
        self._registers = RegisterNames(circuit)
        faults: list[str] = []
        present = {name: place for name, place in state.adapter.items() if name in circuit.states}
        state = replace(state, others={**state.others, **present})
        self._first = state.first
        self._find(state, faults)
        places = {
            name: (self._registers.find_rows(at.name, turns.neurons), at)
            for name, at in state.words.items()
            if not faults
        }
        self._rows = Rows(terms, circuit, words, turns.neurons, places)
        self.known |= {variable.id() for variable in self._rows.variables}
        self._places, found = places, not faults
        faults += self._rows.faults()
        self.values: dict[int, int] = {}
        self._conditions: list[tuple[str, Expression]] = []
        self.free: set[int] = set()
        self._bound: dict[int, Term] = {}
        if found:
            self._place(state, faults)
            self._check_needed(state, faults)
        if faults:
            raise InputError("; ".join(faults))
        self._neuron_at = self._registers.find(state.neuron) if state.neuron else None
        self._random_at = self._registers.find(state.random) if state.random else None
        self._initial = {
            name: integers.constant(terms, int(word.ravel()[0]))
            for name, word in FixedNeurons(words).state.by_name(words).items()
        }
        self._told = {
            name: self._variable(words.formats[name].width, name)
            for name in words.state_names
            if name not in places and f"golden.{name}" in self._spoken
        }
        self.golden, self.watch, self.named = self._any_golden()
        self.named |= {self.names[number]: term for number, term in self._bound.items()}
        self.assumed = [term for term in self._assumptions() if terms.value(term) is None]

    def _place(self, state: StateMap, faults: list[str]) -> None:
        """Take in what the table says of the registers that hold no word."""
        for register, place in state.others.items():
            number = self._registers.find(register)
            if isinstance(place, Expression):
                self._conditions.append((register, place))
                self._bound[number] = self._variable(self._width(number, register, faults), register)
            elif place == ANY:
                self.free.add(number)
            else:
                width, value = self._width(number, register, faults), int(place)
                if not -(1 << width - 1) <= value < 1 << width:
                    faults.append(f"state: others: {register} has {width} bits, which don't hold {value}")
                self.values[number] = value
        if (
            state.random
            and self._width(self._registers.find(state.random), state.random, faults) != REGISTER_BITS
        ):
            faults.append(
                f"state: random: {state.random} must be the register of numerics.md, {REGISTER_BITS} bits"
            )
        for register in () if state.first is None else state.first.names:
            if (
                not register.startswith("golden.")
                and (number := self._registers.find(register)) not in self._bound
            ):
                if number in self.values or number in self.free:
                    faults.append(f"state: {register} has a place: first says what it is")
                self._bound[number] = self._variable(self._width(number, register, faults), register)

    def _any_golden(self) -> tuple[Golden, Term, dict[str, Term]]:
        """Return any state of the golden model, the neuron that is watched, and what a counterexample tells."""
        (neuron, step), (watch, _) = self.turns.any(), self.turns.any()
        self.known |= {one.id() for one in (neuron, step, watch)}
        # Which rows still are initial depends on the neuron, so that the words come after it.
        self.golden = Golden({}, step, neuron, {})
        random = None if self._random_at is None else self._variable(REGISTER_BITS, "random")
        words, watched = self.row(neuron), self.row(watch)
        named = {
            name: word.word for name, word in words.items() if name in self._places or name in self._told
        }
        if self.turns.neurons > 1:
            named |= {"neuron": neuron, "watched": watch}
        return Golden(words, step, neuron, watched, random), watch, named

    def row(self, neuron: Term) -> dict[str, Integer]:
        """Return the words of a neuron in any idle state."""
        return {name: self._word(name, neuron) for name in self._words.state_names}

    def _word(self, name: str, neuron: Term) -> Integer:
        if name in self._places:
            return self._unless_first(self._rows.word(name, neuron), name, neuron, self.like(), self.golden)
        if name in self._told:
            return Integer.of(self.terms, self._told[name], self._words.formats[name])
        return integers.constant(self.terms, 0)

    def _unless_first(
        self, word: Integer, name: str, neuron: Term, states: Mapping[int, Term], golden: Golden
    ) -> Integer:
        """Return a word, or the initial one where the table says that it counts as that."""
        if self._first is None:
            return word
        terms = self.terms
        later = terms.negation(terms.make("BV_ULT", neuron, golden.neuron))
        first = terms.both(self._holds(self._first, states, golden), later)
        return integers.choose(terms, first, self._initial[name], word)

    def _assumptions(self) -> Iterator[Term]:
        """Give that the idle state is legal, as far as it matters, and the conditions of the table."""
        golden = self.golden
        states = self.node_states()
        around = (move(golden.neuron, golden.step)[0] for move in (self.turns.before, self.turns.after))
        rows = {row.id(): row for row in (golden.neuron, self.watch, *around)}
        for row in rows.values():
            yield self.turns.is_neuron(row)
            words = self.row(row)
            yield from self.legal(words).values()
            for name in self._places:
                yield self._held(states, name, row, golden) == words[name]
        for place in self.places(states, golden):
            if place.kind == "condition":
                yield place.holds

    def after(self, words: Mapping[str, Integer]) -> Golden:
        """Return the golden state after an update that leaves these words."""
        terms, golden = self.terms, self.golden
        neuron, step = self.turns.after(golden.neuron, golden.step)
        random = None if golden.random is None else next_register(terms, golden.random)
        if self.turns.neurons == 1:
            return Golden(words, step, neuron, words, random)
        here = terms.equal(self.watch, golden.neuron)
        watched = {
            name: integers.choose(terms, here, word, golden.watched[name]) for name, word in words.items()
        }
        return Golden(self.row(neuron), step, neuron, watched, random)

    def initial(self) -> Golden:
        """Return the golden state after a reset."""
        neuron, step = self.turns.first
        seed = initial_register(self._words.arithmetic.random_seed)
        random = None if self.golden.random is None else self.terms.constant(seed, REGISTER_BITS)
        return Golden(self._initial, step, neuron, self._initial, random)

    def _variable(self, width: int, name: str) -> Term:
        term = self.terms.fresh(width, name)
        self.known.add(term.id())
        return term

    def _width(self, number: int, register: str, faults: list[str]) -> int:
        if self.circuit.sorts[number].index:
            faults.append(
                f'state: {register} is a memory: of one that holds no word, [state] can only say "any"'
            )
        return self.circuit.width(number)

    def _find(self, state: StateMap, faults: list[str]) -> None:
        """Find every register of a table, and one for every state."""
        rows = self.turns.neurons
        known = [name for name in self._registers.labels.values() if name not in state.adapter]
        self._spoken = {name for place in state.conditions for name in place.names}
        spoken = sorted(name for name in self._spoken if not name.startswith("golden."))
        words = dict.fromkeys(location.name for location in state.words.values())
        named = dict.fromkeys(name for name in (*words, state.neuron, state.random, *state.others) if name)
        placed = {*named, *(() if state.first is None else state.first.names)}
        for name in dict.fromkeys((*named, *spoken)):
            try:
                find = self._registers.find
                numbers = self._registers.find_rows(name, rows) if name in words else (find(name),)
            except KeyError:
                faults.append(f"state: {unknown_name('register', name, known)}")
                continue
            for number in numbers if name in placed else ():
                if number in self.names:
                    faults.append(f"state: {name} and {self.names[number]} are the same register")
                self.names[number] = name
        for number, name in self._registers.labels.items():
            if number not in self.names:
                faults.append(
                    f'state: register {name} has no place: give it a value, "any" or a condition in [state.others]'
                )

    def _check_needed(self, state: StateMap, faults: list[str]) -> None:
        """Refuse a table that doesn't say where a word is that the neuron has."""
        has = {
            "potential": True,
            "refractory": self._words.values["refractory"] != 0,
            "trace": self._words.parameters.spike_trace,
            "phase": self._words.arithmetic.phase_bits > 0,
        }
        if self._words.arithmetic.random_bits and not state.random:
            faults.append("state: random is missing: name its register, or a port in the role random")
        for name, needed in has.items():
            if needed and name not in self._places:
                if self.turns.neurons > 1:
                    faults.append(f"state: {name} is missing: name the memory with a row for each neuron")
                elif f"golden.{name}" not in self._spoken:
                    faults.append(
                        f"state: {name} is missing: name its register, or tell golden.{name} in a condition of "
                        "others"
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
        found = dict(self._rows.content)
        if self._neuron_at is not None:
            width = self.circuit.width(self._neuron_at)
            found[self._neuron_at] = self.terms.extend(self.golden.neuron, width, False)
        if self._random_at is not None:
            found[self._random_at] = self.golden.random
        spoken = self._spoken_of(broken)
        return found | {number: term for number, term in self._bound.items() if number not in spoken}

    def _spoken_of(self, broken: Collection[str]) -> set[int]:
        """Return the registers that a broken condition speaks of, or one that shares a register with it."""
        groups = [
            {
                self._registers.find(name)
                for name in (register, *place.names)
                if not name.startswith("golden.")
            }
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
            yield Placed(f"{register} = {place.text!r}", "condition", self._holds(place, states, golden))
        if self._neuron_at is not None:
            number = states[self._neuron_at]
            held, should = (
                Integer(terms, one, 0, (1 << terms.width(one)) - 1) for one in (number, golden.neuron)
            )
            yield Placed(f"neuron in {self.names[self._neuron_at]}", "word", held == should, (held, should))
        if self._random_at is not None:
            random = states[self._random_at]
            name = f"the next random word in {self.names[self._random_at]}"
            yield Placed(name, "word", terms.equal(random, golden.random), (random, golden.random))
        for name, (_, location) in self._places.items():
            held, word = self._held(states, name, self.watch, golden), golden.watched[name]
            yield Placed(f"{name} in {location}", "word", held == word, (held, word))

    def _held(self, states: Mapping[int, Term], name: str, row: Term, golden: Golden) -> Integer:
        """Return what some registers hold as a word of a neuron."""
        return self._unless_first(self._rows.held(states, name, row), name, row, states, golden)

    def legal(self, state: Mapping[str, Integer]) -> dict[str, Term]:
        """Return what makes a neuron's state legal, by name."""
        return legal_limits(self._words, state)

    def _holds(self, condition: Expression, states: Mapping[int, Term], golden: Golden) -> Term:
        """Return whether a condition holds of some registers and a state of the golden model."""
        terms = self.terms

        def named(name: str) -> Integer:
            match name:
                case "golden.timestep":
                    term = golden.step
                case "golden.neuron":
                    term = golden.neuron
                case _ if name.startswith("golden."):
                    return golden.words[name.removeprefix("golden.")]
                case _:
                    term = states[self._registers.find(name)]
            return Integer(terms, term, 0, (1 << terms.width(term)) - 1)

        return expressions.condition(terms, condition.tree, named)


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
    if "phase" in state:
        after_spike = max(int(constants[name]) for name in ("reset", "lower_bound") if name in constants)
        potential = state["potential"]
        limits["phase only where a spike left the neuron"] = potential.terms.either(
            state["phase"] == 0, potential == after_spike
        )
    return limits
