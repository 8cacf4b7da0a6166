"""The float reference on compiled loops. Importing this fails without numba."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.kernel.blocks import block_of, on_blocks, shares_of, whole_block
from qlif.model.kernel.float_loops import PARAMETERS, advance
from qlif.model.kernel.float_state import FloatState, physical
from qlif.model.kernel.room import Room
from qlif.model.kernel.running import Snapshot
from qlif.model.parameters import Parameters


class CompiledFloatEngine:
    """The compiled loop, on arrays that are written in place."""

    def __init__(self, parameters: Parameters, threads: int, substep: bool, two_slopes: bool) -> None:
        self._threads, self._kind = threads, (substep, two_slopes)
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
        self._state = FloatState(
            np.zeros(neurons), np.zeros(neurons, dtype=np.int64), np.zeros(neurons), np.zeros(neurons)
        )
        self._block = block_of(neurons)
        # A single timestep goes in one block: then nothing was advanced when a current can't be held.
        whole = whole_block(neurons)
        self._at_once = whole, 0, neurons, np.zeros(whole, dtype=np.uint8)
        self._found: Callable[..., bool] | None = None

    @property
    def state(self) -> FloatState:
        """The state."""
        potential, refractory, trace, phase = self._state
        return FloatState(potential.copy(), refractory.copy(), trace.copy(), phase.copy())

    @state.setter
    def state(self, state: FloatState) -> None:
        for mine, new in zip(self._state, state, strict=True):
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
        if len(currents) == 1:
            return loop(*self._at_once, *room.arrays, currents)
        block = self._block

        def advance_part(first: int, end: int) -> bool:
            return loop(block, first, end, np.zeros(block, dtype=np.uint8), *room.arrays, currents)

        if shares == 1:
            return advance_part(0, self._neurons)
        return on_blocks(advance_part, self._neurons, shares, block)

    def into(self, room: Room) -> Callable[[npt.NDArray[np.float64]], bool]:
        """Return what advances one timestep into always the same room."""
        loop = self._loop(np.empty((1, self._neurons)), room)
        return functools.partial(loop, *self._at_once, *room.arrays)

    def _loop(self, currents: npt.NDArray[Any], room: Room) -> Callable[..., bool]:
        """Return the loop with the arguments that stay the same."""
        if self._found is None:
            same = (*self._state, self._parameters, self._periods, self._trace_on, self._additive)
            entry = advance(self._per_neuron, *self._kind).entry(
                *same, *self._at_once, *room.arrays, currents
            )
            self._found = functools.partial(entry, *same)
        return self._found
