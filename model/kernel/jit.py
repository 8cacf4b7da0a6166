"""How every loop is compiled."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function compiled by numba at its first call, and kept on the disk for the next process.

    It lets go of the interpreter's lock, so that blocks of neurons can run in threads.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no directory that can be written
        return numba.njit(**options)(function)


def compiled_for(function: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what computes a compiled function for arguments of just these types.

    It doesn't look at the types again, which takes longer than a short timestep.
    """
    return function.compile(tuple(map(numba.typeof, arguments)))
