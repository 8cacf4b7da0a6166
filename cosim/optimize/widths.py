"""From which width on the words of a sweep meet a budget, and how the narrowest ones do on other inputs."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from qlif.cosim.optimize.budget import Budget
from qlif.cosim.optimize.errors import Trial
from qlif.cosim.optimize.held_out import judge
from qlif.cosim.optimize.outcome import Outcome, describe, flagged, narrowest
from qlif.cosim.optimize.search import evaluated
from qlif.cosim.optimize.space import PRICE, Candidate, candidates
from qlif.model.studies.executors import Workers
from qlif.model.studies.grid import Sweep
from qlif.model.support.progress import Progress, unwatched


@dataclass(frozen=True)
class Widths:
    """How the configurations of a sweep meet a budget, ready for JSON.

    Attributes
    ----------
    budget : Budget
    every : tuple of float, optional
        The budget was met, or not, under every current word between these two, mV, in place of the inputs.
    rows : list of dict
        Every configuration that holds the neuron, with its errors, whether it meets the budget, and whether by luck.
    winners : list of dict
        For each form, rounding, timestep and time constant: ``name`` and ``word_bits`` of the narrowest word from
        which on all of its range meet the budget, and ``held_out``, its verdict on other inputs. None where there
        is none.
    """

    budget: Budget
    every: tuple[float, float] | None
    rows: list[dict[str, Any]]
    winners: list[dict[str, Any]]


def widths(
    sweep: Sweep,
    budget: Budget,
    seed: int | None,
    every: tuple[float, float] | None,
    directory: Path,
    workers: Workers,
    progress: Progress = unwatched,
) -> Widths:
    """Judge the configurations of a sweep by a budget; of the seeds of stochastic rounding the worst counts.

    Parameters
    ----------
    sweep : Sweep
    budget : Budget
    seed : int, optional
        Of the inputs on which the narrowest are judged again.
    every : tuple of float, optional
        As in :class:`Widths`.
    directory : Path
        A journal for each time constant; what was interrupted goes on there.
    workers : Workers
    progress : callable, optional

    Raises
    ------
    InputError
        A file in the directory is of another search.
    """
    trial = Trial.of(budget, sweep.rounding_seed, every)
    found = Widths(budget, every, [], [])
    for tau_m in sweep.tau_m_ms:
        # The seeds aren't part of a configuration.
        of_tau = replace(sweep, tau_m_ms=tau_m, rounding_seed=sweep.rounding_seed[0])
        outcomes = _outcomes(of_tau, budget, trial, directory / f"budget-{tau_m:g}.jsonl", workers, progress)
        for outcome in outcomes:
            facts = {name: value for name, value in describe(outcome).items() if name not in PRICE}
            found.rows.append({"tau_m_ms": tau_m, **facts})
        found.winners.extend(_winners(of_tau, outcomes, trial, budget, seed))
    return found


def _outcomes(
    sweep: Sweep, budget: Budget, trial: Trial, path: Path, workers: Workers, progress: Progress
) -> list[Outcome]:
    every, _ = candidates(sweep, every_split=True)
    study = {"space": sweep.identity, **asdict(trial)}
    errors = evaluated(sweep, every, trial, study, path, workers, progress)
    return flagged([Outcome(one, errors[one.index], budget.met(errors[one.index])) for one in every])


def _winners(
    sweep: Sweep, outcomes: list[Outcome], trial: Trial, budget: Budget, seed: int | None
) -> Iterator[dict[str, Any]]:
    def kind(candidate: Candidate) -> tuple[Any, ...]:
        return *candidate.kind, candidate.dt_ms

    for (form, rounding, dt), outcome in narrowest(outcomes, kind).items():
        facts = {"form": form, "rounding": rounding, "dt_ms": dt, "tau_m_ms": sweep.tau_m_ms[0]}
        facts |= {"name": None, "word_bits": None, "held_out": None}
        if outcome is not None:
            one = outcome.candidate
            facts |= {"name": one.name, "word_bits": one.arithmetic.potential.width}
            facts["held_out"] = None if seed is None else judge(one, sweep, trial, budget, seed)
        yield facts
