"""Arrays that a user gives: plain real numbers, in the unit that is meant here, and nothing else.

NumPy casts readily: it drops a unit, an imaginary part or a mask, and reads text. What passes here lost nothing.
"""

import reprlib
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show

_PLAIN = frozenset({float, int, np.float64, np.float32, np.int64, np.int32})
"""Types of a list's items that need no second look."""

_UNIT_MARKS = ("unit", "units", "dim", "dimensionality")
"""Attributes of the types of numbers with units, whichever library they are from."""


def real_numbers(name: str, value: Any, unit: str = "") -> npt.NDArray[Any]:
    """Return real numbers as an array of integers or floats, in the type that they have.

    Numbers with a unit (pint, quantities, astropy, unyt) are converted to `unit`.

    Parameters
    ----------
    name : str
        How an error calls the value.
    value : array_like
    unit : str
        As in "mV"; empty for pure numbers.

    Raises
    ------
    InputError
        It is ragged, masked, has another unit, or isn't made of real numbers: complex numbers, truth
        values, text, dates and objects are not.
    """
    plain = without_units(name, value, unit, truths=False)
    if isinstance(plain, np.ma.MaskedArray):
        if np.ma.is_masked(plain):
            raise InputError(f"{name} must have a value everywhere, but some are masked")
        plain = plain.data
    try:
        array = np.asarray(plain)
        if array.dtype == object and all(type(item) in (int, float) for item in array.flat):
            array = array.astype(np.float64)  # Python's integers beyond 64 bits
    except OverflowError:
        raise InputError(f"{name} must be finite, not {shown(value)}") from None
    except Exception as error:  # whatever the type's own conversion raises
        if "inhomogeneous" in str(error):
            raise InputError(f"{name} must be a number or an array, not a ragged list") from None
        raise _not_real(name, value) from None
    if array.dtype.kind not in "iuf":
        raise _not_real(name, value, f" ({array.dtype})" if array.dtype.kind in "bcmM" else "")
    return array


def real_array(name: str, value: object, unit: str = "") -> npt.NDArray[np.float64]:
    """Return real numbers as float64; see :func:`real_numbers`. Not necessarily a copy."""
    with np.errstate(over="ignore"):  # a longdouble outside of float64 is infinite
        return np.asarray(real_numbers(name, value, unit), dtype=np.float64)


def refuse_non_finite(name: str, array: npt.NDArray[Any], says: str = "") -> None:
    """Refuse infinities and NaN, with the index of the first; InputError calls it `name` and adds `says`."""
    finite = np.isfinite(array)
    if not np.all(finite):
        bad = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InputError(f"{name} must be finite, not {array[bad]} at index {bad}{says}")


def whole_words(
    name: str, value: object, shape: tuple[int, ...], low: int, high: int
) -> npt.NDArray[np.int64]:
    """Return integers from `low` to `high`, of a shape or one for all.

    Raises
    ------
    InputError
        They aren't integers, are outside the range, or of another shape.
    """
    array = real_numbers(name, value)
    if array.dtype.kind not in "iu":
        raise InputError(f"{name} must be integers, not {array.dtype}")
    if array.shape not in ((), shape):
        raise InputError(f"{name} must be one integer or of shape {shape}, not of shape {array.shape}")
    outside = (array < low) | (array > high)
    if np.any(outside):
        raise InputError(f"{name} must be from {low} to {high}, not {array[outside].flat[0]}")
    return array.astype(np.int64)


def without_units(name: str, value: object, unit: str, *, truths: bool = True) -> Any:
    """Return a value in `unit` and bare, as :func:`in_unit`; its items too, where it is a list.

    Raises
    ------
    InputError
        A unit can't be converted; or, without `truths`, there is a truth value in a list.
    """
    if isinstance(value, (list, tuple)):
        kinds = set(map(type, value))
        if kinds <= _PLAIN:
            return value
        if not truths and (bool in kinds or np.bool_ in kinds):  # beside a float it would become one
            raise InputError(f"{name} must be a number or an array, not {reprlib.repr(value)}")
        return [without_units(name, item, unit, truths=truths) for item in value]
    return in_unit(name, value, unit)


def in_unit(name: str, value: Any, unit: str) -> Any:
    """Return the bare number or array of a value with a unit, converted to `unit`; another value as it is.

    Raises
    ------
    InputError
        The unit can't be converted to this one.
    """
    kind = type(value)
    if kind in _PLAIN or kind is np.ndarray or not any(hasattr(kind, mark) for mark in _UNIT_MARKS):
        return value
    try:
        return _converted(value, unit)
    except Exception:  # each library has its own
        wanted = f"in {unit}, or in a unit that converts to it" if unit else "a pure number"
        raise InputError(f"{name} must be {wanted}, not {shown(value)}") from None


def _converted(value: Any, unit: str) -> Any:
    """Return the bare number or array of a value with a unit, by the means of its library."""
    kind = type(value)
    if hasattr(kind, "to_value"):  # astropy, unyt
        return value.to_value(unit)
    if hasattr(kind, "rescale"):  # quantities, neo
        return value.rescale(unit or "dimensionless").magnitude
    if hasattr(kind, "to") and hasattr(kind, "magnitude"):  # pint
        return value.to(unit or "dimensionless").magnitude
    raise TypeError


def _not_real(name: str, value: object, says: str = "") -> InputError:
    return InputError(f"{name} must be a number or an array, not {shown(value)}{says}")


def shown(value: object) -> str:
    """Return a value in one short line, with its unit, whatever type it is of."""
    if not any(hasattr(type(value), mark) for mark in _UNIT_MARKS):
        try:
            return show(value)
        except Exception:  # of the type's own conversion to an array
            pass
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:70]}... ({len(text)} characters)"
