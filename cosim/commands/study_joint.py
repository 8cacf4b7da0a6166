"""``qlif study joint``: all formats of a neuron at once, and the cheapest of them that meet an error budget."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import DEFAULT_TARGET, ParameterOptions, ReportOptions
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
    from collections.abc import Mapping

    from qlif.cosim.optimize.budget import Budget
    from qlif.cosim.optimize.joint_search import JointResult
    from qlif.cosim.optimize.joint_space import JointSpace
    from qlif.model.studies.grid import Sweep


@dataclass(frozen=True, kw_only=True)
class JointOptions(SpaceOptions):
    """The configurations to try: every combination of these axes."""

    word_bits: Annotated[
        str, typer.Option("--word-bits", help="Word lengths of the potential to try, with every split.")
    ] = "10..18"
    rounding: Annotated[str, typer.Option("--rounding", help="Roundings to try.")] = "TRN,RND"
    coefficient_bits: Annotated[str, typer.Option("--coefficient-bits", help="Bits of gains to try.")] = (
        "8..16:2"
    )
    current: Annotated[
        str, typer.Option("--current", help="Formats of the currents to try; bits may be ranges.")
    ] = "SQ(8,4..10:2)"
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace",
            help="Formats of the trace to try, as UQ(1,6..14) [the form's usual]: --max-trace-error.",
        ),
    ] = None
    product: Annotated[
        str,
        typer.Option(
            "--product",
            help="Bits below the potential's LSB that the quadratic term keeps before the sum, as exact,0..6.",
        ),
    ] = "exact"
    product_rounding: Annotated[
        str, typer.Option("--product-rounding", help="Roundings of the quadratic term to try.")
    ] = "TRN"

    @property
    def fixed(self) -> dict[str, Any]:
        """What every configuration of the sweep has: nothing, the currents are an axis."""
        return {}

    def space(self, sweep: "Sweep", limits: BudgetOptions) -> "JointSpace":
        """Return the space; InputError if an axis isn't allowed, or no limit of the budget bounds it."""
        from qlif.cosim.optimize.joint_space import JointSpace
        from qlif.model.rounding import Rounding
        from qlif.model.studies import axes

        roundings = axes.names(
            "product_rounding", self.product_rounding, [one for one in Rounding if not one.stochastic]
        )
        space = JointSpace(
            sweep,
            axes.formats("current", self.current),
            () if self.trace is None else axes.formats("trace", self.trace),
            axes.kept_bits("product", self.product, -8, 40),
            roundings,
        )
        if limits.every_current is not None and len({format.f_bits for format in space.current}) > 1:
            raise InputError(
                "--current is an axis that --every-current can't bound: it tries the words of each format, which "
                "have no rounding error; it requires a single number of fraction bits"
            )
        # Errors that don't depend on an axis, or are each against another reference, leave it without a bound.
        for option, values, limit in (
            ("--trace", space.trace, "max_trace_error"),
            ("--phase-bits", sweep.phase_bits, "max_interval_error"),
        ):
            if len(values) > 1 and getattr(limits, limit) is None:
                raise InputError(
                    f"{option} is an axis that this budget can't bound: of {len(values)} values the cheapest "
                    f"would always be taken; it requires --{limit.replace('_', '-')}, or a single value"
                )
        return space


@dataclass(frozen=True, kw_only=True)
class JointDelivery(BuildOptions):
    """The cost, and what is built from the cheapest."""

    cost: Annotated[
        str,
        typer.Option(
            "--cost", help="bits (of all words of an update), luts (estimated, ECP5) or dsps (DSP blocks)."
        ),
    ] = "bits"
    target: Annotated[str, typer.Option("--target", help="FPGA family for --cost dsps: {targets}.")] = (
        DEFAULT_TARGET
    )

    def check(self) -> None:
        """Refuse unknown names and numbers out of range; InputError."""
        from qlif.cosim.optimize.word_costs import WORD_COSTS
        from qlif.hdl.targets.catalogue import target

        super().check()
        if self.cost not in WORD_COSTS:
            raise InputError(unknown_name("cost", self.cost, WORD_COSTS))
        target(self.target)


