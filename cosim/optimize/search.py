"""The cheapest configuration that meets a budget, by exhaustion.

The proof is exhaustion. By state bits, every candidate is run, so that all cheaper ones are known to fail. By
area, every candidate that meets the budget would have to be synthesised; as that takes most of a minute each,
those with the fewest state bits come first, up to a limit, and the result says how many were left out. As
many that fail are synthesised too, from the fronts by state bits: what a smaller area costs in error.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qlif.cosim.optimize.budget import MEASURES, Budget, Errors
from qlif.cosim.optimize.errors import Trial, errors_of
from qlif.cosim.optimize.outcome import Outcome, flagged, front
from qlif.cosim.optimize.space import Candidate, candidates, synthesised
from qlif.hdl.synthesis import yowasp
from qlif.hdl.target import RoutedTarget
from qlif.hdl.targets.catalogue import DEFAULT_TARGET, target
from qlif.model.exceptions import InputError, apart
from qlif.model.studies.executors import Workers
from qlif.model.studies.grid import Sweep
from qlif.model.studies.run import run_jobs
from qlif.model.support import journal
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.sources import code_of, versions_of

ROOMS = ("model", "cosim/optimize")
"""Whose sources compute a candidate's errors."""


@dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes
    ----------
    best : Outcome
        The cheapest that meets the budget, and that not by luck; of several equal ones the first in the order of the
        space.
    outcomes : list of Outcome
        Every candidate, from the cheapest by state bits.
    cost : str
        By which cost it is the cheapest.
    proof : str
        What was looked at, and so what the result is worth.
    """

    best: Outcome
    outcomes: list[Outcome]
    cost: str
    proof: str


def search(
    sweep: Sweep,
    budget: Budget,
    trial: Trial,
    directory: Path,
    workers: Workers,
    *,
    cost: str = "state-bits",
    neurons: int = 1024,
    target_name: str = DEFAULT_TARGET,
    max_syntheses: int = 8,
    progress: Progress = unwatched,
) -> Search:
    """Find the cheapest configuration of a space within a budget.

    Parameters
    ----------
    sweep : Sweep
        The space, the neuron and the inputs.
    budget : Budget
    trial : Trial
        How each is tried.
    directory : Path
        Journals and syntheses; a search that was interrupted goes on there.
    workers : Workers
    cost : str
        One of :data:`.COSTS`.
    neurons, target_name, max_syntheses
        Of synthesis: population, device, and how many candidates at most that meet the budget, and that fail.
    progress : callable, optional

    Raises
    ------
    InputError
        Nothing in the space meets the budget (the text says what the best reachable is), the space is
        empty, or a file in the directory is of another search.
    """
    found, impossible = candidates(sweep)
    if not found:
        raise InputError(f"no configuration of the space can hold the neuron ({impossible} were tried)")
    study = {"space": sweep.identity, **asdict(trial)}
    results = evaluated(sweep, found, trial, study, directory / "results.jsonl", workers, progress)
    outcomes = flagged([Outcome(one, results[one.index], budget.met(results[one.index])) for one in found])
    passing = [outcome for outcome in outcomes if outcome.met and not outcome.luck]
    if not passing:
        raise InputError(_best_reachable(outcomes, budget))
    lucky = sum(outcome.luck for outcome in outcomes)
    looked = (
        f"All {len(found)} configurations that hold the neuron were run; {len(passing)} meet the budget, "
        f"as all wider words of their range do{f'; {lucky} more meet it by luck' if lucky else ''}."
    )
    chosen: list[Candidate] = []
    facts = {**study, "neurons": neurons, "target": target_name}
    if cost != "state-bits":
        chosen = [outcome.candidate for outcome in passing[:max_syntheses]]
        costs = _synthesise(sweep, chosen, facts, directory, progress)
        outcomes = _priced(outcomes, costs)
    priced = [outcome for outcome in outcomes if outcome.met and math.isfinite(outcome.cost(cost))]
    if not priced:
        raise InputError(
            f"{len(passing)} configurations meet the budget, but none of the {len(chosen)} with the fewest "
            f"state bits fits {target_name}: {costs[chosen[0].index]['reason']}"
        )
    best = min(priced, key=lambda outcome: (outcome.cost(cost), outcome.candidate.order))
    if cost != "state-bits":
        left = len(passing) - len(chosen)
        rest = f"the other {left} were not, and one of them may be smaller." if left else "none is smaller."
        proof = (
            f"{looked} Of the {len(chosen)} of these with the fewest state bits, {len(priced)} fit "
            f"{target_name} and were synthesised: {rest}"
        )
        failing = spread(failing_fronts(outcomes, budget), max_syntheses)
        costs |= _synthesise(sweep, failing, facts, directory, progress)
        outcomes = _priced(outcomes, costs)
    else:
        cheaper = [outcome for outcome in outcomes if outcome.cost(cost) < best.cost(cost)]
        proof = f"{looked} None of the {len(cheaper)} with fewer than {best.cost(cost):.0f} state bits does."
    return Search(best, outcomes, cost, proof)


def evaluated(
    sweep: Sweep,
    found: list[Candidate],
    trial: Trial,
    study: dict[str, Any],
    path: Path,
    workers: Workers,
    progress: Progress,
) -> dict[int, Errors]:
    """Return the errors of every candidate, taken from the journal at `path` where they are known."""
    located = sweep.located()
    jobs = {one.index: (errors_of, located, one.arithmetic, one.dt_ms, trial) for one in found}
    key = {"code": code_of(*ROOMS), **study}
    with journal.opened(path, "optimize", key, jobs.__contains__) as results:
        sweep.check_inputs()
        run_jobs(jobs, results, workers.executor, workers.count, "configurations", progress, ROOMS)
        return {one.index: results.results[one.index] for one in found}


def _synthesise(
    sweep: Sweep, chosen: list[Candidate], facts: dict[str, Any], directory: Path, progress: Progress
) -> dict[int, dict[str, Any]]:
    device = target(facts["target"])
    router = (device.router,) if isinstance(device, RoutedTarget) else ()
    tools = versions_of("amaranth", yowasp.YOSYS, *router)
    key = {"code": code_of(*ROOMS, "hdl"), "tools": tools, **facts}
    known = {point.index for point in sweep.points()}
    with journal.opened(directory / "syntheses.jsonl", "syntheses", key, known.__contains__) as costs:
        for number, one in enumerate(chosen):
            if one.index not in costs.results:
                progress(f"synthesis {number + 1} of {len(chosen)}", number / len(chosen))
                made = synthesised(one, sweep, facts["neurons"], facts["target"], directory)
                costs.append(one.index, made)
        return {one.index: costs.results[one.index] for one in chosen}


def _priced(outcomes: list[Outcome], costs: dict[int, dict[str, Any]]) -> list[Outcome]:
    """Return outcomes with the costs that are known."""
    return [replace(outcome, costs=costs.get(outcome.candidate.index)) for outcome in outcomes]


def failing_fronts(outcomes: Sequence[Outcome], budget: Budget) -> list[Candidate]:
    """Return what fails and isn't bettered by its own form and rounding, from the fewest state bits.

    Stochastic rounding has the smaller error for its state bits, and takes more gates for them: which of the
    two is on the front by area is not known before.
    """
    kinds = dict.fromkeys(outcome.candidate.kind for outcome in outcomes)
    fronts = [
        front([outcome for outcome in outcomes if outcome.candidate.kind == kind], "state-bits", budget)
        for kind in kinds
    ]
    failing = [outcome.candidate for members in fronts for outcome in members if not outcome.met]
    return sorted(failing, key=lambda candidate: candidate.order)


def spread(items: Sequence[Candidate], most: int) -> list[Candidate]:
    """Return at most `most` items, evenly from the first to the last."""
    if len(items) <= most:
        return list(items)
    if most == 1:
        return [items[-1]]
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def _best_reachable(outcomes: list[Outcome], budget: Budget) -> str:
    """Say how near the space comes to a budget that it can't meet."""
    alone = []
    for name, limit in budget.limits.items():
        best = min(outcomes, key=lambda outcome: outcome.errors[name])
        error, allowed = apart(best.errors[name], limit)
        alone.append(f"{MEASURES[name]} {error}, allowed {allowed} ({best.candidate.name})")
    text = f"no configuration of the space meets the budget; the best reachable is {'; '.join(alone)}"
    if len(alone) == 1:
        return text
    nearest = min(outcomes, key=lambda outcome: (budget.share(outcome.errors), outcome.candidate.order))
    errors = ", ".join(f"{MEASURES[name]} {nearest.errors[name]:.4g}" for name in budget.limits)
    return f"{text}; nearest to all limits together is {nearest.candidate.name}: {errors}"
