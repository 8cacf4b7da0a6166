"""The one kind of error that a user's own input can cause, and the one kind of warning."""

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any

import numpy as np


class InputError(ValueError):
    """A value that a user gave and that can't be used.

    The text is one line: it names the thing, the value it had and what is allowed. The command
    line prints it without a traceback and exits with 2.
    """


class PrecisionWarning(UserWarning):
    """The input is legal, but the numbers that come out will not mean what the user expects."""


class DamageWarning(UserWarning):
    """A file of this library's isn't as it was written; what it lost is computed again."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the text of the error for a name that isn't known, with the nearest one that is."""
    names = [str(one) for one in known]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "known are " + ", ".join(names)
    return f"unknown {kind} {name!r}: {hint}"


def show(value: Any) -> str:
    """Return a value in one short line, as it reads in an error."""
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        return reprlib.repr(value)
    text = np.array2string(array, threshold=6, precision=6) if array.ndim else repr(value)
    return " ".join(text.split())


def apart(*numbers: float) -> tuple[str, ...]:
    """Return numbers in six digits, or in as many more as it takes to tell different ones apart."""
    texts: tuple[str, ...] = ()
    for digits in range(6, 18):
        texts = tuple(f"{number:.{digits}g}" for number in numbers)
        if len(set(texts)) == len({float(number) for number in numbers}):
            break
    return texts
