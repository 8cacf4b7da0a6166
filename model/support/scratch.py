"""Temporary folders with names that every tool can take, removed at their end, or by the next run."""

import functools
import os
import re
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from qlif.model.exceptions import InputError

PREFIX = "qlif-scratch-"
_NEW, _NEW_SECONDS = ".qlif-new-", 60.0
"""How a folder is called until it is locked, and after how long whoever was to lock it is gone."""
_ALIVE = ".alive"
_SAFE = re.compile(r"[A-Za-z0-9_./+-]+")
"""What neither make nor a shell nor a Yosys script takes for anything but a name."""


class Scratch:
    """A folder that lives as long as this object, or this process.

    A process that is killed can't remove it. So a lock in it tells that its owner lives, and whoever makes
    the first folder of a process removes those whose owners don't.

    Parameters
    ----------
    root : Path, optional
        Where it is made, instead of among the temporary files.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, root: Path | None = None) -> None:
        root = safe_root() if root is None else root
        _sweep(root)
        # It gets its name once it is locked: nobody takes it for abandoned before.
        made = Path(tempfile.mkdtemp(prefix=_NEW, dir=root))
        self.path = root / (PREFIX + made.name.removeprefix(_NEW))
        lock = FileLock(made / _ALIVE, thread_local=False)
        lock.acquire()
        made.rename(self.path)
        self.close = weakref.finalize(self, _remove, self.path, lock)


def _remove(path: Path, lock: FileLock) -> None:
    shutil.rmtree(path, ignore_errors=True)
    lock.release()


@contextmanager
def scratch(root: Path | None = None) -> Iterator[Path]:
    """Give a temporary folder for the time of a block."""
    made = Scratch(root)
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
    for left in [*root.glob(f"{PREFIX}*"), *root.glob(f"{_NEW}*")]:
        with suppress(OSError, Timeout):
            if left.name.startswith(_NEW) and time.time() - left.stat().st_mtime < _NEW_SECONDS:
                continue
            if left.is_symlink() or (hasattr(os, "getuid") and left.stat().st_uid != os.getuid()):
                continue
            with FileLock(left / _ALIVE, timeout=0):
                shutil.rmtree(left, ignore_errors=True)
