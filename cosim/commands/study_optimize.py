"""``qlif study optimize``: from an error budget to the cheapest hardware that meets it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import DEFAULT_TARGET, OutputOptions, ParameterOptions, ReportOptions
from qlif.cosim.commands.study_budget import (
    BudgetOptions,
    errors_in_words,
    held_out,
    held_out_in_words,
    other_seed,
)
from qlif.cosim.commands.study_search import (
    SPACE_RULES,
    BuildOptions,
    SpaceOptions,
    build,
    conclude,
    physical_of,
    trial_of,
)
from qlif.cosim.commands.study_sweep import WorkerOptions
from qlif.cosim.terminal import Terminal, progress_bar
from qlif.model.exceptions import InputError, unknown_name

if TYPE_CHECKING:
    from qlif.cosim.optimize.budget import Budget
    from qlif.cosim.optimize.errors import Trial
    from qlif.cosim.optimize.search import Search
    from qlif.model.studies.grid import Sweep

SYNTHESISED = ("area", "real-time")
"""Costs that take syntheses."""


@dataclass(frozen=True, kw_only=True)
class DeliveryOptions(BuildOptions):
    """The cost, and what is built from the cheapest."""

    cost: Annotated[
        str,
        typer.Option(
            "--cost",
            help="state-bits, area (LUT + DSP + RAM of `qlif synth`), or real-time (LUT per neuron in real time).",
        ),
    ] = "state-bits"
    target: Annotated[
        str, typer.Option("--target", help="FPGA family for --cost area or real-time: {targets}.")
    ] = DEFAULT_TARGET
    max_syntheses: Annotated[
        int,
        typer.Option(
            "--max-syntheses",
            help="For --cost area or real-time: most syntheses within the budget, and as many outside.",
        ),
    ] = 8

    def check(self) -> None:
        """Refuse unknown names and numbers out of range; InputError."""
        from qlif.cosim.optimize.space import COSTS
        from qlif.hdl.targets.catalogue import target
        from qlif.model.support.checks import whole

        super().check()
        if self.cost not in COSTS:
            raise InputError(unknown_name("cost", self.cost, COSTS))
        if target(self.target).untimed and self.cost == "real-time":
            raise InputError(
                f"--cost real-time requires a --target whose Fmax is reported, not {self.target}"
            )
        whole("--max-syntheses", self.max_syntheses)


@command(
    Rule("target", lambda options: options.cost in SYNTHESISED, "--cost area or real-time"),
    Rule("max_syntheses", lambda options: options.cost in SYNTHESISED, "--cost area or real-time"),
    *SPACE_RULES,
)
def optimize(
    limits: BudgetOptions,
    space: SpaceOptions,
    neuron: ParameterOptions,
    delivered: DeliveryOptions,
    workers: WorkerOptions,
    output: ReportOptions,
) -> None:
    """Find the cheapest configuration within an error budget.

    It is exported and co-simulated.

    Errors are those of quantization, against float64 Euler; only --max-interval-error is against the equation. A
    configuration that meets the budget while a wider word of the same range fails does so by luck, and isn't taken.
    The exit code is 1 if the hardware of the result differs from its golden model in one bit.
    """
    from qlif.cosim.optimize.search import search
    from qlif.cosim.simulator.find import find
    from qlif.model.studies.executors import workers as working

    budget = limits.budget()
    delivered.check()
    simulator = find(delivered.simulator)
    sweep = space.sweep(physical_of(neuron))
    trial, seed = trial_of(space, limits, sweep), other_seed(space.held_out_seed, sweep)
    with (
        progress_bar(output.as_json) as progress,
        working(workers.scheduler, workers.processes) as found,
    ):
        result = search(
            sweep,
            budget,
            trial,
            output.out,
            found,
            cost=delivered.cost,
            neurons=delivered.neurons,
            target_name=delivered.target,
            max_syntheses=delivered.max_syntheses,
            progress=progress,
        )
        facts = _deliver(result, sweep, trial, budget, simulator, delivered, output, progress)
        facts["held_out"] = held_out(result.best.candidate, sweep, trial, budget, seed)
    conclude("optimize", facts, facts["front"], output, _show)


def _deliver(
    result: "Search",
    sweep: "Sweep",
    trial: "Trial",
    budget: "Budget",
    simulator: Any,
    delivered: DeliveryOptions,
    output: OutputOptions,
    progress: Any,
) -> dict[str, Any]:
    """Write preset, Verilog, table and picture, co-simulate the result, and return the facts."""
    from qlif.cosim.optimize.front import draw_front
    from qlif.cosim.optimize.outcome import describe, front, narrowest
    from qlif.model.studies import tables

    out, cost = output.out, delivered.cost
    best = result.best.candidate
    files, compared = build(best, result.proof, sweep, budget, delivered, cost, simulator, out, progress)
    tables.write_csv(out / "table.csv", [describe(outcome) for outcome in result.outcomes])
    files += [out / "table.csv", *draw_front(out, result, budget)]
    return {
        "budget": vars(budget),
        "cost": cost,
        "every_current_mv": trial.every,
        "best": {"name": best.name, **describe(result.best)},
        "proof": result.proof,
        "narrowest": {
            " ".join(kind): None if one is None else one.candidate.arithmetic.potential.width
            for kind, one in narrowest(result.outcomes, lambda candidate: candidate.kind).items()
        },
        "luck": [one.candidate.name for one in result.outcomes if one.luck],
        "front": [describe(outcome) for outcome in front(result.outcomes, cost, budget)],
        **compared,
        "files": [str(path) for path in files],
        "study": sweep.as_dict(),
    }


def _show(terminal: Terminal, facts: dict[str, Any]) -> None:
    best = facts["best"]
    rows: dict[str, Any] = {"state bits": best["state_bits"]}
    if best["area"] is not None:
        rows["LUT / FF / DSP / RAM"] = " / ".join(str(best[name]) for name in ("lut", "ff", "dsp", "ram"))
        rows["area in LUTs"] = f"{best['area']:.0f}"
        if best["fmax_mhz"] is not None:
            rows["Fmax, one placement"] = f"{best['fmax_mhz']} MHz"
            rows["LUT per neuron in real time"] = (
                f"{best['lut'] / (best['fmax_mhz'] * 1000 * best['dt_ms']):.4g}"
            )
    rows |= errors_in_words(best) | held_out_in_words(facts["held_out"])
    for kind, bits in facts["narrowest"].items():
        rows[f"from which width on, {kind}"] = "none" if bits is None else f"{bits} bits"
    if facts["luck"]:
        rows["by luck"] = f"{len(facts['luck'])}: {', '.join(facts['luck'][:3])}" + (
            ", ..." if len(facts["luck"]) > 3 else ""
        )
    rows["updates co-simulated"] = facts["cosimulated_updates"]
    rows["bit mismatches"] = facts["mismatches"]
    terminal.facts(best["name"], rows)
    terminal.line(facts["proof"])
