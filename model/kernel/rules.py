"""What one update needs of the machine: its integers' width, its shifts, its constants.

Nothing here computes a neuron. The ranges of all intermediate integers follow from the formats, so
they hold for every state, input and parameter word, whether or not a run ever gets there.

The sum of one update is ``V * 2**e + rest``, of which the lowest e bits are rounded away. Every
rounding gives the same if V is left out of the sum and added behind it, and the remaining sum is so
much narrower that it fits 32 bits where the whole doesn't. (Half to even looks at the LSB
that is kept, so V takes part in that.)
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import NARROWED, Currents, Form
from qlif.model.formats import Format
from qlif.model.rounding import Narrowing, Overflow, Rounding
from qlif.model.words import Words

WIDTHS = (32, 64, 128, 256)
"""Integers that the loops can be made of. More than 64 bits are several registers, and slow."""


class Round(IntEnum):
    """How the loops round: by adding a constant, by looking at the LSB, or by random words."""

    EXACT = 0
    """No bits are dropped; of the quadratic term alone only."""
    CONSTANT = 1
    EVEN = 2
    RANDOM = 3

    @property
    def adds(self) -> tuple[bool, bool, bool]:
        """Add a constant; add just below a half and the LSB that is kept; add a random word."""
        match self:
            case Round.EXACT:
                return False, False, False
            case Round.CONSTANT:
                return True, False, False
            case Round.EVEN:
                return False, True, False
            case Round.RANDOM:
                return False, False, True
            case unknown:
                assert_never(unknown)


MANY = 4096
"""So many neurons gain if their input is brought near ahead of time; fewer lose."""


@dataclass(frozen=True)
class Rule:
    """What is fixed when a loop is compiled. Everything else is an argument, so few loops are compiled.

    Attributes
    ----------
    square : bool
        The form.
    raw : bool
        Currents are multiplied by the drive.
    product, rounding : Round
        How the quadratic term and the sum are rounded.
    wrap : bool
        The potential wraps on overflow.
    per_neuron : bool
        Parameter words are arrays.
    sum_bits, trace_bits : int
        Width of the integers in the sum and in the trace: of :data:`WIDTHS`.
    real : bool
        Currents come as real numbers and become words on the way.
    narrowed : int
        A bit for each of :data:`qlif.model.arithmetic.NARROWED`: whether it has a narrower format.
    many : bool
        There are :data:`MANY` neurons or more.
    phase_bits : int
        Of the phase.
    """

    square: bool
    raw: bool
    product: Round
    rounding: Round
    wrap: bool
    per_neuron: bool
    sum_bits: int
    trace_bits: int
    real: bool
    narrowed: int
    many: bool
    phase_bits: int

    @property
    def tag(self) -> str:
        """All of it in a name."""
        return "_".join(str(int(getattr(self, each.name))) for each in fields(self))


@dataclass(frozen=True)
class Range:
    """All integers from `low` to `high`."""

    low: int
    high: int

    @classmethod
    def of(cls, format: Format) -> "Range":
        """Return the words of a format."""
        return cls(format.min_word, format.max_word)

    @property
    def bits(self) -> int:
        """Width of the two's complement integer that holds them."""
        return max((self.low if self.low >= 0 else ~self.low).bit_length(), self.high.bit_length()) + 1

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Range") -> "Range":
        return Range(self.low - other.high, self.high - other.low)

    def __mul__(self, other: "Range") -> "Range":
        corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return Range(min(corners), max(corners))

    def __lshift__(self, bits: int) -> "Range":
        return Range(self.low << bits, self.high << bits)

    def __rshift__(self, bits: int) -> "Range":
        return Range(self.low >> bits, self.high >> bits)


