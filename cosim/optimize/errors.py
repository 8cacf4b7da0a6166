"""How a configuration errs over a study's inputs, neuron by neuron."""

import functools
import itertools
import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qlif.cosim.optimize.budget import PER_NEURON, Budget, Errors
from qlif.cosim.optimize.trace_error import largest_trace_error
from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.formats import Format
from qlif.model.metrics import run_errors
from qlif.model.metrics.first_spikes import first_spikes, largest_lags
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.recording import Recording
from qlif.model.studies import every_current
from qlif.model.studies.grid import Sweep, base_of
from qlif.model.theory import exact_flow

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """How each configuration is tried.

    Attributes
    ----------
    seeds : tuple of int
        Of stochastic rounding; the worst counts.
    spikes : int
        So many first spikes of each neuron count for the lag.
    at : float
        The share of the neurons that the per-neuron errors are given at.
    intervals : bool
        The interval error is asked for.
    traces : bool
        The trace's error is asked for.
    every : tuple of float, optional
        Every current word between these two, mV, in place of the inputs.
    """

    seeds: tuple[int, ...]
    spikes: int
    at: float = 1.0
    intervals: bool = False
    traces: bool = False
    every: tuple[float, float] | None = None

    @classmethod
    def of(cls, budget: Budget, seeds: tuple[int, ...], every: tuple[float, float] | None = None) -> "Trial":
        """Return the trial that tells whether a budget is met."""
        intervals, traces = budget.max_interval_error is not None, budget.max_trace_error is not None
        return cls(seeds, budget.spikes, budget.at, intervals, traces, every)


def errors_of(sweep: Sweep, arithmetic: Arithmetic, dt: float, trial: Trial) -> Errors:
    """Try a configuration, and return its errors; those that aren't measured are missing.

    Raises
    ------
    InputError
        The arithmetic can't hold the neuron or an input.
    """
    neurons, whole = measure(sweep, arithmetic, dt, trial)
    return {name: at_share(values, trial.at) for name, values in neurons.items()} | whole


def at_share(values: Reals, share: float) -> float:
    """Return the least value that at least a share of the values doesn't exceed."""
    return float(np.sort(values)[max(math.ceil(share * len(values) - 1e-9), 1) - 1])


def measure(sweep: Sweep, arithmetic: Arithmetic, dt: float, trial: Trial) -> tuple[dict[str, Reals], Errors]:
    """Return the errors of each neuron, the worst over the seeds, and those of all together."""
    with warnings.catch_warnings():
        # That a timestep is coarse shows in the errors.
        warnings.simplefilter("ignore", PrecisionWarning)
        neurons, whole = _measure(sweep, arithmetic, dt, trial)
        if trial.traces:
            (tau_m,) = sweep.tau_m_ms
            whole["max_trace_error"] = largest_trace_error(quantise(sweep.neuron(dt, tau_m, 1), arithmetic))
        return neurons, whole


def _measure(
    sweep: Sweep, arithmetic: Arithmetic, dt: float, trial: Trial
) -> tuple[dict[str, Reals], Errors]:
    if trial.every is not None:
        return _under_every_current(sweep, arithmetic, dt, trial, trial.every)
    settings = json.dumps(sweep.as_dict(), sort_keys=True)
    whole: Errors = {"max_rmse_mv": 0.0, **({"max_interval_error": 0.0} if trial.intervals else {})}
    of_inputs: list[dict[str, Reals]] = []
    for text in sweep.input:
        reference = reference_of(settings, text, dt, trial.spikes, arithmetic.phase_bits > 0)
        worst = dict.fromkeys(PER_NEURON, np.zeros(reference.parameters.n))
        for seed in trial.seeds if arithmetic.random_bits else (arithmetic.random_seed,):
            population = QLIFPopulation.of(reference.parameters, arithmetic.replace(random_seed=seed))
            golden = population.run(reference.currents, record=("potentials",))
            found, rmse = reference.errors(golden, trial.spikes)
            worst = {name: np.maximum(worst[name], found[name]) for name in PER_NEURON}
            whole["max_rmse_mv"] = max(whole["max_rmse_mv"], rmse)
            if trial.intervals:
                error = _interval_error(_exact_intervals(settings, text, dt), golden)
                whole["max_interval_error"] = max(whole["max_interval_error"], error)
        of_inputs.append(worst)
    return {name: np.concatenate([one[name] for one in of_inputs]) for name in PER_NEURON}, whole


@dataclass(frozen=True, eq=False)
class Reference:
    """Euler's run on an input: what fixed point is compared with."""

    parameters: Parameters
    currents: Reals
    euler: Recording
    first: Reals
    counts: npt.NDArray[np.int64]

    def errors(self, golden: Recording, spikes: int) -> tuple[dict[str, Reals], float]:
        """Return the errors of each neuron of a run, and the RMSE of all."""
        assert self.euler.potentials is not None and golden.potentials is not None
        errors = {
            "max_lag_steps": largest_lags(self.first, first_spikes(golden, spikes)),
            "max_rate_error": _rate_errors(self.counts, golden.spike_counts()),
        }
        return errors, run_errors.potential_error(self.euler.potentials, golden.potentials).rmse_mv


