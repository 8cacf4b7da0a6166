"""How every loop is compiled, and kept on the disk so that no process gets another's.

Numba's own cache isn't made for processes that compile at the same time: two of them can take one file for
two functions, and one can read a file that the other hasn't written yet and an older version has. What is
loaded then computes something else. So each function has files of its own, under a name with a digest of
the sources, and whoever loads or compiles it does so alone.
"""

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from qlif.model.support import caches

caches.settle()  # numba looks at its environment when it is imported

import numba  # noqa: E402


class Compiled:
    """A function compiled by numba for the types that it is called with.

    It lets go of the interpreter's lock, so that blocks of neurons can run in threads.

    Parameters
    ----------
    function : callable
    tag : str
        What tells it from others that are made of the same lines.
    """

    def __init__(self, function: Callable[..., Any], tag: str = "") -> None:
        self.name = f"{function.__name__}_{tag}_{_digest(function.__code__.co_filename)}"
        self._entries: dict[tuple[Any, ...], Callable[..., Any]] = {}
        function.__qualname__ = self.name
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
        try:
            self._dispatcher = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no directory that can be written
            self._dispatcher = numba.njit(**options)(function)

    def entry(self, *arguments: Any) -> Callable[..., Any]:
        """Return what computes the function for arguments of just these types.

        It doesn't look at the types again, which takes longer than a short timestep.
        """
        types = tuple(map(numba.typeof, arguments))
        if types not in self._entries:
            with self._alone():
                self._entries[types] = self._dispatcher.compile(types)
        return self._entries[types]

    def __call__(self, *arguments: Any) -> Any:
        """Compute it."""
        return self.entry(*arguments)(*arguments)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from loading or compiling the same function."""
        directory = self._dispatcher.stats.cache_path
        lock = None if directory is None else FileLock(Path(directory) / f"{self.name}.lock")
        if lock is not None:
            # A directory that is only read has nothing that changes.
            try:
                lock.acquire()
            except OSError:
                lock = None
        try:
            yield
        finally:
            if lock is not None:
                lock.release()


@functools.cache
def _digest(file: str) -> str:
    """Return a digest of everything that a function in a file is compiled from."""
    sources = sorted({Path(file), *Path(__file__).parent.glob("*.py")})
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