class Shifts(IntEnum):
    """Where each number stands in :attr:`Plan.shifts`."""

    PRODUCT = 0
    """Bits that the quadratic term loses before the sum."""
    QUADRATIC = 1
    """Bits by which the quadratic term is shifted left in the sum; DRIVE and BIAS likewise."""
    DRIVE = 2
    BIAS = 3
    SUM = 4
    """Bits that the sum loses."""
    RANDOM = 5
    """Bits by which a random word is shifted left."""
    DECAY = 6
    """Fraction bits of the decay."""
    RANDOM_BITS = 7
    LOW = 8
    """The potential's range."""
    HIGH = 9
    POTENTIAL_BITS = 10
    TRACE_KEPT = 11
    """All ones if a spike adds to the trace, else 0."""
    TRACE_HIGH = 12
    """Above this the trace saturates."""
    TRACE_MASK = 13
    """The bits of the trace."""
    SUM_OFFSET = 14
    """1 if half an LSB is added before the sum is rounded."""
    PRODUCT_OFFSET = 15
    INCREMENT = 16
    """Bits by which a narrower increment is shifted left in the sum."""
    NARROWED = 17
    """From here on, for each of :data:`qlif.model.arithmetic.NARROWED`, one for each of :class:`Narrow`."""


class Narrow(IntEnum):
    """How one intermediate result becomes narrower; all of them 0 if it doesn't."""

    UP = 0
    """Bits by which it is shifted left."""
    DOWN = 1
    """Bits that it loses."""
    OFFSET = 2
    """1 if half an LSB is added before."""
    EVEN = 3
    """1 if that is one less, and one more where the part that is kept is odd."""
    BITS = 4
    """Bits of the format if it wraps; 0 if it saturates."""
    LOW = 5
    """The format's range."""
    HIGH = 6


CONSTANTS = (
    "threshold",
    "reset",
    "refractory",
    "lower_bound",
    "decay",
    "trace_spike",
    "rest",
    "critical",
    "gain",
    "bias",
    "drive",
)
"""Rows of the array of parameter words. What a neuron doesn't have is 0, or the lowest word."""


