"""Single values that a user gives: how they are checked, read from text, and told apart."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show
from qlif.model.support.arrays import in_unit, shown
from qlif.model.support.memory import require_memory


@dataclass(frozen=True)
class Quantity:
    """What a real number may be: its unit and its range, bounds included unless said otherwise.

    Parameters
    ----------
    unit : str
        Unit as it reads in an error; empty for a pure number.
    minimum, maximum : float
        The range.
    open : bool
        The minimum itself isn't allowed.
    """

    unit: str = ""
    minimum: float = -math.inf
    maximum: float = math.inf
    open: bool = False

    @property
    def range(self) -> str:
        """The allowed range in words, as in "greater than 0 ms"; "finite" where there is no bound."""
        unit = f" {self.unit}" if self.unit else ""
        lowest, highest = (
            f"{end:g}" if float(f"{end:g}") == end else f"{end}" for end in (self.minimum, self.maximum)
        )
        if self.maximum < math.inf:
            if self.open:
                return f"greater than {lowest} and at most {highest}{unit}"
            return f"from {lowest} to {highest}{unit}"
        if self.minimum == -math.inf:
            return "finite"
        return f"greater than {lowest}{unit}" if self.open else f"{lowest}{unit} or more"

    def check(self, name: str, value: Any) -> float:
        """Return `value` as a float, converted where it has a unit.

        Raises
        ------
        InputError
            It isn't a number, isn't finite, or is outside the range.
        """
        value = in_unit(name, value, self.unit)
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        if isinstance(value, (bool, np.bool_)) or not isinstance(
            value, (int, float, np.integer, np.floating)
        ):
            raise InputError(f"{name} must be a number, not {shown(value)}")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise InputError(f"{name} must be finite, not {number}")
        outside = not self.minimum <= number <= self.maximum or (self.open and number == self.minimum)
        if outside:
            raise InputError(f"{name} must be {self.range}, not {number}")
        return number


def whole(name: str, value: object, *, minimum: int = 1) -> int:
    """Return `value` as an int, at least `minimum`.

    Raises
    ------
    InputError
        It isn't a whole number, or is too small.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise InputError(f"{name} must be a whole number, {minimum} or more, not {show(value)}")
    return int(value)


def whole_number(name: str, value: object) -> int:
    """Return `value` as an int; InputError if it isn't a whole number."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} must be a whole number, not {show(value)}")
    return int(value)


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool; InputError if it isn't one."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} must be true or false, not {show(value)}")
    return bool(value)


def number_from(name: str, text: str) -> float:
    """Return the number that a text spells; InputError if it spells none."""
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{name} must be a number, not {text!r}") from None


def flag_from(name: str, text: str) -> bool:
    """Return the truth value that a text spells, ``true`` or ``false``; InputError if neither."""
    known = {"true": True, "false": False}
    if text.lower() not in known:
        raise InputError(f"{name} must be true or false, not {text!r}")
    return known[text.lower()]


def gains(neurons: int, spread: float) -> npt.NDArray[np.float64]:
    """Return one factor per neuron, shape ``(neurons,)``, linear from ``1 - spread`` to ``1 + spread``.

    A single neuron has the factor 1.
    """
    return np.linspace(1 - spread, 1 + spread, neurons) if neurons > 1 else np.ones(1)


def allocate(timesteps: int, neurons: int) -> npt.NDArray[np.float64]:
    """Return an array ``(timesteps, neurons)`` of zeros; InputError if there is no memory for it."""
    what = f"an input of {in_digits(timesteps)} timesteps of {in_digits(neurons)} neurons"
    require_memory(what, timesteps * neurons * 8)
    try:
        return np.zeros((timesteps, neurons))
    except (MemoryError, ValueError, OverflowError):  # NumPy says ValueError where a size overflows
        raise InputError(f"{what} doesn't fit in memory") from None


def in_digits(number: int) -> str:
    """Return a whole number in digits, the longest as a power of ten."""
    return str(number) if abs(number) < 10**15 else f"{Decimal(number).normalize():.3g}"
