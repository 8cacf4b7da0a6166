"""The neuron without a timestep: the membrane equation solved exactly between changes of the input.

Under an input that is held over each timestep the equation is autonomous inside one, and with
``u = v - (rest_pot + critical_pot) / 2`` it reads ``du/dt = a (u^2 + q)``, ``a = a0 / tau_m``, whose
solution is a ratio of sines (of hyperbolic sines for q < 0). Spikes fall where they fall, not on the
grid of timesteps. Float64 Euler is compared with it under inputs that have no closed-form
interval: the difference is the integration error and nothing else.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters

Reals = npt.NDArray[np.float64]

MOST_SPIKES = 10**8
"""Each takes a turn of a loop."""
_TINY = 1e-150  # in place of a root of 0: sines over it are then their limits


@dataclass(frozen=True, eq=False)
class ExactRun:
    """What the membrane equation itself does under an input.

    Attributes
    ----------
    spike_times : list of ndarray of float64
        For each neuron, in C order, its spike times in ms, ascending.
    potentials : ndarray of float64, (timesteps, neurons)
        Potential at the end of each timestep, mV.
    """

    spike_times: list[Reals]
    potentials: Reals


def solve(parameters: Parameters, currents: npt.ArrayLike) -> ExactRun:
    """Solve the membrane equation under an input that is constant over each timestep.

    A spike resets the potential and holds it for ``refrac_length * dt`` from the spike itself on.

    Parameters
    ----------
    parameters : Parameters
        The population.
    currents : array_like, (timesteps, neurons)
        Currents, mV per unit of ``R``; the same input as a simulation's.

    Returns
    -------
    ExactRun

    Raises
    ------
    InputError
        The currents aren't of that shape, or not finite; or there are more spikes than :data:`MOST_SPIKES`.
    """
    inputs = checked_inputs(parameters, currents)
    equation = Equation(parameters)
    drives = inputs * equation.drive
    _check_count(equation, drives, parameters.dt)
    times: list[list[float]] = [[] for _ in range(parameters.n)]
    potentials = np.empty(inputs.shape)
    u, resting = equation.reset.copy(), np.zeros(parameters.n)
    dt = parameters.dt
    for timestep, drive in enumerate(drives):
        remaining = np.full(parameters.n, dt)
        while np.any(remaining > 0):
            waited = np.minimum(resting, remaining)
            resting, remaining = resting - waited, remaining - waited
            to_threshold = equation.time_to_threshold(u, drive)
            fires = (to_threshold <= remaining) & (remaining > 0)
            u = np.where(fires, equation.reset, equation.after(u, drive, remaining))
            remaining = np.where(fires, remaining - to_threshold, 0.0)
            resting = np.where(fires, equation.refractory, resting)
            for neuron in np.flatnonzero(fires):
                times[neuron].append((timestep + 1) * dt - remaining[neuron])
        potentials[timestep] = u + equation.midpoint
    return ExactRun([np.array(one) for one in times], potentials)


def checked_inputs(parameters: Parameters, currents: npt.ArrayLike) -> Reals:
    """Return currents as an array, (timesteps, neurons); InputError if they are of another shape, or not finite."""
    inputs = np.asarray(currents, dtype=np.float64)
    if inputs.ndim != 2 or inputs.shape[1] != parameters.n:
        raise InputError(f"currents must be of shape (timesteps, {parameters.n}), not {inputs.shape}")
    if not np.all(np.isfinite(inputs)):
        raise InputError("currents must be finite")
    return inputs


def _check_count(equation: "Equation", drives: Reals, dt: float) -> None:
    """Refuse an input under which the neurons spike so often that it takes hours, or for ever."""
    with np.errstate(over="ignore"):
        period = equation.time_to_threshold(equation.reset, drives) + equation.refractory
        # A timestep begins anywhere between two spikes.
        count = float(np.sum(dt / period))
    if not count <= MOST_SPIKES:
        raise InputError(
            f"the exact neurons spike {count:.3g} times, more than {MOST_SPIKES:,}: dt ({dt:g} ms) or the currents "
            "must be smaller"
        )


class Equation:
    """``du/dt = a (u^2 + q)`` of each neuron, ``q`` being `drive` less a constant."""

    def __init__(self, p: Parameters) -> None:
        def each(value: npt.ArrayLike) -> Reals:
            return np.broadcast_to(np.asarray(value, dtype=np.float64), p.shape).reshape(p.n).copy()

        self.midpoint = each(np.add(p.rest_pot, p.critical_pot) / 2)
        self.reset = each(p.reset_pot) - self.midpoint
        self.threshold = each(p.threshold) - self.midpoint
        self.bound = None if p.lower_bound is None else each(p.lower_bound) - self.midpoint
        self.rate = each(np.divide(p.a0, p.tau_m))
        self.drive = each(np.divide(p.R, p.a0))
        self.leak = each(np.square(np.subtract(p.critical_pot, p.rest_pot) / 2))
        self.refractory = each(np.multiply(p.refrac_length, p.dt))

    def slope(self, u: Reals, drive: Reals) -> Reals:
        """Return ``du/dt`` under an input, mV/ms."""
        return np.asarray(self.rate * (u * u + (drive - self.leak)))

    def time_to_threshold(self, u: Reals, drive: Reals) -> Reals:
        """Return the time until the threshold under a constant input, ms; inf if it is never reached."""
        return self.time_to(self.threshold, u, drive)

    def time_to(self, level: Reals | float, u: Reals, drive: Reals) -> Reals:
        """Return the time until a level above ``u`` under a constant input, ms; inf if it is never reached."""
        q = drive - self.leak
        root = np.maximum(np.sqrt(np.abs(q)), _TINY)
        way, turn = root * (level - u), q + u * level
        # Below rheobase only from above the upper fixed point, or to a level under the lower one.
        reached = (turn > way) & (q < 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            below = np.where(reached, np.arctanh(np.where(reached, way / turn, 0.0)), np.inf)
        return np.asarray(np.where(q < 0, below, np.arctan2(way, turn)) / (root * self.rate))

    def after(self, u: Reals, drive: Reals, time: Reals) -> Reals:
        """Return ``u`` after a time under a constant input in which the threshold isn't reached."""
        q = drive - self.leak
        root = np.maximum(np.sqrt(np.abs(q)), _TINY)
        angle = root * self.rate * time
        # Where the threshold is reached within the time, the result isn't used and may be infinite.
        with np.errstate(divide="ignore", invalid="ignore"):
            sine = np.where(q < 0, np.tanh(angle), np.sin(angle)) / root
            cosine = np.where(q < 0, 1.0, np.cos(angle))
            moved = (u * cosine + q * sine) / (cosine - u * sine)
        # Towards a bound the way inside one timestep is monotonic, so holding it at the end is exact.
        return np.asarray(moved if self.bound is None else np.maximum(moved, self.bound))
