"""The float reference on compiled loops. Importing this fails without numba."""

from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.kernel.blocks import block_of, on_blocks
from qlif.model.kernel.float_engines import FloatState, physical
from qlif.model.kernel.float_loops import PARAMETERS, advance
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
        per_neuron = any(isinstance(value, np.ndarray) for value in values.values())
        columns = neurons if per_neuron else 1
        self._parameters = np.empty((len(PARAMETERS), columns))
        for row, name in zip(self._parameters, PARAMETERS, strict=True):
            row[:] = np.ravel(values[name])
        self._periods = np.empty(columns, dtype=np.int64)
        self._periods[:] = np.ravel(values["refrac_length"])
        self._potential, self._trace = np.zeros(neurons), np.zeros(neurons)
        self._count = np.zeros(neurons, dtype=np.int64)
        self._block = block_of(neurons)
        self.partial = neurons > self._block
        self._flags = np.zeros(self._block, dtype=np.uint8)
        self._loop = advance(per_neuron)

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

        def work(first: int, end: int, flags: npt.NDArray[np.uint8]) -> bool:
            return bool(
                self._loop(
                    self._potential,
                    self._count,
                    self._trace,
                    currents,
                    self._parameters,
                    self._periods,
                    first,
                    end,
                    self._block,
                    self._trace_on,
                    self._additive,
                    flags,
                    room.spikes,
                    room.kept["potential"],
                    room.kept["trace"],
                )
            )

        if not self.partial:
            return work(0, self._neurons, self._flags)
        return on_blocks(
            lambda first, end: work(first, end, np.zeros_like(self._flags)),
            len(currents),
            self._neurons,
            self._threads,
        )
