"""Results as they come, in a file that survives whatever ends the run: one journal for all that resumes.

A line of JSON says whose results the file holds; each further line is one result with a check over itself and
that first line. Results of anything else (other inputs, parameters or options, other code) are refused and left
as they are: nothing is mixed. A line that isn't what was written is evaluated again, with a warning; one that
was cut off at the end, as a killed process leaves it, without. The file is made with its first result.
"""

import hashlib
import json
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from qlif.model.exceptions import DamageWarning, InputError
from qlif.model.support.files import locked, whole_file

logger = logging.getLogger(__name__)

FILE = "qlif study results"
VERSION = 3
"""Of the journal; one more with each change of what a line means."""

Point = int | str
"""What a result is of."""

_ELSEWHERE = "choose another --out, or move it away"


class Journal:
    """An open journal; made by :func:`opened`.

    Attributes
    ----------
    results : dict
        Every result so far, by its point, as it is read back.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], known: Callable[[Point], bool]) -> None:
        self.results: dict[Point, Any] = {}
        self._path = path
        self._header = json.dumps(header)
        self._known = known
        self._whole = False
        """Whether the file is just the header and the results."""
        self._file: IO[bytes] | None = None
        self._held = ExitStack()
        if not path.exists():
            return
        try:
            self._lock()
            self._file = path.open("r+b")
            self._read(self._file.read(), header)
        except BaseException:
            self.close()
            raise

    def append(self, point: Point, result: Any) -> None:
        """Add a result; when this returns, it is on the disk."""
        self.extend([(point, result)])

    def extend(self, entries: Iterable[tuple[Point, Any]]) -> None:
        """Add results; when this returns, they are on the disk."""
        read_back = [(point, json.loads(json.dumps(result))) for point, result in entries]
        if not read_back:
            return
        if not self._whole:
            self._begin()
        assert self._file is not None
        self._file.write("".join(self._line(*entry) for entry in read_back).encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.results.update(read_back)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._held.close()

    def _lock(self) -> None:
        """Keep other runs from writing the file, until it is closed."""
        self._held.enter_context(locked(self._path.with_name(f".{self._path.name}.lock"), self._path))

    def _begin(self) -> None:
        """Make the file, or make it anew from what is whole in it."""
        text = self._header + "\n" + "".join(self._line(*entry) for entry in self.results.items())
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock()
            try:
                self._file = self._path.open("xb")
            except FileExistsError:
                raise InputError(f"{self._path} was made by another run meanwhile: {_ELSEWHERE}") from None
            self._file.write(text.encode())
        else:
            self._file.close()  # Windows replaces no open file
            with whole_file(self._path) as temporary:
                temporary.write_bytes(text.encode())
            self._file = self._path.open("ab")
        self._whole = True

    def _line(self, point: Point, result: Any) -> str:
        check = _check(self._header, point, result)
        return json.dumps({"point": point, "result": result, "check": check}) + "\n"

    def _read(self, content: bytes, header: Mapping[str, Any]) -> None:
        first, *lines = content.split(b"\n")
        if not lines:
            begun = json.dumps({"file": FILE})[:-1].encode()
            if not content.startswith(begun) and not begun.startswith(content):
                raise InputError(_foreign(self._path))
            return
        found = _parsed(first)
        if not isinstance(found, dict) or found.get("file") != FILE:
            raise InputError(_foreign(self._path))
        if found != header:
            if any(lines[:-1]):
                raise InputError(f"{self._path} holds results of {_difference(found, header)}: {_ELSEWHERE}")
            return  # what failed before its first result left nothing
        self._whole = not lines[-1]
        damaged = []
        conflicting: set[Point] = set()
        for number, line in enumerate(lines[:-1], 2):
            entry = self._entry(line)
            if entry is None:
                damaged.append(number)
                continue
            point, result = entry
            if self.results.setdefault(point, result) != result:
                damaged.append(number)
                conflicting.add(point)
        last = self._entry(lines[-1])
        if last is not None:
            self.results.setdefault(*last)
        for point in conflicting:
            del self.results[point]
        if damaged:
            self._whole = False
            lines_are = "a line is" if len(damaged) == 1 else f"{len(damaged)} lines are"
            warnings.warn(
                f"{self._path}: {lines_are} damaged (line {damaged[0]}): what is missing is evaluated again",
                DamageWarning,
                stacklevel=4,
            )

    def _entry(self, line: bytes) -> tuple[Point, Any] | None:
        """Return point and result of a line; None if it isn't as it was written."""
        entry = _parsed(line)
        if not isinstance(entry, dict) or entry.keys() != {"point", "result", "check"}:
            return None
        point, result = entry["point"], entry["result"]
        if type(point) not in (int, str) or not self._known(point):
            return None
        return (point, result) if entry["check"] == _check(self._header, point, result) else None


@contextmanager
def opened(
    path: Path, kind: str, key: Mapping[str, Any], known: Callable[[Point], bool]
) -> Iterator[Journal]:
    """Open the journal of a run; without one, it is made with the first result.

    Parameters
    ----------
    path : Path
    kind : str
        Of run, such as ``sweep``.
    key : mapping
        All that its results depend on, by content and ready for JSON: inputs, parameters, arithmetic, options,
        seeds, tools, and the code (:func:`qlif.model.support.sources.code_of`).
    known : callable
        Whether a point is one of the run's.

    Raises
    ------
    InputError
        The file holds something else, or another run is writing it. It is as it was.
    """
    header = {"file": FILE, "version": VERSION, "kind": kind, "key": json.loads(json.dumps(key))}
    journal = Journal(path, header, known)
    if journal.results:
        logger.info("resumed with %d results of %s", len(journal.results), path)
    try:
        yield journal
    finally:
        journal.close()


def _check(header: str, point: Point, result: Any) -> str:
    text = json.dumps([header, point, result], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _parsed(line: bytes) -> Any:
    """Return what a line says; None if it is no JSON."""
    try:
        return json.loads(line.decode())
    except (ValueError, RecursionError):
        return None


def _difference(found: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Return whose results were found, by the first thing in which they aren't the ones asked for."""
    for name in ("version", "kind"):
        if found.get(name) != asked[name]:
            return f"{name} {found.get(name)!r}, not of {asked[name]!r}"
    return f"another study ({difference(found.get('key'), asked['key'])})"


def difference(found: Any, asked: Any) -> str:
    """Return the first thing in which two mappings differ, in words."""
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        for name in [*asked, *found]:
            if found.get(name) == asked.get(name):
                continue
            if isinstance(found.get(name), Mapping) and isinstance(asked.get(name), Mapping):
                return f"{name}: {difference(found[name], asked[name])}"
            return f"{name} is {_short(found.get(name))} there and {_short(asked.get(name))} here"
    return "it has other settings"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:60]}..."


def _foreign(path: Path) -> str:
    return f"{path} is no results file of this version of qlif: {_ELSEWHERE}"
