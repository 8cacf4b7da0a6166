"""Effective rheobase of a fixed-point neuron: the lowest current at which rounding lets it fire."""

import numpy as np

from qlif.model.arithmetic import Arithmetic
from qlif.model.metrics.fi_curve import fi_curve
from qlif.model.parameters import Parameters
from qlif.model.theory import closed_form

_POINTS = 65
_ROUNDS = 3
_HIGHEST = 4.0  # times the rheobase of the equation


def effective_rheobase(
    parameters: Parameters, arithmetic: Arithmetic | str | None = None, *, duration_ms: float = 2000.0
) -> float:
    """Return the constant drive above which the neuron always fires, by simulation.

    A grid of currents is simulated together and refined around the boundary, three times. The result is above
    the highest silent current, even where rounding makes islands of silence.

    Parameters
    ----------
    parameters : Parameters
        The neuron, every parameter a single number.
    arithmetic : Arithmetic or str, optional
        A fixed-point arithmetic or a preset's name; float64 Euler if not given.
    duration_ms : float
        Simulated time per current. Near rheobase the first spike comes late, so that a shorter time
        raises the result.

    Returns
    -------
    float
        ``R I`` in mV, to one part in 10,000 of the equation's rheobase; inf if the neuron fires nowhere
        up to four times that.

    Raises
    ------
    InputError
        As for :func:`qlif.model.metrics.fi_curve.fi_curve`.
    """
    resistance = float(np.squeeze(parameters.R))
    of_equation = float(np.squeeze(closed_form.rheobase(parameters)))
    low, high = 0.5 * of_equation, _HIGHEST * of_equation
    for _ in range(_ROUNDS):
        currents = np.linspace(low, high, _POINTS)
        curve = fi_curve(parameters, currents, arithmetic=arithmetic, duration_ms=duration_ms)
        quiet = np.flatnonzero(~curve.fired)
        if not len(quiet):
            return low * resistance
        last = int(quiet[-1])
        if last == _POINTS - 1:
            return float("inf")
        low, high = float(currents[last]), float(currents[last + 1])
    return high * resistance
