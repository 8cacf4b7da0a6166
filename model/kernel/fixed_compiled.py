"""The golden model on compiled loops. Importing this fails without numba."""

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.golden import step
from qlif.model.kernel.blocks import block_of, on_blocks, shares_of
from qlif.model.kernel.loops import advance
from qlif.model.kernel.room import Room
from qlif.model.kernel.rules import Plan
from qlif.model.kernel.running import Snapshot
from qlif.model.random_words import RandomWords

_AHEAD = 1 << 15


class CompiledEngine:
    """The compiled loops, on arrays that are written in place."""

    def __init__(self, plan: Plan, threads: int) -> None:
        self._plan, self._threads = plan, threads
        self._words = plan.words
        self._neurons = neurons = plan.words.parameters.n
        self._potential = np.zeros(neurons, dtype=plan.potential)
        self._refractory = np.zeros(neurons, dtype=plan.refractory)
        self._trace = np.zeros(neurons, dtype=plan.trace)
        self._block = block_of(neurons)
        self.partial = neurons > self._block
        self._whole = 0, neurons, *self._scratch()
        self._trace_on = plan.words.parameters.spike_trace
        self._stochastic = plan.words.arithmetic.random_bits > 0
        self._none = np.zeros((0, neurons), dtype=plan.random)
        self.rewind()

    def _scratch(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
        """Return room for the flags and the current words of one block."""
        return np.zeros(self._block, dtype=np.uint8), np.zeros(self._block, dtype=self._plan.current)

    @property
    def state(self) -> step.State:
        """The state's words."""
        return step.State(self._potential.copy(), self._refractory.copy(), self._trace.copy())

    @state.setter
    def state(self, state: step.State) -> None:
        for mine, new in zip((self._potential, self._refractory, self._trace), state, strict=True):
            mine[:] = new

    def configure(self, values: dict[str, Any]) -> None:
        """Take parameter words."""
        scale = self._words.current_scale
        self._per_neuron = any(isinstance(value, np.ndarray) for value in (*values.values(), scale))
        self._constants = self._plan.constants(values, self._per_neuron)
        current = self._words.arithmetic.current
        # A power of two moves no rounding, wherever it is multiplied.
        self._factors = np.empty((3, self._constants.shape[1]))
        self._factors[0] = np.ravel(scale) * 2.0**current.f_bits
        self._factors[1], self._factors[2] = current.min_word, current.max_word
        self._loops: dict[bool, Callable[..., bool] | None] = {False: None, True: None}

    def rewind(self) -> None:
        """Begin with the random words from the first."""
        self._random = _WordsAhead(RandomWords(self._words.arithmetic.random_seed, self._plan.random))

    def save(self) -> Snapshot:
        """Return what `restore` goes back to."""
        return self.state, copy.deepcopy(self._random)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back."""
        self.state, self._random = snapshot

    def advance(self, currents: npt.NDArray[Any], room: Room) -> bool:
        """Advance over currents and fill the room."""
        random = self._random.next(currents.size).reshape(currents.shape) if self._stochastic else self._none
        loop = self._loop(currents, random, room)
        shares = shares_of(len(currents), self._neurons, self._threads)
        if shares == 1:
            held = loop(*self._whole, *room.arrays, random, currents)
        else:
            held = on_blocks(
                lambda first, end: loop(first, end, *self._scratch(), *room.arrays, random, currents),
                self._neurons,
                shares,
            )
        if self._stochastic and held:
            self._random.skip(currents.size)
        return held

    def into(self, room: Room) -> Callable[[npt.NDArray[np.float64]], bool]:
        """Return what advances one timestep into always the same room."""
        if self._stochastic:
            return functools.partial(self.advance, room=room)
        loop = self._loop(np.empty((1, self._neurons)), self._none, room)
        return functools.partial(loop, *self._whole, *room.arrays, self._none)

    def _loop(self, currents: npt.NDArray[Any], random: npt.NDArray[Any], room: Room) -> Callable[..., bool]:
        """Return the loop for currents of a type, with the arguments that stay the same."""
        real = currents.dtype == np.float64
        found = self._loops[real]
        if found is None:
            state = self._potential, self._refractory, self._trace
            same = (*state, self._factors, self._constants, self._plan.shifts, self._block, self._trace_on)
            loop = advance(self._plan.rule(self._per_neuron, real))
            entry = loop.entry(*same, *self._whole, *room.arrays, random, currents)
            found = self._loops[real] = functools.partial(entry, *same)
        return found


class _WordsAhead:
    """Random words, many made at once where a step takes few."""

    def __init__(self, source: RandomWords) -> None:
        self._source, self._ahead = source, source.take(0)

    def next(self, count: int) -> npt.NDArray[Any]:
        """Return the next words, which stay the next ones."""
        missing = count - len(self._ahead)
        if missing > 0:
            self._ahead = np.concatenate((self._ahead, self._source.take(max(missing, _AHEAD))))
        return self._ahead[:count]

    def skip(self, count: int) -> None:
        """Be done with so many words that were the next ones."""
        self._ahead = self._ahead[count:]
