"""``qlif cosim --selftest``: what it takes, runs and prints."""

import json
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from qlif.cosim import report
from qlif.cosim.commands.options import progress_bar
from qlif.cosim.configuration import Configuration
from qlif.cosim.selftest.run import SelfTestRun, facts, self_test
from qlif.cosim.simulator import design
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.selftest.plan import LARGEST_TIMESTEPS
from qlif.model.support.checks import whole
from qlif.model.support.files import write_text

DEFAULT_UPDATES = 10_000_000


def timesteps_for(updates: int | None, steps: int | None, neurons: int) -> int:
    """Return how many timesteps a self-test has: as many as are asked for, or as the updates fill.

    Raises
    ------
    InputError
        Both are given, or there are none or too many.
    """
    if updates is not None and steps is not None:
        raise InputError("--updates and --steps must not be given together: updates = steps * neurons")
    if steps is None:
        steps = -(-whole("--updates", DEFAULT_UPDATES if updates is None else updates) // neurons)
    if not 1 <= steps <= LARGEST_TIMESTEPS:
        raise InputError(f"the self-test must have 1 to {LARGEST_TIMESTEPS} timesteps, not {steps}")
    return steps


def refuse(given: dict[str, Any]) -> None:
    """Refuse options that the self-test has no use for; those that aren't given are None or False."""
    for option, value in given.items():
        if value is not None and value is not False:
            raise InputError(f"{option} must be left out with --selftest, which makes its own input")


def run_self_test(
    configuration: Configuration,
    timesteps: int,
    export: Export,
    simulator: str,
    out: Path,
    *,
    seed: int,
    stalls: float,
    as_json: bool,
) -> None:
    """Run it, write ``result.json`` and print the outcome; exit with 1 if the signatures differ."""
    found = design.find(simulator)
    with progress_bar(as_json) as progress:
        run = self_test(
            configuration,
            timesteps,
            found,
            out,
            seed=seed,
            stalls=stalls,
            export=export,
            progress=progress,
        )
    content = {
        "preset": configuration.name,
        "simulator": found.name,
        "simulator_version": found.version,
        "seed": seed,
        "stalls": stalls,
        "variant": export.interface.core.primitives.variant,
        **facts(run),
    }
    write_text(out / "result.json", json.dumps(content, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(content))
    else:
        _show(content, configuration.name, run, out)
    if not run.passed:
        raise typer.Exit(1)


def _show(content: dict[str, Any], name: str, run: SelfTestRun, out: Path) -> None:
    console = Console()
    rows = {
        "simulator": content["simulator_version"],
        "neurons": run.words.parameters.n,
        "updates": f"{run.updates:,}",
        "clocks": f"{run.clocks:,}",
        "signature of the hardware": content["signature"],
        "signature of the golden model": content["expected_signature"],
        "seconds to build": f"{run.seconds['build']:.1f}",
        "hardware, updates per second": f"{content['updates_per_s']:,.0f}",
        "golden model, updates per second": f"{content['golden_updates_per_s']:,.0f}",
    }
    report.print_facts(console, f"self-test of {name}, seed {content['seed']}", rows)
    if not run.passed:
        console.print(f"FAILED: {_failure(run)}", highlight=False, soft_wrap=True)
    console.print(f"Verilog and result.json are in {out}/", highlight=False)


def _failure(run: SelfTestRun) -> str:
    """Return in words what is wrong."""
    what = "the hardware stopped giving updates" if run.stuck else "the signatures differ"
    assert run.between is not None and run.verdict is not None
    where = f"{what} between timesteps {run.between[0]} and {run.between[1]}"
    if run.verdict.first is None:
        return f"{where}, but every update and event there is right: the self-test itself is at fault"
    first = f"the first: {run.verdict.first.text}"
    return f"{where}; {run.verdict.mismatches} mismatches there; {first}. Waves: {run.waves}"
