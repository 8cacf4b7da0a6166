"""An error budget, and how one arithmetic meets it.

Errors are quantization errors: fixed point against float64 Euler with the same timestep and input. Only the interval
error is all of it, against the membrane equation: that is what timesteps and phases are chosen by.
"""

import math
from dataclasses import dataclass

from qlif.model.exceptions import InputError
from qlif.model.support.checks import Quantity, whole

MEASURES = {
    "max_lag_steps": "largest spike lag (timesteps)",
    "max_rate_error": "largest relative error of a firing rate",
    "max_rmse_mv": "RMSE of the potential (mV)",
    "max_interval_error": "RMS interval error against the membrane equation",
    "max_trace_error": "largest error of a decaying trace",
}
PER_NEURON = ("max_lag_steps", "max_rate_error")
"""Measures that each neuron has, so that a share of them can be asked to keep a limit."""
_LIMIT = Quantity("", 0.0)
_SHARE = Quantity("", 0.0, 1.0, open=True)

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
    max_interval_error : float, optional
        RMS over the neurons of the relative error of the mean interval, against the membrane equation.
    max_trace_error : float, optional
        Error of the trace at any time after a spike, in the trace's own unit: :func:`.largest_trace_error`.
    spikes : int
        So many first spikes of each neuron count for the lag.
    at : float
        The share of the neurons that have to keep the limits of :data:`PER_NEURON`.
    """

    max_lag_steps: float | None = None
    max_rate_error: float | None = None
    max_rmse_mv: float | None = None
    max_interval_error: float | None = None
    max_trace_error: float | None = None
    spikes: int = 20
    at: float = 1.0

    def __post_init__(self) -> None:
        whole("spikes", self.spikes)
        _SHARE.check("at", self.at)
        for name in MEASURES:
            if getattr(self, name) is not None:
                _LIMIT.check(name, getattr(self, name))
        if not self.limits:
            raise InputError(f"a budget needs one limit or more: {', '.join(MEASURES)}")
        if self.at < 1 and not any(name in self.limits for name in PER_NEURON):
            raise InputError(f"at requires a limit that each neuron can keep: {' or '.join(PER_NEURON)}")

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
            "max_interval_error": f"intervals within {self.max_interval_error} (RMS) of the membrane equation's",
            "max_trace_error": f"a trace within {self.max_trace_error}",
        }
        at = f" for {100 * self.at:g} % of the neurons" if self.at < 1 else ""
        return ", ".join(texts[name] + (at if name in PER_NEURON else "") for name in self.limits)
