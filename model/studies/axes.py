"""The axes of a sweep as a user writes them: lists and ranges, checked value by value."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from qlif.model.arithmetic import WIDEST_WORD, Form
from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.formats import Format
from qlif.model.rounding import Rounding
from qlif.model.support.checks import Quantity, number_from

AUTOMATIC = "auto"
"""Fraction bits that follow from the word: it less the integer bits of the form's usual format."""

EXACT = "exact"
"""A word that isn't rounded at all."""

_TIME = Quantity("ms", 0.0, open=True)


def names(name: str, given: object, known: Iterable[str]) -> tuple[str, ...]:
    """Return the values of an axis of names, from a list or a text with commas."""
    allowed = [str(one) for one in known]
    values = [str(value) for value in _listed(name, given)]
    for value in values:
        if value not in allowed:
            raise InputError(f"{name}: {unknown_name('value', value, allowed)}")
    return _unique(values)


def numbers(name: str, given: object, quantity: Quantity) -> tuple[float, ...]:
    """Return the values of an axis of real numbers."""
    return _unique(
        quantity.check(name, number_from(name, value) if isinstance(value, str) else value)
        for value in _listed(name, given)
    )


def whole_numbers(name: str, given: object, low: int, high: int) -> tuple[int, ...]:
    """Return the values of an axis of whole numbers; text may have ranges, as in ``8..12,16``."""
    values: list[int] = []
    for value in _listed(name, given):
        values += _range(name, value) if isinstance(value, str) else [value]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(f"{name} must be whole numbers from {low} to {high}, not {show(value)}")
    return _unique(values)


def fraction_bits(name: str, given: object) -> tuple[int | str, ...]:
    """Return the fraction bits to try: whole numbers, or :data:`AUTOMATIC`."""
    values = list(_listed(name, given))
    automatic = [value for value in values if value == AUTOMATIC]
    rest = [value for value in values if value != AUTOMATIC]
    chosen = whole_numbers(name, rest, -WIDEST_WORD, WIDEST_WORD) if rest else ()
    return _unique([*automatic, *chosen])


def formats(name: str, given: str) -> tuple[Format, ...]:
    """Return the formats to try; the bits in a text may be ranges, as in ``SQ(8,4..12),SQ(7,13)``."""
    pieces = re.findall(r"\s*([SU])Q\(([^(),]+),([^(),]+)\)\s*(?:,|$)|(.+)", given)
    if not pieces or any(rest for *_, rest in pieces):
        raise InputError(
            f"{name} must be formats, whose bits may be ranges, as in SQ(8,4..12), not {given!r}"
        )
    return _unique(
        Format(i_bits, f_bits, kind == "S")
        for kind, i_text, f_text, _ in pieces
        for i_bits in _range(name, i_text.strip())
        for f_bits in _range(name, f_text.strip())
    )


def kept_bits(name: str, given: str, low: int, high: int) -> tuple[int | None, ...]:
    """Return how many bits to keep: whole numbers, or None for :data:`EXACT`."""
    values = list(_listed(name, given))
    rest = [value for value in values if value != EXACT]
    chosen = whole_numbers(name, rest, low, high) if rest else ()
    return _unique([*([None] if EXACT in values else []), *chosen])


def forms(name: str, given: object) -> tuple[str, ...]:
    """Return the forms to try."""
    return names(name, given, Form)


def roundings(name: str, given: object) -> tuple[str, ...]:
    """Return the roundings to try."""
    return names(name, given, Rounding)


def times(name: str, given: object) -> tuple[float, ...]:
    """Return times in ms, greater than 0."""
    return numbers(name, given, _TIME)


def texts(name: str, given: object) -> tuple[str, ...]:
    """Return the texts of an axis, given as a list: their own commas mean something else."""
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, Sequence) or not all(isinstance(value, str) for value in values):
        raise InputError(f"{name} must be texts, not {show(given)}")
    if not values or not all(value.strip() for value in values):
        raise InputError(f"{name} is an empty axis: give one value or more")
    return _unique(values)


def _listed(name: str, given: Any) -> list[Any]:
    if isinstance(given, str):
        values: list[object] = [part.strip() for part in given.split(",") if part.strip()]
    elif isinstance(given, (list, tuple)):
        values = list(given)
    else:
        values = [given]
    if not values:
        raise InputError(f"{name} is an empty axis: give one value or more")
    return values


def _range(name: str, text: str) -> list[int]:
    match = re.fullmatch(r"(-?\d+)(?:\.\.(-?\d+)(?::(\d+))?)?", text)
    if match is None:
        raise InputError(f"{name} must be whole numbers or ranges, as in 8..18 or 8..18:2, not {text!r}")
    first, last, stride = match.groups()
    if last is None:
        return [int(first)]
    if int(last) - int(first) > 10_000 or stride == "0":
        raise InputError(f"{name} must be a range of at most 10,000 numbers, not {text!r}")
    values = list(range(int(first), int(last) + 1, int(stride or 1)))
    if not values:
        raise InputError(f"{name} is an empty axis: the range {text!r} holds no number")
    return values


def _unique(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))
