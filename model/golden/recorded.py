"""The golden step as expressions: run on integers that record what is done with them.

What is written from them in another language is therefore the golden step itself, and not a copy of it. Each
integer knows its range, so that a language can hold it in a type that is as narrow as possible.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from qlif.model.formats import Format
from qlif.model.golden import step as datapath
from qlif.model.words import Words

CHOICE = "?:"
"""The operation of a choice: condition, then, else."""

Bounds = Callable[["Recorded", "Recorded"], Iterable[int]]


@dataclass(frozen=True, eq=False)
class Recorded:
    """An integer, or a condition, and how it is made.

    Attributes
    ----------
    operation : str
        An operator of Python, `CHOICE`, ``input`` or ``number``.
    operands : tuple of Recorded
    low, high : int
        The ends of its range; of a condition 0 and 1.
    number : int
        Of a ``number`` its value; of a shift how far.
    name : str
        Of an ``input``.
    """

    operation: str
    operands: tuple["Recorded", ...]
    low: int
    high: int
    number: int = 0
    name: str = ""

    @classmethod
    def of(cls, value: Any) -> "Recorded":
        """Return a value as it is, or a number as one."""
        number = value if isinstance(value, Recorded) else int(value)
        return number if isinstance(number, Recorded) else cls("number", (), number, number, number)

    @classmethod
    def input(cls, name: str, format: Format) -> "Recorded":
        """Return what is given from outside."""
        return cls("input", (), format.min_word, format.max_word, name=name)

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false, and no integer."""
        return self.operation in ("<", ">", "<=", ">=", "==")

    @property
    def bits(self) -> int:
        """Bits that hold it in two's complement."""
        return width(self.low, self.high)

    def _with(self, operation: str, other: object, bounds: Bounds) -> "Recorded":
        operand = self.of(other)
        found = list(bounds(self, operand))
        return type(self)(operation, (self, operand), min(found), max(found))

    def _compared(self, operation: str, other: object) -> "Recorded":
        return type(self)(operation, (self, self.of(other)), 0, 1)

    def __add__(self, other: object) -> "Recorded":
        return self._with("+", other, lambda a, b: (a.low + b.low, a.high + b.high))

    def __sub__(self, other: object) -> "Recorded":
        return self._with("-", other, lambda a, b: (a.low - b.high, a.high - b.low))

    def __mul__(self, other: object) -> "Recorded":
        is_square = other is self
        if is_square:
            return self._with("*", other, lambda a, b: (0, a.low * a.low, a.high * a.high))
        return self._with("*", other, lambda a, b: (x * y for x in (a.low, a.high) for y in (b.low, b.high)))

    def __radd__(self, other: object) -> "Recorded":
        number: Recorded = self.of(other)
        return number + self

    def __rsub__(self, other: object) -> "Recorded":
        number: Recorded = self.of(other)
        return number - self

    __rmul__ = __mul__

    def __lshift__(self, places: int) -> "Recorded":
        if places == 0:
            return self
        return type(self)("<<", (self,), self.low << places, self.high << places, places)

    def __rshift__(self, places: int) -> "Recorded":
        # Terms whose low bits are 0 needn't be in the sum that is shifted, which then is narrower.
        terms = list(_terms(self))
        whole = [term for term in terms if term.operation == "<<" and term.number >= places]
        if self.operation == "+" and whole:
            rest = [term for term in terms if not any(term is one for one in whole)]
            shifted = _sum(rest)._shifted(places)
            return _sum([shifted, *(term.operands[0] << (term.number - places) for term in whole)])
        return self._shifted(places)

    def _shifted(self, places: int) -> "Recorded":
        return type(self)(">>", (self,), self.low >> places, self.high >> places, places)

    def __and__(self, mask: int) -> "Recorded":
        return self._with("&", mask, lambda a, b: (0, b.high))

    def __lt__(self, other: object) -> "Recorded":
        return self._compared("<", other)

    def __gt__(self, other: object) -> "Recorded":
        return self._compared(">", other)

    def __le__(self, other: object) -> "Recorded":
        return self._compared("<=", other)

    def __ge__(self, other: object) -> "Recorded":
        return self._compared(">=", other)

    def __eq__(self, other: Any) -> "Recorded":  # type: ignore[override]
        return self._compared("==", other)

    __hash__ = None  # type: ignore[assignment]

    def chosen(self, then: "Recorded", other: "Recorded") -> "Recorded":
        """Return one where this condition holds, else the other."""
        low, high = min(then.low, other.low), max(then.high, other.high)
        # What is brought to a range keeps none beyond it.
        tried, limit = self.operands
        if _same(limit, then) and self.operation == "<" and other is tried:
            low, high = max(then.low, other.low), max(then.high, other.high)
        if _same(limit, then) and self.operation == ">" and (other is tried or _raised(other, tried, limit)):
            low, high = min(then.low, other.low), min(then.high, other.high)
        return type(self)(CHOICE, (self, then, other), low, high)


def _terms(value: Recorded) -> Iterator[Recorded]:
    """Yield what a sum is made of."""
    if value.operation == "+":
        for operand in value.operands:
            yield from _terms(operand)
    else:
        yield value


