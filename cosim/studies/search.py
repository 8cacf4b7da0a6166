"""The cheapest configuration that meets a budget, and the proof that nothing cheaper in the space does.

The proof is exhaustion. By state bits, every candidate is run, so that all cheaper ones are known to fail. By
area, every candidate that meets the budget would have to be synthesised; as that takes most of a minute each,
those with the fewest state bits come first, up to a limit, and the result says how many were left out.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qlif.cosim.studies.budget import MEASURES, Budget, Errors, errors_of
from qlif.cosim.studies.space import FIGURES, Candidate, candidates, synthesised
from qlif.model.errors import InputError
from qlif.model.progress import Progress, unwatched
from qlif.model.studies import journal
from qlif.model.studies.executors import Workers
from qlif.model.studies.grid import Sweep
from qlif.model.studies.run import run_jobs


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


@dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes
    ----------
    best : Outcome
        The cheapest that meets the budget; of several equal ones the first in the order of the space.
    outcomes : list of Outcome
        Every candidate, from the cheapest by state bits.
    cost : str
        By which cost it is the cheapest.
    impossible : int
        Configurations of the space that can't hold the neuron.
    proof : str
        What was looked at, and so what the result is worth.
    """

    best: Outcome
    outcomes: list[Outcome]
    cost: str
    impossible: int
    proof: str


def search(
    sweep: Sweep,
    budget: Budget,
    seeds: tuple[int, ...],
    directory: Path,
    workers: Workers,
    *,
    cost: str = "state-bits",
    neurons: int = 1024,
    target_name: str = "ecp5",
    max_syntheses: int = 8,
    progress: Progress = unwatched,
) -> Search:
    """Find the cheapest configuration of a space within a budget.

    Parameters
    ----------
    sweep : Sweep
        The space, the neuron and the inputs.
    budget : Budget
    seeds : tuple of int
        Seeds of stochastic rounding; it has to meet the budget with each.
    directory : Path
        Journals and syntheses; a search that was interrupted goes on there.
    workers : Workers
    cost : str
        ``state-bits`` or ``area``.
    neurons, target_name, max_syntheses
        Of synthesis: population, device, and how many candidates at most.
    progress : callable, optional

    Raises
    ------
    InputError
        Nothing in the space meets the budget (the text says what the best reachable is), the space is
        empty, or a file in the directory belongs to another search.
    """
    found, impossible = candidates(sweep)
    if not found:
        raise InputError(f"no configuration of the space can hold the neuron ({impossible} were tried)")
    study = {"space": sweep.as_dict(), "seeds": list(seeds), "spikes": budget.spikes}
    results = _evaluate(sweep, found, seeds, budget.spikes, study, directory, workers, progress)
    outcomes = [Outcome(one, results[one.index], budget.met(results[one.index])) for one in found]
    passing = [outcome for outcome in outcomes if outcome.met]
    if not passing:
        raise InputError(_best_reachable(outcomes, budget))
    looked = f"All {len(found)} configurations that hold the neuron were run; {len(passing)} meet the budget."
    chosen: list[Candidate] = []
    costs: dict[int, dict[str, Any]] = {}
    if cost == "area":
        chosen = [outcome.candidate for outcome in passing[:max_syntheses]]
        facts = {**study, "neurons": neurons, "target": target_name}
        costs = _synthesise(sweep, chosen, facts, directory, progress)
        outcomes = [replace(outcome, costs=costs.get(outcome.candidate.index)) for outcome in outcomes]
    priced = [outcome for outcome in outcomes if outcome.met and math.isfinite(outcome.cost(cost))]
    if not priced:
        raise InputError(
            f"{len(passing)} configurations meet the budget, but none of the {len(chosen)} with the fewest "
            f"state bits fits {target_name}: {costs[chosen[0].index]['reason']}"
        )
    best = min(priced, key=lambda outcome: (outcome.cost(cost), outcome.candidate.order))
    if cost == "area":
        left = len(passing) - len(chosen)
        rest = f"the other {left} were not, and one of them may be smaller." if left else "none is smaller."
        proof = (
            f"{looked} Of the {len(chosen)} of these with the fewest state bits, {len(priced)} fit "
            f"{target_name} and were synthesised: {rest}"
        )
    else:
        cheaper = [outcome for outcome in outcomes if outcome.cost(cost) < best.cost(cost)]
        proof = f"{looked} None of the {len(cheaper)} with fewer than {best.cost(cost):.0f} state bits does."
    return Search(best, outcomes, cost, impossible, proof)


def _evaluate(
    sweep: Sweep,
    found: list[Candidate],
    seeds: tuple[int, ...],
    spikes: int,
    study: dict[str, Any],
    directory: Path,
    workers: Workers,
    progress: Progress,
) -> dict[int, Errors]:
    """Return the errors of every candidate, taken from the journal where they are known."""
    with journal.opened(directory / "results.jsonl", "optimize", study) as results:
        jobs = {one.index: (errors_of, sweep, one.arithmetic, seeds, spikes) for one in found}
        run_jobs(jobs, results, workers.executor, workers.count, "configurations", progress)
        return dict(results.results)


def _synthesise(
    sweep: Sweep, chosen: list[Candidate], facts: dict[str, Any], directory: Path, progress: Progress
) -> dict[int, dict[str, Any]]:
    with journal.opened(directory / "syntheses.jsonl", "syntheses", facts) as costs:
        for number, one in enumerate(chosen):
            if one.index not in costs.results:
                progress(f"synthesis {number + 1} of {len(chosen)}", number / len(chosen))
                made = synthesised(one, sweep, facts["neurons"], facts["target"], directory, unwatched)
                costs.append(one.index, made)
        return dict(costs.results)


def _best_reachable(outcomes: list[Outcome], budget: Budget) -> str:
    """Say how near the space comes to a budget that it can't meet."""
    alone = []
    for name, limit in budget.limits.items():
        best = min(outcomes, key=lambda outcome: outcome.errors[name])
        alone.append(f"{MEASURES[name]} {best.errors[name]:.4g}, allowed {limit:g} ({best.candidate.name})")
    text = f"no configuration of the space meets the budget; the best reachable is {'; '.join(alone)}"
    if len(alone) == 1:
        return text
    nearest = min(outcomes, key=lambda outcome: (budget.share(outcome.errors), outcome.candidate.order))
    errors = ", ".join(f"{MEASURES[name]} {nearest.errors[name]:.4g}" for name in budget.limits)
    return f"{text}; nearest to all limits together is {nearest.candidate.name}: {errors}"


def describe(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a row of a table."""
    arithmetic = outcome.candidate.arithmetic
    costs = outcome.costs or dict.fromkeys((*FIGURES, "fmax_mhz", "area"))
    return {
        "form": str(arithmetic.form),
        "word_bits": arithmetic.potential.width,
        "fraction_bits": arithmetic.potential.f_bits,
        "rounding": str(arithmetic.rounding),
        "random_bits": arithmetic.random_bits,
        "coefficient_bits": arithmetic.coefficient_bits,
        "state_bits": outcome.candidate.state_bits,
        **{name: costs[name] for name in (*FIGURES, "fmax_mhz", "area")},
        # JSON has no word for what is infinite.
        **{name: value if math.isfinite(value) else None for name, value in outcome.errors.items()},
        "meets_budget": outcome.met,
    }
