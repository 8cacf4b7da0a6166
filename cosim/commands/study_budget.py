"""The error budget of `qlif study sweep`, `optimize` and `joint`, and their verdict on other inputs in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule
from qlif.cosim.commands.options import is_random
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from qlif.cosim.optimize.budget import Budget
    from qlif.cosim.optimize.errors import Trial
    from qlif.cosim.optimize.space import Candidate
    from qlif.model.formats import Format
    from qlif.model.studies.grid import Sweep

INPUT = "stratified:low=17,high=80"


@dataclass(frozen=True, kw_only=True)
class BudgetOptions:
    """The error budget."""

    max_lag_steps: Annotated[
        float | None, typer.Option("--max-lag-steps", help="Lag of any of the first spikes, timesteps.")
    ] = None
    max_rate_error: Annotated[
        float | None, typer.Option("--max-rate-error", help="Relative error of any neuron's firing rate.")
    ] = None
    max_rmse: Annotated[float | None, typer.Option("--max-rmse", help="RMSE of the potential, mV.")] = None
    max_interval_error: Annotated[
        float | None,
        typer.Option(
            "--max-interval-error",
            help="RMS relative error of intervals against the membrane equation, timestep included.",
        ),
    ] = None
    max_trace_error: Annotated[
        float | None,
        typer.Option("--max-trace-error", help="Error of the trace after a spike, whatever the spikes."),
    ] = None
    at: Annotated[
        str, typer.Option("--at", help="Share of the neurons that must keep lag and rate error, as 99%.")
    ] = "100%"
    spikes: Annotated[
        int,
        typer.Option("--spikes", help="Number of first spikes per neuron that --max-lag-steps covers."),
    ] = 20

    every_current: Annotated[
        str | None,
        typer.Option(
            "--every-current",
            help="Keep the budget under every current word between two currents, mV, as 17..80, in place of the "
            "inputs: no sample.",
        ),
    ] = None

    def budget(self) -> "Budget":
        """Return the budget; InputError if there is no limit, or one is out of its range."""
        from qlif.cosim.optimize.budget import Budget

        return Budget(
            self.max_lag_steps,
            self.max_rate_error,
            self.max_rmse,
            self.max_interval_error,
            self.max_trace_error,
            self.spikes,
            share_from("--at", self.at),
        )

    def every(self, sweep: "Sweep", currents: "Sequence[Format]" = ()) -> tuple[float, float] | None:
        """Return between which currents every word is tried, mV; None where the inputs are.

        `currents` are formats in place of the sweep's own.

        Raises
        ------
        InputError
            They are no range, there is no word or too many in it, or the sweep has stochastic rounding.
        """
        from qlif.cosim.optimize.errors import check_every

        if self.every_current is None:
            return None
        if "SR" in sweep.rounding:
            raise InputError(
                "--every-current requires --rounding without SR: under chance no figure is a maximum"
            )
        ends = ends_from("--every-current", self.every_current)
        check_every(ends, sweep, currents)
        return ends


def without_every(option: str) -> Rule:
    """Return the rule of an option that has no effect where every current is tried."""
    return Rule(option, lambda options: options.every_current is None, "no --every-current")


EVERY_RULES = (
    *map(without_every, ("max_rate_error", "max_rmse", "max_interval_error", "held_out_seed")),
    Rule("every_current", lambda options: options.max_lag_steps is not None, "--max-lag-steps"),
)

LIMITS = ("max_lag_steps", "max_rate_error", "max_rmse", "max_interval_error", "max_trace_error")


def has_limit(options: Any) -> bool:
    """Return whether any limit is among some options."""
    return any(getattr(options, name) is not None for name in LIMITS)


def any_random(inputs: list[str] | None) -> bool:
    """Return whether the seed changes one of the inputs."""
    return any(map(is_random, inputs or (INPUT,)))


def share_from(name: str, text: str) -> float:
    """Return the share that a text such as ``99%`` or ``0.99`` is; InputError if it is none."""
    from qlif.model.support.checks import Quantity, number_from

    percent = text.endswith("%")
    value = number_from(name, text.removesuffix("%"))
    return Quantity("%", 0, 100, open=True).check(name, value if percent else 100 * value) / 100


def ends_from(name: str, text: str) -> tuple[float, float]:
    """Return the two currents of a text such as ``17..80``; InputError if they aren't a range."""
    from qlif.model.support.checks import number_from

    low, dots, high = text.partition("..")
    ends = number_from(name, low), number_from(name, high) if dots else float("nan")
    if not ends[0] < ends[1]:
        raise InputError(f"{name} must be two currents in mV, the lower one first, as 17..80, not {text!r}")
    return ends


def other_seed(given: int | None, sweep: "Sweep") -> int | None:
    """Return the seed of the held-out inputs, by default the next; None where another seed would change none.

    Raises
    ------
    InputError
        It is that of the inputs themselves.
    """
    if given == sweep.input_seed:
        raise InputError(f"--held-out-seed must not be the seed of the inputs, {sweep.input_seed}")
    if not any_random(list(sweep.input)):
        return None
    return sweep.input_seed + 1 if given is None else given


def held_out(
    best: "Candidate", sweep: "Sweep", trial: "Trial", budget: "Budget", seed: int | None
) -> dict[str, Any] | None:
    """Judge a result on inputs that it wasn't chosen by; None where there are no others."""
    from qlif.cosim.optimize.held_out import judge

    return None if seed is None or trial.every is not None else judge(best, sweep, trial, budget, seed)


def errors_in_words(errors: Mapping[str, float | None]) -> dict[str, str]:
    """Return the errors that were measured as rows of a table."""
    rows = {}
    for name, what, factor, unit in (
        ("max_lag_steps", "spike lag", 1, " steps"),
        ("max_rate_error", "rate error", 100, " %"),
        ("max_rmse_mv", "potential RMSE", 1, " mV"),
        ("max_interval_error", "interval error", 100, " %"),
        ("max_trace_error", "trace error", 1, ""),
    ):
        if (error := errors.get(name)) is not None:
            rows[what] = f"{factor * error:.4g}{unit}"
    return rows


def held_out_in_words(judged: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the verdict on inputs of another seed as a row of a table, if there is one."""
    if judged is None:
        return {}
    verdict = "meets the budget" if judged["meets_budget"] else "fails"
    if "share" in judged:
        low, high = (100 * judged[name] for name in ("share_low", "share_high"))
        share = f"{judged['within']} of {judged['neurons']} neurons within, 95 % interval"
        verdict = f"{verdict}; {share} {low:.1f} to {high:.1f} %"
    return {f"held out, seed {judged['seed']}": verdict}
