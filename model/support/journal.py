"""The results of a study as they come, in a file that survives whatever ends the run.

A line of JSON says whose results the file holds; each further line is one result. A line that was cut off
in the middle, as a killed process leaves it, is dropped and its point evaluated again: nothing is lost
that was whole, and nothing is done twice. Files of another study, of another version, or of anything
else are refused and left as they are.
"""

import fcntl
import importlib.metadata
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from qlif.model.exceptions import InputError

FILE = "qlif study results"
VERSION = 2
"""Of the journal; one more with each change of what a result means."""


class Journal:
    """An open journal; made by :func:`opened`.

    Attributes
    ----------
    results : dict of int to dict
        Every result so far, by its point.
    """

    def __init__(self, file: IO[str], results: dict[int, dict[str, Any]]) -> None:
        self.results = results
        self._file = file

    def append(self, point: int, result: dict[str, Any]) -> None:
        """Add a result; when this returns, it is on the disk."""
        self._file.write(json.dumps({"point": point, "result": result}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.results[point] = result


@contextmanager
def opened(path: Path, kind: str, study: Mapping[str, Any]) -> Iterator[Journal]:
    """Open the journal of a study, made if it isn't there.

    Parameters
    ----------
    path : Path
    kind : str
        Of study, such as ``sweep``.
    study : mapping
        All that its results depend on, ready for JSON.

    Raises
    ------
    InputError
        The file holds something else, or another run is writing it. It is as it was.
    """
    header = {
        "file": FILE,
        "version": VERSION,
        "qlif": importlib.metadata.version("qlif"),
        "kind": kind,
        "study": json.loads(json.dumps(study)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{path} is being written by another run: wait for it, or choose another --out"
            ) from None
        file.seek(0)
        try:
            content = file.read()
        except UnicodeDecodeError:
            raise InputError(_foreign(path)) from None
        whole = content[: content.rfind("\n") + 1]
        results = _read(path, whole, header) if whole else {}
        if not whole and content and not json.dumps(header).startswith(content):
            raise InputError(_foreign(path))
        if len(whole) < len(content):
            file.truncate(len(whole.encode("utf-8")))
        if not whole:
            file.write(json.dumps(header) + "\n")
            file.flush()
        yield Journal(file, results)


def _read(path: Path, content: str, header: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    lines = content.splitlines()
    try:
        found = json.loads(lines[0])
        if found["file"] != FILE:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise InputError(_foreign(path)) from None
    for name in ("version", "qlif", "kind"):
        if found.get(name) != header[name]:
            raise InputError(
                f"{path} holds results of {name} {found.get(name)!r}, not of {header[name]!r}: "
                "choose another --out, or move it away"
            )
    if found.get("study") != header["study"]:
        raise InputError(
            f"{path} holds results of another study ({_difference(found.get('study'), header['study'])}): "
            "choose another --out, or move it away"
        )
    results: dict[int, dict[str, Any]] = {}
    for number, line in enumerate(lines[1:], 2):
        try:
            entry = json.loads(line)
            results[int(entry["point"])] = dict(entry["result"])
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}, line {number}, is not a result: the file was changed") from None
    return results


def _difference(found: Any, asked: Any) -> str:
    """Return the first thing in which two studies differ, in words."""
    if isinstance(found, dict) and isinstance(asked, dict):
        for name in asked:
            if found.get(name) != asked[name]:
                if isinstance(found.get(name), dict) and isinstance(asked[name], dict):
                    return f"{name}: {_difference(found[name], asked[name])}"
                return f"{name} is {json.dumps(found.get(name))} there and {json.dumps(asked[name])} here"
    return "it has other settings"


def _foreign(path: Path) -> str:
    return f"{path} is no results file of a study: choose another --out, or move it away"
