""":func:`quantise`: from a neuron in physical units to words, with checks and a report."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic, Currents, Form
from qlif.model.exceptions import InputError, apart, show
from qlif.model.formats import UQ, Format
from qlif.model.parameters import Parameters, Real
from qlif.model.words import Constant, ExactValue, Word, Words, fitting, fitting_potentials, varying


@dataclass(frozen=True)
class _Units:
    """What one unit of a word means: see :class:`qlif.model.words.Words`."""

    origin: Real
    scale: Real
    quadratic_shift: int
    current_scale: Real
    drive_shift: int


def quantise(parameters: Parameters, arithmetic: Arithmetic) -> Words:
    """Return the words of a population.

    Every real value is rounded once, to the nearest word. Gains are normalised: the largest of a
    population gets a mantissa of `coefficient_bits` bits, and the exponent is static.

    Raises
    ------
    InputError
        A value is outside its format, a coefficient is too small to have an effect, or
        rounding made two values equal that must differ.
    """
    units = _units(parameters, arithmetic)
    refractory = UQ(max(1, int(np.max(parameters.refrac_length)).bit_length()), 0)
    constants = {
        **_potentials(parameters, arithmetic, units),
        **_coefficients(parameters, arithmetic, units),
        "refractory": Constant(_plain(np.asarray(parameters.refrac_length)), refractory),
        **_trace(parameters, arithmetic),
    }
    words = Words(
        parameters=parameters,
        arithmetic=arithmetic,
        constants=MappingProxyType(constants),
        refractory=refractory,
        **vars(units),
        report=_report(parameters, constants, units),
    )
    _check(words)
    if arithmetic.phase_bits:
        parameters.warn_of_longer_steps(2 - 2.0**-arithmetic.phase_bits)
    return words


def with_trace(words: Words, trace: Format) -> Words:
    """Return what :func:`quantise` does for the same neurons with another format of the trace, in less time.

    Raises
    ------
    InputError
        The trace can't have that format, or doesn't hold `trace_scale`.
    """
    arithmetic = words.arithmetic.replace(trace=trace)
    constants = {**words.constants, **_trace(words.parameters, arithmetic)}
    # A line of the report is the trace's only if it is additive.
    additive = words.parameters.additive_spike_trace
    report = _report(words.parameters, constants, words) if additive else words.report
    return replace(words, arithmetic=arithmetic, constants=MappingProxyType(constants), report=report)


def _units(parameters: Parameters, arithmetic: Arithmetic) -> _Units:
    """Return what the words of a population mean."""
    match arithmetic.form:
        case Form.SQUARE:
            # With scale = gain * 2**k the quadratic term's coefficient is a power of two, exactly. k brings
            # the largest scale into (1/2, 1], so that the format spans at least what it reads in mV.
            quadratic_shift = -_next_power_of_two(float(np.max(parameters.gain)))
            scale = parameters.gain * 2.0**quadratic_shift
            origin = (parameters.rest_pot + parameters.critical_pot) / 2
        case Form.FACTORED:
            quadratic_shift, scale, origin = 0, 1.0, 0.0
        case unknown:
            assert_never(unknown)
    match arithmetic.currents:
        case Currents.SCALED:
            step_drive = parameters.drive * scale
            drive_shift = -_next_power_of_two(float(np.max(step_drive)))
            current_scale = step_drive * 2.0**drive_shift
        case Currents.RAW:
            drive_shift, current_scale = 0, 1.0
        case never:
            assert_never(never)
    return _Units(origin, scale, quadratic_shift, current_scale, drive_shift)


def _potentials(parameters: Parameters, arithmetic: Arithmetic, units: _Units) -> dict[str, Constant]:
    """Return the words of what is compared with a potential, or put in its place."""

    def potential(name: str, value: Real) -> Constant:
        words = fitting_potentials(name, value, arithmetic, units.origin, units.scale)
        return Constant(_plain(words), arithmetic.potential)

    constants = {
        "threshold": potential("threshold", parameters.threshold),
        "reset": potential("reset_pot", parameters.reset_pot),
    }
    if parameters.lower_bound is not None:
        constants["lower_bound"] = potential("lower_bound", parameters.lower_bound)
    match arithmetic.form:
        case Form.SQUARE:
            pass
        case Form.FACTORED:
            constants["rest"] = potential("rest_pot", parameters.rest_pot)
            constants["critical"] = potential("critical_pot", parameters.critical_pot)
        case unknown:
            assert_never(unknown)
    return constants


def _coefficients(parameters: Parameters, arithmetic: Arithmetic, units: _Units) -> dict[str, Constant]:
    """Return the words of what is multiplied or added in one timestep."""
    bits = arithmetic.coefficient_bits

    def coefficient(text: str, names: tuple[str, ...], value: Real, signed: bool = False) -> Constant:
        return _coefficient(text, varying(parameters, names), value, bits, signed)

    constants = {}
    match arithmetic.form:
        case Form.SQUARE:
            half_distance = (np.asarray(parameters.critical_pot) - parameters.rest_pot) / 2
            bias = -units.scale * parameters.gain * half_distance**2
            constants["bias"] = coefficient(
                "a0 dt / tau_m (critical_pot - rest_pot)^2",
                ("a0", "tau_m", "rest_pot", "critical_pot"),
                bias,
                signed=True,
            )
        case Form.FACTORED:
            constants["gain"] = coefficient("a0 dt / tau_m", ("a0", "tau_m"), parameters.gain)
        case unknown:
            assert_never(unknown)
    match arithmetic.currents:
        case Currents.RAW:
            scaled_by = () if np.ndim(units.scale) == 0 else ("a0",)
            constants["drive"] = coefficient(
                "R dt / tau_m", ("R", *scaled_by, "tau_m"), parameters.drive * units.scale
            )
        case Currents.SCALED:
            pass
        case never:
            assert_never(never)
    return constants


def _trace(parameters: Parameters, arithmetic: Arithmetic) -> dict[str, Constant]:
    """Return the words of the trace."""
    bits = arithmetic.coefficient_bits
    decay = UQ(0, bits)
    words = decay.words(parameters.decay)
    if not np.all(decay.holds(words)) or np.any(words == 0):
        raise InputError(
            f"dt and tau_s must give a decay exp(-dt / tau_s) that {bits} bits (coefficient_bits) hold and that "
            f"isn't 0 or 1, not dt = {show(parameters.dt)} and tau_s = {show(parameters.tau_s)} ms"
        )
    spike = parameters.trace_scale if parameters.additive_spike_trace else 1.0
    return {
        "decay": Constant(_plain(words), decay),
        "trace_spike": Constant(
            _plain(fitting("trace_scale", "", spike, arithmetic.trace)), arithmetic.trace
        ),
    }


def _check(words: Words) -> None:
    """Refuse words that can't do what the parameters ask for."""
    parameters, arithmetic, constants = words.parameters, words.arithmetic, words.constants
    potential = arithmetic.potential
    equal = np.asarray(constants["threshold"].word) <= constants["reset"].word
    if np.any(equal):
        worst = np.unravel_index(int(np.argmax(equal)), equal.shape)
        resolution, threshold, reset = (
            np.broadcast_to(value, equal.shape)[worst]
            for value in (potential.resolution / words.scale, parameters.threshold, parameters.reset_pot)
        )
        at = f" at index {tuple(int(i) for i in worst)}" if worst else ""
        raise InputError(
            f"threshold and reset_pot must be different words of {potential} (LSB {resolution:.6g} mV), "
            f"but {' and '.join(apart(threshold, reset))} mV are not{at}"
        )
    # The smallest change that the rounding can pass on to the state word.
    place = potential.f_bits + max(1, arithmetic.random_bits)
    for text, value, what, term in (
        ("a0 dt / tau_m", parameters.gain, "state", words.quadratic_format),
        ("R dt / tau_m", parameters.drive, "input", words.drive_format),
    ):
        if term.i_bits <= -place:
            raise InputError(
                f"{text} = {show(value)} is too small: its term stays below half an LSB "
                f"of {potential} for every {what}"
            )
    for name, narrowing in arithmetic.narrowings.items():
        exact: Format = getattr(words, f"{name}_format")
        if narrowing.format.f_bits < -exact.i_bits:
            raise InputError(
                f"{name} must have at least {-exact.i_bits} fraction bits, not {narrowing.format.f_bits} as "
                f"{narrowing.format} has: every {exact} stays below half an LSB"
            )
        if name in ("quadratic", "drive", "increment") and narrowing.format.i_bits <= -place:
            raise InputError(
                f"{name} must reach half an LSB of {potential} or more, which {narrowing.format} doesn't"
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
            "the quadratic term stays below half an LSB for every state"
        )
    dropped = words.sum_format.f_bits - potential.f_bits
    if arithmetic.random_bits > dropped:
        raise InputError(
            f"random_bits must be at most the {dropped} bits that the sum loses, not {arithmetic.random_bits}"
        )


