"""From the physical neuron to the integers that the model, the hardware and the proof share."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic, Currents, Form
from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.formats import SQ, UQ, Format
from qlif.model.parameters import Parameters, Real

POTENTIALS = frozenset({"threshold", "reset", "lower_bound", "rest", "critical"})
"""The parameter words that are potentials."""

Word = int | npt.NDArray[Any]
"""One integer for the population, or one per neuron."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A parameter as a word: ``value = word * 2**-format.f_bits``."""

    word: Word
    format: Format

    @property
    def value(self) -> Real:
        """The real value of the word."""
        value = self.format.values(self.word)
        return float(value) if value.ndim == 0 else value


@dataclass(frozen=True)
class ExactValue:
    """One line of the report: what a parameter became when it was rounded to a word.

    The value asked for and the exact one are in `unit`. Where there is one value per neuron, they
    are those of the neuron with the largest error.
    """

    name: str
    unit: str
    asked: float
    exact: float
    stored: str

    @property
    def relative_error(self) -> float:
        """``(exact - asked) / |asked|``; 0 where the value asked for is 0."""
        return (self.exact - self.asked) / abs(self.asked) if self.asked else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the line as a mapping, ready for JSON."""
        return {**vars(self), "relative_error": self.relative_error}


@dataclass(frozen=True, eq=False)
class Words:
    """A population's parameters as integers, with all that says what they mean.

    Made by :func:`quantise`. The potential word holds ``scale * (v - origin)`` and the current word
    ``current_scale * I``, each in its format of `arithmetic`.

    Attributes
    ----------
    parameters : Parameters
        The physical neuron that was asked for.
    arithmetic : Arithmetic
        The formats and roundings.
    constants : mapping of str to Constant
        Every parameter word by its name: ``threshold``, ``reset``, ``refractory``, ``decay``,
        ``trace_spike`` (what a spike adds to, or writes into, the trace), ``lower_bound`` if the
        parameters have one; ``rest``, ``critical`` and ``gain`` in the factored form; ``bias`` in
        the square form; ``drive`` with raw currents.
    refractory : Format
        Format of the refractory counter.
    quadratic_shift : int
        In the square form, the quadratic term is ``V * V * 2**-quadratic_shift``; else 0.
    drive_shift : int
        With scaled currents, the drive is ``I * 2**-drive_shift``; else 0.
    origin, scale : float or array
        Potential at word 0, in mV; words' unit per mV.
    current_scale : float or array
        The unit of the current word per unit of current.
    report : tuple of ExactValue
        What each parameter became.
    """

    parameters: Parameters
    arithmetic: Arithmetic
    constants: Mapping[str, Constant]
    refractory: Format
    quadratic_shift: int
    drive_shift: int
    origin: Real
    scale: Real
    current_scale: Real
    report: tuple[ExactValue, ...]

    def __getstate__(self) -> dict[str, Any]:
        # A mapping that can't be written to can't be pickled either.
        return {**vars(self), "constants": dict(self.constants)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, constants=MappingProxyType(state["constants"]))

    @property
    def values(self) -> dict[str, Word]:
        """The bare words of :attr:`constants`, by name."""
        return {name: constant.word for name, constant in self.constants.items()}

    def potential_words(self, potential: npt.ArrayLike, name: str = "potential") -> npt.NDArray[Any]:
        """Return the words nearest to potentials in mV.

        Raises
        ------
        InputError
            A potential is outside the format; the text calls it `name`.
        """
        return _fitting(name, "mV", potential, self.arithmetic.potential, self.origin, self.scale)

    def potentials(self, words: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the potentials in mV of potential words."""
        return np.asarray(self.arithmetic.potential.values(words) / self.scale + self.origin)

    def current_words(self, current: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the words nearest to currents.

        Raises
        ------
        InputError
            A current is not finite or outside the format.
        """
        array = np.asarray(current, dtype=np.float64)
        if not np.all(np.isfinite(array)):
            raise InputError(f"current must be finite, not {array[~np.isfinite(array)].flat[0]}")
        return _fitting("current", "mV/R", array, self.arithmetic.current, 0.0, self.current_scale)

    def currents(self, words: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the currents of current words."""
        return np.asarray(self.arithmetic.current.values(words) / self.current_scale)

    def traces(self, words: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the traces of trace words."""
        return self.arithmetic.trace.values(words)

    def constant_word(self, name: str, value: float, neuron: int | None = None) -> int:
        """Return the word nearest to a value that a parameter is to have at run time.

        Parameters
        ----------
        name : str
            As in :attr:`constants`.
        value : float
            In mV for a potential, else what the word itself stands for.
        neuron : int, optional
            Whose coordinates count, where each neuron has its own; else the first neuron's.

        Raises
        ------
        InputError
            The name is unknown, or the format doesn't hold the value.
        """
        if name not in self.constants:
            raise InputError(unknown_name("parameter word", name, self.constants))
        form = self.constants[name].format
        origin, scale = 0.0, 1.0
        if name in POTENTIALS:
            origin, scale = (
                float(np.broadcast_to(of, self.parameters.shape).flat[neuron or 0])
                for of in (self.origin, self.scale)
            )
        return int(_fitting(name, "mV" if name in POTENTIALS else "", value, form, origin, scale))

    @property
    def quadratic_format(self) -> Format:
        """Format of the exact quadratic term."""
        potential = self.arithmetic.potential
        if self.arithmetic.form is Form.SQUARE:
            return (potential * potential).scaled_by_power_of_two(-self.quadratic_shift)
        rest, critical = self.constants["rest"].format, self.constants["critical"].format
        return (potential - rest) * (potential - critical) * self.constants["gain"].format

    @property
    def drive_format(self) -> Format:
        """Format of the exact drive of one timestep."""
        if self.arithmetic.currents is Currents.SCALED:
            return self.arithmetic.current.scaled_by_power_of_two(-self.drive_shift)
        return self.arithmetic.current * self.constants["drive"].format

    @property
    def sum_format(self) -> Format:
        """Format of the exact sum of one timestep, before it is rounded to the potential's."""
        arithmetic = self.arithmetic
        quadratic = self.quadratic_format
        if arithmetic.product_fraction is not None:
            # One integer bit more, for what rounding up may carry into.
            quadratic = SQ(quadratic.i_bits + 1, arithmetic.product_fraction)
        total = arithmetic.potential + quadratic + self.drive_format
        return total + self.constants["bias"].format if "bias" in self.constants else total

    @property
    def formats(self) -> dict[str, Format]:
        """Formats of what goes into an update: the state, the current, and random bits if there are any."""
        arithmetic = self.arithmetic
        formats = {
            "potential": arithmetic.potential,
            "refractory": self.refractory,
            "trace": arithmetic.trace,
            "current": arithmetic.current,
        }
        return formats | ({"random": UQ(arithmetic.random_bits, 0)} if arithmetic.random_bits else {})

    @property
    def kept_formats(self) -> dict[str, Format]:
        """Formats of what a neuron keeps between timesteps, in the order of a memory, lowest first."""
        kept = ("potential", "refractory", *(["trace"] if self.parameters.spike_trace else []))
        return {name: self.formats[name] for name in kept}

    @property
    def state_bits(self) -> int:
        """Bits that a neuron keeps from one timestep to the next."""
        return sum(form.width for form in self.kept_formats.values())

    @property
    def largest_width(self) -> int:
        """Bits of the widest integer in one update; decides whether int64 arrays are enough."""
        trace = (self.arithmetic.trace * self.constants["decay"].format).width
        return max(self.sum_format.width, self.quadratic_format.width, trace) + 1


def quantise(parameters: Parameters, arithmetic: Arithmetic) -> Words:
    """Return the words of a population.

    Every real value is rounded once, to the nearest word. Gains are normalised: the largest of a
    population gets a mantissa of `coefficient_bits` bits, and the exponent is static.

    Raises
    ------
    InputError
        A value can't be held in its format, a coefficient is too small to have an effect, or
        rounding made two values equal that must differ.
    """
    square = arithmetic.form is Form.SQUARE
    bits = arithmetic.coefficient_bits
    origin: Real = 0.0
    scale: Real = 1.0
    quadratic_shift = 0
    if square:
        # With scale = gain * 2**k the quadratic term's coefficient is a power of two, exactly. k brings
        # the largest scale into (1/2, 1], so that the format spans at least what it reads in mV.
        quadratic_shift = -_next_power_of_two(float(np.max(parameters.gain)))
        scale = parameters.gain * 2.0**quadratic_shift
        origin = (parameters.rest_pot + parameters.critical_pot) / 2
    step_drive: Real = parameters.drive * scale
    current_scale: Real = 1.0
    drive_shift = 0
    if arithmetic.currents is Currents.SCALED:
        drive_shift = -_next_power_of_two(float(np.max(step_drive)))
        current_scale = step_drive * 2.0**drive_shift

    def potential(name: str, value: Real) -> Constant:
        words = _fitting(name, "mV", value, arithmetic.potential, origin, scale)
        return Constant(_plain(words), arithmetic.potential)

    constants = {
        "threshold": potential("threshold", parameters.threshold),
        "reset": potential("reset_pot", parameters.reset_pot),
    }
    if parameters.lower_bound is not None:
        constants["lower_bound"] = potential("lower_bound", parameters.lower_bound)
    if square:
        half_distance = (np.asarray(parameters.critical_pot) - parameters.rest_pot) / 2
        constants["bias"] = _coefficient("a0", -scale * parameters.gain * half_distance**2, bits, True)
    else:
        constants["rest"] = potential("rest_pot", parameters.rest_pot)
        constants["critical"] = potential("critical_pot", parameters.critical_pot)
        constants["gain"] = _coefficient("a0", parameters.gain, bits)
    if arithmetic.currents is Currents.RAW:
        constants["drive"] = _coefficient("R", step_drive, bits)
    refractory = UQ(max(1, int(np.max(parameters.refrac_length)).bit_length()), 0)
    constants["refractory"] = Constant(_plain(np.asarray(parameters.refrac_length)), refractory)
    decay = UQ(0, bits)
    constants["decay"] = Constant(_plain(decay.words(parameters.decay)), decay)
    if not np.all(decay.holds(constants["decay"].word)) or np.any(np.asarray(constants["decay"].word) == 0):
        raise InputError(
            f"tau_s must give a decay exp(-dt/tau_s) that {bits} bits hold and that isn't 0 or 1, "
            f"not {show(parameters.tau_s)} with dt = {show(parameters.dt)}"
        )
    spike_trace = parameters.trace_scale if parameters.additive_spike_trace else 1.0
    constants["trace_spike"] = Constant(
        _plain(_fitting("trace_scale", "", spike_trace, arithmetic.trace, 0.0, 1.0)), arithmetic.trace
    )

    words = Words(
        parameters=parameters,
        arithmetic=arithmetic,
        constants=MappingProxyType(constants),
        refractory=refractory,
        quadratic_shift=quadratic_shift,
        drive_shift=drive_shift,
        origin=origin,
        scale=scale,
        current_scale=current_scale,
        report=_report(parameters, arithmetic, constants, origin, scale, current_scale),
    )
    _check(words)
    return words


def _check(words: Words) -> None:
    """Refuse words that can't do what the parameters ask for."""
    arithmetic, constants = words.arithmetic, words.constants
    if np.any(np.asarray(constants["threshold"].word) <= constants["reset"].word):
        raise InputError(
            f"threshold and reset_pot must be different words of {arithmetic.potential}, "
            f"but {show(words.parameters.threshold)} and {show(words.parameters.reset_pot)} mV are not"
        )
    # The smallest change that the rounding can pass on to the state word.
    place = arithmetic.potential.f_bits + max(1, arithmetic.random_bits)
    for name, term in (("a0", words.quadratic_format), ("R", words.drive_format)):
        if term.i_bits <= -place:
            raise InputError(
                f"{name} underflows: with dt / tau_m as it is, its term stays below half of the last place "
                f"of {arithmetic.potential} for every state and input"
            )
    product_fraction = arithmetic.product_fraction
    if product_fraction is not None and product_fraction >= words.quadratic_format.f_bits:
        raise InputError(
            f"product_fraction must be below the {words.quadratic_format.f_bits} fraction bits of the exact "
            f"product, not {product_fraction}"
        )
    if product_fraction is not None and product_fraction < -words.quadratic_format.i_bits:
        raise InputError(
            f"product_fraction must be at least {-words.quadratic_format.i_bits}, not {product_fraction}: "
            "the quadratic term stays below half of its last place for every state"
        )
    dropped = words.sum_format.f_bits - arithmetic.potential.f_bits
    if arithmetic.random_bits > dropped:
        raise InputError(
            f"random_bits must be at most the {dropped} bits that the sum loses, not {arithmetic.random_bits}"
        )


def _fitting(
    name: str, unit: str, value: npt.ArrayLike, form: Format, origin: Real, scale: Real
) -> npt.NDArray[Any]:
    """Return the words nearest to ``scale * (value - origin)``, or say what the format can hold."""
    words = form.words(scale * (np.asarray(value, dtype=np.float64) - origin))
    outside = ~form.holds(words)
    if np.any(outside):
        low, high = (np.asarray(limit / scale + origin) for limit in (form.min, form.max))
        worst = tuple(int(i) for i in np.argwhere(outside)[0]) if words.ndim else ()
        at = f" at index {worst}" if worst else ""
        lowest, highest = (np.broadcast_to(x, words.shape)[worst] for x in (low, high))
        raise InputError(
            f"{name} must be from {lowest:.6g} to {highest:.6g} {unit}".rstrip()
            + f" to fit {form}, not {np.broadcast_to(value, words.shape)[worst]:.6g}{at}"
        )
    return words


def _coefficient(name: str, value: Real, bits: int, signed: bool = False) -> Constant:
    """Return a small gain as a mantissa of `bits` bits with a static exponent."""
    largest = float(np.max(np.abs(value)))
    if largest == 0:
        return Constant(_plain(np.asarray(value).astype(np.int64)), Format(bits, 0, signed))
    magnitude_bits = bits - signed
    i_bits = math.frexp(largest)[1]
    form = Format(i_bits + signed, magnitude_bits - i_bits, signed)
    if not np.all(form.holds(form.words(value))):
        # The largest rounded up to the next power of two.
        form = form.scaled_by_power_of_two(1)
    words = form.words(value)
    if np.any((words == 0) & (np.asarray(value) != 0)):
        raise InputError(f"{name} underflows: the smallest of the population needs more than {bits} bits")
    return Constant(_plain(words), form)


def _next_power_of_two(value: float) -> int:
    """Return the smallest exponent whose power of two is at least `value`."""
    mantissa, exponent = math.frexp(value)  # exact, where a logarithm rounds
    return exponent - 1 if mantissa == 0.5 else exponent


def _plain(words: npt.NDArray[Any]) -> Word:
    """Return a single word as a Python integer, an array as it is but read-only."""
    if words.ndim == 0:
        return int(words)
    words.flags.writeable = False
    return words


def _report(
    parameters: Parameters,
    arithmetic: Arithmetic,
    constants: Mapping[str, Constant],
    origin: Real,
    scale: Real,
    current_scale: Real,
) -> tuple[ExactValue, ...]:
    """Return what each physical parameter became, in its own unit."""

    def in_mv(name: str) -> Real:
        return constants[name].value / scale + origin

    lines: list[tuple[str, str, Real, Real, str]] = []
    for name, constant, asked in (
        ("threshold", "threshold", parameters.threshold),
        ("reset_pot", "reset", parameters.reset_pot),
        ("lower_bound", "lower_bound", parameters.lower_bound),
        ("rest_pot", "rest", parameters.rest_pot),
        ("critical_pot", "critical", parameters.critical_pot),
    ):
        if asked is not None and constant in constants:
            lines.append((name, "mV", asked, in_mv(constant), constant))
    if arithmetic.form is Form.SQUARE:
        # The bias word decides where the two fixed points without input really are.
        ratio = np.asarray(-constants["bias"].value / (scale * parameters.gain))
        half = np.sqrt(ratio) * np.sign(np.asarray(parameters.critical_pot) - parameters.rest_pot)
        lines.append(("rest_pot", "mV", parameters.rest_pot, origin - half, "bias"))
        lines.append(("critical_pot", "mV", parameters.critical_pot, origin + half, "bias"))
        lines.append(("a0 dt / tau_m", "1/mV", parameters.gain, parameters.gain, "shift"))
    else:
        lines.append(("a0 dt / tau_m", "1/mV", parameters.gain, constants["gain"].value, "gain"))
    if "drive" in constants:
        lines.append(("R dt / tau_m", "mV", parameters.drive, constants["drive"].value / scale, "drive"))
    else:
        lines.append(("R dt / tau_m", "mV", parameters.drive, parameters.drive, "shift"))
    lines.append(("refrac_length", "steps", np.asarray(parameters.refrac_length, dtype=np.float64),
                  constants["refractory"].value, "refractory"))  # fmt: skip
    lines.append(("exp(-dt / tau_s)", "", parameters.decay, constants["decay"].value, "decay"))
    tau_s = -parameters.dt / np.log(constants["decay"].value)
    lines.append(("tau_s", "ms", parameters.tau_s, tau_s, "decay"))
    if parameters.additive_spike_trace:
        lines.append(
            ("trace_scale", "", parameters.trace_scale, constants["trace_spike"].value, "trace_spike")
        )
    return tuple(
        _exact_value(name, unit, asked, exact, stored, constants)
        for name, unit, asked, exact, stored in lines
    )


def _exact_value(
    name: str, unit: str, asked: Real, exact: Real, stored: str, constants: Mapping[str, Constant]
) -> ExactValue:
    asked_array, exact_array = np.broadcast_arrays(np.asarray(asked), np.asarray(exact))
    worst = np.unravel_index(int(np.argmax(np.abs(exact_array - asked_array))), asked_array.shape)
    if stored == "shift":
        text = "shift"
    else:
        constant = constants[stored]
        word = np.asarray(constant.word)
        text = f"{stored} = {word if word.ndim == 0 else 'per neuron'} in {constant.format}"
    return ExactValue(name, unit, float(asked_array[worst]), float(exact_array[worst]), text)
