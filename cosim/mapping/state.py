"""`StateMap`: where somebody else's core keeps a neuron's state between two updates, and what else it holds.

In a map (TOML)::

    [state]
    potential = "v_reg"
    refractory = "ref_cnt"
    trace = "tr"
    phase = "left"            # with phase_bits above 0

    [state.others]
    busy = 0
    product = "any"
    count = "count <= 5"

An expression may speak of the golden model: ``golden.potential``, ``golden.refractory``, ``golden.trace`` and
``golden.phase`` of the neuron that is updated next, ``golden.neuron``, its number, and ``golden.timestep``, in which
it is. So a core that counts up is placed by ``up = "up + golden.refractory == 5"``.

Of several neurons, each word is in a memory with a row for each, or in as many registers ``u[0]``, ``u[1]``, and so
on; it may be some bits of it, ``"ram[15:0]"``. Two more keys are for them::

    neuron = "row"            # the register that holds the number of the neuron that is updated next
    first = "warm == 0"       # when the rows from there on count as initial, whatever they hold

With stochastic rounding, ``random`` names the core's register of random words, where the adapter doesn't give them.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from qlif.cosim.mapping.core_map import Contract, CoreMap
from qlif.hdl.core import STEP_BITS
from qlif.model.exceptions import InputError, show, unknown_name

WORDS = ("potential", "refractory", "trace", "phase")
"""What a neuron keeps; of a configuration, :attr:`~qlif.model.words.Words.state_names`."""

GOLDEN = tuple(f"golden.{name}" for name in (*WORDS, "timestep", "neuron"))
"""Names of an expression that are the golden model's."""

_KEYS = (*WORDS, "neuron", "random", "first", "others")

RANDOM = "random_bits"
"""The adapter's register of random words."""

_BITS = re.compile(r"(.+)\[(\d+):(\d+)\]")

ANY = "any"
"""A register that may hold anything."""

_COMPARED = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True)
class Expression:
    """A condition on registers, in the operators of Python.

    Attributes
    ----------
    text : str
    tree : ast.expr
        Only of numbers, names, ``+ - * <<``, ``&`` with a mask of ones, comparisons, ``and``, ``or``, ``not``, and
        ``signed(NAME)``: registers are unsigned otherwise.
    names : tuple of str
        The registers, and those of :data:`GOLDEN`.
    """

    text: str
    tree: ast.expr = field(compare=False, repr=False)
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Expression":
        """Return the expression of a text.

        Raises
        ------
        InputError
            It is none, or none that is a condition.
        """
        try:
            tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise InputError(
                f'must be a number, "any" or a condition on registers, not {show(text)}'
            ) from None
        names = tuple(dict.fromkeys(_names(tree, True, text)))
        for name in names:
            if name.startswith("golden.") and name not in GOLDEN:
                raise InputError(unknown_name("word of the golden model", name, GOLDEN))
        return cls(text, tree, names)


def dotted(node: ast.expr) -> str | None:
    """Return the name that a node spells; None if it is something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (inner := dotted(node.value)) is not None:
        return f"{inner}.{node.attr}"
    return None


def _names(node: ast.expr, condition: bool, text: str) -> Iterator[str]:
    """Give the names of a condition, or of a number; refuse what is neither."""
    match node:
        case ast.BoolOp(values=values) if condition:
            for value in values:
                yield from _names(value, True, text)
        case ast.UnaryOp(op=ast.Not(), operand=operand) if condition:
            yield from _names(operand, True, text)
        case ast.Compare(left=left, ops=ops, comparators=others) if condition and all(
            isinstance(op, _COMPARED) for op in ops
        ):
            for value in (left, *others):
                yield from _names(value, False, text)
        case ast.Constant(value=int()) if not condition and not isinstance(node.value, bool):
            pass
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())) if not condition:
            pass
        case ast.BinOp(
            op=ast.LShift() | ast.BitAnd() as op, left=left, right=ast.Constant(value=int(number))
        ) if not condition:
            whole_mask = number > 0 and not number & (number + 1)
            if not (whole_mask if isinstance(op, ast.BitAnd) else 0 <= number <= 64):
                raise InputError(f"{show(text)}: & takes a mask of ones such as 255, and << up to 64")
            yield from _names(left, False, text)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult(), left=left, right=right) if not condition:
            yield from _names(left, False, text)
            yield from _names(right, False, text)
        case ast.Call(func=ast.Name(id="signed"), args=[argument], keywords=[]) if (
            not condition and (name := dotted(argument)) is not None
        ):
            yield name
        case ast.Name() | ast.Attribute() if not condition and (name := dotted(node)) is not None:
            yield name
        case _:
            what = "a condition" if condition else "a number or a register"
            raise InputError(f"{show(text)}: {ast.unparse(node)} is not {what} as [state] can have it")


Place = int | str | Expression
"""What a register holds between two updates: a number, :data:`ANY`, or what a condition says."""


class Location(NamedTuple):
    """Where a word is: in a register, a memory or an array of registers; of `bits` (high, low) alone, if given."""

    name: str
    bits: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Return the location of a text such as ``ram[15:0]``."""
        if (found := _BITS.fullmatch(text)) is None:
            return cls(text)
        return cls(found[1], (int(found[2]), int(found[3])))

    def __str__(self) -> str:
        return self.name if self.bits is None else "{}[{}:{}]".format(self.name, *self.bits)