def _sum(terms: list[Recorded]) -> Recorded:
    """Return a sum, its numbers as one."""
    number = sum(term.number for term in terms if term.operation == "number")
    others = [term for term in terms if term.operation != "number"]
    total = others[0] if others else Recorded.of(0)
    for term in others[1:]:
        total = total + term
    return total + number if number else total


def width(low: int, high: int) -> int:
    """Return how many bits hold all integers from `low` to `high` in two's complement."""
    return max((~low if low < 0 else low).bit_length(), (~high if high < 0 else high).bit_length()) + 1


class PlainlyRecorded(Recorded):
    """The same for a language that goes through the solver: the operations and widths are those of the proof.

    A product is as wide as any of such words. (The solver compares products by their factors' bits.)
    """

    def __mul__(self, other: object) -> "Recorded":
        operand = self.of(other)
        signed = self.low < 0 or operand.low < 0
        bits = sum(one.bits - (one.low >= 0) for one in (self, operand))
        ends = (-(1 << (bits - 1)) if signed else 0, (1 << (bits - signed)) - 1)
        return self._with("*", operand, lambda a, b: ends)

    __rmul__ = __mul__

    def __rshift__(self, places: int) -> "Recorded":
        return self._shifted(places)

    def chosen(self, then: "Recorded", other: "Recorded") -> "Recorded":
        """Return one where this condition holds, else the other."""
        low, high = min(then.low, other.low), max(then.high, other.high)
        return type(self)(CHOICE, (self, then, other), low, high)


def choose(condition: Recorded, a: object, b: object) -> Recorded:
    """Return a where the condition holds, else b."""
    return condition.chosen(condition.of(a), condition.of(b))


def _same(one: Recorded, other: Recorded) -> bool:
    numbers = one.operation == other.operation == "number"
    return one is other or (numbers and one.number == other.number)


def _raised(value: Recorded, tried: Recorded, limit: Recorded) -> bool:
    """Return whether a value is the larger one of what was tried and a number not above the limit."""
    if value.operation != CHOICE:
        return False
    condition, then, other = value.operands
    low = condition.operands[1]
    return condition.operation == "<" and other is tried and _same(low, then) and low.high <= limit.low


@dataclass(frozen=True, eq=False)
class RecordedStep:
    """The golden step of some words.

    Attributes
    ----------
    words : Words
    inputs : dict of str to Format
        What is given: state, current, random bits if there are any, and run-time parameters.
    lines : tuple of Recorded
        All that is computed, each behind its operands.
    outputs : dict of str to Recorded
        The state after the update, and the spike.
    variable : tuple of str
        The parameter words among the inputs, there as :func:`parameter_input`.
    """

    words: Words
    inputs: dict[str, Format]
    lines: tuple[Recorded, ...]
    outputs: dict[str, Recorded]
    variable: tuple[str, ...]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {id(line): place for place, line in enumerate(self.lines)}

    def place(self, line: Recorded) -> int:
        """Return which of the lines one is."""
        return self._places[id(line)]

    @property
    def bits(self) -> int:
        """Bits of the widest integer."""
        return max(one.bits for line in self.lines for one in (line, *line.operands))


def parameter_input(name: str) -> str:
    """Return what a parameter word is called where it stands beside the state, which has a ``refractory`` too."""
    return f"{name}_parameter"


def variable(words: Words, runtime: Collection[str] = ()) -> list[str]:
    """Return the parameter words that aren't the same for all neurons at all times.

    Parameters
    ----------
    words : Words
    runtime : collection of str
        Those that are written at run time.
    """
    return [name for name, word in words.values.items() if name in runtime or not isinstance(word, int)]


def record(
    words: Words, runtime: Collection[str] = (), kind: type[Recorded] = PlainlyRecorded
) -> RecordedStep:
    """Run the golden step on recorded integers.

    Parameters
    ----------
    words : Words
    runtime : collection of str
        Parameter words that are written at run time; they are inputs, as are those with one value per neuron.
    kind : type
        `Recorded` for the narrowest integers.
    """
    names = variable(words, runtime)
    kept = [*words.kept_formats, "current", *(["random"] if words.arithmetic.rounding.stochastic else [])]
    inputs = {name: words.formats[name] for name in kept}
    inputs |= {parameter_input(name): words.constants[name].format for name in names}
    given = {name: kind.input(name, format) for name, format in inputs.items()}
    constants = {name: given.get(parameter_input(name), word) for name, word in words.values.items()}
    state = datapath.State(
        given["potential"], given["refractory"], given.get("trace", 0), given.get("phase", 0)
    )
    after, spike = datapath.step(words, constants, state, given["current"], given.get("random", 0), choose)
    outputs = {"spike": spike} | {name: kind.of(getattr(after, name)) for name in words.kept_formats}
    lines: dict[int, Recorded] = {}
    for output in outputs.values():
        _add(lines, output)
    return RecordedStep(words, inputs, tuple(lines.values()), outputs, tuple(names))


def _add(lines: dict[int, Recorded], value: Recorded) -> None:
    """Add a value behind its operands, unless it is there."""
    if id(value) in lines or not value.operands:
        return
    for operand in value.operands:
        _add(lines, operand)
    lines[id(value)] = value
