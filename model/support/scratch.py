"""Temporary folders with names that every tool can take, removed at their end, or by the next run."""

import functools
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from qlif.model.exceptions import InputError

PREFIX = "qlif-scratch-"
_ALIVE = ".alive"
_SAFE = re.compile(r"[A-Za-z0-9_./+-]+")
"""What neither make nor a shell nor a Yosys script takes for anything but a name."""


class Scratch:
    """A folder that lives as long as this object, or this process.

    A process that is killed can't remove it. So a lock in it tells that its owner lives, and whoever makes
    the first folder of a process removes those whose owners don't.

    Attributes
    ----------
    path : Path
    """

    def __init__(self) -> None:
        root = safe_root()
        _sweep(root)
        # It gets its name once it is locked: nobody takes it for abandoned before.
        made = Path(tempfile.mkdtemp(prefix=".qlif-new-", dir=root))
        self.path = root / (PREFIX + made.name.removeprefix(".qlif-new-"))
        lock = FileLock(made / _ALIVE, thread_local=False)
        lock.acquire()
        made.rename(self.path)
        self.close = weakref.finalize(self, _remove, self.path, lock)


def _remove(path: Path, lock: FileLock) -> None:
    shutil.rmtree(path, ignore_errors=True)
    lock.release()


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a temporary folder for the time of a block."""
    made = Scratch()
    try:
        yield made.path
    finally:
        made.close()


@functools.cache
def safe_root() -> Path:
    """Return the folder for temporary files whose path has no character that a tool could take amiss.

    Raises
    ------
    InputError
        There is none that can be written.
    """
    asked = tempfile.gettempdir()
    for place in (asked, "/tmp", "/var/tmp"):
        if os.name == "nt" or (_SAFE.fullmatch(place) and Path(place).is_absolute() and _writable(place)):
            return Path(place)
    raise InputError(
        f"temporary files need a folder whose path has only letters, digits and _ . / + -, not {asked!r}: set TMPDIR"
    )


def _writable(place: str) -> bool:
    try:
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


@functools.cache
def _sweep(root: Path) -> None:
    """Remove what killed processes of this user left."""
    for left in root.glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout):
            if left.is_symlink() or (hasattr(os, "getuid") and left.stat().st_uid != os.getuid()):
                continue
            with FileLock(left / _ALIVE, timeout=0):
                shutil.rmtree(left, ignore_errors=True)