def _coefficient(
    text: str, varied: tuple[str, ...], value: Real, bits: int, signed: bool = False
) -> Constant:
    """Return a small gain as a mantissa of `bits` bits with a static exponent."""
    largest = float(np.max(np.abs(value)))
    if largest == 0:
        return Constant(_plain(np.asarray(value).astype(np.int64)), Format(bits, 0, signed))
    magnitude_bits = bits - signed
    i_bits = math.frexp(largest)[1]
    format = Format(i_bits + signed, magnitude_bits - i_bits, signed)
    if not np.all(format.holds(format.words(value))):
        # The largest rounded up to the next power of two.
        format = format.scaled_by_power_of_two(1)
    words = format.words(value)
    lost = (words == 0) & (np.asarray(value) != 0)
    if np.any(lost):
        at = tuple(int(i) for i in np.argwhere(lost)[0])
        raise InputError(
            f"{' and '.join(varied)} must differ less among the neurons: {text} at index {at} is so much smaller "
            f"than the largest that {bits} bits (coefficient_bits) make it 0"
        )
    return Constant(_plain(words), format)


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
    parameters: Parameters, constants: Mapping[str, Constant], units: _Units | Words
) -> tuple[ExactValue, ...]:
    """Return what each physical parameter became, in its own unit."""
    origin, scale = units.origin, units.scale

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
    if "bias" in constants:
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
