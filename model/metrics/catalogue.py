"""The metrics of a sweep: its table, summary and figures read this list.

A new one is a line of :data:`METRICS`, and a function here or in :mod:`qlif.model.metrics.run_errors`.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qlif.model.metrics import run_errors

Statistic = Callable[[list[float]], float]


@dataclass(frozen=True, eq=False)
class Pair:
    """A run, and the reference it is compared with.

    Attributes
    ----------
    expected_times, times : sequence of ndarray
        Spike times of each neuron, in the reference and in the run, ms.
    expected_potentials, potentials : ndarray, (timesteps, *shape)
        Potentials, mV.
    dt : float
        Timestep, ms.
    """

    expected_times: Sequence[npt.NDArray[np.float64]]
    times: Sequence[npt.NDArray[np.float64]]
    expected_potentials: npt.NDArray[np.float64]
    potentials: npt.NDArray[np.float64]
    dt: float

    @cached_property
    def lags(self) -> npt.NDArray[np.float64]:
        """Absolute lags of all spikes that both have, by index, in timesteps; not whole where time isn't."""
        each = [
            np.abs(found[: len(expected)] - expected[: len(found)]) / self.dt
            for expected, found in zip(self.expected_times, self.times, strict=True)
        ]
        # Differences of times on the grid of timesteps are whole steps, except for floating-point error.
        return np.asarray(np.round(np.concatenate(each), 6), dtype=np.float64)

    @cached_property
    def surplus(self) -> npt.NDArray[np.int64]:
        """How many more spikes each neuron has than in the reference."""
        pairs = zip(self.expected_times, self.times, strict=True)
        return np.array([len(found) - len(expected) for expected, found in pairs], dtype=np.int64)

    @cached_property
    def rate(self) -> run_errors.RateError:
        """The errors of rates and intervals."""
        return run_errors.rate_error(self.expected_times, self.times)

    @cached_property
    def potential(self) -> run_errors.PotentialError:
        """The errors of the potential."""
        return run_errors.potential_error(self.expected_potentials, self.potentials)


@dataclass(frozen=True)
class Metric:
    """One metric of a pair of runs.

    Attributes
    ----------
    name : str
        Its column is ``quantization_NAME``, and ``truncation_NAME``, ``grid_NAME`` and ``integration_NAME``.
    of : callable
        Computes it from a pair; nan where there is nothing to compare.
    heading : str
        Of its column in a summary; empty if it isn't in it.
    statistic : callable
        How a summary combines several points.
    label : str
        Of its axis in a figure; empty if it isn't drawn.
    integration : bool
        Whether it is also computed for the errors of Euler.
    """

    name: str
    of: Callable[[Pair], object]
    heading: str = ""
    statistic: Statistic = statistics.median
    label: str = ""
    integration: bool = True


METRICS = (
    Metric(
        "max_lag_steps", lambda pair: pair.lags.max() if pair.lags.size else math.nan, "max lag (steps)", max
    ),
    Metric(
        "mean_lag_steps",
        lambda pair: pair.lags.mean() if pair.lags.size else math.nan,
        "mean lag (steps)",
        label="mean spike lag\n(timesteps)",
    ),
    Metric("missing_spikes", lambda pair: int(np.maximum(-pair.surplus, 0).sum())),
    Metric("extra_spikes", lambda pair: int(np.maximum(pair.surplus, 0).sum())),
    Metric(
        "rms_interval_error",
        lambda pair: pair.rate.rms_interval,
        "interval error",
        label="RMS error of the\ninter-spike interval",
    ),
    Metric("max_rate_error", lambda pair: pair.rate.max_rate),
    Metric("rms_rate_error", lambda pair: pair.rate.rms_rate),
    Metric("silent_neurons", lambda pair: int(pair.rate.silent.sum()), "silent neurons", max),
    Metric("spurious_neurons", lambda pair: int(pair.rate.spurious.sum()), "spurious neurons", max),
    Metric("rmse_mv", lambda pair: pair.potential.rmse_mv, "RMSE (mV)", label="RMSE of the\npotential (mV)"),
    Metric("nrmse", lambda pair: pair.potential.nrmse, integration=False),
    Metric("mae_mv", lambda pair: pair.potential.mae_mv, integration=False),
    Metric("max_error_mv", lambda pair: pair.potential.max_mv, integration=False),
)
"""Every metric, in the order of the table's columns."""
