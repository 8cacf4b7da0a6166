"""Tables of numbers: CSV as programs and spreadsheets write it; nothing is guessed silently."""

import csv
import io
import math
import re
import reprlib
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, InputWarning

_SEPARATORS = ("\t", ";", ",")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_COMMA_NUMBER = re.compile(r"[+-]?([0-9]+,[0-9]*|,[0-9]+)([eE][+-]?[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_NO_NAMES = frozenset({"n/a", "na", "n.a.", "none", "null", "nil", "missing", "undefined", "true", "false"})
"""What begins with a letter and stands for a value."""

_NO_CURRENT = re.compile(r"t|t *[(\[/_].*|time.*|index", re.IGNORECASE)
"""Names of columns that say when a sample was taken, or its number."""

_SPREADSHEET_ERROR = re.compile(r"#(N/A|VALUE!|REF!|DIV/0!|NAME\?|NUM!|NULL!)", re.IGNORECASE)

_MINUS = str.maketrans({"\N{MINUS SIGN}": "-"})

Row = tuple[int, list[str]]
"""The number of a line, from 1, and its cells."""


def decode(data: bytes) -> npt.NDArray[np.float64]:
    """Return the samples of a table, ``(samples, channels)``.

    A line is a sample, a column a channel. Columns are separated by commas, semicolons or tabs; with the
    latter two, decimals may have a comma. The first line is a header if it has a name in each cell.
    Columns that it calls ``t``, ``time...`` or ``index``, or gives no name, are left out. Lines that
    begin with ``#`` are comments.

    Raises
    ------
    InputError
        A cell isn't a finite number, or lines differ in length. The text names line, column and value.

    Warns
    -----
    InputWarning
        Columns are left out.
    """
    try:
        text = data.decode("utf-8-sig")  # spreadsheets begin UTF-8 with a mark
    except UnicodeDecodeError as error:
        raise InputError(f"not a text in UTF-8: byte {error.start} can't be read") from None
    lines = io.StringIO(text, newline=None).read().rstrip("\n \t").split("\n")
    stated = re.fullmatch("sep=(.)", lines[0], re.IGNORECASE)  # as Excel is told
    if stated is not None:
        lines[0] = "#"
    separator = _separator(lines) if stated is None else stated[1]
    if separator not in _SEPARATORS:
        raise InputError(f"columns must be separated by commas, semicolons or tabs, not {separator!r}")
    rows = list(_rows(lines, separator))
    names = _names_in(rows[0], separator) if rows else None
    if names is not None:
        del rows[0]
    if not rows:
        raise InputError("the file has no samples")
    width = len(rows[0][1]) if names is None else len(names)
    for number, cells in rows:
        if len(cells) != width:
            raise InputError(f"line {number} has {len(cells)} columns, but the first has {width}")
    left_out = {
        column: name
        for column, name in enumerate(_names_in_comment(lines, separator) if names is None else names)
        if _NO_CURRENT.fullmatch(name) or (not name and names is not None)
    }
    kept = [column for column in range(width) if column not in left_out]
    if not kept:
        raise InputError("the file has no column of currents, only of times")
    if left_out:
        said = ", ".join(f"{column + 1} ({name or 'without a name'})" for column, name in left_out.items())
        warnings.warn(f"not read as currents: column {said}", InputWarning, stacklevel=2)
    return _numbers(rows, kept, separator)


def _separator(lines: Sequence[str]) -> str:
    """Return what separates columns, by the first line that is no comment."""
    first = next((line for line in lines if not _is_comment(line)), "")
    unquoted = re.sub(r'"[^"]*"', "", first)
    return next((separator for separator in _SEPARATORS if separator in unquoted), ",")


def _is_comment(line: str) -> bool:
    return line.startswith("#") and not _SPREADSHEET_ERROR.match(line)


def _rows(lines: Sequence[str], separator: str) -> Iterator[Row]:
    """Yield the lines that are no comments, as cells without quotes and the space around them."""
    number = 0

    def counted() -> Iterator[str]:
        nonlocal number
        for count, line in enumerate(lines, start=1):
            number = count
            if not _is_comment(line):
                yield line + "\n"

    try:
        for cells in csv.reader(counted(), delimiter=separator, skipinitialspace=True, strict=True):
            stripped = [cell.strip() for cell in cells]
            if stripped in ([], [""]):
                if lines == [""]:
                    return
                raise InputError(f"line {number} is empty")
            yield number, stripped
    except csv.Error as error:
        raise InputError(f"line {number} can't be read: {error}") from None


def _names_in(first: Row, separator: str) -> list[str] | None:
    """Return the names in the first line, or None if it is a line of numbers."""
    number, cells = first
    numbers = [_reads_as_number(cell, separator) for cell in cells]
    counted = [str(column) for column in range(len(cells) - 1)]
    if len(cells) > 1 and cells[1:] == counted and (not cells[0] or _is_name(cells[0])):
        return cells  # as pandas writes an index beside columns that are only numbered
    if any(numbers) or not any(cells):
        return None
    for column, cell in enumerate(cells, start=1):
        if cell and not _is_name(cell):
            raise InputError(
                f"line {number}, column {column} must be a number, or a name that begins with a letter, "
                f"not {reprlib.repr(cell)}"
            )
    return cells


def _names_in_comment(lines: Sequence[str], separator: str) -> list[str]:
    """Return the names in the comment just before the numbers, where it has some: so NumPy writes them."""
    comment = ""
    for line in lines:
        if not _is_comment(line):
            break
        comment = line
    names = [cell.strip() for cell in comment.lstrip("#").split(separator)]
    first = next(line for line in lines if not _is_comment(line))
    alike = len(names) == len(first.split(separator)) and all(map(_is_name, names))
    return names if alike else []


def _is_name(cell: str) -> bool:
    value = cell.casefold() in _NO_NAMES or _NOT_FINITE.fullmatch(cell)
    return cell[:1].isalpha() and not value


def _reads_as_number(cell: str, separator: str) -> bool:
    text = cell.translate(_MINUS)
    patterns = (_NUMBER, _NOT_FINITE) if separator == "," else (_NUMBER, _NOT_FINITE, _COMMA_NUMBER)
    return any(pattern.fullmatch(text) for pattern in patterns)


def _numbers(rows: Sequence[Row], columns: Sequence[int], separator: str) -> npt.NDArray[np.float64]:
    """Return the numbers in some columns."""
    samples = np.empty((len(rows), len(columns)))
    mark = ""  # of decimals
    doubtful = ""  # a cell that could also have a thousands separator
    for row, (number, cells) in enumerate(rows):
        for place, column in enumerate(columns):
            text = cells[column].translate(_MINUS)
            if _NUMBER.fullmatch(text):
                found = "." if "." in text else ""
            elif separator != "," and _COMMA_NUMBER.fullmatch(text):
                found = ","
                if not (separator == ";" or mark) and _THOUSANDS.fullmatch(text):
                    doubtful, found = doubtful or f"line {number}, column {column + 1}: {text!r}", ""
                text = text.replace(",", ".")
            else:
                raise InputError(_no_number(number, column, cells[column]))
            if found and mark and found != mark:
                raise InputError(
                    f"line {number}, column {column + 1}: {cells[column]!r} has another decimal mark than "
                    "the numbers before it"
                )
            mark = found or mark
            samples[row, place] = value = float(text)
            if not math.isfinite(value):
                raise InputError(_not_finite(number, column, cells[column]))
    if doubtful and mark != ",":
        raise InputError(f"{doubtful} may be a thousand times more or less: write decimals with a point")
    return samples


def _no_number(line: int, column: int, cell: str) -> str:
    if _NOT_FINITE.fullmatch(cell):
        return _not_finite(line, column, cell)
    hint = ""
    if _COMMA_NUMBER.fullmatch(cell):
        hint = ": a decimal comma needs semicolons or tabs between columns"
    elif len(cell.split()) > 1 and all(map(_NUMBER.fullmatch, cell.split())):
        hint = ": columns are separated by commas, semicolons or tabs"
    return f"line {line}, column {column + 1} must be a number, not {reprlib.repr(cell)}{hint}"


def _not_finite(line: int, column: int, cell: str) -> str:
    return f"line {line}, column {column + 1} must be finite, not {reprlib.repr(cell)}"
