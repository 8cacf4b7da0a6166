"""A sweep from beginning to end, or from where it was interrupted."""

import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from qlif.model.exceptions import InputError, QlifError
from qlif.model.studies.evaluation import Row, evaluate
from qlif.model.studies.executors import cluster_worker, other_code
from qlif.model.studies.grid import Point, Sweep
from qlif.model.support import journal
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.sources import code_of

ROOM = "model"
"""Whose sources compute a sweep."""

AHEAD = 3
"""So many points wait for each worker, so that none is idle; more would only take memory."""


def run_sweep(
    sweep: Sweep,
    path: Path,
    executor: Executor,
    *,
    workers: int = 1,
    progress: Progress = unwatched,
) -> list[Row]:
    """Evaluate every point of a sweep that the journal at `path` doesn't have yet.

    Parameters
    ----------
    sweep : Sweep
    path : Path
        The journal; see :mod:`qlif.model.support.journal`.
    executor : concurrent.futures.Executor
        Any: processes of this machine, threads, or a cluster's.
    workers : int
        How many points the executor works on at a time.
    progress : callable, optional

    Returns
    -------
    list of dict
        The row of each point, in the order of the grid.

    Raises
    ------
    InputError
        The file holds something else; an input can't be read.
    """
    points = sweep.points()
    if not points:
        raise InputError("the sweep has no point")
    # Points that share an input and a neuron follow each other, and with them their reference.
    ordered = sorted(points, key=lambda point: (point.input, point.tau_m_ms, point.dt_ms))
    located = sweep.located()
    found = dict(zip(sweep.input, located.input, strict=True))
    jobs = {
        point.index: (_evaluate, located, replace(point, input=found[point.input]), point.input)
        for point in ordered
    }
    key = {"code": code_of(ROOM), **sweep.identity}
    with journal.opened(path, "sweep", key, jobs.__contains__) as results:
        sweep.check_inputs()
        run_jobs(jobs, results, executor, workers, "points", progress, (ROOM,))
        return [results.results[point.index] for point in points]


def _evaluate(located: Sweep, point: Point, text: str) -> Row:
    """Return the row of a point, with its input as it was written."""
    return {**evaluate(located, point), "input": text}


def run_jobs(
    jobs: Mapping[int, tuple[Any, ...]],
    results: journal.Journal,
    executor: Executor,
    workers: int,
    what: str,
    progress: Progress,
    rooms: tuple[str, ...],
) -> None:
    """Run every job whose result the journal doesn't have yet, and append the results as they come.

    Parameters
    ----------
    jobs : mapping of int to tuple
        Function and arguments by point, in the order in which they are begun.
    results : Journal
    executor, workers
        As in :func:`run_sweep`.
    what : str
        What the progress counts.
    progress : callable
    rooms : tuple of str
        Whose sources compute the jobs, as for :func:`qlif.model.support.sources.code_of`.

    Raises
    ------
    InputError
        A worker computes with other code than this process.
    """
    todo = iter([point for point in jobs if point not in results.results])
    waiting: dict[Future[Any], int] = {}
    try:
        while True:
            for point in itertools.islice(todo, AHEAD * workers - len(waiting)):
                waiting[executor.submit(_signed, rooms, *jobs[point])] = point
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                code, result = future.result()
                if code != code_of(*rooms):
                    raise InputError(other_code("a worker", code, code_of(*rooms)))
                results.append(waiting.pop(future), result)
            ready = len(results.results)
            progress(f"{ready} of {len(jobs)} {what}", ready / len(jobs))
    finally:
        for future in waiting:
            future.cancel()


def _signed(
    rooms: tuple[str, ...], function: Callable[..., Any], *arguments: Any
) -> tuple[dict[str, str], object]:
    """Return a job's result, and with which code it was computed; an error names the worker of a cluster."""
    try:
        return code_of(*rooms), function(*arguments)
    except Exception as error:
        worker = cluster_worker()
        if worker is not None:
            if isinstance(error, QlifError):
                raise type(error)(f"the worker {worker}: {error}") from None
            error.add_note(f"on the worker {worker}")
        raise
