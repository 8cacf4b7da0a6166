"""``qlif prove``: the exported Verilog is the golden model, for every input."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    PRESET_NAMES,
    LanesOption,
    MemoryOption,
    OutOption,
    ParamsOption,
    RegisterOption,
    TimeoutOption,
    VerilogOption,
    progress_bar,
    read_verilog,
    with_depths,
)
from qlif.cosim.configuration import Settings
from qlif.cosim.proof.claims import Claim
from qlif.cosim.proof.counterexample import lines
from qlif.cosim.proof.prove import SECONDS
from qlif.cosim.proof.tasks import Task, explicit_tasks, foreign_tasks, tasks
from qlif.cosim.simulator import design
from qlif.hdl.export import POPULATION_MODULE
from qlif.hdl.primitives import Variant
from qlif.hdl.targets.catalogue import TARGETS, primitives, variant_of
from qlif.model.exceptions import InputError
from qlif.model.presets import DEFAULT_PRESET, PRESETS
from qlif.model.support.files import write_text


def prove(
    preset: Annotated[
        str | None,
        typer.Option("--preset", help=f"{PRESET_NAMES}; or all [{DEFAULT_PRESET}, or the file's]."),
    ] = None,
    params: ParamsOption = None,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons.")] = DEFAULT_NEURONS,
    lanes: LanesOption = 1,
    register: RegisterOption = None,
    memory: MemoryOption = None,
    verilog: VerilogOption = None,
    module: Annotated[str, typer.Option("--module", help="Its module.")] = POPULATION_MODULE,
    latency: Annotated[
        int | None,
        typer.Option("--latency", help="With --verilog of a bare pipeline: its clocks from input to output."),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            "--variant", help="portable, or explicit: of a target's own multipliers and block RAMs [both]."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help=f"Of the explicit variant: {', '.join(TARGETS)} [each].")
    ] = None,
    simulator: Annotated[
        str,
        typer.Option(
            "--simulator", help=f"Where counterexamples are replayed: {', '.join(design.SIMULATORS)}."
        ),
    ] = "verilator",
    timeout: TimeoutOption = SECONDS,
    out: OutOption = Path("qlif-out"),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON list of the claims and nothing else.")
    ] = False,
) -> None:
    """Prove that the exported Verilog is the golden model, for every state, input and parameter word.

    The exit code is 1 if a claim is refuted, or the solver's time was over before it was decided.
    """
    if preset == "all" and (params or verilog):
        raise InputError("--preset all goes without --params and --verilog")
    targets = _explicit_targets(variant, target)
    if verilog is not None and (variant or target):
        raise InputError("--variant and --target are of what this project exports: they go without --verilog")
    text = None if verilog is None else read_verilog(verilog)
    console = Console(stderr=as_json)
    claims: list[Claim] = []
    with progress_bar(as_json) as progress:
        todo = []
        for name in PRESETS if preset == "all" else (preset,):
            configuration = with_depths(Settings.read(name, params).population(neurons), register, memory)
            if text is not None:
                todo += list(foreign_tasks(configuration, text, module, latency))
                continue
            if variant != Variant.EXPLICIT:
                todo += list(tasks(configuration, lanes))
            for each in targets:
                todo += list(explicit_tasks(configuration, each, lanes))
        for number, task in enumerate(todo):
            progress(f"{task.configuration.name}: {task.claim}", number / len(todo))
            for claim in task.prove(timeout):
                claims.append(claim)
                if claim.result == "refuted":
                    _show(console, task, claim, simulator, out)
    write_text(out / "proof.json", json.dumps([claim.as_dict() for claim in claims], indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps([claim.as_dict() for claim in claims]))
    else:
        _print(console, claims)
    if any(claim.result != "proved" for claim in claims):
        raise typer.Exit(1)


def _explicit_targets(variant: str | None, target: str | None) -> tuple[str, ...]:
    """Return the targets of which the explicit variant is proved."""
    if variant is not None:
        variant_of(variant)
    if target is not None:
        primitives(Variant.EXPLICIT, target)
    if variant == Variant.PORTABLE:
        if target is not None:
            raise InputError("--target belongs to the explicit variant: the portable one is for any")
        return ()
    return tuple(TARGETS) if target is None else (target,)


def _show(console: Console, task: Task, claim: Claim, simulator: str, out: Path) -> None:
    """Print a counterexample, and what a simulator makes of it."""
    console.print(f"REFUTED: {claim.preset}: {claim.claim}", highlight=False)
    if claim.run is not None:
        console.print(
            f"{claim.what}, with current words {claim.run.tolist()}", highlight=False, soft_wrap=True
        )
    elif claim.counterexample is not None and "potential" in claim.counterexample:
        table = Table("word", "", "", box=box.SIMPLE_HEAD)
        for line in lines(task.words, claim.counterexample):
            table.add_row(line.name, str(line.word), line.meaning)
        console.print(table)
    elif claim.counterexample is not None:
        console.print(json.dumps(dict(claim.counterexample)), highlight=False, soft_wrap=True)
    found = design.find(simulator)
    directory = out / "counterexample"
    replay = task.replay(claim, found, directory)
    if replay is None:
        console.print("No run from reset on was found that shows it.", highlight=False)
    else:
        seen = "the simulation differs too" if replay.shown else "the simulation doesn't differ"
        console.print(
            f"Replayed in {found.name}: {seen}. Waves: {replay.waves}. Log: {replay.log}",
            highlight=False,
            soft_wrap=True,
        )


def _print(console: Console, claims: list[Claim]) -> None:
    table = Table("preset", "claim", "result", "bound", "seconds", box=box.SIMPLE_HEAD)
    for claim in claims:
        bound = "none" if claim.bound is None else f"{claim.bound} timesteps"
        table.add_row(claim.preset, claim.claim, claim.result, bound, f"{claim.seconds:.1f}")
    console.print(table)
    proved = sum(claim.result == "proved" for claim in claims)
    seconds = sum(claim.seconds for claim in claims)
    console.print(f"{proved} of {len(claims)} claims proved in {seconds:.0f} s", highlight=False)
