"""``qlif bench``: throughput of the golden model and of co-simulation, compared with alternatives."""

from dataclasses import dataclass
from typing import Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import OutputOptions
from qlif.cosim.terminal import progress_bar
from qlif.model.exceptions import InputError, unknown_name

PARTS = ("kernel", "peers", "cosim")
ROUNDS = 15


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """What is measured."""

    neurons: Annotated[
        list[int] | None,
        typer.Option(
            "--neurons",
            help="Size of the population, repeatable [100, 10000, 1000000: the goals are for these].",
        ),
    ] = None
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", help="Number of rounds; each contender runs once in each, and the median is reported."
        ),
    ] = ROUNDS
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help=f"Measure only this part: {', '.join(PARTS)}. Repeatable."),
    ] = None


@command(
    Rule(
        "neurons",
        lambda options: not options.only or set(options.only) != {"cosim"},
        "the part kernel or peers: the co-simulation has a size of its own",
    ),
)
def bench(options: BenchOptions, output: OutputOptions) -> None:
    """Measure the speed of golden model and co-simulation.

    Yardsticks in C and other people's simulators run beside them; table, ratios and chart are written.
    """
    from qlif.cosim.benchmark import report
    from qlif.cosim.benchmark.measure import SIZES, measure
    from qlif.cosim.benchmark.work import bytes_for
    from qlif.model.support.checks import whole
    from qlif.model.support.files import write_text
    from qlif.model.support.memory import require_memory

    whole("--rounds", options.rounds)
    for name in options.only or ():
        if name not in PARTS:
            raise InputError(unknown_name("part", name, PARTS))
    parts = set(options.only or PARTS)
    sizes = [whole("--neurons", n) for n in (options.neurons or SIZES)] if parts != {"cosim"} else []
    for n in sizes:
        require_memory(f"a benchmark of {n} neurons", bytes_for(n))
    with progress_bar(output.as_json) as progress:
        measured = measure(
            list(dict.fromkeys(sizes)),
            options.rounds,
            with_kernel="kernel" in parts,
            with_peers="peers" in parts,
            with_cosimulation="cosim" in parts,
            progress=progress,
        )
    content = report.facts(measured, options.rounds)
    if measured.speeds:
        report.draw(measured, output.out)
    write_text(output.out / "bench.md", report.page(content))
    output.write_json("bench.json", content)
    if output.as_json:
        return
    report.show(output.terminal, content)
    output.terminal.line(f"Chart, bench.md and bench.json are in {output.out}/")
