"""The float reference's state, advanced by one engine or the other."""

import functools
from collections.abc import Callable
from typing import Any, Protocol, assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.kernel.engines import EngineName, chosen_engine, chosen_threads
from qlif.model.kernel.float_state import FloatState, physical
from qlif.model.kernel.room import Room, packed
from qlif.model.kernel.running import Engine, Snapshot
from qlif.model.parameters import Parameters


class FloatEngine(Engine, Protocol):
    """Neurons in float64, in C order."""

    @property
    def state(self) -> FloatState:
        """The state, each (neurons,)."""

    @state.setter
    def state(self, state: FloatState) -> None: ...


def float_engine(
    parameters: Parameters,
    engine: str | None = None,
    threads: int | None = None,
    substep: bool = False,
    two_slopes: bool = False,
) -> FloatEngine:
    """Return the engine that was asked for, or the fastest that there is.

    With `substep` it keeps phases; with `two_slopes` it takes Heun's step instead of Euler's.

    Raises
    ------
    InputError
        There is none of that name, or it isn't installed.
    """
    threads = chosen_threads(threads)
    match chosen_engine(engine):
        case EngineName.COMPILED:
            from qlif.model.kernel.float_compiled import CompiledFloatEngine

            return CompiledFloatEngine(parameters, threads, substep, two_slopes)
        case EngineName.NUMPY:
            return NumpyFloatEngine(parameters, substep, two_slopes)
        case unknown:
            assert_never(unknown)


class NumpyFloatEngine:
    """The timestep as numpy says it."""

    def __init__(self, parameters: Parameters, substep: bool, two_slopes: bool) -> None:
        self._parameters, self._substep, self._two_slopes = parameters, substep, two_slopes
        n = parameters.n
        # One value for all, or one for each in C order.
        self._flat = {
            name: np.ravel(value) if isinstance(value, np.ndarray) else value
            for name, value in physical(parameters).items()
        }
        self.state = FloatState(np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n))

    def save(self) -> Snapshot:
        """Return what `restore` goes back to."""
        return (self.state,)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back."""
        (self.state,) = snapshot

    def into(self, room: Room) -> Callable[[npt.NDArray[np.float64]], bool]:
        """Return what advances one timestep into always the same room."""
        return functools.partial(self.advance, room=room)

    def advance(self, currents: npt.NDArray[Any], room: Room) -> bool:
        """Advance over currents and fill the room."""
        if not np.all(np.isfinite(currents)):
            return False
        p, trace_on = self._flat, self._parameters.spike_trace
        for timestep, current in enumerate(currents):
            v, count, trace, phase = self.state
            slope = p["a0"] * (v - p["rest_pot"]) * (v - p["critical_pot"]) + p["R"] * current
            increment, ready = p["step"] * slope, count == 0
            if self._two_slopes:
                ahead = v + (increment * (1 + phase) if self._substep else increment)
                slope = p["a0"] * (ahead - p["rest_pot"]) * (ahead - p["critical_pot"]) + p["R"] * current
                increment = (increment + p["step"] * slope) / 2
            v = np.where(ready, v + (increment * (1 + phase) if self._substep else increment), v)
            spiked = v >= p["threshold"]
            if self._substep:
                phase = _phase(v - p["threshold"], increment, ready, spiked, phase)
            count = np.where(spiked, p["refrac_length"], np.maximum(count - 1, 0))
            v = np.maximum(np.where(spiked, p["reset_pot"], v), p["lower_bound"])
            if trace_on:
                decayed = trace * p["decay"]
                scale = p["trace_scale"]
                additive = self._parameters.additive_spike_trace
                trace = np.where(spiked, decayed + scale if additive else scale, decayed)
            self.state = FloatState(v, count, trace, phase)
            room.spikes[timestep] = packed(spiked[np.newaxis])
            for name, kept in room.kept.items():
                if len(kept):
                    kept[timestep] = getattr(self.state, name)
        return True


def _phase(above: Any, increment: Any, ready: Any, spiked: Any, phase: Any) -> npt.NDArray[np.float64]:
    """Return what is left of a timestep after a spike, `above` the threshold; 0 or what is held without."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # What was above the threshold before has all of the timestep left.
        left_over = np.where(increment > 0, np.minimum(above / increment, 1.0), 1.0)
    return np.where(ready, np.where(spiked, left_over, 0.0), np.where(spiked, 0.0, phase))
