"""``qlif mutate``: whether the benches would notice a fault."""

import json
import os
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
from qlif.cosim.mutation.campaign import run_campaign
from qlif.cosim.mutation.equivalence import SECONDS
from qlif.cosim.mutation.faults import MODES
from qlif.cosim.mutation.outcomes import EQUIVALENT, KILLED, SURVIVED, Campaign
from qlif.cosim.mutation.recorded_benches import UPDATES
from qlif.cosim.simulator import design
from qlif.model.support.files import write_text

DEFAULT_COUNT = 100


def mutate(
    preset: PresetOption = None,
    params: ParamsOption = None,
    count: Annotated[int, typer.Option("--count", help="How many faults are planted.")] = DEFAULT_COUNT,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons, 2 or more.")] = FEW_NEURONS,
    updates: BenchUpdatesOption = UPDATES,
    seed: SeedOption = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", help="Processes at once [as many as there are processors].")
    ] = None,
    timeout: TimeoutOption = SECONDS,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Plant faults in the exported netlist; count those that the benches see and those that are none.

    Each fault is a pin of a cell that is stuck, inverted, or inverted now and then. The benches' inputs are
    played to each until an output differs, and the self-test is run with each; a fault that neither sees goes
    to the prover. The exit code is 1 if one survives: nothing sees it, and it isn't proved to be none.

    A campaign that was stopped goes on where it was if it is started again with the same options.
    """
    simulator = design.find("verilator")
    configuration = Settings.read(preset, params).population(neurons)
    export = configuration.export(step_bits=FEW_STEP_BITS)
    directory = out / "mutation"
    with progress_bar(as_json) as progress:
        campaign = run_campaign(
            export,
            simulator,
            directory,
            count=count,
            seed=seed,
            updates=updates,
            jobs=jobs or os.cpu_count() or 1,
            seconds=timeout,
            progress=progress,
        )
    write_text(out / "mutation.json", json.dumps(campaign.as_dict(), indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(campaign.as_dict()))
    else:
        _print(campaign, export.verilog.splitlines(), out)
    if campaign.count(SURVIVED):
        raise typer.Exit(1)


def _print(campaign: Campaign, source: list[str], out: Path) -> None:
    console = Console()
    console.print(_table("net", ((net, "", counts) for net, counts in campaign.by_net())))
    lines = ((str(line), source[line - 1].strip(), counts) for line, counts in campaign.by_line())
    console.print(_table("line", lines, "Verilog"))
    for outcome in campaign.outcomes:
        if outcome.result == SURVIVED:
            mutant = outcome.mutant
            console.print(
                f"SURVIVED: {mutant.number}: bit {mutant.bit} of {mutant.port} of {mutant.cell} "
                f"(net {mutant.net}) {MODES[mutant.mode]}; {outcome.by}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
    counts = ", ".join(f"{campaign.count(result)} {result}" for result in (KILLED, EQUIVALENT, SURVIVED))
    console.print(
        f"The self-test by itself, {campaign.self_test_timesteps} timesteps: "
        f"{campaign.killed_by_self_test} of the {campaign.count(KILLED)} killed.",
        highlight=False,
    )
    console.print(
        f"{len(campaign.outcomes)} mutants: {counts}. All: {out / 'mutation.json'}", highlight=False
    )


def _table(what: str, rows: object, second: str | None = None) -> Table:
    columns = [what, *([second] if second else []), KILLED, EQUIVALENT, SURVIVED]
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for name, text, counts in rows:  # type: ignore[attr-defined]
        cells = [name, *([text] if second else []), *(str(counts[result] or "") for result in columns[-3:])]
        table.add_row(*cells)
    return table
