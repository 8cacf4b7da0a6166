"""Every error that this project raises on purpose, and how its text is written."""

import difflib
import re
import reprlib
from collections.abc import Iterable

_LONG_NUMBER = re.compile(r"\d(?:[\d,_]|\.\d){62,}")
_LONGEST_LINE = 700
_LONGEST_VALUE = 80


class QlifError(Exception):
    """Base of all errors raised on purpose; the text is one line.

    The command line prints it without a traceback. Its class sets the exit code:
    :class:`DifferenceFound` 1, :class:`InputError` 2, :class:`ToolError` 3.
    """


class DifferenceFound(QlifError):
    """A mismatch was found, or a check failed."""


class InputError(QlifError, ValueError):
    """An invalid value from the user.

    The text states the name, the value and what is allowed.
    """


class ToolError(QlifError, RuntimeError):
    """A tool failed, so there is no answer: a crash, a full disk, a result that can't be trusted."""


class PrecisionWarning(UserWarning):
    """The input is valid, but the results won't mean what the user expects."""


class InputWarning(UserWarning):
    """The input is interpreted in a way that the user should know about."""


class DamageWarning(UserWarning):
    """One of this library's own files is damaged; what is lost is computed again."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the error text for an unknown name, suggesting the nearest known one."""
    names = [str(one) for one in known]
    near = difflib.get_close_matches(name[:_LONGEST_VALUE], names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "known are " + ", ".join(names)
    return f"unknown {kind} {_shortened(repr(name))}: {hint}"


def show(value: object) -> str:
    """Return a value in one short line, as it reads in an error."""
    import numpy as np  # late: the command line prints errors without it

    try:
        array = np.asarray(value)
    except (ValueError, RecursionError):  # a ragged list, or one nested thousands deep
        return reprlib.repr(value)
    if array.ndim:
        # As many digits as tell a value from any other: one just outside a range mustn't read like its end.
        text = np.array2string(array, threshold=6, floatmode="unique")
    elif isinstance(value, (list, tuple, dict, set)):
        text = reprlib.repr(value)
    elif isinstance(value, int) and value.bit_length() > 1000:
        text = f"a whole number of {value.bit_length()} bits"  # Python refuses to write out the longest
    else:
        text = repr(value)
    return _shortened(" ".join(text.split()))


def visible(text: str) -> str:
    """Return a text that is safe to print: one line, without control sequences.

    Line breaks, escapes and other invisible characters are spelled out.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def short(text: str) -> str:
    """Return an error text that is safe to print: :func:`visible`, with absurd lengths cut."""
    shorter = _LONG_NUMBER.sub(lambda found: _shortened(found[0], 24), visible(text))
    return _shortened(shorter, _LONGEST_LINE)


def _shortened(text: str, length: int = _LONGEST_VALUE) -> str:
    if len(text) <= length:
        return text
    end = length // 4
    return f"{text[: length - end]}...{text[-end:]} ({len(text)} characters)"


def apart(*numbers: float) -> tuple[str, ...]:
    """Return numbers to six digits, or more where different ones would look equal."""
    texts: tuple[str, ...] = ()
    for digits in range(6, 18):
        texts = tuple(f"{number:.{digits}g}" for number in numbers)
        if len(set(texts)) == len({float(number) for number in numbers}):
            break
    return texts
