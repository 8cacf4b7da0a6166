"""Closed form of the neuron under a constant current: what integrators are judged against.

With ``u = v - (rest_pot + critical_pot) / 2`` and ``h = (critical_pot - rest_pot) / 2`` the
membrane equation is ``tau_m du/dt = a0 (u^2 + q)``, ``q = R I / a0 - h^2``, which separates. See
Gerstner, Kistler, Naud and Paninski, Neuronal Dynamics (2014), section 5.3.
"""

import reprlib

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show
from qlif.model.parameters import Parameters

Reals = npt.NDArray[np.float64]


def interspike_interval(parameters: Parameters, current: npt.ArrayLike) -> Reals:
    r"""Return the time from one spike to the next under a constant current, in ms.

    It is the refractory time and then the time that the potential takes from ``reset_pot`` to
    ``threshold``. With ``x1``, ``x2`` these two potentials as seen from the midpoint of
    ``rest_pot`` and ``critical_pot``, and ``k = sqrt(-q)``, that second time is

    .. math::

        \frac{\tau_m}{a_0} \int_{x_1}^{x_2} \frac{du}{u^2 + q} = \frac{\tau_m}{a_0} \begin{cases}
            \frac{1}{\sqrt q} \left(\arctan\frac{x_2}{\sqrt q} - \arctan\frac{x_1}{\sqrt q}\right)
                & q > 0 \\
            \frac{1}{x_1} - \frac{1}{x_2} & q = 0 \\
            \frac{1}{2k} \ln\frac{(x_2 - k)(x_1 + k)}{(x_2 + k)(x_1 - k)} & q < 0
        \end{cases}

    and it is infinite where a fixed point of the equation, ``u = -k`` or ``u = k``, lies between
    reset and threshold (both included).

    Parameters
    ----------
    parameters : Parameters
        The population. Its ``lower_bound`` can't matter here and is ignored.
    current : array_like
        Constant input; ``R * current`` is in mV. Currents and parameters broadcast: with
        scalar parameters the result has the currents' shape.

    Returns
    -------
    ndarray of float64
        Interspike intervals in ms; ``inf`` where the neuron never fires.

    Raises
    ------
    InputError
        A current isn't a finite number, or doesn't broadcast with the population.
    """
    p = parameters
    push = p.R * _currents(p, current) / p.a0
    midpoint = np.add(p.rest_pot, p.critical_pot) / 2
    x1 = np.asarray(p.reset_pot - midpoint)
    x2 = np.asarray(p.threshold - midpoint)
    distance = np.subtract(p.threshold, p.reset_pot)
    q = push - (np.subtract(p.critical_pot, p.rest_pot) / 2) ** 2
    root = np.sqrt(np.abs(q))
    # u^2 + q at both ends, without the cancellation of u - k where a fixed point is near.
    speed1 = push + np.subtract(p.reset_pot, p.rest_pot) * np.subtract(p.reset_pot, p.critical_pot)
    speed2 = push + np.subtract(p.threshold, p.rest_pot) * np.subtract(p.threshold, p.critical_pot)
    above = (x1 > 0) & (speed1 > 0)  # both ends above the upper fixed point
    below = (x2 < 0) & (speed2 > 0)  # both ends below the lower one, towards which v rises
    # Branches that np.where drops may divide by 0.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # The difference of two arctangents as one angle, in (0, pi): exact also as q -> 0.
        free = np.arctan2(root * distance, q + x1 * x2) / root
        # (x2 + k)(x1 - k), its small factor rewritten by (u - k)(u + k) = u^2 + q.
        product = np.where(above, (x2 + root) * (speed1 / (x1 + root)), speed2 / (x2 - root) * (x1 - root))
        # The logarithm's argument is 1 + z, and ln(1 + z) / z -> 1 as q -> 0.
        z = 2 * root * distance / product
        outside = distance / product * np.where(z == 0, 1.0, np.log1p(z) / z)
    integral = np.where(q > 0, free, np.where(above | below, outside, np.inf))
    interval: Reals = np.asarray(p.refrac_length * p.dt + p.tau_m / p.a0 * integral)
    return interval


def firing_rate(parameters: Parameters, current: npt.ArrayLike) -> Reals:
    """Return the firing rate under a constant current, in Hz: 0 where the neuron never fires.

    Parameters and errors are those of :func:`interspike_interval`.
    """
    return np.asarray(1000.0 / interspike_interval(parameters, current))


def rheobase(parameters: Parameters) -> Reals:
    """Return the constant current above which the neuron fires, in mV per unit of ``R``.

    It is ``a0 h^2 / R``, ``h = (critical_pot - rest_pot) / 2``, where the midpoint of ``rest_pot``
    and ``critical_pot`` lies between reset and threshold, as it does by default. Where it doesn't,
    the potential never passes the midpoint, where the equation is slowest, and a smaller current
    is enough: the one that outweighs the leak at the nearer end.

    Returns
    -------
    ndarray of float64
        Without axes if all parameters are scalars, otherwise of the population's shape. Negative
        for a neuron that fires without input.
    """
    p = parameters
    midpoint = np.add(p.rest_pot, p.critical_pot) / 2
    slowest = np.clip(midpoint, p.reset_pot, p.threshold)
    return np.asarray(-p.a0 * (slowest - p.rest_pot) * (slowest - p.critical_pot) / p.R)


def _currents(parameters: Parameters, current: npt.ArrayLike) -> Reals:
    try:
        given = np.asarray(current)
        if given.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        raise InputError(f"current must be a number or an array, not {reprlib.repr(current)}") from None
    currents = given.astype(np.float64)
    if not np.all(np.isfinite(currents)):
        raise InputError(f"current must be finite, not {show(current)}")
    shapes = [value.shape for value in vars(parameters).values() if isinstance(value, np.ndarray)]
    try:
        np.broadcast_shapes(currents.shape, *shapes)
    except ValueError:
        raise InputError(
            f"current must broadcast with the population's shape {parameters.shape}, "
            f"not be of shape {currents.shape}"
        ) from None
    return currents
