"""A candidate with its errors and cost, and the Pareto-optimal ones of several."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qlif.cosim.optimize.budget import MEASURES, Budget, Errors
from qlif.cosim.optimize.space import PRICE, Candidate
from qlif.model.arithmetic import WIDEST_WORD


@dataclass(frozen=True)
class Outcome:
    """A candidate with its errors, its costs, whether it meets the budget, and whether by luck.

    It does by luck where a wider word of its family fails.
    """

    candidate: Candidate
    errors: Errors
    met: bool
    costs: dict[str, Any] | None = None
    luck: bool = False

    def cost(self, kind: str) -> float:
        """Return its cost; infinite by what is synthesised where it wasn't or doesn't fit the device."""
        if kind == "state-bits":
            return float(self.candidate.state_bits)
        if self.costs is None or self.costs["area"] is None or not math.isfinite(self.costs["area"]):
            return math.inf
        if kind == "area":
            return float(self.costs["area"])
        # A lane makes one update per clock: so many MHz times so many microseconds are its neurons in real time.
        return float(self.costs["lut"] / (self.costs["fmax_mhz"] * 1000 * self.candidate.dt_ms))


def flagged(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return outcomes with those marked that meet the budget by luck."""
    widest_failing: dict[tuple[object, ...], int] = {}
    for outcome in outcomes:
        if not outcome.met:
            family, bits = outcome.candidate.family, outcome.candidate.arithmetic.potential.f_bits
            widest_failing[family] = max(bits, widest_failing.get(family, bits))
    return [
        replace(
            outcome,
            luck=outcome.met
            and outcome.candidate.arithmetic.potential.f_bits
            < widest_failing.get(outcome.candidate.family, -WIDEST_WORD),
        )
        for outcome in outcomes
    ]


def narrowest(
    outcomes: Sequence[Outcome], kind_of: Callable[[Candidate], tuple[Any, ...]]
) -> dict[tuple[Any, ...], Outcome | None]:
    """Return the narrowest of each kind from which width on all words of its range meet the budget."""
    found: dict[tuple[Any, ...], Outcome | None] = {}
    for outcome in outcomes:
        kind = kind_of(outcome.candidate)
        best = found.setdefault(kind, None)
        if outcome.met and not outcome.luck and (best is None or _width(outcome) < _width(best)):
            found[kind] = outcome
    return dict(sorted(found.items()))


def _width(outcome: Outcome) -> int:
    return outcome.candidate.arithmetic.potential.width


def front(outcomes: Sequence[Outcome], cost: str, budget: Budget) -> list[Outcome]:
    """Return the outcomes that no other one betters in cost and error both, from the cheapest."""
    members: list[Outcome] = []
    least = math.inf
    for outcome in sorted(outcomes, key=lambda one: (one.cost(cost), error(one.errors, budget))):
        if math.isfinite(outcome.cost(cost)) and error(outcome.errors, budget) < least:
            members.append(outcome)
            least = error(outcome.errors, budget)
    return members


def error(errors: Errors, budget: Budget) -> float:
    """Return the error that is drawn: what is limited; of several, the largest share of a limit."""
    limits = budget.limits
    return errors[next(iter(limits))] if len(limits) == 1 else budget.share(errors)


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a row of a table."""
    arithmetic = outcome.candidate.arithmetic
    costs = outcome.costs or dict.fromkeys(PRICE)
    return {
        "form": str(arithmetic.form),
        "word_bits": arithmetic.potential.width,
        "fraction_bits": arithmetic.potential.f_bits,
        "rounding": str(arithmetic.rounding),
        "random_bits": arithmetic.random_bits,
        "coefficient_bits": arithmetic.coefficient_bits,
        "phase_bits": arithmetic.phase_bits,
        "dt_ms": outcome.candidate.dt_ms,
        "state_bits": outcome.candidate.state_bits,
        **{name: costs[name] for name in PRICE},
        # JSON has no word for what is infinite.
        **{name: _finite(outcome.errors.get(name, math.nan)) for name in MEASURES},
        "meets_budget": outcome.met,
        "luck": outcome.luck,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
