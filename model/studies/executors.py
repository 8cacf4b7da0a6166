"""Where points are evaluated: all cores of this machine, or a Dask cluster."""

import importlib.metadata
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from qlif.model.exceptions import InputError
from qlif.model.kernel.engines import cores
from qlif.model.support.checks import whole
from qlif.model.support.process import worker_processes

ANSWER_WITHIN_S = 10.0
"""A scheduler that takes longer is said not to answer."""


@dataclass(frozen=True)
class Workers:
    """An executor, and how many points it works on at a time."""

    executor: Executor
    count: int


@contextmanager
def workers(scheduler: str | None = None, processes: int | None = None) -> Iterator[Workers]:
    """Give an executor for the time of a block.

    Parameters
    ----------
    scheduler : str, optional
        Address of a Dask scheduler, as in ``tcp://host:8786``; this machine's cores if not given.
    processes : int, optional
        Of this machine; all cores if not given.

    Raises
    ------
    InputError
        The scheduler doesn't answer, has no workers, or its workers lack this version of qlif; the
        extra ``study`` isn't installed.
    """
    if scheduler is None:
        count = whole("processes", cores() if processes is None else processes)
        with worker_processes(count) as pool:
            yield Workers(pool, count)
        return
    if processes is not None:
        raise InputError("processes are of this machine: leave them out with a scheduler")
    with _dask(scheduler) as found:
        yield found


@contextmanager
def _dask(scheduler: str) -> Iterator[Workers]:
    try:
        import distributed
    except ImportError as error:
        raise InputError(
            f"a scheduler needs {error.name}, in the extra 'study': pip install 'qlif[study]'"
        ) from None
    try:
        # Its functions have no types.
        connect: Any = distributed.Client
        client = connect(scheduler, timeout=ANSWER_WITHIN_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the scheduler at {scheduler} doesn't answer: {said}") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"the scheduler at {scheduler} has no workers")
        try:
            versions = client.run(_version)
        except Exception as error:
            # Whatever a worker raises when it can't even import this module.
            raise InputError(f"the workers of {scheduler} can't run qlif: {error}") from None
        here = _version()
        for address, version in versions.items():
            if version != here:
                raise InputError(f"the worker {address} has qlif {version}, not {here}")
        yield Workers(client.get_executor(pure=False), threads)


def _version() -> str:
    return importlib.metadata.version("qlif")
