"""The float64 reference: the neuron as it is meant, without any rounding that hardware adds."""

import numpy as np
import numpy.typing as npt

from qlif.model.parameters import Parameters


class FloatNeurons:
    """A population in float64, one forward Euler step at a time.

    One timestep computes, in this order, for each neuron ``v`` (mV), its refractory counter
    ``c`` (timesteps) and its trace ``x``::

        v <- v + (dt / tau_m) (a0 (v - rest_pot)(v - critical_pot) + R I)    where c = 0
        s  = v >= threshold
        c <- c - 1 where c > 0;  c <- refrac_length where s
        v <- reset_pot where s
        v <- max(v, lower_bound)                                             if one is given
        x <- x exp(-dt / tau_s);  then, where s:  x <- 1, or x <- x + trace_scale if additive

    A neuron whose counter isn't 0 is frozen: its potential is held and its input is lost.

    Parameters
    ----------
    parameters : Parameters
        The population, in physical units.

    Attributes
    ----------
    parameters : Parameters
        As given.
    s : ndarray of bool
        The neurons that spiked in the last timestep.
    v : ndarray of float64
        Membrane potential, mV.
    refrac_count : ndarray of int64
        Timesteps for which the neuron still holds.
    traces : ndarray of float64
        Spike trace; stays 0 if ``spike_trace`` is false.

    Notes
    -----
    The arrays have the population's shape. A timestep replaces them and never writes into them,
    so one that was kept doesn't change.
    """

    parameters: Parameters
    s: npt.NDArray[np.bool_]
    v: npt.NDArray[np.float64]
    refrac_count: npt.NDArray[np.int64]
    traces: npt.NDArray[np.float64]

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.reset()

    def reset(self) -> None:
        """Put every neuron at ``reset_pot``, not refractory, without trace and without spike."""
        shape = self.parameters.shape
        self.s = np.zeros(shape, dtype=np.bool_)
        self.v = np.full(shape, self.parameters.reset_pot, dtype=np.float64)
        self.refrac_count = np.zeros(shape, dtype=np.int64)
        self.traces = np.zeros(shape, dtype=np.float64)

    def step(self, current: npt.NDArray[np.float64]) -> None:
        """Advance the population by one timestep.

        Parameters
        ----------
        current : ndarray of float64
            Input of each neuron, of the population's shape; ``R * current`` is in mV.
        """
        p = self.parameters
        slope = p.a0 * (self.v - p.rest_pot) * (self.v - p.critical_pot) + p.R * current
        v = np.where(self.refrac_count == 0, self.v + (p.dt / p.tau_m) * slope, self.v)
        self.s = v >= p.threshold
        counted_down = np.maximum(self.refrac_count - 1, 0)
        self.refrac_count = np.where(self.s, p.refrac_length, counted_down)
        v = np.where(self.s, p.reset_pot, v)
        self.v = v if p.lower_bound is None else np.maximum(v, p.lower_bound)
        if p.spike_trace:
            decayed = self.traces * p.decay
            spiked = decayed + p.trace_scale if p.additive_spike_trace else 1.0
            self.traces = np.where(self.s, spiked, decayed)
