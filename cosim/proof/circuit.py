"""A circuit as Yosys reads it from Verilog, and its next-state function."""

from collections import ChainMap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import NamedTuple

from qlif.cosim.mapping.complaints import NO_TRISTATE
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.model.exceptions import InputError

_SAME = {
    "not": "BV_NOT", "neg": "BV_NEG", "inc": "BV_INC", "dec": "BV_DEC",
    "redand": "BV_REDAND", "redxor": "BV_REDXOR",
    "and": "BV_AND", "or": "BV_OR", "xor": "BV_XOR", "nand": "BV_NAND", "nor": "BV_NOR", "xnor": "BV_XNOR",
    "add": "BV_ADD", "sub": "BV_SUB", "sll": "BV_SHL", "srl": "BV_SHR", "sra": "BV_ASHR",
    "udiv": "BV_UDIV", "urem": "BV_UREM", "sdiv": "BV_SDIV", "srem": "BV_SREM", "smod": "BV_SMOD",
    "ult": "BV_ULT", "ulte": "BV_ULE", "ugt": "BV_UGT", "ugte": "BV_UGE",
    "slt": "BV_SLT", "slte": "BV_SLE", "sgt": "BV_SGT", "sgte": "BV_SGE",
    "write": "ARRAY_STORE",
}  # fmt: skip
"""Operations of BTOR2 that the solver also has."""

_UNARY = frozenset({"not", "neg", "inc", "dec", "redand", "redor", "redxor", "uext", "sext", "slice"})
_TERNARY = frozenset({"ite", "write"})
_INDICES = {"uext": 1, "sext": 1, "slice": 2}
"""How many numbers follow the operands."""


class Node(NamedTuple):
    """One line of BTOR2 that has a value."""

    number: int
    operation: str
    operands: tuple[int, ...] = ()
    indices: tuple[int, ...] = ()
    constant: int = 0


@dataclass(frozen=True)
class Sort:
    """A bit-vector of `width` bits, or an array of them with addresses of `index` bits."""

    width: int
    index: int = 0