@dataclass(frozen=True)
class StateMap:
    """Where a core's state is between two updates.

    Attributes
    ----------
    words : mapping of str to Location
        Where the potential, refractory counter and trace of a neuron are, or of each, by these names.
    others : mapping of str to Place
        What every other register holds.
    adapter : mapping of str to Place
        What the registers of the adapter hold, of those that there are.
    neuron : str
        The register that holds the number of the neuron that is updated next; empty if there is none.
    random : str
        The register of the random words (:mod:`qlif.model.random_words`); empty if there is none.
    first : Expression, optional
        When the rows from that one on count as initial, whatever they hold.
    """

    words: Mapping[str, Location]
    others: Mapping[str, Place] = field(default_factory=dict)
    adapter: Mapping[str, Place] = field(default_factory=dict)
    neuron: str = ""
    random: str = ""
    first: Expression | None = None

    @property
    def conditions(self) -> tuple[Expression, ...]:
        """Every condition."""
        places = (*self.others.values(), self.first)
        return tuple(place for place in places if isinstance(place, Expression))

    def with_adapter(self, core_map: CoreMap) -> "StateMap":
        """Return it with the places of the adapter's registers.

        Raises
        ------
        InputError
            Both have random words.
        """
        random = self.random
        if "random" in core_map.ports:
            if random:
                raise InputError(f"{core_map.where}state: random: they come by the port in the role random")
            random = RANDOM
        return replace(self, adapter=adapter_places(core_map), random=random)


def read_state(table: Any) -> StateMap:
    """Return the state map of a table ``[state]``.

    Raises
    ------
    InputError
        It has faults: the text tells each.
    """
    if not isinstance(table, dict):
        raise InputError(f"state must be a table [state], not {show(table)}")
    faults = [
        f"state: {unknown_name('key', name, _KEYS)}; what other registers hold is in [state.others]"
        for name in table
        if name not in _KEYS
    ]
    said: dict[str, str] = {}
    for name in _KEYS[:-1]:
        if isinstance(text := table.get(name, ""), str):
            said |= {name: text} if text else {}
        else:
            faults.append(f"state: {name} must be {_meant(name)} in quotes, not {show(text)}")
    first = None
    try:
        first = Expression.parse(said["first"]) if "first" in said else None
    except InputError as error:
        faults.append(f"state: first: {error}")
    others = _others(table.get("others", {}), faults)
    words = {name: Location.parse(said[name]) for name in WORDS if name in said}
    registers = {name: text for name, text in said.items() if name != "first"}
    for name, text in registers.items():
        if Location.parse(text).name in others or list(registers.values()).count(text) > 1:
            faults.append(f"state: register {text} is named twice, once as {name}")
    if faults:
        raise InputError("; ".join(faults))
    return StateMap(words, others, neuron=said.get("neuron", ""), random=said.get("random", ""), first=first)


def _meant(key: str) -> str:
    return "a condition" if key == "first" else "a register's name"


def _others(table: Any, faults: list[str]) -> dict[str, Place]:
    """Return what a table ``[state.others]`` says."""
    if not isinstance(table, dict):
        faults.append(f"state: others must be a table [state.others], not {show(table)}")
        return {}
    others: dict[str, Place] = {}
    for name, said in _flat(table, ""):
        try:
            if isinstance(said, bool) or not isinstance(said, int | str):
                raise InputError(f'must be a number, "any" or a condition on registers, not {show(said)}')
            others[name] = said if isinstance(said, int) or said == ANY else Expression.parse(said)
        except InputError as error:
            faults.append(f"state: others: {name}: {error}")
    return others


def _flat(table: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """Give a table's entries; a dotted name without quotes is a table within for TOML."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def adapter_places(core_map: CoreMap) -> dict[str, Place]:
    """Return what the registers of a map's adapter hold between two updates, of those that it has.

    Its queue of events isn't looked at: an event counts when it is put there. So are updates, where more than one may
    be under way.
    """
    one_at_a_time = (
        core_map.contract is Contract.STROBE and "ready" not in core_map.ports and core_map.interval is None
    )
    holds_updates = core_map.contract is Contract.STREAMS or "taken" in core_map.ports
    several = core_map.neurons > 1
    # Where events are made of what is begun, their count is one ahead.
    ahead = one_at_a_time and "event" in core_map.ports
    return {
        "held": 0 if one_at_a_time else ANY,
        "offered": ANY,
        # Where `done` lasts until the next start: whether its update is still to come.
        "waiting": 0,
        **({} if core_map.interval is None else {"since": core_map.interval}),
        **dict.fromkeys(("update_queue.words", "update_queue.first"), ANY),
        "update_queue.count": 0 if one_at_a_time else ANY,
        **dict.fromkeys(("event_queue.words", "event_queue.first", "event_queue.count"), ANY),
        "updated": _counted("updated", core_map.neurons)
        if one_at_a_time or holds_updates or not several
        else ANY,
        **_event_places(core_map.neurons, ahead),
    }


def _counted(name: str, neurons: int) -> Place:
    """Return the place of a count of neurons: of one, it stays 0."""
    return Expression.parse(f"{name} == golden.neuron") if neurons > 1 else 0


def _event_places(neurons: int, ahead: bool) -> dict[str, Place]:
    """Return the places of the counts of neurons and timesteps that events are given; `ahead` is by one neuron."""
    following = f"(event_time + 1) & {(1 << STEP_BITS) - 1} == golden.timestep"
    if not ahead:
        time, row = "event_time == golden.timestep", _counted("event_row", neurons)
    elif neurons == 1:
        time, row = following, 0
    else:
        time = f"golden.neuron == 0 and {following} or golden.neuron != 0 and event_time == golden.timestep"
        row = Expression.parse(
            f"golden.neuron == 0 and event_row == {neurons - 1} or event_row + 1 == golden.neuron"
        )
    return {"event_row": row, "event_time": Expression.parse(time)}
