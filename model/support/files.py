"""Files that are whole or not there: written beside their place, then renamed into it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from qlif.model.exceptions import InputError

LOCK = ".qlif.lock"
"""In a folder that a run writes into."""
PART = ".qlif-part-"
"""How the name of a file that isn't whole yet begins."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block ends well.

    Whatever interrupts the block, `path` is what it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=PART, suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp is private to the user; a result is like any other file of theirs.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file as a whole."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if it isn't there; however this process ends, it is free again.

    Raises
    ------
    InputError
        Another run is writing into it.
    """
    is_new, was_killed = not directory.exists(), (directory / LOCK).exists()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with locked(directory / LOCK, directory):
            if was_killed:
                _remove_parts(directory)
            yield
    finally:
        if is_new:
            with suppress(OSError):  # not empty: something was written
                directory.rmdir()


@contextmanager
def locked(lock: Path, what: Path) -> Iterator[None]:
    """Hold a lock while a block runs; it goes with this process too, and a killed one leaves only its file.

    Raises
    ------
    InputError
        Somebody else holds it: `what` is being written.
    """
    held = FileLock(lock, timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise InputError(
            f"{what} is being written by another run: wait for it, or choose another --out"
        ) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file
            lock.unlink()
        held.release()


def _remove_parts(directory: Path) -> None:
    """Remove what a killed run was writing, except where another one runs."""
    for folder, inner, names in os.walk(directory):
        if Path(folder) != directory and LOCK in names:
            inner.clear()
            continue
        for name in names:
            if name.startswith(PART):
                with suppress(OSError):
                    (Path(folder) / name).unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