class Plan:
    """How a population is computed with machine integers.

    Parameters
    ----------
    words : Words

    Attributes
    ----------
    shifts : array of int64, one for each of :class:`Shifts` but the last, and then of :class:`Narrow`
    sum_range : Range
        Every integer in an update, besides the trace's.
    potential, refractory, trace, phase, current, random : numpy.dtype
        The narrowest types that hold the words.
    possible : bool
        Whether the widest integers of the loops are enough.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        arithmetic = words.arithmetic
        shifts = np.zeros(Shifts.NARROWED + len(NARROWED) * len(Narrow), dtype=np.int64)
        finest, place = words.sum_format.f_bits, arithmetic.potential.f_bits
        shifts[Shifts.SUM] = finest - place
        for name, narrowing in arithmetic.narrowings.items():
            first = narrow_place(name)
            exact: Format = getattr(words, f"{name}_format")
            shifts[first : first + len(Narrow)] = _narrow(narrowing, exact.f_bits)
        if arithmetic.increment is not None:
            shifts[Shifts.INCREMENT] = finest - arithmetic.increment.format.f_bits
            finest = words.increment_format.f_bits
        quadratic_fraction, drive_fraction = words.quadratic_format.f_bits, words.drive_format.f_bits
        if arithmetic.quadratic is not None:
            quadratic_fraction = arithmetic.quadratic.format.f_bits
        if arithmetic.drive is not None:
            drive_fraction = arithmetic.drive.format.f_bits
        if arithmetic.product_fraction is not None:
            shifts[Shifts.PRODUCT] = quadratic_fraction - arithmetic.product_fraction
            quadratic_fraction = arithmetic.product_fraction
        shifts[Shifts.QUADRATIC] = finest - quadratic_fraction
        shifts[Shifts.DRIVE] = finest - drive_fraction
        if "bias" in words.constants:
            shifts[Shifts.BIAS] = finest - words.constants["bias"].format.f_bits
        shifts[Shifts.RANDOM_BITS] = arithmetic.random_bits
        shifts[Shifts.RANDOM] = shifts[Shifts.SUM] - arithmetic.random_bits if arithmetic.random_bits else 0
        shifts[Shifts.DECAY] = words.constants["decay"].format.f_bits
        shifts[Shifts.LOW], shifts[Shifts.HIGH] = arithmetic.potential.min_word, arithmetic.potential.max_word
        shifts[Shifts.POTENTIAL_BITS] = arithmetic.potential.width
        additive = words.parameters.additive_spike_trace
        wraps = additive and _wraps(arithmetic.trace_overflow)
        all_ones = (1 << 62) - 1
        shifts[Shifts.TRACE_KEPT] = all_ones if additive else 0
        shifts[Shifts.TRACE_HIGH] = all_ones if wraps else arithmetic.trace.max_word
        shifts[Shifts.TRACE_MASK] = arithmetic.trace.max_word
        self.rounding, self.product = Round.CONSTANT, Round.EXACT
        if shifts[Shifts.SUM]:
            self.rounding, shifts[Shifts.SUM_OFFSET] = _round(arithmetic.rounding)
        if arithmetic.product_rounding is not None:
            self.product, shifts[Shifts.PRODUCT_OFFSET] = _round(arithmetic.product_rounding)
        self.shifts = shifts
        self.potential = _narrowest(arithmetic.potential)
        self.refractory = _narrowest(words.refractory)
        self.trace = _narrowest(arithmetic.trace)
        self.phase = np.dtype(np.uint8)
        self.current = _narrowest(arithmetic.current)
        self.random = np.dtype(np.uint8 if arithmetic.random_bits <= 8 else np.uint16 if
                               arithmetic.random_bits <= 16 else np.uint32)  # fmt: skip
        self.sum_range = self._sum_range()
        trace = Range.of(arithmetic.trace)
        decayed, spiked = trace * Range.of(words.constants["decay"].format), trace + trace
        # These integers have no sign.
        self.trace_bits = 32 if max(decayed.bits, spiked.bits) - 1 <= 32 else 64
        self.possible = self.sum_range.bits <= WIDTHS[-1]

    def rule(self, per_neuron: bool, real: bool) -> Rule:
        """Return what is to be compiled."""
        arithmetic = self.words.arithmetic
        return Rule(
            square=_is_square(arithmetic.form),
            raw=_multiplies_currents(arithmetic.currents),
            product=self.product,
            rounding=self.rounding,
            wrap=_wraps(arithmetic.overflow),
            per_neuron=per_neuron,
            sum_bits=next(width for width in WIDTHS if width >= self.sum_range.bits),
            trace_bits=self.trace_bits,
            real=real,
            narrowed=sum(1 << NARROWED.index(name) for name in arithmetic.narrowings),
            many=self.words.parameters.n >= MANY,
            phase_bits=arithmetic.phase_bits,
        )

    def constants(self, values: dict[str, Any], per_neuron: bool) -> npt.NDArray[np.int64]:
        """Return the parameter words, one row for each of :data:`CONSTANTS`, one column or one per neuron."""
        columns = self.words.parameters.n if per_neuron else 1
        table = np.zeros((len(CONSTANTS), columns), dtype=np.int64)
        table[CONSTANTS.index("lower_bound")] = self.words.arithmetic.potential.min_word
        for name, word in values.items():
            table[CONSTANTS.index(name)] = np.ravel(np.asarray(word, dtype=np.int64))
        return table

    def _sum_range(self) -> Range:
        """Return a range around every integer between the state before and the potential after."""
        words, shifts = self.words, self.shifts.tolist()
        arithmetic, constants = words.arithmetic, words.constants
        potential = Range.of(arithmetic.potential)
        seen = [potential]

        def note(value: Range) -> Range:
            seen.append(value)
            return value

        def rounded(value: Range, bits: int, rounding: Round) -> Range:
            note(value)
            if rounding is Round.EXACT or bits == 0:
                return value
            # Whatever is added to round is less than an LSB, which must fit as well.
            return note(value + note(Range(0, 1 << bits))) >> bits

        def narrowed(name: str, value: Range) -> Range:
            narrowing = arithmetic.narrowings.get(name)
            if narrowing is None:
                return value
            up, down = (shifts[narrow_place(name) + step] for step in (Narrow.UP, Narrow.DOWN))
            note(note(note(value) << up) + note(Range(0, 1 << down)))
            return note(Range.of(narrowing.format))

        if _is_square(arithmetic.form):
            largest = max(-potential.low, potential.high)
            quadratic = narrowed("product", Range(0, largest * largest))
        else:
            first = narrowed("difference", note(potential - Range.of(constants["rest"].format)))
            second = narrowed("difference", note(potential - Range.of(constants["critical"].format)))
            product = narrowed("product", note(first * second))
            quadratic = product * note(Range.of(constants["gain"].format))
        quadratic = narrowed("quadratic", quadratic)
        quadratic = rounded(quadratic, shifts[Shifts.PRODUCT], self.product)
        quadratic = note(quadratic << shifts[Shifts.QUADRATIC])
        drive = note(Range.of(arithmetic.current))
        if _multiplies_currents(arithmetic.currents):
            drive = note(drive * note(Range.of(constants["drive"].format)))
        drive = note(narrowed("drive", drive) << shifts[Shifts.DRIVE])
        total = note(quadratic + drive)
        if "bias" in constants:
            # The loops add half an LSB to the bias.
            half = Range(0, 1 << shifts[Shifts.SUM])
            bias = note(note(Range.of(constants["bias"].format)) << shifts[Shifts.BIAS])
            total = note(total + note(bias + half))
        total = note(narrowed("increment", total) << shifts[Shifts.INCREMENT])
        shares = Range(0, 0)
        if arithmetic.phase_bits:
            # What makes the step longer, in halves of the potential's LSBs; each of its parts is rounded down.
            halves = shifts[Shifts.SUM] - 1
            shares = note((total >> halves) + Range(-(1 << arithmetic.phase_bits), 0))
            total = note(total + note(shares << halves))
        added = rounded(total, shifts[Shifts.SUM], self.rounding)
        after = note(potential + added)
        if arithmetic.phase_bits:
            # How far above the threshold, and what is left of that.
            note(note((after - potential) << 1) - shares)
        if _wraps(arithmetic.overflow):
            note(after - potential)
            note(Range(0, 1 << arithmetic.potential.width))
        return Range(min(value.low for value in seen), max(value.high for value in seen))


def narrow_place(name: str) -> int:
    """Return where the numbers of an intermediate result begin in :attr:`Plan.shifts`."""
    return Shifts.NARROWED + NARROWED.index(name) * len(Narrow)


def _narrow(narrowing: Narrowing, f_bits: int) -> tuple[int, ...]:
    """Return the numbers of :class:`Narrow` for a result with so many fraction bits."""
    format = narrowing.format
    down = max(0, f_bits - format.f_bits)
    rounding, offset = _round(narrowing.rounding) if down else (Round.CONSTANT, False)
    _, even, _ = rounding.adds
    bits = format.width if _wraps(narrowing.overflow) else 0
    return max(0, format.f_bits - f_bits), down, offset | even, even, bits, format.min_word, format.max_word


def _round(rounding: Rounding) -> tuple[Round, bool]:
    """Return how the loops compute a rounding, and whether they add half an LSB."""
    match rounding:
        case Rounding.TRN:
            return Round.CONSTANT, False
        case Rounding.RND:
            return Round.CONSTANT, True
        case Rounding.RND_CONV:
            return Round.EVEN, False
        case Rounding.SR:
            return Round.RANDOM, False
        case unknown:
            assert_never(unknown)


def _wraps(overflow: Overflow) -> bool:
    match overflow:
        case Overflow.WRAP:
            return True
        case Overflow.SAT:
            return False
        case unknown:
            assert_never(unknown)


def _is_square(form: Form) -> bool:
    match form:
        case Form.SQUARE:
            return True
        case Form.FACTORED:
            return False
        case unknown:
            assert_never(unknown)


def _multiplies_currents(currents: Currents) -> bool:
    match currents:
        case Currents.RAW:
            return True
        case Currents.SCALED:
            return False
        case unknown:
            assert_never(unknown)


def _narrowest(format: Format) -> np.dtype[Any]:
    """Return the narrowest type that holds a format."""
    width = next(width for width in (8, 16, 32) if format.width <= width)
    return np.dtype(f"{'int' if format.signed else 'uint'}{width}")
