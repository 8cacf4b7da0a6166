"""An error budget, and how one arithmetic meets it.

All errors are quantization errors: fixed point against float64 Euler with the same timestep and input.
"""

import functools
import json
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.metrics import run_errors
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.recording import Recording
from qlif.model.studies.grid import Sweep
from qlif.model.support.checks import Quantity, whole

MEASURES = {
    "max_lag_steps": "largest spike lag (timesteps)",
    "max_rate_error": "largest relative error of a firing rate",
    "max_rmse_mv": "RMSE of the potential (mV)",
}
_LIMIT = Quantity("", 0.0)

Errors = dict[str, float]
"""Each of :data:`MEASURES`; of several runs the worst."""


@dataclass(frozen=True)
class Budget:
    """What is allowed, at most; None is anything.

    Parameters
    ----------
    max_lag_steps : float, optional
        Lag or lead of any of a neuron's first `spikes` spikes.
    max_rate_error : float, optional
        Relative error of a neuron's number of spikes, as :attr:`.RateError.max_rate` has it: a neuron that is
        silent in the reference and spikes is within no budget.
    max_rmse_mv : float, optional
        RMSE of the potential over all neurons and timesteps.
    spikes : int
        So many first spikes of each neuron count for the lag.
    """

    max_lag_steps: float | None = None
    max_rate_error: float | None = None
    max_rmse_mv: float | None = None
    spikes: int = 20

    def __post_init__(self) -> None:
        whole("spikes", self.spikes)
        for name in MEASURES:
            if getattr(self, name) is not None:
                _LIMIT.check(name, getattr(self, name))
        if not self.limits:
            raise InputError(f"a budget needs one limit or more: {', '.join(MEASURES)}")

    @property
    def limits(self) -> dict[str, float]:
        """The measures that are limited, and their limits."""
        values = {name: getattr(self, name) for name in MEASURES}
        return {name: float(limit) for name, limit in values.items() if limit is not None}

    def met(self, errors: Errors) -> bool:
        """Whether every limited measure is within its limit."""
        return all(errors[name] <= limit for name, limit in self.limits.items())

    def share(self, errors: Errors) -> float:
        """Return how much of the tightest limit is used; above 1 is too much."""
        return max(
            errors[name] / limit if limit else (math.inf if errors[name] else 0.0)
            for name, limit in self.limits.items()
        )

    def __str__(self) -> str:
        texts = {
            "max_lag_steps": f"at most {self.max_lag_steps} steps of lag over the first {self.spikes} spikes",
            "max_rate_error": f"rates within {self.max_rate_error}",
            "max_rmse_mv": f"an RMSE of at most {self.max_rmse_mv} mV",
        }
        return ", ".join(texts[name] for name in self.limits)


def errors_of(sweep: Sweep, arithmetic: Arithmetic, seeds: tuple[int, ...], spikes: int) -> Errors:
    """Run an arithmetic over a study's inputs, and every seed of stochastic rounding; return the worst.

    Raises
    ------
    InputError
        The arithmetic can't hold the neuron or an input.
    """
    worst: Errors = dict.fromkeys(MEASURES, 0.0)
    settings = json.dumps(sweep.as_dict(), sort_keys=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrecisionWarning)
        for text in sweep.input:
            parameters, currents, euler = _euler(settings, text)
            for seed in seeds if arithmetic.random_bits else (arithmetic.random_seed,):
                population = QLIFPopulation.of(parameters, arithmetic.replace(random_seed=seed))
                golden = population.run(currents, record=("potentials",))
                for name, value in _errors(euler, golden, spikes).items():
                    worst[name] = max(worst[name], value)
    return worst


@functools.lru_cache(maxsize=8)
def _euler(settings: str, text: str) -> tuple[Parameters, npt.NDArray[np.float64], Recording]:
    sweep = Sweep.of(json.loads(settings))
    (dt,), (tau_m,) = sweep.dt_ms, sweep.tau_m_ms
    return sweep.euler(text, dt, tau_m)


def _errors(euler: Recording, golden: Recording, spikes: int) -> Errors:
    assert euler.potentials is not None and golden.potentials is not None
    expected, found = euler.spike_steps, golden.spike_steps
    rate = run_errors.rate_error(expected, found).max_rate
    return {
        "max_lag_steps": max(
            largest_lag(a[:spikes], b[:spikes], euler.timesteps) for a, b in zip(expected, found, strict=True)
        ),
        # Where no neuron spikes in either, none has a wrong rate.
        "max_rate_error": 0.0 if math.isnan(rate) else rate,
        "max_rmse_mv": run_errors.potential_error(euler.potentials, golden.potentials).rmse_mv,
    }


def largest_lag(expected: npt.NDArray[np.int64], found: npt.NDArray[np.int64], timesteps: int) -> float:
    """Return the largest lag of a spike behind or before the one of its index, in timesteps.

    A spike that only one of the two has comes in the other after the end, if at all: its lag is at least
    the time from it to the end, which is what counts.
    """
    common = min(len(expected), len(found))
    lags: list[Any] = [*np.abs(found[:common] - expected[:common])]
    lags += [timesteps - one for one in (*expected[common:], *found[common:])]
    return float(max(lags, default=0))
