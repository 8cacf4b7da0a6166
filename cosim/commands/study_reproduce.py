"""``qlif study reproduce``: a named study, one figure and one table."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qlif.cosim.commands.options import JsonOption, OutOption, progress_bar
from qlif.cosim.commands.study_sweep import ProcessesOption, SchedulerOption
from qlif.model.metrics.spike_distances import check_libraries
from qlif.model.studies.executors import workers
from qlif.model.studies.named.catalogue import STUDIES
from qlif.model.studies.named.catalogue import study as study_of
from qlif.model.studies.named.result import Bench, write_result


def reproduce(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(STUDIES)}.")],
    scheduler: SchedulerOption = None,
    processes: ProcessesOption = None,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Repeat a named study from its fixed seeds: one table, one figure, and what they say."""
    study = study_of(name)
    if study.extra:
        check_libraries()
    with progress_bar(as_json) as progress, workers(scheduler, processes) as found:
        result = study.run(Bench(found, out, progress))
        progress("writing", 1.0)
        files = write_result(name, study, result, out)
    if as_json:
        facts = {"study": name, "question": study.question, "findings": result.findings}
        typer.echo(json.dumps({**facts, "rows": result.rows, "files": [str(path) for path in files]}))
        return
    console = Console()
    console.print(f"{name}: {study.question}", highlight=False)
    for finding in result.findings:
        console.print(f"- {finding}", highlight=False)
    console.print(f"Table, figure and findings are in {out}/", highlight=False)
