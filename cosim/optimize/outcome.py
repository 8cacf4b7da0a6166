"""A candidate with its errors and cost, and the Pareto-optimal ones of several."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qlif.cosim.optimize.budget import Budget, Errors
from qlif.cosim.optimize.space import PRICE, Candidate


@dataclass(frozen=True)
class Outcome:
    """A candidate with its errors, its costs, and whether it meets the budget."""

    candidate: Candidate
    errors: Errors
    met: bool
    costs: dict[str, Any] | None = None

    def cost(self, kind: str) -> float:
        """Return its cost; infinite by area where it wasn't synthesised or doesn't fit the device."""
        if kind == "state-bits":
            return float(self.candidate.state_bits)
        area = None if self.costs is None else self.costs["area"]
        return math.inf if area is None else float(area)


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
        "state_bits": outcome.candidate.state_bits,
        **{name: costs[name] for name in PRICE},
        # JSON has no word for what is infinite.
        **{name: value if math.isfinite(value) else None for name, value in outcome.errors.items()},
        "meets_budget": outcome.met,
    }
