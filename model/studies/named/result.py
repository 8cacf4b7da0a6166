"""What a named study is, and what it leaves behind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from qlif.model.plots.themes import Theme, save
from qlif.model.studies import tables
from qlif.model.studies.evaluation import Row
from qlif.model.studies.executors import Workers
from qlif.model.studies.grid import Sweep
from qlif.model.studies.run import run_sweep
from qlif.model.support.files import write_text
from qlif.model.support.progress import Progress


@dataclass(frozen=True)
class Result:
    """One table, one figure, and the findings in words with their numbers."""

    rows: list[Row]
    draw: Callable[[Theme], Figure]
    findings: list[str]


@dataclass(frozen=True)
class Bench:
    """Where a study runs: its workers, its directory, and who hears of its progress."""

    workers: Workers
    directory: Path
    progress: Progress

    def sweep(self, sweep: Sweep, name: str) -> list[Row]:
        """Run a sweep, its journal in the study's directory."""
        path = self.directory / f"{name}.jsonl"
        return run_sweep(
            sweep, path, self.workers.executor, workers=self.workers.count, progress=self.progress
        )


@dataclass(frozen=True)
class Study:
    """A named study.

    Attributes
    ----------
    question : str
        What it answers.
    run : callable
        Takes a :class:`Bench`, returns a :class:`Result`; the same one each time.
    extra : bool
        It needs the libraries of the extra ``study``.
    sweeps : bool
        It runs a sweep, on as many processes as it is given.
    """

    question: str
    run: Callable[[Bench], Result]
    extra: bool = False
    sweeps: bool = False


def write_result(name: str, study: Study, result: Result, directory: Path) -> list[Path]:
    """Write a study's table, figure and findings; return the files."""
    table, text = directory / f"{name}.csv", directory / f"{name}.md"
    tables.write_csv(table, result.rows)
    figures = save(result.draw, directory, name)
    findings = "".join(f"- {finding}\n" for finding in result.findings)
    write_text(text, f"# {name}: {study.question}\n\n{findings}\n{tables.markdown(result.rows)}")
    return [table, *figures, text]