@command(
    *SPACE_RULES,
    Rule("target", lambda options: options.cost == "dsps", "--cost dsps"),
    Rule("product_rounding", lambda options: options.product != "exact", "--product other than exact"),
)
def joint(
    limits: BudgetOptions,
    axes: JointOptions,
    neuron: ParameterOptions,
    delivered: JointDelivery,
    workers: WorkerOptions,
    output: ReportOptions,
) -> None:
    """Find the cheapest formats of all words at once within an error budget.

    Current, potential, coefficients, quadratic term, trace and roundings are searched jointly, from the cheapest
    combination: the first that meets the budget is proved to be the optimum. It is exported and co-simulated.

    Budget, luck and exit codes are those of `qlif study optimize`. The same command resumes a search.
    """
    from qlif.cosim.optimize.joint_search import joint_search
    from qlif.cosim.optimize.joint_space import enumerated
    from qlif.cosim.simulator.find import find
    from qlif.hdl.targets.catalogue import target
    from qlif.model.studies.executors import workers as working

    budget = limits.budget()
    delivered.check()
    simulator = find(delivered.simulator)
    sweep = axes.sweep(physical_of(neuron))
    space = axes.space(sweep, limits)
    trial, seed = trial_of(axes, limits, sweep, space.current), other_seed(axes.held_out_seed, sweep)
    with (
        progress_bar(output.as_json) as progress,
        working(workers.scheduler, workers.processes) as found,
    ):
        device = target(delivered.target)
        written = enumerated(space, delivered.cost, device, traces=trial.traces, progress=progress)
        result = joint_search(space, written, budget, trial, output.out, found, progress=progress)
        facts = _facts(result, sweep, trial, budget, delivered.cost, space)
        files, compared = build(
            result.best,
            result.proof,
            sweep,
            budget,
            delivered,
            delivered.cost,
            simulator,
            output.out,
            progress,
        )
        facts |= {**compared, "files": [str(path) for path in files]}
        facts["held_out"] = held_out(result.best, sweep, trial, budget, seed)
    conclude("joint", facts, [facts["best"], *facts["nearest_failing"]], output, _show)


def _facts(
    result: "JointResult", sweep: "Sweep", trial: Any, budget: "Budget", cost: str, space: "JointSpace"
) -> dict[str, Any]:
    """Return what was found, ready for JSON: the errors of the best are all measured, to the end."""
    from qlif.cosim.optimize.errors import errors_of

    best = result.best
    errors = errors_of(sweep, best.arithmetic, best.dt_ms, trial)
    return {
        "budget": vars(budget),
        "cost": cost,
        "every_current_mv": trial.every,
        "best": {"name": best.name, **best.costs, "state_bits": best.state_bits, **_finite(errors)},
        "arithmetic": best.arithmetic.as_dict(),
        "counts": result.counts,
        "proof": result.proof,
        "luck": [one.name for one in result.lucky],
        "nearest_failing": [
            {"name": one.name, **one.costs, **_finite(verdict["errors"]), "at_least": not verdict["whole"]}
            for one, verdict in result.failing
        ],
        "space": space.as_dict(),
    }


def _finite(errors: "Mapping[str, float]") -> dict[str, float | None]:
    # JSON has no word for what is infinite.
    return {name: value if abs(value) < float("inf") else None for name, value in errors.items()}


def _show(terminal: Terminal, facts: dict[str, Any]) -> None:
    best = facts["best"]
    rows: dict[str, Any] = {
        "bits of all words": round(best["bits"]),
        "LUTs, estimated (ECP5)": round(best["luts"]),
        "DSP blocks": round(best["dsps"]),
        **errors_in_words(best),
        **held_out_in_words(facts["held_out"]),
        "updates co-simulated": facts["cosimulated_updates"],
        "bit mismatches": facts["mismatches"],
    }
    terminal.facts(best["name"], rows)
    if facts["nearest_failing"]:
        cells = [
            (
                one["name"],
                *(f"{one[name]:g}" for name in ("bits", "luts", "dsps")),
                ", ".join(errors_in_words(one).values()) + (" or more" if one["at_least"] else ""),
            )
            for one in facts["nearest_failing"]
        ]
        columns = ("cheaper, but failing", "bits", "LUTs", "DSPs", "error")
        terminal.table(columns, cells, align="lrrrr")
    terminal.line(facts["proof"])