# As many as fit in memory without being asked about: one is 100 MB at 256 neurons and 20,000 timesteps.
@functools.lru_cache(maxsize=4)
def reference_of(settings: str, text: str, dt: float, spikes: int, phases: bool) -> Reference:
    """Return Euler's run on an input; `settings` are the sweep's as JSON, with its keys in order."""
    sweep = Sweep.of(json.loads(settings))
    (tau_m,) = sweep.tau_m_ms
    parameters, currents, euler = sweep.euler(text, dt, tau_m, phases)
    return Reference(parameters, currents, euler, first_spikes(euler, spikes), euler.spike_counts())


@functools.lru_cache(maxsize=16)
def _exact_intervals(settings: str, text: str, dt: float) -> Reals:
    """Return the mean interval of each neuron in the membrane equation itself, ms; nan with fewer than two spikes."""
    sweep = Sweep.of(json.loads(settings))
    (tau_m,) = sweep.tau_m_ms
    parameters, currents = sweep.neurons_under(text, dt, tau_m)
    return run_errors.mean_intervals(exact_flow.solve(parameters, currents).spike_times)


def _interval_error(exact: Reals, golden: Recording) -> float:
    """Return the RMS relative error of mean intervals; infinite where a neuron has none that should have one."""
    found = run_errors.mean_intervals(golden.spike_times)
    if np.any(np.isnan(found) & ~np.isnan(exact)):
        return math.inf
    error = run_errors.root_mean_square(found / exact - 1)
    return 0.0 if math.isnan(error) else error


def _rate_errors(expected: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> Reals:
    """Return the absolute relative error of each neuron's number of spikes: 0 where it is silent in both."""
    difference = np.abs(found - expected).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(difference == 0, 0.0, difference / expected))


def check_every(ends: tuple[float, float], sweep: Sweep, currents: Sequence[Format] = ()) -> None:
    """Refuse two currents between which there are no words, or too many, before anything is run.

    Of the sweep's forms as they are usually; `currents` are formats in place of the sweep's own.

    Raises
    ------
    InputError
        As :func:`.every_word` raises it.
    """
    for form, dt, tau_m in itertools.product(sweep.form, sweep.dt_ms, sweep.tau_m_ms):
        usual, neuron = PRESETS[base_of(form)].replace(**sweep.arithmetic), sweep.neuron(dt, tau_m, 1)
        for format in currents or (usual.current,):
            arithmetic = usual.replace(current=format)
            try:
                quantise(neuron, arithmetic)
            except InputError:  # other formats of the sweep may hold this neuron
                continue
            every_current.every_word(neuron, arithmetic, *ends)


def _under_every_current(
    sweep: Sweep, arithmetic: Arithmetic, dt: float, trial: Trial, ends: tuple[float, float]
) -> tuple[dict[str, Reals], Errors]:
    """Return the lag of each neuron, one for each current word."""
    return {"max_lag_steps": lags_of_words(sweep, arithmetic, dt, trial.spikes, ends)}, {}


def lags_of_words(
    sweep: Sweep,
    arithmetic: Arithmetic,
    dt: float,
    spikes: int,
    ends: tuple[float, float],
    stride: int = 1,
) -> Reals:
    """Return the lag under every current word between two currents, mV, or under one in `stride` of them."""
    (tau_m,) = sweep.tau_m_ms
    neuron, timesteps = sweep.neuron(dt, tau_m, 1), max(1, round(sweep.duration_ms / dt))
    words = every_current.every_word(neuron, arithmetic, *ends)[::stride]
    found = every_current.of_arithmetic(neuron, arithmetic, words, timesteps, spikes)
    currents = quantise(neuron, arithmetic).currents(words).tobytes()
    settings = json.dumps(sweep.as_dict(), sort_keys=True)
    expected = _euler_spikes(settings, currents, dt, spikes, arithmetic.phase_bits > 0)
    return largest_lags(expected, found)


@functools.lru_cache(maxsize=4)
def _euler_spikes(settings: str, currents: bytes, dt: float, spikes: int, phases: bool) -> Reals:
    """Return Euler's first spikes under each of some currents, which most configurations share."""
    sweep = Sweep.of(json.loads(settings))
    (tau_m,) = sweep.tau_m_ms
    neuron, timesteps = sweep.neuron(dt, tau_m, 1), max(1, round(sweep.duration_ms / dt))
    return every_current.of_euler(neuron, np.frombuffer(currents), timesteps, spikes, phases)
