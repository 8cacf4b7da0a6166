"""A configuration judged on inputs that it wasn't chosen by."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from qlif.cosim.optimize.budget import PER_NEURON, Budget
from qlif.cosim.optimize.errors import Trial, at_share, measure
from qlif.cosim.optimize.space import Candidate
from qlif.model.studies.grid import Sweep


def judge(candidate: Candidate, sweep: Sweep, trial: Trial, budget: Budget, seed: int) -> dict[str, Any]:
    """Return how a candidate does on the inputs of another seed, ready for JSON.

    That is its errors, whether it meets the budget, and, if each neuron has a limit, how many of the neurons keep it,
    with the 95 % confidence interval of their share.
    """
    other = replace(sweep, input_seed=seed)
    neurons, whole = measure(other, candidate.arithmetic, candidate.dt_ms, trial)
    errors = {name: at_share(values, trial.at) for name, values in neurons.items()} | whole
    # JSON has no word for what is infinite.
    finite = {name: value if math.isfinite(value) else None for name, value in errors.items()}
    facts: dict[str, Any] = {"seed": seed, "errors": finite, "meets_budget": budget.met(errors)}
    kept = [neurons[name] <= limit for name, limit in budget.limits.items() if name in PER_NEURON]
    if kept:
        within, of = int(np.sum(np.all(kept, axis=0))), len(kept[0])
        low, high = interval_95(within, of)
        facts |= {"within": within, "neurons": of, "share": within / of, "share_low": low, "share_high": high}
    return facts


def interval_95(kept: int, of: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share, after Wilson: it is right near 0 and 1 too."""
    z = 1.959964
    share = kept / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
