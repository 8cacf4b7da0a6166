"""The float reference on compiled loops. Importing this fails without numba."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.kernel.blocks import block_of, on_blocks, shares_of
from qlif.model.kernel.float_loops import PARAMETERS, advance
from qlif.model.kernel.float_state import FloatState, physical
from qlif.model.kernel.room import Room
from qlif.model.kernel.running import Snapshot
from qlif.model.parameters import Parameters


class CompiledFloatEngine:
    """The compiled loop, on arrays that are written in place."""

    def __init__(self, parameters: Parameters, threads: int) -> None:
        self._threads = threads
        self._neurons = neurons = parameters.n
        self._trace_on, self._additive = parameters.spike_trace, parameters.additive_spike_trace
        values = physical(parameters)
        self._per_neuron = any(isinstance(value, np.ndarray) for value in values.values())
        columns = neurons if self._per_neuron else 1
        self._parameters = np.empty((len(PARAMETERS), columns))
        for row, name in zip(self._parameters, PARAMETERS, strict=True):
            row[:] = np.ravel(values[name])
        self._periods = np.empty(columns, dtype=np.int64)
        self._periods[:] = np.ravel(values["refrac_length"])
        self._potential, self._trace = np.zeros(neurons), np.zeros(neurons)
        self._count = np.zeros(neurons, dtype=np.int64)
        self._block = block_of(neurons)
        self.partial = neurons > self._block
        self._whole = 0, neurons, self._scratch()
        self._found: Callable[..., bool] | None = None

    @property
    def state(self) -> FloatState:
        """The state."""
        return FloatState(self._potential.copy(), self._count.copy(), self._trace.copy())

    @state.setter
    def state(self, state: FloatState) -> None:
        for mine, new in zip((self._potential, self._count, self._trace), state, strict=True):
            mine[:] = new

    def save(self) -> Snapshot:
        """Return what `restore` goes back to."""
        return (self.state,)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back."""
        (self.state,) = snapshot

    def advance(self, currents: npt.NDArray[Any], room: Room) -> bool:
        """Advance over currents and fill the room."""
        loop = self._loop(currents, room)
        shares = shares_of(len(currents), self._neurons, self._threads)
        if shares == 1:
            return loop(*self._whole, *room.arrays, currents)
        return on_blocks(
            lambda first, end: loop(first, end, self._scratch(), *room.arrays, currents),
            self._neurons,
            shares,
        )

    def into(self, room: Room) -> Callable[[npt.NDArray[np.float64]], bool]:
        """Return what advances one timestep into always the same room."""
        loop = self._loop(np.empty((1, self._neurons)), room)
        return functools.partial(loop, *self._whole, *room.arrays)

    def _scratch(self) -> npt.NDArray[np.uint8]:
        """Return room for the flags of one block."""
        return np.zeros(self._block, dtype=np.uint8)

    def _loop(self, currents: npt.NDArray[Any], room: Room) -> Callable[..., bool]:
        """Return the loop with the arguments that stay the same."""
        if self._found is None:
            state = self._potential, self._count, self._trace
            same = (*state, self._parameters, self._periods, self._block, self._trace_on, self._additive)
            entry = advance(self._per_neuron).entry(*same, *self._whole, *room.arrays, currents)
            self._found = functools.partial(entry, *same)
        return self._found
