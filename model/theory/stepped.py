"""The neuron with a timestep and without rounding: which part of its error is the step's, and which the grid's.

Three integrators, Euler's, Heun's and the exact flow over one timestep, each with three fates of what is left of a
timestep after a spike. The exact flow whose spikes end timesteps has no error but the grid's; Euler's step that loses
nothing has none but its truncation. All is in float64 and plain numpy; the float reference, which is compiled,
has Euler's and Heun's too.
"""

from enum import StrEnum
from typing import assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.parameters import Parameters
from qlif.model.theory.exact_flow import Equation, ExactRun, checked_inputs

Reals = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

_FAR_MV = 1e9
"""As good as infinity."""


class Step(StrEnum):
    """How a timestep is integrated."""

    EULER = "Euler"
    HEUN = "Heun"
    EXACT = "exact map"


class Remainder(StrEnum):
    """What becomes of what is left of a timestep after a spike."""

    LOST = "lost"
    """The spike ends the timestep: it is on the grid."""
    LONGER = "longer step"
    """The first step after the refractory period is so much longer."""
    OWN = "step of its own"
    """It is a step of its own before that first step."""


def solve(parameters: Parameters, currents: npt.ArrayLike, step: Step, remainder: Remainder) -> ExactRun:
    """Run the neuron with a timestep, in float64.

    The refractory period is ``refrac_length`` timesteps from the end of the spike's own one, or from the spike itself
    where nothing is lost. A spike inside a timestep is where the straight line from before to after the step passes
    the threshold, but at most a whole timestep before its end.

    Parameters
    ----------
    parameters : Parameters
        The population.
    currents : array_like, (timesteps, neurons)
        Currents, mV per unit of ``R``.
    step : Step
    remainder : Remainder

    Returns
    -------
    ExactRun
        Potentials are those at the end of each timestep, after a reset.

    Raises
    ------
    InputError
        The currents aren't of that shape, or not finite.
    """
    inputs = checked_inputs(parameters, currents)
    equation, dt = Equation(parameters), parameters.dt
    length = np.broadcast_to(parameters.refrac_length, parameters.shape).reshape(parameters.n)
    u, count = equation.reset.copy(), np.zeros(parameters.n, dtype=np.int64)
    left = np.zeros(parameters.n)
    spiked = np.zeros(inputs.shape, dtype=np.bool_)
    times, potentials = np.zeros(inputs.shape), np.empty(inputs.shape)
    for timestep, drive in enumerate(inputs * equation.drive):
        ready = count == 0
        match remainder:
            case Remainder.LOST:
                begin, time, keeps = u, np.full(parameters.n, dt), False
            case Remainder.LONGER:
                begin, time, keeps = u, dt * (1 + left), True
            case Remainder.OWN:
                # Where nothing is left this is a step of no length.
                begin, _ = _moved(equation, u, drive, dt * left, step)
                time, keeps = np.full(parameters.n, dt), True
            case unknown:
                assert_never(unknown)
        end, after_spike = _moved(equation, begin, drive, time, step)
        fires = ready & (after_spike >= 0)
        kept = np.where(fires & keeps, np.clip(after_spike / dt, 0.0, 1.0), 0.0)
        left = np.where(ready, kept, left)
        u = np.where(fires, equation.reset, np.where(ready, end, u))
        count = np.where(fires, length, np.maximum(count - 1, 0))
        spiked[timestep], times[timestep] = fires, (timestep + 1 - kept) * dt
        potentials[timestep] = u + equation.midpoint
    return ExactRun([times[spiked[:, n], n] for n in range(parameters.n)], potentials)


def _moved(equation: Equation, u: Reals, drive: Reals, time: Reals, step: Step) -> tuple[Reals, Reals]:
    """Return ``u`` after a step, and the time since a spike in it, ms; negative where there is none."""
    match step:
        case Step.EXACT:
            # Past infinity the formula would go on from below.
            end = np.where(equation.time_to(_FAR_MV, u, drive) > time, equation.after(u, drive, time), np.inf)
        case Step.EULER:
            end = u + time * equation.slope(u, drive)
        case Step.HEUN:
            first = equation.slope(u, drive)
            end = u + time * (first + equation.slope(u + time * first, drive)) / 2
        case unknown:
            assert_never(unknown)
    way = end - u
    with np.errstate(divide="ignore", invalid="ignore"):
        # The limit of an infinite way is all of the step; so it is without a way up: what is above was so before.
        share = np.where((way > 0) & (way < np.inf), (end - equation.threshold) / way, 1.0)
    bounded = end if equation.bound is None else np.maximum(end, equation.bound)
    return np.asarray(bounded), np.where(end >= equation.threshold, share * time, -1.0)
