"""``qlif coverage``: what the benches reach, and what can't be reached."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from qlif.cosim.commands.options import (
    FEW_NEURONS,
    FEW_STEP_BITS,
    BenchUpdatesOption,
    JsonOption,
    OutOption,
    ParamsOption,
    PresetOption,
    SeedOption,
    TimeoutOption,
    progress_bar,
)
from qlif.cosim.configuration import Settings
from qlif.cosim.coverage.report import HOLE, Coverage, as_json, markdown, measure, summary
from qlif.cosim.coverage.unreachable import SECONDS
from qlif.cosim.mutation.recorded_benches import UPDATES
from qlif.cosim.simulator import design
from qlif.model.support.checks import whole
from qlif.model.support.files import write_text


def coverage(
    preset: PresetOption = None,
    params: ParamsOption = None,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons.")] = FEW_NEURONS,
    bench: Annotated[
        list[str] | None, typer.Option("--bench", help="Only this bench. Repeatable [all].")
    ] = None,
    updates: BenchUpdatesOption = UPDATES,
    seed: SeedOption = 0,
    timeout: TimeoutOption = SECONDS,
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="Whether what wasn't reached goes to the solver.")
    ] = True,
    out: OutOption = Path("qlif-out"),
    as_json_only: JsonOption = False,
) -> None:
    """Measure what the benches reach of a population: cases, lines, branches, and edges of every bit.

    What none of them reaches is put to the solver: either it is proved that nothing can reach it, or it is a
    hole, and the exit code is 1. coverage.md and coverage.json name each.
    """
    whole("--updates", updates, minimum=1)
    simulator = design.find("verilator")
    configuration = Settings.read(preset, params).population(neurons)
    export = configuration.export(step_bits=FEW_STEP_BITS)
    with progress_bar(as_json_only) as progress:
        found = measure(
            export,
            simulator,
            out / "coverage",
            benches=bench or (),
            seed=seed,
            updates=updates,
            seconds=timeout,
            prove=prove,
            progress=progress,
        )
    write_text(out / "coverage.json", as_json(found))
    write_text(out / "coverage.md", markdown(found))
    if as_json_only:
        typer.echo(as_json(found), nl=False)
    else:
        _print(found, out)
    if any(found.having(HOLE)):
        raise typer.Exit(1)


def _print(found: Coverage, out: Path) -> None:
    console = Console()
    table = Table("", "all", "covered", "unreachable", "holes", box=box.SIMPLE_HEAD)
    for kind, counts in summary(found).items():
        table.add_row(kind, *map(str, counts))
    console.print(table)
    for item in found.having(HOLE):
        console.print(f"HOLE: {item.kind}: {item.name}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"All: {out / 'coverage.md'}", highlight=False)
