"""``qlif bench``: how fast the golden model and its co-simulation are, beside everything else."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qlif.cosim.benchmark import report
from qlif.cosim.benchmark.measure import ROUNDS, SIZES, measure
from qlif.cosim.benchmark.work import bytes_for
from qlif.cosim.commands.options import JsonOption, OutOption, progress_bar
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.support.checks import whole
from qlif.model.support.files import write_text
from qlif.model.support.memory import require_memory

PARTS = ("kernel", "peers", "cosim")


def bench(
    neurons: Annotated[
        list[int] | None,
        typer.Option(
            "--neurons",
            help=f"Size of the population, repeatable [{', '.join(map(str, SIZES))}]. Goals are of these.",
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", help="Each contender runs once in each; the median counts.")
    ] = ROUNDS,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help=f"Measure a part alone, of {', '.join(PARTS)}. Repeatable."),
    ] = None,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Measure kernel, yardsticks, peers and co-simulations side by side; write table, ratios and chart."""
    whole("--rounds", rounds)
    for name in only or ():
        if name not in PARTS:
            raise InputError(unknown_name("part", name, PARTS))
    parts = set(only or PARTS)
    sizes = [whole("--neurons", n) for n in (neurons or SIZES)] if parts != {"cosim"} else []
    for n in sizes:
        require_memory(f"a benchmark of {n} neurons", bytes_for(n))
    with progress_bar(as_json) as progress:
        measured = measure(
            list(dict.fromkeys(sizes)),
            rounds,
            with_kernel="kernel" in parts,
            with_peers="peers" in parts,
            with_cosimulation="cosim" in parts,
            progress=progress,
        )
    content = report.facts(measured, rounds)
    if measured.speeds:
        report.draw(measured, out)
    write_text(out / "bench.md", report.page(content))
    write_text(out / "bench.json", json.dumps(content, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(content))
        return
    console = Console()
    report.show(console, content)
    console.print(f"Chart, bench.md and bench.json are in {out}/", highlight=False)
