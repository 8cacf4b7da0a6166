"""The cheapest of a joint space, by running as few configurations as can be proved to be enough.

Every configuration's cost is known from its formats, so they are taken from the cheapest: the first that meets the
budget is the optimum, and what costs more is never run. That is the only pruning by cost, and it takes no
assumption about errors. Wider words don't always err less, so that neither a configuration that fails nor one that
passes says anything of its neighbours. What is said of errors without running holds always:

* The trace's error depends on nothing but trace format and decay (:mod:`qlif.cosim.optimize.trace_error`), and no
  potential depends on the trace. So a trace that is over its limit is left out beforehand.
* Configurations that are the same function have the same spikes (:mod:`qlif.cosim.optimize.joint_space`): one is run.
* A run ends when it is certain that the budget is missed (:mod:`qlif.cosim.optimize.screen`).

As in :mod:`qlif.cosim.optimize.search`, a configuration that meets the budget while a wider word of its family fails
isn't taken.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qlif.cosim.optimize.budget import MEASURES, Budget
from qlif.cosim.optimize.errors import Trial
from qlif.cosim.optimize.joint_space import Enumerated, JointCandidate, JointSpace
from qlif.cosim.optimize.screen import Verdict, judge_all
from qlif.cosim.optimize.search import ROOMS
from qlif.model.exceptions import InputError
from qlif.model.studies.executors import Workers
from qlif.model.studies.run import run_jobs
from qlif.model.support import journal
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.sources import code_of

BATCH = 16
"""Functions that a worker is given at a time."""

WAVE = 16
"""Batches that are run before it is looked whether the optimum is among them."""

SHOWN = 5
"""Failing configurations that are named."""


@dataclass(frozen=True)
class JointResult:
    """A finished search.

    Attributes
    ----------
    best : JointCandidate
    verdict : dict
        Of the best.
    lucky : list of JointCandidate
        Cheaper ones that meet the budget by luck.
    failing : list of (JointCandidate, dict)
        Of the cheaper ones that fail, those that come nearest, and their verdicts.
    counts : dict of str to int
        Configurations: ``space``, ``impossible``, ``unfit``, ``trace`` (over its limit), ``cheaper`` (than the best)
        and ``dearer``; ``functions``, of those left, and of how many a
        ``run`` was needed.
    proof : str
    """

    best: JointCandidate
    verdict: Verdict
    lucky: list[JointCandidate]
    failing: list[tuple[JointCandidate, Verdict]]
    counts: dict[str, int]
    proof: str


class _Verdicts:
    """The verdict on each function, computed in batches as it is asked for, or read from the journal."""

    def __init__(
        self,
        space: JointSpace,
        candidates: list[JointCandidate],
        trial: Trial,
        budget: Budget,
        workers: Workers,
        progress: Progress,
    ) -> None:
        first: dict[int, JointCandidate] = {}
        for one in candidates:
            first.setdefault(one.function, one)
        functions = list(first.values())
        self._located, self._trial, self._budget = space.sweep.located(), trial, budget
        self._workers, self._progress = workers, progress
        self._batches = [functions[begin : begin + BATCH] for begin in range(0, len(functions), BATCH)]
        self._place = {one.function: divmod(at, BATCH) for at, one in enumerate(functions)}
        self.journal: journal.Journal | None = None
        self.asked: set[int] = set()
        """The functions whose verdicts mattered; others of their batches were run besides."""

    def known(self, batch: object) -> bool:
        """Return whether there is a batch of this number."""
        return isinstance(batch, int) and 0 <= batch < len(self._batches)

    @property
    def functions(self) -> int:
        """How many there are."""
        return len(self._place)

    def of(self, one: JointCandidate, ahead: int = WAVE) -> Verdict:
        """Return the verdict on a configuration, having run its batch, and some behind it, where need be."""
        assert self.journal is not None
        self.asked.add(one.function)
        batch, place = self._place[one.function]
        if batch not in self.journal.results:
            self._run(range(batch, min(batch + ahead, len(self._batches))))
        verdict: Verdict = self.journal.results[batch][place]
        return verdict

    def _run(self, batches: Iterable[int]) -> None:
        assert self.journal is not None
        jobs = {
            batch: (
                judge_all,
                self._located,
                [(one.arithmetic, one.dt_ms) for one in self._batches[batch]],
                self._trial,
                self._budget,
            )
            for batch in batches
        }

        def progress(what: str, fraction: float) -> None:
            done = min(len(results) * BATCH, self.functions)
            self._progress(f"{done:,} of {self.functions:,} functions run", done / self.functions)

        results = self.journal.results

        run_jobs(jobs, self.journal, self._workers.executor, self._workers.count, "", progress, ROOMS)


def joint_search(
    space: JointSpace,
    written: Enumerated,
    budget: Budget,
    trial: Trial,
    directory: Path,
    workers: Workers,
    *,
    progress: Progress = unwatched,
) -> JointResult:
    """Find the cheapest configuration of a joint space within a budget.

    Parameters
    ----------
    space : JointSpace
    written : Enumerated
        The same space, in the order of the cost.
    budget : Budget
    trial : Trial
        How each is tried.
    directory : Path
        Of the journal; a search that was interrupted goes on there.
    workers : Workers
    progress : callable, optional

    Raises
    ------
    InputError
        Nothing in the space meets the budget (the text says what comes nearest), or the journal is of another search.
    """
    limit = budget.max_trace_error
    left = [one for one in written.candidates if limit is None or (one.trace_error or 0.0) <= limit]
    if not left:
        what = (
            "can hold the neuron and the inputs" if not written.candidates else "keeps the limit of the trace"
        )
        raise InputError(f"no configuration of the space {what} ({written.size:,} were tried)")
    verdicts = _Verdicts(space, left, trial, budget, workers, progress)
    key = {
        "code": code_of(*ROOMS),
        "space": space.as_dict(),
        "order": hashlib.sha256(" ".join(str(one.index) for one in left).encode()).hexdigest()[:16],
        "budget": asdict(budget),
        "trial": asdict(trial),
    }
    with journal.opened(directory / "joint.jsonl", "joint", key, verdicts.known) as results:
        verdicts.journal = results
        return _first(written, left, verdicts, budget)


def _first(
    written: Enumerated, left: list[JointCandidate], verdicts: _Verdicts, budget: Budget
) -> JointResult:
    """Return the first in order that meets the budget, and not by luck."""
    families: dict[tuple[object, ...], list[JointCandidate]] = {}
    for one in left:
        families.setdefault(one.family, []).append(one)
    lucky: list[JointCandidate] = []
    nearest: dict[int, tuple[float, JointCandidate, Verdict]] = {}
    for place, one in enumerate(left):
        verdict = verdicts.of(one)
        if verdict["met"]:
            wider = [
                other
                for other in families[one.family]
                if other.arithmetic.potential.f_bits > one.arithmetic.potential.f_bits
            ]
            if all(verdicts.of(other, 1)["met"] for other in wider):
                failing = sorted(nearest.values(), key=lambda entry: entry[0])[:SHOWN]
                return _result(written, left, place, lucky, [entry[1:] for entry in failing], verdicts)
            lucky.append(one)
        elif one.function not in nearest:
            nearest[one.function] = (_share(verdict, budget), one, verdict)
    _, one, verdict = min(nearest.values(), key=lambda entry: entry[0], default=(0.0, left[0], verdict))
    errors = ", ".join(
        f"{MEASURES[name]} {'' if verdict['whole'] else 'at least '}{value:.4g}"
        for name, value in verdict["errors"].items()
        if name in budget.limits
    )
    by_luck = f"; {len(lucky)} meet it by luck" if lucky else ""
    raise InputError(
        f"no configuration of the space meets the budget{by_luck}; nearest is {one.name}: {errors}"
    )


def _share(verdict: Verdict, budget: Budget) -> float:
    """Return how much of the tightest limit is used, of what was measured; a lower bound counts as more."""
    measured = {name: value for name, value in verdict["errors"].items() if name in budget.limits}
    parts = [value / limit if (limit := budget.limits[name]) else value for name, value in measured.items()]
    return float(max(parts)) * (1 if verdict["whole"] else 2)


def _result(
    written: Enumerated,
    left: list[JointCandidate],
    place: int,
    lucky: list[JointCandidate],
    failing: list[Any],
    verdicts: _Verdicts,
) -> JointResult:
    best = left[place]
    counts = {
        "space": written.size,
        "impossible": written.impossible,
        "unfit": written.unfit,
        "trace": len(written.candidates) - len(left),
        "cheaper": place,
        "dearer": len(left) - place - 1,
        "functions": verdicts.functions,
        "run": len(verdicts.asked),
    }
    out = [
        (counts["impossible"], "can't hold the neuron or an input"),
        (counts["unfit"], "don't fit the device"),
        (counts["trace"], "are over the limit of the trace"),
    ]
    outside = "; ".join(f"{count:,} {why}" for count, why in out if count)
    by_luck = f" but {len(lucky)} by luck" if lucky else ""
    proof = (
        f"Of {written.size:,} configurations, {outside + '; ' if outside else ''}"
        f"{len(left):,} are left, {verdicts.functions:,} different functions. In the order of cost, none of the "
        f"{place:,} before this one meets the budget{by_luck}; that took runs of {counts['run']:,} functions. The "
        f"{counts['dearer']:,} behind it cost as much or more."
    )
    return JointResult(best, verdicts.of(best), lucky, failing, counts, proof)