@dataclass
class Circuit:
    """A synchronous circuit: what its nodes are in a clock, and its states in the next.

    Attributes
    ----------
    nodes : list of Node
        In topological order.
    sorts : dict of int to Sort
    inputs, outputs, states : dict of str to int
        Numbers of the nodes, by name.
    named : dict of str to int
        The same of every signal that has a name in the Verilog.
    initial, following : dict of int to int
        Of a state's number to that of its first value (from the time before any clock, not of a reset), and
        of its value in the next clock.
    """

    nodes: list[Node] = field(default_factory=list)
    sorts: dict[int, Sort] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    initial: dict[int, int] = field(default_factory=dict)
    following: dict[int, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Circuit":
        """Return the circuit that is written as BTOR2."""
        circuit = cls()
        sorts: dict[int, Sort] = {}
        for line in text.splitlines():
            code, _, _ = line.partition(";")
            fields = code.split()
            if fields:
                circuit._read(sorts, fields)
        return circuit

    @cached_property
    def users(self) -> dict[int, list[int]]:
        """Of a node's number to the places among the nodes of those that it is an operand of."""
        found: dict[int, list[int]] = {node.number: [] for node in self.nodes}
        for place, node in enumerate(self.nodes):
            for operand in set(node.operands):
                found[operand].append(place)
        return found

    def width(self, number: int) -> int:
        """Return the width of a node."""
        return self.sorts[number].width

    def cone(self, numbers: Iterable[int], cut: Collection[int] = ()) -> set[int]:
        """Return the combinational cone of some nodes, cut at those in `cut`."""
        operands = {node.number: node.operands for node in self.nodes}
        found: set[int] = set()
        stack = list(numbers)
        while stack:
            number = stack.pop()
            if number not in found and number not in cut:
                found.add(number)
                stack += operands[number]
        return found

    def signal(self, name: str) -> int:
        """Return the node of a signal of our own population.

        Raises
        ------
        InputError
            There is none.
        """
        if name not in self.named:
            raise InputError(f"the population isn't one that this project exports: it has no signal {name}")
        return self.named[name]

    def register(self, name: str) -> int:
        """Return the state that a signal shows, by its name, whatever lies between them."""
        return self.shown(self.signal(name))

    def shown(self, number: int) -> int:
        """Return the state that a node shows."""
        (state,) = self.cone([number]) & set(self.states.values())
        return state

    def _read(self, sorts: dict[int, Sort], fields: list[str]) -> None:
        """Take in a line: a sort, by its number, or something of that sort."""
        number, operation, *rest = int(fields[0]), fields[1], *fields[2:]
        if operation == "sort":
            if rest[0] == "bitvec":
                sorts[number] = Sort(int(rest[1]))
            else:
                index, word = sorts[int(rest[1])], sorts[int(rest[2])]
                sorts[number] = Sort(word.width, index.width)
            return
        if operation == "output":
            self.outputs[rest[1] if len(rest) > 1 else f"output{number}"] = int(rest[0])
            return
        if operation in ("init", "next"):
            (self.initial if operation == "init" else self.following)[int(rest[1])] = int(rest[2])
            return
        if operation in ("bad", "constraint", "fair", "justice"):
            raise ValueError(f"the circuit has a {operation}")
        sort = sorts[int(rest[0])]
        self.sorts[number] = sort
        arguments = rest[1:]
        node = Node(number, operation)
        if operation in ("input", "state"):
            name = arguments[0] if arguments else f"{operation}{number}"
            (self.inputs if operation == "input" else self.states)[name] = number
            self.named[name] = number
        elif operation in ("const", "constd", "consth"):
            base = {"const": 2, "constd": 10, "consth": 16}[operation]
            if "z" in arguments[0]:
                raise ValueError(NO_TRISTATE)
            node = Node(number, "constant", constant=int(arguments[0], base))
        elif operation in ("zero", "one", "ones"):
            words = {"zero": 0, "one": 1, "ones": (1 << sort.width) - 1}
            node = Node(number, "constant", constant=words[operation])
        else:
            operand_count = 1 if operation in _UNARY else 3 if operation in _TERNARY else 2
            name_at = operand_count + _INDICES.get(operation, 0)
            operands = tuple(int(x) for x in arguments[:operand_count])
            indices = tuple(int(x) for x in arguments[operand_count:name_at])
            if name_at < len(arguments):
                second_name = operation == "uext" and indices == (0,)
                self.named[arguments[name_at]] = operands[0] if second_name else number
            node = Node(number, operation, operands, indices)
        self.nodes.append(node)


class Clock:
    """The value of every node of a circuit in one clock.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
    inputs : mapping of str to Term
        Those that are known; the others are anything.
    states : mapping of int to Term
        By number; the others are anything.
    instead : mapping of int to Term
        Nodes whose driver is replaced.
    """

    def __init__(
        self,
        terms: Products,
        circuit: Circuit,
        inputs: Mapping[str, Term],
        states: Mapping[int, Term],
        instead: Mapping[int, Term] | None = None,
    ) -> None:
        self.circuit = circuit
        self.terms = terms
        values: dict[int, Term] = {}
        given = {circuit.inputs[name]: term for name, term in inputs.items() if name in circuit.inputs}
        given |= states
        given |= instead or {}
        for node in circuit.nodes:
            known = given.get(node.number)
            values[node.number] = self._evaluated(node, values) if known is None else known
        self.values: Mapping[int, Term] = values

    def __getitem__(self, name: str) -> Term:
        """Return a signal by its name in the Verilog."""
        return self.values[self.circuit.signal(name)]

    def output(self, name: str) -> Term:
        """Return an output port."""
        return self.values[self.circuit.outputs[name]]

    def initial(self) -> dict[int, Term]:
        """Return the states from the time before any clock, where the Verilog says what they are."""
        return {
            state: self._filling(state, self.values[node]) for state, node in self.circuit.initial.items()
        }

    def following(self) -> dict[int, Term]:
        """Return the states in the next clock."""
        return {state: self.values[node] for state, node in self.circuit.following.items()}

    def _filling(self, state: int, word: Term) -> Term:
        """Return what a state starts as: a memory that starts with a word has it everywhere."""
        sort = self.circuit.sorts[state]
        if sort.index and not self.circuit.sorts[self.circuit.initial[state]].index:
            return self.terms.filled_array(sort.index, word)
        return word

    def _evaluated(self, node: Node, values: Mapping[int, Term]) -> Term:
        terms, operation = self.terms, node.operation
        sort = self.circuit.sorts[node.number]
        if operation == "constant":
            return terms.constant(node.constant, sort.width)
        if operation in ("input", "state"):
            return terms.fresh_array(sort.index, sort.width) if sort.index else terms.fresh(sort.width)
        operands = [values[number] for number in node.operands]
        match operation:
            case "uext" | "sext" if node.indices == (0,):
                # A second name, of a memory too.
                return operands[0]
            case "uext" | "sext":
                return terms.extend(operands[0], sort.width, operation == "sext")
            case "slice":
                return terms.slice(operands[0], *node.indices)
            case "read":
                return terms.read(*operands)
            case "write" if not operands[2].is_value() and operands[2] == terms.read(*operands[:2]):
                # A memory port that isn't enabled writes what is there. (A constant is an initial value: to read it
                # back from a thousand of them takes longer than the proof.)
                return operands[0]
            case "concat":
                return terms.concat(*operands)
            case "ite":
                return terms.choose(*operands)
            case "mul":
                return terms.product(operands[0], operands[1], sort.width)
            case "eq" | "iff":
                return terms.equal(*operands)
            case "neq":
                return terms.negation(terms.equal(*operands))
            case "redor":
                return terms.any(operands[0])
            case "not" if sort.width == 1:
                return terms.negation(operands[0])
            case "and" if sort.width == 1:
                return terms.both(*operands)
            case "or" if sort.width == 1:
                return terms.either(*operands)
            case "implies":
                return terms.implies(*operands)
        if operation not in _SAME:
            raise ValueError(f"BTOR2 has no operation {operation}")
        return terms.make(_SAME[operation], *operands)


class Deviation(Clock):
    """A clock like another one in which some nodes are something else; only what depends on them is worked out.

    Parameters
    ----------
    clock : Clock
    instead : mapping of int to Term
        Those nodes' values, whatever drives them.

    Attributes
    ----------
    changed : dict of int to Term
        The nodes with other values than in `clock`.
    """

    def __init__(self, clock: Clock, instead: Mapping[int, Term]) -> None:
        self.circuit, self.terms = clock.circuit, clock.terms
        self.changed: dict[int, Term] = {}
        self.values = values = ChainMap(self.changed, clock.values)  # type: ignore[arg-type]
        nodes, users = self.circuit.nodes, self.circuit.users
        places: list[int] = []
        done = set(instead)

        def take(number: int, word: Term) -> None:
            if word != clock.values[number]:
                self.changed[number] = word
                for place in users[number]:
                    heappush(places, place)

        for number, word in instead.items():
            take(number, word)
        while places:
            node = nodes[heappop(places)]
            if node.number not in done:
                done.add(node.number)
                take(node.number, self._evaluated(node, values))
