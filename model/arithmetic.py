"""Every choice that turns the real neuron into an integer one, in one object."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, assert_never

from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.formats import Format
from qlif.model.rounding import Narrowing, Overflow, Rounding

MOST_FRACTION_BITS = 64
"""Largest magnitude of the fraction bits of a state, current or trace."""

NARROWED = ("difference", "product", "quadratic", "drive", "increment")
"""The intermediate results that may have a narrower format than the exact one, in the order of an update."""

WIDEST_NARROWED = 64
"""Widest such format."""

MOST_PHASE_BITS = 4
"""Most bits of a phase: with more, the rest of a timestep is known better than Euler's method deserves."""

WIDEST_WORD = 32
"""Widest state, current or trace word that model, hardware and proof support."""


OPTIONAL = (*NARROWED, "phase_bits")
"""The choices that aren't listed where they aren't made."""


class Form(StrEnum):
    """Which variable the state word holds, and thus how the quadratic term is computed."""

    FACTORED = "factored"
    """The potential itself, in mV: ``V' = V + G (V - P)(V - Q) + drive``."""
    SQUARE = "square"
    """A scaled distance from the midpoint of rest and critical potential:
    ``V' = V + (V*V >> k) + drive + B``. One multiplication, a square."""

    @property
    def has_differences(self) -> bool:
        """Whether it multiplies differences from rest and critical potential."""
        match self:
            case Form.FACTORED:
                return True
            case Form.SQUARE:
                return False
            case unknown:
                assert_never(unknown)


