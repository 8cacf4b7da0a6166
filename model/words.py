"""A population's parameters as integers: what the model, the hardware and the proof share."""

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import Any, Self, assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic, Currents, Form
from qlif.model.exceptions import InputError, apart, unknown_name
from qlif.model.formats import SQ, UQ, Format
from qlif.model.parameters import Parameters, Real
from qlif.model.rounding import Narrowing
from qlif.model.support.arrays import real_array
from qlif.model.support.checks import Quantity

POTENTIALS = frozenset({"threshold", "reset", "lower_bound", "rest", "critical"})
"""The parameter words that are potentials."""

_PARAMETERS_OF = MappingProxyType(
    {
        "threshold": ("threshold",),
        "reset": ("reset_pot",),
        "lower_bound": ("lower_bound",),
        "rest": ("rest_pot",),
        "critical": ("critical_pot",),
        "gain": ("a0", "tau_m"),
        "bias": ("a0", "tau_m", "rest_pot", "critical_pot"),
        "drive": ("R", "tau_m"),
        "refractory": ("refrac_length",),
        "decay": ("tau_s",),
        "trace_spike": ("trace_scale",),
    }
)
"""What each word is computed from, but for the origin and scale of the square form."""

_FINITE = {True: Quantity("mV"), False: Quantity()}

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

    Made by :func:`qlif.model.quantisation.quantise`. The potential word holds ``scale * (v - origin)`` and the
    current word ``current_scale * I``, each in its format of `arithmetic`.

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

    def __repr__(self) -> str:
        """Return the arithmetic and every parameter word."""
        said = (
            f"{name} {'per neuron' if np.ndim(one.word) else one.word}"
            for name, one in self.constants.items()
        )
        return f"<Words: {self.arithmetic.summary}; {', '.join(said)}>"

    def __copy__(self) -> Self:
        return self  # nothing of it can change

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "constants": dict(self.constants)}  # a view of a mapping can't be pickled

    def __setstate__(self, state: dict[str, Any]) -> None:
        for constant in state["constants"].values():
            if isinstance(constant.word, np.ndarray):
                constant.word.flags.writeable = False  # which a pickle forgets
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
        return fitting_potentials(
            name, real_array(name, potential, "mV"), self.arithmetic, self.origin, self.scale
        )

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
        array = real_array("current", current, "mV")
        if not np.all(np.isfinite(array)):
            raise InputError(f"current must be finite, not {array[~np.isfinite(array)].flat[0]}")
        return fitting("current", "mV/R", array, self.arithmetic.current, 0.0, self.current_scale)

    def require_current_words(self, words: npt.NDArray[Any]) -> None:
        """Refuse integers that the current format doesn't hold.

        Raises
        ------
        InputError
            Naming the first of them.
        """
        format = self.arithmetic.current
        held = format.holds(words)
        if not np.all(held):
            raise InputError(
                f"current words must be from {format.min_word} to {format.max_word} to fit {format}, "
                f"not {words[~held].flat[0]}"
            )

    def currents(self, words: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the currents of current words."""
        return np.asarray(self.arithmetic.current.values(words) / self.current_scale)

    def traces(self, words: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the traces of trace words."""
        return self.arithmetic.trace.values(words)

    def phases(self, words: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the phases of phase words, in timesteps."""
        return np.asarray(np.asarray(words) * 2.0**-self.arithmetic.phase_bits)

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
            raise InputError(unknown_name("parameter word", str(name), self.constants))
        value = _FINITE[name in POTENTIALS].check(name, value)
        if name not in POTENTIALS:
            return int(fitting(name, "", value, self.constants[name].format))
        origin, scale = (
            float(np.broadcast_to(of, self.parameters.shape).flat[neuron or 0])
            for of in (self.origin, self.scale)
        )
        return int(fitting_potentials(name, value, self.arithmetic, origin, scale))

    def varying(self, name: str) -> tuple[str, ...]:
        """Return the parameters with one value per neuron that make a word one per neuron.

        In the square form a potential's word follows from more than the potential: each neuron has its own origin
        and scale.

        Parameters
        ----------
        name : str
            As in :attr:`constants`.
        """
        names = _PARAMETERS_OF[name]
        match self.arithmetic.form:
            case Form.SQUARE:
                names += ("a0", "tau_m") if name in POTENTIALS or name == "drive" else ()
                names += ("rest_pot", "critical_pot") if name in POTENTIALS else ()
            case Form.FACTORED:
                pass
            case unknown:
                assert_never(unknown)
        return varying(self.parameters, names)

    def what_varies(self, name: str) -> str:
        """Return the parameters that make a word one per neuron, as they read in an error."""
        found = self.varying(name)
        return name if found == (name,) else f"{' and '.join(found)} (from which the word of {name} follows)"

    @property
    def difference_format(self) -> Format:
        """Format of the exact differences of the factored form."""
        return self.arithmetic.potential - self.arithmetic.potential

    @property
    def factor_format(self) -> Format:
        """Format of what is multiplied with its like: the potential, or a difference as it goes on."""
        match self.arithmetic.form:
            case Form.SQUARE:
                return self.arithmetic.potential
            case Form.FACTORED:
                return _narrowed(self.difference_format, self.arithmetic.difference)
            case unknown:
                assert_never(unknown)

    @property
    def product_format(self) -> Format:
        """Format of the exact product of the differences, or of the potential with itself."""
        return self.factor_format * self.factor_format

    @property
    def quadratic_format(self) -> Format:
        """Format of the exact quadratic term."""
        product = _narrowed(self.product_format, self.arithmetic.product)
        match self.arithmetic.form:
            case Form.SQUARE:
                return product.scaled_by_power_of_two(-self.quadratic_shift)
            case Form.FACTORED:
                return product * self.constants["gain"].format
            case unknown:
                assert_never(unknown)

    @property
    def drive_format(self) -> Format:
        """Format of the exact drive of one timestep."""
        match self.arithmetic.currents:
            case Currents.SCALED:
                return self.arithmetic.current.scaled_by_power_of_two(-self.drive_shift)
            case Currents.RAW:
                return self.arithmetic.current * self.constants["drive"].format
            case unknown:
                assert_never(unknown)

    @property
    def _terms(self) -> list[Format]:
        """Formats of what is added to the potential: the quadratic term, the drive, the bias if there is one."""
        arithmetic = self.arithmetic
        quadratic = _narrowed(self.quadratic_format, arithmetic.quadratic)
        if arithmetic.product_fraction is not None:
            # One integer bit more, for what rounding up may carry into.
            quadratic = SQ(quadratic.i_bits + 1, arithmetic.product_fraction)
        drive = _narrowed(self.drive_format, arithmetic.drive)
        return [quadratic, drive, *([self.constants["bias"].format] if "bias" in self.constants else [])]

    @property
    def increment_format(self) -> Format:
        """Format of the exact sum of all that one timestep adds to the potential."""
        return reduce(operator.add, self._terms)

    @property
    def added_format(self) -> Format:
        """Format of the increment as it goes on."""
        return _narrowed(self.increment_format, self.arithmetic.increment)

    @property
    def share_fraction(self) -> int:
        """Fraction bits of a part of the increment that belongs to a phase: down to half an LSB of the potential."""
        return self.arithmetic.potential.f_bits + (1 if self.arithmetic.phase_bits else 0)

    def share_format(self, halvings: int) -> Format:
        """Format of the increment halved so many times."""
        return SQ(max(self.added_format.i_bits - halvings, 1 - self.share_fraction), self.share_fraction)

    @property
    def sum_format(self) -> Format:
        """Format of the exact sum of one timestep, before it is rounded to the potential's."""
        arithmetic = self.arithmetic
        if arithmetic.phase_bits:
            # A step may be almost twice as long.
            added = [self.added_format, SQ(self.share_format(0).i_bits, self.share_fraction)]
        elif arithmetic.increment is not None:
            added = [arithmetic.increment.format]
        else:
            added = self._terms
        return reduce(operator.add, added, arithmetic.potential)

    @property
    def formats(self) -> dict[str, Format]:
        """Formats of what goes into an update: state and current; random bits and a phase if there are any."""
        arithmetic = self.arithmetic
        formats = {
            "potential": arithmetic.potential,
            "refractory": self.refractory,
            "trace": arithmetic.trace,
            "current": arithmetic.current,
        }
        for name, bits in (("random", arithmetic.random_bits), ("phase", arithmetic.phase_bits)):
            formats |= {name: UQ(bits, 0)} if bits else {}
        return formats

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the words of a neuron's state, whether it keeps a trace or not; a phase only where it has bits."""
        return tuple(name for name in ("potential", "refractory", "trace", "phase") if name in self.formats)

    @property
    def kept_formats(self) -> dict[str, Format]:
        """Formats of what a neuron keeps between timesteps, in the order of a memory, lowest first."""
        kept = ["potential", "refractory"]
        kept += ["trace"] if self.parameters.spike_trace else []
        kept += ["phase"] if self.arithmetic.phase_bits else []
        return {name: self.formats[name] for name in kept}

    @property
    def state_bits(self) -> int:
        """Bits that a neuron keeps from one timestep to the next."""
        return sum(format.width for format in self.kept_formats.values())

    @property
    def largest_width(self) -> int:
        """Bits of the widest integer in one update; decides whether int64 arrays are enough."""
        trace = self.arithmetic.trace * self.constants["decay"].format
        widest = [self.sum_format, self.quadratic_format, trace]
        if self.arithmetic.narrowings:
            widest += [self.difference_format, self.product_format, self.drive_format, self.increment_format]
        if self.arithmetic.phase_bits:
            # The distance from the threshold, less almost twice the increment.
            widest.append(SQ(self.sum_format.i_bits + 2, self.share_fraction))
        return max(format.width for format in widest) + 1


def _narrowed(exact: Format, narrowing: Narrowing | None) -> Format:
    """Return the format in which an exact result goes on."""
    return exact if narrowing is None else narrowing.format


def varying(parameters: Parameters, names: Iterable[str]) -> tuple[str, ...]:
    """Return which of these parameters have one value per neuron; `tau_s` where `tau_m` is the same."""
    found = [name for name in names if np.ndim(getattr(parameters, name)) > 0]
    same = np.array_equal(parameters.tau_m, parameters.tau_s)
    return tuple(dict.fromkeys("tau_s" if name == "tau_m" and same else name for name in found))


def fitting(
    name: str,
    unit: str,
    value: npt.ArrayLike,
    format: Format,
    origin: Real = 0.0,
    scale: Real = 1.0,
    reason: str = "",
) -> npt.NDArray[Any]:
    """Return the words nearest to ``scale * (value - origin)``.

    Raises
    ------
    InputError
        The format doesn't hold one. The text calls the values `name`, says which ones it can hold, and `reason`.
    """
    words = format.words(scale * (np.asarray(value, dtype=np.float64) - origin))
    outside = ~format.holds(words)
    if np.any(outside):
        low, high = (np.asarray(limit / scale + origin) for limit in (format.min, format.max))
        worst = tuple(int(i) for i in np.argwhere(outside)[0]) if words.ndim else ()
        at = f" at index {worst}" if worst else ""
        lowest, highest, given = apart(*(np.broadcast_to(x, words.shape)[worst] for x in (low, high, value)))
        limits = f"{lowest} to {highest} {unit}".rstrip()
        raise InputError(f"{name} must be from {limits} to fit {format}{reason}, not {given}{at}")
    return words


def fitting_potentials(
    name: str, value: npt.ArrayLike, arithmetic: Arithmetic, origin: Real, scale: Real
) -> npt.NDArray[Any]:
    """Return the words nearest to potentials in mV; InputError as for :func:`fitting`."""
    match arithmetic.form:
        case Form.SQUARE:
            reason = " around the middle of rest_pot and critical_pot"
        case Form.FACTORED:
            reason = ""
        case unknown:
            assert_never(unknown)
    return fitting(name, "mV", value, arithmetic.potential, origin, scale, reason)
