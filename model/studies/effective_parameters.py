"""Effective parameters: those with which the neuron in gates spikes when the equation's neuron does.

Euler's step leaves out the curvature of the flow. Much of that is again a quadratic polynomial of the potential and
linear in the current, so other coefficients in the same step make up for it: nothing is added in gates. They are
found by trying, as whether a spike comes early depends on the whole path to it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError
from qlif.model.metrics.run_errors import root_mean_square
from qlif.model.metrics.spike_matches import matches
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.support.optional import optional
from qlif.model.theory import exact_flow

Array = npt.NDArray[np.float64]

FITTED = ("a0", "rest_pot", "critical_pot", "R", "threshold", "reset_pot")
"""What may be moved. The refractory period and the timestep stay."""

_START = np.array([0.19, 0.027, 0.062, 0.10, 0.05, -0.12])
"""Near which all fits end that were tried, as a share of what a timestep changes."""
_STEPS = np.array([0.09, 0.047, 0.031, 0.075, 0.062, 0.062])
"""Of the first simplex."""
_ROUNDS = (1.0, -1.0, 0.5)
"""Each begins where the last one ended, with a simplex of another size: the first one often collapses too early."""


@dataclass(frozen=True)
class Effective:
    """The outcome of a fit.

    Attributes
    ----------
    parameters : Parameters
        What to give the hardware.
    jitter_before, jitter_after : float
        RMS difference from the exact flow of the given parameters, of the spikes that both have, ms.
    kept_before, kept_after : float
        Share of the exact flow's spikes that the hardware has too.
    """

    parameters: Parameters
    jitter_before: float
    jitter_after: float
    kept_before: float
    kept_after: float


def fit_effective(
    parameters: Parameters,
    arithmetic: Arithmetic,
    currents: npt.ArrayLike,
    *,
    evaluations: int = 360,
    window_ms: float = 2.0,
) -> Effective:
    """Fit effective parameters to an input, in fixed point, by a downhill simplex.

    The fit is good for inputs like this one; judge it on another.

    Parameters
    ----------
    parameters : Parameters
        One neuron.
    arithmetic : Arithmetic
        What it is computed in. With phases there is more to gain, as less of the error is the grid's.
    currents : array_like, (timesteps, trials)
        Currents, mV per unit of ``R``: the longer the better.
    evaluations : int
        Runs of all trials.
    window_ms : float
        Spikes further apart aren't the same one.

    Returns
    -------
    Effective
        Never one that keeps fewer spikes than the given parameters.

    Raises
    ------
    InputError
        There are several neurons, or no spike to fit; or SciPy is missing, which the extra ``study`` has.
    """
    optimize = optional("scipy.optimize", "study")
    if parameters.shape != (1,):
        raise InputError(f"parameters must be those of one neuron, not of shape {parameters.shape}")
    inputs = np.asarray(currents, dtype=np.float64)
    trials = parameters.replace(n=inputs.shape[1])
    references = exact_flow.solve(trials, inputs).spike_times

    def judged(candidate: Parameters) -> tuple[float, float]:
        found = QLIFPopulation.of(candidate.replace(n=inputs.shape[1]), arithmetic).run(inputs, record=())
        return jitter(references, found.spike_times, window_ms)

    before, kept = judged(parameters)
    if not np.isfinite(before):
        raise InputError(
            "currents must make the neuron spike within the window of the exact flow, and none does"
        )

    def cost(shares: npt.NDArray[np.float64]) -> float:
        try:
            found, still = judged(_moved(parameters, shares))
        except InputError:
            # A potential left its format, or the order that they must have.
            return np.inf
        return found if still >= kept else np.inf

    shares = _START
    for size in _ROUNDS:
        simplex = shares + np.vstack([np.zeros(len(FITTED)), np.diag(size * _STEPS)])
        if shares is _START:
            # The given parameters are among those that are tried, so that the best is no worse.
            simplex[-1] = 0
        options = {"maxfev": evaluations // len(_ROUNDS), "initial_simplex": simplex}
        shares = optimize.minimize(cost, shares, method="Nelder-Mead", options=options).x
    fitted = _moved(parameters, shares)
    after, still = judged(fitted)
    return Effective(fitted, before, after, kept, still)


def _moved(parameters: Parameters, shares: Array) -> Parameters:
    """Return parameters that are moved by shares of what a timestep changes."""
    distance = parameters.critical_pot - parameters.rest_pot
    moves = dict(zip(FITTED, shares * (parameters.gain * distance), strict=True))
    return parameters.replace(
        a0=parameters.a0 * (1 + moves["a0"]),
        R=parameters.R * (1 + moves["R"]),
        rest_pot=parameters.rest_pot - moves["rest_pot"] * distance,
        critical_pot=parameters.critical_pot - moves["critical_pot"] * distance,
        threshold=parameters.threshold + moves["threshold"] * distance,
        reset_pot=parameters.reset_pot + moves["reset_pot"] * distance,
    )


def jitter(references: list[Array], times: list[Array], window_ms: float) -> tuple[float, float]:
    """Return the RMS difference of the spikes that both have, ms, and the share of the references' that is kept."""
    differences = np.concatenate([matches(*pair, window_ms) for pair in zip(references, times, strict=True)])
    if not len(differences):
        return np.inf, 0.0
    return root_mean_square(differences), len(differences) / sum(map(len, references))
