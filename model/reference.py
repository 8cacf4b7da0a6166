"""The float64 reference: the neuron without the hardware's rounding."""

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.integrator import Integrator
from qlif.model.kernel.engines import chosen_engine
from qlif.model.kernel.float_engines import float_engine
from qlif.model.kernel.float_state import FloatState
from qlif.model.kernel.room import Room, unpacked
from qlif.model.kernel.running import Into, Rows, advance_once, run_through
from qlif.model.parameters import Parameters
from qlif.model.support.arrays import real_array, refuse_non_finite
from qlif.model.support.checks import in_digits
from qlif.model.support.memory import require_memory

_BYTES_EACH = 64
"""Lower bound of a neuron's memory: its state, and the copies that a timestep makes."""

_TYPES = {name: np.dtype(np.float64) for name in ("potential", "trace", "phase")}


class FloatNeurons:
    """A population in float64, integrated by forward Euler, or by Heun's step.

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
    engine, threads
        As in :class:`qlif.model.golden.neurons.FixedNeurons`.
    substep : bool
        Keep what is left of a timestep after a spike, exactly: the first step after the refractory period is so
        much longer.
    integrator : Integrator
        With Heun's, what is added to ``v`` is the mean of that at ``v`` and of that at Euler's next ``v``.

    Attributes
    ----------
    parameters : Parameters
        As given.
    s : ndarray of bool
        The neurons that spiked in the last timestep.
    v : ndarray of float64
        Membrane potential, mV.
    substep, integrator
        As given.
    refrac_count : ndarray of int64
        Timesteps for which the neuron still holds.
    traces : ndarray of float64
        Spike trace; stays 0 if ``spike_trace`` is false.

    Notes
    -----
    The arrays have the population's shape and are copies; set the state by assigning a whole array.
    """

    def __init__(
        self,
        parameters: Parameters,
        engine: str | None = None,
        threads: int | None = None,
        substep: bool = False,
        integrator: Integrator = Integrator.EULER,
    ) -> None:
        self.parameters, self.substep, self.integrator = parameters, substep, integrator
        require_memory(f"a population of {in_digits(parameters.n)} neurons", _BYTES_EACH * parameters.n)
        if substep:
            parameters.warn_of_longer_steps(2.0)
        self._asked = chosen_engine(engine), threads, substep, integrator
        self._engine = float_engine(parameters, *self._asked[:3], integrator.two_slopes)
        self._last = Room.of(1, parameters.n, _TYPES)
        self._into: Into | None = None
        self.reset()

    def __reduce__(self) -> tuple[Any, ...]:
        # What is compiled holds the arrays' addresses, so it is made anew.
        return type(self), (self.parameters, *self._asked), (self._engine.save(), self._last.spikes)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        snapshot, self._last.spikes[:] = state
        self._engine.restore(snapshot)

    def reset(self) -> None:
        """Put every neuron at ``reset_pot``, not refractory, without trace and without spike."""
        n = self.parameters.n
        v = np.empty(self.parameters.shape)
        v[...] = self.parameters.reset_pot
        self._engine.state = FloatState(v.ravel(), np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n))
        self._last.spikes[:] = 0

    def step(self, current: npt.NDArray[np.float64]) -> None:
        """Advance the population by one timestep.

        Parameters
        ----------
        current : ndarray of float64
            Input of each neuron, of the population's shape; ``R * current`` is in mV.

        Raises
        ------
        InputError
            A current isn't finite.
        """
        into = self._into or self._fill()
        if not advance_once(into, current):
            raise InputError(f"current must be finite, not {current[~np.isfinite(current)].flat[0]}")

    def _fill(self) -> Into:
        """Return what fills :attr:`_last`."""
        self._into = self._engine.into(self._last)
        return self._into

    def run(self, rows: Rows, timesteps: int, keep: Collection[str] = ()) -> Room | None:
        """Advance over a whole input, given piece by piece, and return what happened.

        Returns None, leaving the neurons as they were, if a current isn't finite.

        Parameters
        ----------
        rows : callable
            Currents of some timesteps, float64.
        timesteps : int
        keep : collection of {"potential", "trace", "phase"}
            What to return beside the spikes.

        Raises
        ------
        InputError
            There isn't enough memory.
        """
        Room.require(timesteps, self.parameters.n, _TYPES, keep)
        room = run_through(self._engine, rows, Room.of(timesteps, self.parameters.n, _TYPES, keep))
        if room is not None:
            self._last.spikes[:] = room.spikes[-1:]
        return room

    @property
    def s(self) -> npt.NDArray[np.bool_]:
        """The neurons that spiked in the last timestep."""
        return unpacked(self._last.spikes, self.parameters.n).reshape(self.parameters.shape)

    @property
    def v(self) -> npt.NDArray[np.float64]:
        """Membrane potential, mV."""
        return self._engine.state.potential.reshape(self.parameters.shape)

    @v.setter
    def v(self, v: npt.ArrayLike) -> None:
        potential = real_array("v", v, "mV")
        refuse_non_finite("v", potential)
        if potential.shape not in ((), self.parameters.shape):
            raise InputError(
                f"v must be one potential or of shape {self.parameters.shape}, not of shape {potential.shape}"
            )
        every = np.broadcast_to(potential, self.parameters.shape).ravel()
        self._engine.state = self._engine.state._replace(potential=every)

    @property
    def refrac_count(self) -> npt.NDArray[np.int64]:
        """Timesteps for which the neuron still holds."""
        return self._engine.state.refractory.reshape(self.parameters.shape)

    @property
    def traces(self) -> npt.NDArray[np.float64]:
        """Spike trace; stays 0 if ``spike_trace`` is false."""
        return self._engine.state.trace.reshape(self.parameters.shape)
