"""What the solver chose in a counterexample, and a simulator may not: why a replay doesn't differ."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from qlif.cosim.evidence.vcd import samples
from qlif.cosim.mapping.complaints import own_name
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.labels import labels
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.solver import Term
from qlif.hdl.interface import RESET

_KEY = "choice "
_MADE = r"(^|\.)[$_]"
"""A name that Yosys or Amaranth made."""
_OTHERWISE = (
    "nothing that the solver chose is another there, so the simulator reads the text otherwise than Yosys"
)
_SHOWN = 3
"""Most that a report names."""


class Kind(StrEnum):
    """Why a simulator may have another word."""

    FREE = "free"
    """A register that neither a reset nor an initial value sets."""
    UNKNOWN = "unknown"
    """An X in the text: any value to the solver."""
    CONSTANT = "constant"
    """A signal that Yosys made a constant."""
    STATE = "state"
    """A register that is set, in a state that the run needn't come to."""


@dataclass(frozen=True)
class Choice:
    """A word of a counterexample.

    Attributes
    ----------
    kind : Kind
    name : str
        Of the signal, in the Verilog.
    clock : int
        Counted from where the counterexample starts.
    word : int
    """

    kind: Kind
    name: str
    clock: int
    word: int


_Found = tuple[Kind, str, int, Term, Term]
"""Kind, name and clock of a choice; what the solver chooses, and what shows it."""


class Choices:
    """What a solver may choose along the clocks of a claim; worked out only when one is refuted.

    Parameters
    ----------
    terms : Products
    circuit : Circuit
    aligned : bool
        The simulation has the clocks of the counterexample, so that registers can be compared at its end too.

    Attributes
    ----------
    clocks : list of Clock
        From where a counterexample starts.
    """

    def __init__(self, terms: Products, circuit: Circuit, aligned: bool) -> None:
        self._terms, self._circuit, self._aligned = terms, circuit, aligned
        self.clocks: list[Clock] = []

    def named(self, claim: Term) -> dict[str, Term]:
        """Return what a counterexample of a claim has to tell besides: what it depends on, and all constants."""
        leaves = self._terms.variables([claim])
        return {
            f"{_KEY}{kind} {clock} {name}": shown
            for kind, name, clock, chosen, shown in (
                *self._registers(),
                *self._unknowns(),
                *self._constants(),
            )
            if kind is Kind.CONSTANT or leaves & self._terms.variables([chosen])
        }

    def known(self) -> tuple[Choice, ...]:
        """Return the choices that are known without a solver: the constants."""
        found = ((name, self._terms.value(shown)) for _, name, _, _, shown in self._constants())
        return tuple(Choice(Kind.CONSTANT, name, 0, word) for name, word in found if word is not None)

    def _registers(self) -> Iterator[_Found]:
        """Give the registers in the first clock and, where it can be compared, in the last."""
        circuit, first = self._circuit, self.clocks[0]
        ends = {0, len(self.clocks) - 1} if self._aligned else {0}
        reset = Clock(self._terms, circuit, {RESET: self._terms.true}, {}).following()
        for number, name in labels(circuit).items():
            if not circuit.sorts[number].index:
                is_set = number in circuit.initial or reset[number].is_value()
                term = first.values[number]
                for clock in ends:
                    shown = self.clocks[clock].values[number]
                    yield Kind.STATE if is_set else Kind.FREE, name, clock, term, shown

    def _unknowns(self) -> Iterator[_Found]:
        """Give, for each X, the nearest signal in each clock: an input without a name is an X."""
        circuit = self._circuit
        users: dict[int, list[int]] = {}
        for node in circuit.nodes:
            for operand in node.operands:
                users.setdefault(operand, []).append(node.number)
        names: dict[int, str] = {}
        for name, number in circuit.named.items():
            if not re.search(_MADE, name) and len(name) < len(names.get(number, name + " ")):
                names[number] = name
        for unknown in (number for name, number in circuit.inputs.items() if re.fullmatch(r"input\d+", name)):
            seen = near = {unknown}
            while near and not any(number in names for number in near - {unknown}):
                near = {user for number in near for user in users.get(number, ())} - seen
                seen = seen | near
            shows = min((names[number] for number in near - {unknown} if number in names), default=None)
            if shows is not None:
                for clock, now in enumerate(self.clocks):
                    shown = now.values[circuit.named[shows]]
                    yield Kind.UNKNOWN, own_name(shows), clock, now.values[unknown], shown

    def _constants(self) -> Iterator[_Found]:
        """Give the signals that are constants to Yosys."""
        constants = {node.number for node in self._circuit.nodes if node.operation == "constant"}
        for name, number in self._circuit.named.items():
            if number in constants and not re.search(_MADE, name):
                term = self.clocks[0].values[number]
                yield Kind.CONSTANT, own_name(name), 0, term, term


def split(values: Mapping[str, int]) -> tuple[dict[str, int], tuple[Choice, ...]]:
    """Return the words of a counterexample, and what of them was a choice."""
    words = {name: word for name, word in values.items() if not name.startswith(_KEY)}
    chosen = []
    for name in values.keys() - words.keys():
        kind, clock, signal = name.removeprefix(_KEY).split(" ", 2)
        chosen.append(Choice(Kind(kind), signal, int(clock), values[name]))
    return words, tuple(sorted(chosen, key=lambda one: (list(Kind).index(one.kind), one.clock, one.name)))


def why_same(
    choices: Sequence[Choice], waves: Path, begin: int | None = None, otherwise: str = _OTHERWISE
) -> str:
    """Return why a simulation doesn't show a counterexample: where it isn't as the solver chose.

    Parameters
    ----------
    choices : tuple of Choice
    waves : Path
        VCD of the simulation.
    begin : int, optional
        The time from which it plays the counterexample; that of the end of the first reset if not given.
    otherwise : str
        What it is if everything is as the solver chose.
    """
    last = max((choice.clock for choice in choices), default=0)
    seen = samples(waves, {choice.name for choice in choices}, last + 1, begin)
    by_signal: dict[tuple[Kind, str], list[tuple[int, str]]] = {}
    for choice in choices:
        if choice.clock < len(seen) and (word := seen[choice.clock].get(choice.name)) is not None:
            by_signal.setdefault((choice.kind, choice.name), []).append((choice.word, word))
    other: dict[Kind, list[str]] = {}
    for (kind, name), words in by_signal.items():
        different = [pair for pair in words if str(pair[0]) != pair[1]]
        # A register that comes to the same word by the end has nothing to do with it; an X may show in any clock.
        if different and (kind is Kind.UNKNOWN or len(different) == len(words)):
            chosen, word = different[0]
            other.setdefault(kind, []).append(f"{name} is {chosen} there and {word} in the simulation")
    told = [f"{_reason(kind)}: {several(found)}" for kind, found in other.items()]
    return "; ".join(told) or otherwise


def several(found: list[str]) -> str:
    """Return the first of some things, and how many more there are."""
    return ", ".join(found[:_SHOWN]) + (f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def _reason(kind: Kind) -> str:
    match kind:
        case Kind.FREE:
            return "no reset and no initial value sets this register, so the solver chose what it starts with"
        case Kind.STATE:
            return "the proof starts from any state, and the simulation isn't in this one"
        case Kind.UNKNOWN:
            return "an X, which the solver may take for any value"
        case Kind.CONSTANT:
            return "Yosys made a constant of it"
        case never:
            assert_never(never)
