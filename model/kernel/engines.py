"""Which engine computes: compiled loops, or numpy where numba isn't installed."""

import functools
import importlib.util
import os
from enum import StrEnum

from qlif.model.exceptions import InputError, unknown_name
from qlif.model.support.checks import whole


class EngineName(StrEnum):
    """What can compute a population."""

    COMPILED = "compiled"
    """Loops that numba compiles."""
    NUMPY = "numpy"
    """Arrays, one timestep after another."""


ENGINE_VARIABLE, THREADS_VARIABLE = "QLIF_ENGINE", "QLIF_THREADS"
"""What the environment says holds where a program says nothing."""


def chosen_engine(engine: str | None = None) -> EngineName:
    """Return the name of the engine: the one that is asked for, or the fastest that there is.

    Raises
    ------
    InputError
        There is no engine of that name, or numba isn't installed.
    """
    asked = engine or os.environ.get(ENGINE_VARIABLE) or None
    if asked is None:
        return EngineName.COMPILED if _numba_is_there() else EngineName.NUMPY
    if asked not in list(EngineName):
        raise InputError(unknown_name("engine", str(asked), EngineName))
    name = EngineName(asked)
    if name is EngineName.COMPILED and not _numba_is_there():
        raise InputError("the compiled engine needs numba, which isn't installed: pip install numba")
    return name


def chosen_threads(threads: int | None = None) -> int:
    """Return the number of threads of a long run: the one that is asked for, or one for each processor.

    Raises
    ------
    InputError
        It isn't a whole number, 1 or more.
    """
    if threads is not None:
        return whole("threads", threads)
    said = os.environ.get(THREADS_VARIABLE)
    if said:
        return whole(THREADS_VARIABLE, int(said) if said.isdecimal() else said)
    return cores()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _numba_is_there() -> bool:
    return importlib.util.find_spec("numba") is not None
