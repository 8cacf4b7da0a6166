"""The physical neuron: every parameter by its name, with its unit, checked once."""

import inspect
import math
import warnings
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, PrecisionWarning, show, unknown_name
from qlif.model.support.arrays import in_unit, real_array
from qlif.model.support.checks import flag, whole

Real = float | npt.NDArray[np.float64]
"""One value for the population, or one per neuron."""

PER_NEURON = (
    "a0",
    "critical_pot",
    "threshold",
    "rest_pot",
    "reset_pot",
    "refrac_length",
    "R",
    "tau_m",
    "tau_s",
    "trace_scale",
    "lower_bound",
)
"""The parameters that are a scalar or an array of the population's shape."""

LARGEST = 1e50
"""Products of larger values, or of positive ones smaller than its inverse, may leave the range of float64."""

LONGEST_REFRACTORY = 1 << 31
"""The refractory period, in timesteps, is below this."""


class Parameters:
    """A population of quadratic leaky integrate-and-fire neurons, in physical units.

    ``tau_m dv/dt = a0 (v - rest_pot)(v - critical_pot) + R I`` while ``v < threshold``; at
    ``threshold`` the neuron spikes, ``v`` becomes ``reset_pot`` and stays there for
    ``refrac_length`` timesteps. :mod:`qlif.model.reference` gives the order of one timestep.

    Potentials are in mV, times in ms, ``a0`` in 1/mV; ``R * I`` is in mV, with a pure number R. Numbers
    with units (pint, quantities, astropy) are converted. Each name in :data:`PER_NEURON` takes a
    scalar or an array of the population's shape. Objects are immutable: see
    :meth:`replace`.

    Parameters
    ----------
    n : int, optional
        Number of neurons. Either this or `shape` is needed.
    shape : iterable of int, optional
        Topology of the population; ``(n,)`` if not given.
    spike_trace : bool
        Whether the spike trace is computed.
    additive_spike_trace : bool
        A spike adds `trace_scale` to the trace, instead of setting it to 1.
    tau_s : float or array
        Time constant of the trace, ms, > 0.
    a0 : float or array
        Curvature of the quadratic term, 1/mV, > 0.
    critical_pot : float or array
        Potential above which the neuron fires without input, mV.
    threshold : float or array
        Potential at which a spike is registered, mV, above `reset_pot`.
    rest_pot, reset_pot : float or array
        Resting potential; potential after a spike and at the start, mV.
    refrac_length : int or array of int
        Refractory period in timesteps, >= 0.
    dt : float
        Timestep, ms, > 0.
    lower_bound : float or array, optional
        The potential is held at or above it, mV; at most `reset_pot`.
    sum_input : bool
        Inputs of several synapses (a leading axis) are summed; otherwise averaged.
    trace_scale : float or array
        What a spike adds to an additive trace.
    is_inhibitory : bool
        Outgoing spikes count negatively.
    R : float or array
        Membrane resistance, > 0.
    learning : bool
        For external learning rules; set by the population's ``train``.
    tau_m : float or array, optional
        Membrane time constant, ms, > 0; the value of `tau_s` if not given.

    Raises
    ------
    InputError
        A value is out of range; the text says which, and why.

    Warns
    -----
    PrecisionWarning
        The timestep is too coarse for forward Euler at this gain.
    """

    def __init__(
        self,
        n: int | None = None,
        shape: Iterable[int] | None = None,
        spike_trace: bool = True,
        additive_spike_trace: bool = False,
        tau_s: npt.ArrayLike = 10.0,
        a0: npt.ArrayLike = 1.0,
        critical_pot: npt.ArrayLike = -54.0,
        threshold: npt.ArrayLike = -52.0,
        rest_pot: npt.ArrayLike = -62.0,
        reset_pot: npt.ArrayLike = -62.0,
        refrac_length: npt.ArrayLike = 5,
        dt: float = 0.1,
        lower_bound: npt.ArrayLike | None = None,
        sum_input: bool = False,
        trace_scale: npt.ArrayLike = 1.0,
        is_inhibitory: bool = False,
        R: npt.ArrayLike = 1.0,
        learning: bool = True,
        tau_m: npt.ArrayLike | None = None,
    ) -> None:
        self.n, self.shape = population_shape(n, shape)
        self.spike_trace = flag("spike_trace", spike_trace)
        self.additive_spike_trace = flag("additive_spike_trace", additive_spike_trace)
        self.sum_input = flag("sum_input", sum_input)
        self.is_inhibitory = flag("is_inhibitory", is_inhibitory)
        self.learning = flag("learning", learning)
        self.tau_s = self._positive("tau_s", tau_s, "ms")
        self.tau_m = self.tau_s if tau_m is None else self._positive("tau_m", tau_m, "ms")
        self.a0 = self._positive("a0", a0, "1/mV")
        self.R = self._positive("R", R)
        self.rest_pot = self._real("rest_pot", rest_pot, "mV")
        self.critical_pot = self._real("critical_pot", critical_pot, "mV")
        self.threshold = self._real("threshold", threshold, "mV")
        self.reset_pot = self._real("reset_pot", reset_pot, "mV")
        self.lower_bound = None if lower_bound is None else self._real("lower_bound", lower_bound, "mV")
        self.trace_scale = self._real("trace_scale", trace_scale)
        self.refrac_length = self._steps("refrac_length", refrac_length)
        if real_array("dt", dt, "ms").ndim:
            raise InputError(f"dt must be one number for the whole population, not {show(dt)}")
        self.dt = float(self._positive("dt", dt, "ms"))
        self._check_order()
        self._warn_of_coarse_steps()

    @property
    def gain(self) -> Real:
        """The coefficient of the quadratic term in one timestep, ``a0 dt / tau_m``, in 1/mV."""
        return self.a0 * self.dt / self.tau_m

    @property
    def drive(self) -> Real:
        """The potential that a unit of current adds in one timestep, ``R dt / tau_m``, in mV."""
        return self.R * self.dt / self.tau_m

    @property
    def decay(self) -> Real:
        """The factor by which the trace shrinks in one timestep, ``exp(-dt / tau_s)``."""
        decay = np.exp(-self.dt / np.asarray(self.tau_s))
        return float(decay) if decay.ndim == 0 else np.asarray(decay)

    @staticmethod
    def names() -> frozenset[str]:
        """Return the names that the constructor takes."""
        return frozenset(inspect.signature(Parameters).parameters)

    def as_dict(self) -> dict[str, Any]:
        """Return every parameter by its name, arrays as nested lists: ready for JSON."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }

    def changed(self) -> dict[str, Any]:
        """Return the parameters that aren't at their defaults, but for the shape."""
        defaults = vars(Parameters(shape=self.shape)) | {"tau_m": self.tau_s}
        return {
            name: value for name, value in vars(self).items() if not np.array_equal(value, defaults[name])
        }

    def replace(self, **changes: Any) -> "Parameters":
        """Return a copy with some parameters changed, checked like a new one.

        `tau_m` keeps its value, even if it was taken from `tau_s`.
        """
        unknown = sorted(set(changes) - self.names())
        if unknown:
            raise InputError(unknown_name("parameter", unknown[0], sorted(self.names())))
        values = dict(vars(self))
        if "n" in changes and "shape" not in changes:
            values["shape"] = None
        if "shape" in changes and "n" not in changes:
            values["n"] = None
        return Parameters(**{**values, **changes})

    def __copy__(self) -> Self:
        return self  # nothing of it can change

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False  # which a pickle forgets

    def __setattr__(self, name: str, value: object) -> None:
        if name in vars(self):
            raise AttributeError(f"{name} can't be changed: see Parameters.replace")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"Parameters({values})"

    def _real(self, name: str, value: npt.ArrayLike, unit: str = "") -> Real:
        value = in_unit(name, value, unit)
        array = real_array(name, value, unit)
        if not np.all(np.isfinite(array)):
            raise InputError(f"{name} must be finite, not {show(value)}")
        if name != "refrac_length" and np.max(np.abs(array), initial=0) > LARGEST:
            raise InputError(f"{name} must be from {-LARGEST:g} to {LARGEST:g}, not {show(value)}")
        if array.ndim == 0:
            return float(array)
        if array.shape != self.shape:
            raise InputError(
                f"{name} must be one number or an array of the population's shape {self.shape}, "
                f"not of shape {array.shape}"
            )
        frozen = array.copy()
        frozen.flags.writeable = False
        return frozen

    def _positive(self, name: str, value: npt.ArrayLike, unit: str = "") -> Real:
        value = in_unit(name, value, unit)
        real = self._real(name, value, unit)
        if np.min(real) <= 0:
            raise InputError(f"{name} must be greater than 0, not {show(value)}")
        if np.min(real) < 1 / LARGEST:
            raise InputError(f"{name} must be {1 / LARGEST:g} or more, not {show(value)}")
        return real

    def _steps(self, name: str, value: npt.ArrayLike) -> int | npt.NDArray[np.int64]:
        value = in_unit(name, value, "")
        real = self._real(name, value)
        if np.min(real) < 0 or np.any(np.asarray(real) != np.floor(real)):
            raise InputError(f"{name} must be a whole number of timesteps, 0 or more, not {show(value)}")
        if np.max(real) >= LONGEST_REFRACTORY:
            raise InputError(f"{name} must be below {LONGEST_REFRACTORY} timesteps, not {show(value)}")
        if isinstance(real, float):
            return int(real)
        steps = real.astype(np.int64)
        steps.flags.writeable = False
        return steps

    def _check_order(self) -> None:
        if np.any(np.asarray(self.threshold) <= self.reset_pot):
            raise InputError(
                f"threshold must be above reset_pot ({show(self.reset_pot)} mV), "
                f"not {show(self.threshold)} mV"
            )
        if self.lower_bound is not None and np.any(np.asarray(self.lower_bound) > self.reset_pot):
            raise InputError(
                f"lower_bound must be at most reset_pot ({show(self.reset_pot)} mV), "
                f"not {show(self.lower_bound)} mV"
            )

    def _warn_of_coarse_steps(self) -> None:
        """Warn where one Euler step is so long that the sampled neuron no longer follows the ODE."""
        what = self._what_is_coarse(1.0, "one timestep")
        if what is not None:
            warnings.warn(what, PrecisionWarning, stacklevel=3)

    def warn_of_longer_steps(self, longest: float) -> None:
        """Warn where that is so of the first step after a spike alone, which is up to `longest` timesteps long."""
        what = self._what_is_coarse(longest, "the longer step after a spike")
        if what is not None and self._what_is_coarse(1.0, "") is None:
            warnings.warn(what, PrecisionWarning, stacklevel=3)

    def _what_is_coarse(self, longest: float, step: str) -> str | None:
        """Return what goes wrong in a step of `longest` timesteps, called `step`; None if nothing does."""
        distance = np.abs(np.subtract(self.critical_pot, self.rest_pot))
        gain = self.gain * longest
        way = np.subtract(self.threshold, self.rest_pot)
        # A threshold at or below rest is passed from rest whatever the timestep.
        if np.any((gain * (distance / 2) ** 2 >= way) & (way > 0)):
            return (
                f"a0 dt / tau_m = {show(self.gain)}/mV is so large that {step} at rheobase takes "
                "the neuron from rest past threshold; make dt smaller"
            )
        if np.any(gain * distance > 1):
            relaxes = "when it relaxes" if longest == 1 else f"in {step}"
            return (
                f"a0 dt / tau_m = {show(self.gain)}/mV is so large that the potential overshoots "
                f"rest_pot {relaxes}; make dt smaller"
            )
        return None


def population_shape(n: int | None, shape: Iterable[int] | None) -> tuple[int, tuple[int, ...]]:
    """Return the number of neurons and the shape, from either or from both where they agree.

    Raises
    ------
    InputError
        Neither is given, one isn't made of whole numbers >= 1, or they disagree.
    """
    if n is None and shape is None:
        raise InputError("n or shape is needed: the number of neurons, or the population's topology")
    if shape is None:
        sizes: tuple[int, ...] = (whole("n", n),)
    else:
        try:
            sizes = tuple(whole("shape", size) for size in shape)
        except TypeError:
            raise InputError(f"shape must be a list of whole numbers, not {show(shape)}") from None
        if not sizes:
            raise InputError("shape must have at least one axis, not ()")
    neurons = math.prod(sizes)
    if neurons >= 1 << 53:
        raise InputError(
            f"a population must have fewer than 2**53 neurons, not {Decimal(neurons).normalize():.3g}"
        )
    if n is not None and whole("n", n) != neurons:
        raise InputError(f"n must be the product of shape {sizes}, {neurons}, not {n}")
    return neurons, sizes