class Currents(StrEnum):
    """What a current word holds, and thus how it drives the potential."""

    RAW = "raw"
    """The current itself; the hardware multiplies it by ``D = R dt / tau_m``."""
    SCALED = "scaled"
    """The current times a constant near 1, chosen so that the drive is a shift: no multiplier."""


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """Formats, rounding, overflow and form of a fixed-point neuron.

    Roundings and overflows have no default: they must be chosen.

    Parameters
    ----------
    form : Form
        The variable of the state word.
    potential, current : Format
        Signed formats of the state word and of the input word.
    trace : Format
        Unsigned format of the trace; it must hold 1.
    rounding : Rounding
        How the sum of one timestep is brought to the fraction bits of `potential`.
    overflow : Overflow
        How it is brought to the range of `potential`.
    trace_overflow : Overflow
        How an additive trace is brought to the range of `trace`. (The decay of a trace always
        rounds down, so that a trace reaches 0.)
    currents : Currents
        What a current word holds.
    coefficient_bits : int
        Bits of the mantissa of each gain; its exponent is static.
    random_bits : int
        Number of random bits of stochastic rounding; 0 with any other rounding.
    random_seed : int
        Seed of the random words of stochastic rounding.
    product_fraction : int, optional
        Fraction bits to which the quadratic term alone is rounded before the sum, to save
        hardware. Not given: every term enters the sum exactly.
    product_rounding : Rounding, optional
        Its rounding; given if and only if `product_fraction` is.
    difference, product, quadratic, drive, increment : Narrowing, optional
        The narrower format of an intermediate result, with its rounding and its overflow, as in other people's
        hardware: each difference of the factored form; their product, or in the square form that of the potential
        with itself; the whole quadratic term, in place of `product_fraction`; the drive; the sum of all that is added
        to the potential. Not given: exact.
    phase_bits : int
        Bits of the phase: the part of a timestep that was left over after a spike, by which the first step after the
        refractory period is longer. 0: a spike ends its timestep.

    Raises
    ------
    InputError
        Invalid choices, or choices that are incompatible.
    """

    form: Form
    potential: Format
    current: Format
    trace: Format
    rounding: Rounding
    overflow: Overflow
    trace_overflow: Overflow
    currents: Currents
    coefficient_bits: int
    random_bits: int = 0
    random_seed: int = 1
    product_fraction: int | None = None
    product_rounding: Rounding | None = None
    difference: Narrowing | None = None
    product: Narrowing | None = None
    quadratic: Narrowing | None = None
    drive: Narrowing | None = None
    increment: Narrowing | None = None
    phase_bits: int = 0

    def __post_init__(self) -> None:
        for name, kind in (
            ("form", Form),
            ("rounding", Rounding),
            ("overflow", Overflow),
            ("trace_overflow", Overflow),
            ("currents", Currents),
            ("product_rounding", Rounding),
        ):
            value = getattr(self, name)
            if value is None and name == "product_rounding":
                continue
            if not isinstance(value, str) or value not in [str(member) for member in kind]:
                names = [str(member) for member in kind]
                raise InputError(f"{name} must be one of {', '.join(names)}, not {show(value)}")
            object.__setattr__(self, name, kind(value))
        for name, signed in (("potential", True), ("current", True), ("trace", False)):
            format = getattr(self, name)
            if isinstance(format, str):
                format = Format.parse(format)
                object.__setattr__(self, name, format)
            shown = format if isinstance(format, Format) else show(format)
            if not isinstance(format, Format) or format.signed is not signed:
                raise InputError(
                    f"{name} must be {'a signed' if signed else 'an unsigned'} format, not {shown}"
                )
            if not 2 <= format.width <= WIDEST_WORD:
                raise InputError(
                    f"{name} must have 2 to {WIDEST_WORD} bits, not {format.width} as {format} has"
                )
            if abs(format.f_bits) > MOST_FRACTION_BITS:
                raise InputError(
                    f"{name} must have at most {MOST_FRACTION_BITS} fraction bits, or as many missing ones, "
                    f"not {format.f_bits} as {format} has"
                )
        self._whole("coefficient_bits", 2, WIDEST_WORD)
        self._whole("random_seed", 0, 2**64 - 1)
        self._whole("phase_bits", 0, MOST_PHASE_BITS)
        if self.rounding.stochastic:
            self._whole("random_bits", 1, 32)
        elif self.random_bits != 0:
            raise InputError(
                f"random_bits must be 0 with rounding {self.rounding}, not {show(self.random_bits)}"
            )
        if self.trace.i_bits < 1:
            raise InputError(f"trace must hold 1, so it needs at least 1 integer bit, unlike {self.trace}")
        if (self.product_fraction is None) is not (self.product_rounding is None):
            raise InputError("product_fraction and product_rounding are given together or not at all")
        if self.product_fraction is not None:
            self._whole("product_fraction", 0, 64)
        if self.product_rounding is not None and self.product_rounding.stochastic:
            without = ", ".join(one for one in Rounding if not one.stochastic)
            raise InputError(f"product_rounding must be one of {without}, not {self.product_rounding}")
        for name in NARROWED:
            self._check_narrowing(name)
        if self.difference is not None and not self.form.has_differences:
            raise InputError(f"difference requires the form {Form.FACTORED}: the form {self.form} has none")
        if self.quadratic is not None and self.product_fraction is not None:
            raise InputError("quadratic and product_fraction both round the quadratic term: give one of them")

    def _check_narrowing(self, name: str) -> None:
        value = getattr(self, name)
        if value is None:
            return
        if not isinstance(value, Narrowing):
            try:
                value = Narrowing.parse(value)
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
            object.__setattr__(self, name, value)
        if not value.format.signed:
            raise InputError(f"{name} must be a signed format, not {value.format}")
        if not 2 <= value.format.width <= WIDEST_NARROWED:
            raise InputError(
                f"{name} must have 2 to {WIDEST_NARROWED} bits, not {value.format.width} as {value.format} has"
            )

    @property
    def narrowings(self) -> dict[str, Narrowing]:
        """The narrower formats of intermediate results that are given, by name."""
        given = {name: getattr(self, name) for name in NARROWED}
        return {name: narrowing for name, narrowing in given.items() if narrowing is not None}

    def _whole(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{name} must be a whole number from {low} to {high}, not {show(value)}")

    @property
    def summary(self) -> str:
        """The choices that matter most, in a line."""
        return f"{self.form}, potential {self.potential}, current {self.current}, {self.rounding} {self.overflow}"

    def as_dict(self) -> dict[str, Any]:
        """Return every choice by its name, as text and numbers: ready for JSON or TOML.

        Of the narrower formats of intermediate results, only those that there are; the bits of the phase if there
        are any.
        """
        return {
            field.name: str(value) if isinstance(value, (Format, StrEnum, Narrowing)) else value
            for field in fields(self)
            for value in [getattr(self, field.name)]
            if value or field.name not in OPTIONAL
        }

    def __repr__(self) -> str:
        """Return it as it is written in Python, with choices and formats as text."""
        return f"Arithmetic({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"

    def replace(self, **changes: Any) -> "Arithmetic":
        """Return a copy with some choices changed, checked like a new one; text is accepted."""
        known = [field.name for field in fields(self)]
        for name in changes:
            if name not in known:
                raise InputError(unknown_name("arithmetic choice", name, known))
        return replace(self, **changes)
