"""Whether a configuration meets a budget, told as early as it is certain that it doesn't.

A lag limit holds for the worst of the seeds and of the neurons that count. So a run may end before its input does
once more neurons are over the limit than may be: a spike that came too early or too late stays so, and one that
is missing for longer than the limit will come too late or never. What the rest of the input, the other inputs, the
other seeds or the other limits would say can't mend that. A configuration that ends so has a lower bound of its lag
in place of the lag; all others are run to the end.
"""

import functools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from qlif.cosim.optimize.budget import Budget, Errors
from qlif.cosim.optimize.errors import (
    Reals,
    Reference,
    Trial,
    at_share,
    errors_of,
    lags_of_words,
    reference_of,
)
from qlif.model.arithmetic import Arithmetic
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.metrics.first_spikes import largest_lags, place
from qlif.model.quantisation import quantise
from qlif.model.studies.every_current import spikes_of
from qlif.model.studies.grid import Sweep

PIECE = 1000
"""Timesteps between two looks at what is certain."""

STRIDE = 61
"""Of all current words, one in so many is tried first."""

Verdict = dict[str, Any]
"""Ready for JSON: ``met``; ``errors``, by measure; ``whole``, false where the lag is only a lower bound."""


def judge_all(
    sweep: Sweep, tasks: Sequence[tuple[Arithmetic, float]], trial: Trial, budget: Budget
) -> list[Verdict]:
    """Return the verdict on each of several configurations, given with their timesteps."""
    return [judge(sweep, arithmetic, dt, trial, budget) for arithmetic, dt in tasks]


def judge(sweep: Sweep, arithmetic: Arithmetic, dt: float, trial: Trial, budget: Budget) -> Verdict:
    """Return whether a configuration meets a budget, and its errors as far as they were needed."""
    errors: Errors = {}
    if budget.max_lag_steps is not None:
        lag, whole = _lag(sweep, arithmetic, dt, trial, budget.max_lag_steps)
        errors["max_lag_steps"] = lag
        if lag > budget.max_lag_steps:
            return {"met": False, "errors": errors, "whole": whole}
    if budget.limits.keys() - errors.keys() - {"max_trace_error"}:
        errors = errors_of(sweep, arithmetic, dt, trial)
    met = all(errors[name] <= limit for name, limit in budget.limits.items() if name in errors)
    return {"met": met, "errors": errors, "whole": True}


def _lag(sweep: Sweep, arithmetic: Arithmetic, dt: float, trial: Trial, limit: float) -> tuple[float, bool]:
    """Return the lag that a budget is about, or a lower bound above the limit; and whether it is the lag itself."""
    if trial.every is not None:
        if trial.at == 1.0:
            some = lags_of_words(sweep, arithmetic, dt, trial.spikes, trial.every, STRIDE)
            if (lag := float(some.max())) > limit:
                return lag, False
        return at_share(lags_of_words(sweep, arithmetic, dt, trial.spikes, trial.every), trial.at), True
    settings = json.dumps(sweep.as_dict(), sort_keys=True)
    references = [
        reference_of(settings, text, dt, trial.spikes, arithmetic.phase_bits > 0) for text in sweep.input
    ]
    # Nothing is known of what hasn't run: it may have no lag.
    bounds = [np.zeros(len(reference.first)) for reference in references]

    def certain() -> float:
        return at_share(np.concatenate(bounds), trial.at)

    for number, reference in enumerate(references):
        for seed in trial.seeds if arithmetic.random_bits else (arithmetic.random_seed,):
            before = bounds[number]
            for lags in _bounds(reference, arithmetic.replace(random_seed=seed)):
                bounds[number] = np.maximum(before, lags)
                if (lag := certain()) > limit:
                    return lag, False
    return certain(), True


def _bounds(reference: Reference, arithmetic: Arithmetic) -> Iterator[Reals]:
    """Give the lag of each neuron as far as it is certain, piece by piece; at last the lags themselves."""
    parameters, currents, first = reference.parameters, reference.currents, reference.first
    neurons = FixedNeurons(quantise(parameters.replace(spike_trace=False), arithmetic))
    timesteps, (many, count) = len(currents), first.shape
    units, phases = 1 << arithmetic.phase_bits, arithmetic.phase_bits > 0
    times = np.full((many, count), float(timesteps))
    counts = np.zeros(many, dtype=np.int64)
    for begin in range(0, timesteps, PIECE):
        end = min(begin + PIECE, timesteps)
        rows = functools.partial(_between, currents[begin:end])
        room = neurons.run(rows, end - begin, ("phase",) if phases else ())
        assert room is not None, "the current format holds the inputs, as the space makes sure"
        whose, steps, left = spikes_of(room, many, units)
        place(times, counts, whose, begin + steps - left)
        if np.all(counts >= count):
            break
        # A spike that is still missing comes in the next timestep at the earliest; a phase puts it within that.
        known = np.where(np.arange(count) < counts[:, np.newaxis], times, np.maximum(first, end - phases))
        yield largest_lags(first, known)
    yield largest_lags(first, times)


def _between(rows: Reals, begin: int, end: int) -> Reals:
    return rows[begin:end]
