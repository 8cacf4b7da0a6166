"""Where points are evaluated: all cores of this machine, or a Dask cluster."""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from qlif.model.exceptions import InputError
from qlif.model.kernel.engines import cores
from qlif.model.support.checks import whole
from qlif.model.support.optional import optional
from qlif.model.support.process import worker_processes
from qlif.model.support.sources import code_of

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
        The scheduler doesn't answer, has no workers, or a worker has other code; the
        extra ``study`` isn't installed.
    """
    if scheduler is None:
        count = whole("processes", cores() if processes is None else processes)
        with worker_processes(count) as pool:
            yield Workers(pool, count)
        return
    if processes is not None:
        raise InputError("processes run on this machine: omit them with a scheduler")
    with _dask(scheduler) as found:
        yield found


@contextmanager
def _dask(scheduler: str) -> Iterator[Workers]:
    distributed = optional("distributed", "study")
    try:
        client = distributed.Client(scheduler, timeout=ANSWER_WITHIN_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"the scheduler at {scheduler} doesn't answer: {said}") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"the scheduler at {scheduler} has no workers")
        # What a worker raises, when it can't even import this module say, is its answer.
        codes = client.run(code_of, "model", on_error="return")
        here = code_of("model")
        for address, code in codes.items():
            if isinstance(code, Exception):
                raise InputError(f"the worker {address} can't run qlif: {code}")
            if code != here:
                raise InputError(other_code(f"the worker {address}", code, here))
        yield Workers(client.get_executor(pure=False), threads)


def cluster_worker() -> str | None:
    """Return the address of the Dask worker that runs this; None elsewhere."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return str(distributed.get_worker().address)
    except ValueError:
        return None


def other_code(who: str, code: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Return the text of the error for a worker with other code."""
    name = next(name for name in here if code.get(name) != here[name])
    return (
        f"{who} computes with other code ({name} is {code.get(name)} there and {here[name]} here): "
        "start it anew from the same installation"
    )
