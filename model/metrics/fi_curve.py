"""The f-I curve: how fast the neuron fires under each constant current, by simulation."""

import reprlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.support.checks import Quantity
from qlif.model.theory import closed_form

DURATION = Quantity("ms", 0.0, open=True)

# Timesteps times neurons that are simulated at once: what is held in memory, whatever the duration.
_BLOCK = 1 << 20
_MOST_STEPS = 1 << 31


@dataclass(frozen=True, eq=False)
class FICurve:
    """Firing rates under constant currents, simulated, with the closed form beside them.

    Attributes
    ----------
    parameters : Parameters
        The neuron.
    currents : ndarray of float64, (points,)
        Constant inputs, mV per unit of ``R``.
    rates_hz : ndarray of float64, (points,)
        Firing rate, the inverse of `mean_isi_ms`; 0 where there were fewer than two spikes.
    mean_isi_ms : ndarray of float64, (points,)
        Mean inter-spike interval; inf where there were fewer than two spikes.
    fired : ndarray of bool, (points,)
        Where there was a spike.
    silent : ndarray of bool, (points,)
        Where there was no spike at all although in the same time the closed form spikes twice
        or more: the integrator or its rounding has stopped a neuron that should fire.
    """

    parameters: Parameters
    currents: npt.NDArray[np.float64]
    rates_hz: npt.NDArray[np.float64]
    mean_isi_ms: npt.NDArray[np.float64]
    fired: npt.NDArray[np.bool_]
    silent: npt.NDArray[np.bool_]

    @property
    def drives_mv(self) -> npt.NDArray[np.float64]:
        """``R I`` of each point, mV."""
        return np.asarray(self.parameters.R * self.currents)

    @property
    def closed_form_hz(self) -> npt.NDArray[np.float64]:
        """Firing rate of the membrane equation itself at each point, Hz."""
        return closed_form.firing_rate(self.parameters, self.currents)

    @property
    def rheobase_mv(self) -> float:
        """``R I`` above which the membrane equation fires, mV."""
        return float(np.squeeze(self.parameters.R * closed_form.rheobase(self.parameters)))


def fi_currents(parameters: Parameters) -> npt.NDArray[np.float64]:
    """Return the currents of the usual f-I curve: 0.8 to 3 times the rheobase.

    They are closest together near it, where a rounding can silence the neuron.
    """
    rheobase = float(np.max(closed_form.rheobase(parameters)))
    near, far = np.linspace(0.8, 1.3, 21) * rheobase, np.linspace(1.3, 3.0, 20) * rheobase
    return np.unique(np.concatenate([near, far]))


def fi_curve(
    parameters: Parameters,
    currents: npt.ArrayLike,
    *,
    arithmetic: Arithmetic | str | None = None,
    duration_ms: float = 1000.0,
) -> FICurve:
    """Simulate one neuron per current and return how fast each fires.

    The rate is the inverse of the mean time from one spike to the next, over all spikes in the
    duration. Nothing needs to settle first: a spike resets the whole state, so the first interval is
    already like the later ones. (The time from the start to the first spike isn't an interval: it
    lacks the refractory period.)

    Parameters
    ----------
    parameters : Parameters
        The neuron, every parameter a single number; `n` and `shape` don't matter.
    currents : array_like, (points,)
        Constant inputs, mV per unit of ``R``.
    arithmetic : Arithmetic or str, optional
        A fixed-point arithmetic or the name of a preset; float64 Euler if not given.
    duration_ms : float
        Simulated time, ms, rounded to whole timesteps. A neuron whose interval is more than half of
        it may have no rate: for points near rheobase it must be long.

    Returns
    -------
    FICurve

    Raises
    ------
    InputError
        A parameter differs from neuron to neuron, the currents aren't a list of finite numbers,
        the duration is shorter than one timestep or absurdly long, or the arithmetic can't hold a value.
    """
    arrays = sorted(name for name, value in vars(parameters).items() if isinstance(value, np.ndarray))
    if arrays:
        raise InputError(f"{arrays[0]} must be one number for an f-I curve, not one per neuron")
    inputs = _currents(currents)
    length_in_steps = DURATION.check("duration_ms", duration_ms) / parameters.dt
    if not 1 <= length_in_steps < _MOST_STEPS:
        raise InputError(
            f"duration_ms must be one timestep ({parameters.dt} ms) or more, and less than 2**31 of them, "
            f"not {duration_ms}"
        )
    timesteps = round(length_in_steps)
    points = len(inputs)
    # The trace doesn't act on the spikes.
    one_each = parameters.replace(n=points, spike_trace=False)
    population = QLIFPopulation.of(one_each, arithmetic)

    counts = np.zeros(points, dtype=np.int64)
    first = np.zeros(points, dtype=np.int64)
    last = np.zeros(points, dtype=np.int64)
    block = max(1, _BLOCK // points)
    for start in range(0, timesteps, block):
        length = min(block, timesteps - start)
        spikes = population.run(np.broadcast_to(inputs, (length, points)), record=()).spikes
        spiked = spikes.any(axis=0)
        first = np.where(spiked & (counts == 0), start + spikes.argmax(axis=0), first)
        last = np.where(spiked, start + length - 1 - spikes[::-1].argmax(axis=0), last)
        counts += spikes.sum(axis=0)

    intervals = np.full(points, np.inf)
    np.divide((last - first) * parameters.dt, counts - 1, out=intervals, where=counts >= 2)
    expected = closed_form.interspike_interval(parameters, inputs)
    second_spike = 2 * expected - parameters.refrac_length * parameters.dt
    return FICurve(
        parameters=parameters,
        currents=inputs,
        rates_hz=1000.0 / intervals,
        mean_isi_ms=intervals,
        fired=counts > 0,
        silent=(counts == 0) & (second_spike <= timesteps * parameters.dt),
    )


def _currents(currents: npt.ArrayLike) -> npt.NDArray[np.float64]:
    try:
        array = np.asarray(currents, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"currents must be a list of numbers, not {reprlib.repr(currents)}") from None
    if array.ndim != 1 or len(array) == 0:
        raise InputError(f"currents must be a list of at least one number, not of shape {array.shape}")
    if not np.all(np.isfinite(array)):
        bad = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InputError(f"currents must be finite, not {array[bad]} at index {bad}")
    return array.copy()
