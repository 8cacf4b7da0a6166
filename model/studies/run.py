"""A sweep from beginning to end, or from where it was interrupted."""

import itertools
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path

from qlif.model.errors import InputError
from qlif.model.progress import Progress, unwatched
from qlif.model.studies import journal
from qlif.model.studies.evaluation import Row, evaluate
from qlif.model.studies.grid import Point, Sweep

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
        The journal; see :mod:`qlif.model.studies.journal`.
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
    with journal.opened(path, "sweep", sweep.as_dict()) as results:
        # Points that share an input and a neuron follow each other, and with them their reference.
        ordered = sorted(points, key=lambda point: (point.input, point.tau_m_ms, point.dt_ms))
        todo = iter([point for point in ordered if point.index not in results.results])
        waiting: dict[Future[Row], Point] = {}
        try:
            while True:
                for point in itertools.islice(todo, AHEAD * workers - len(waiting)):
                    waiting[executor.submit(evaluate, sweep, point)] = point
                if not waiting:
                    break
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    results.append(waiting.pop(future).index, future.result())
                progress(
                    f"{len(results.results)} of {len(points)} points", len(results.results) / len(points)
                )
        finally:
            for future in waiting:
                future.cancel()
        return [results.results[point.index] for point in points]
