"""``qlif study reproduce``: a named study, one figure and one table."""

from dataclasses import dataclass
from typing import Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import ReportOptions
from qlif.cosim.commands.study_sweep import WorkerOptions
from qlif.cosim.terminal import progress_bar, say_json


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """Which study."""

    name: Annotated[str, typer.Argument(help="One of {studies}.")]


def _sweeps(name: str) -> bool:
    from qlif.model.studies.named.catalogue import STUDIES

    return name not in STUDIES or STUDIES[name].sweeps


@command(
    Rule("scheduler", lambda options: _sweeps(options.name), "a study that sweeps"),
    Rule("processes", lambda options: _sweeps(options.name), "a study that sweeps"),
)
def reproduce(options: ReproduceOptions, workers: WorkerOptions, output: ReportOptions) -> None:
    """Repeat a named study from its fixed seeds.

    One table and one figure are written, and what they say.
    """
    from qlif.cosim.evidence.gather import of_study
    from qlif.model.metrics.spike_distances import check_libraries
    from qlif.model.studies.executors import workers as working
    from qlif.model.studies.named.catalogue import study as study_of
    from qlif.model.studies.named.result import Bench, write_result

    name = options.name
    study = study_of(name)
    if study.extra:
        check_libraries()
    with (
        progress_bar(output.as_json) as progress,
        working(workers.scheduler, workers.processes) as found,
    ):
        result = study.run(Bench(found, output.out, progress))
        progress("writing", 1.0)
        files = write_result(name, study, result, output.out)
        question = f"{name}: {study.question}"
        output.hand_in(of_study("reproduce", question, result.findings, result.rows, files))
    if output.as_json:
        facts = {"study": name, "question": study.question, "findings": result.findings}
        say_json({**facts, "rows": result.rows, "files": [str(path) for path in files]})
        return
    terminal = output.terminal
    terminal.line(f"{name}: {study.question}")
    for finding in result.findings:
        terminal.line(f"- {finding}")
    terminal.line(f"Table, figure and findings are in {output.out}/")
