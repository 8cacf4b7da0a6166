"""The golden model on compiled loops. Importing this fails without numba."""

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.golden import step
from qlif.model.kernel.block_choice import SMALLEST, BlockChoice, block_choice
from qlif.model.kernel.blocks import on_blocks, shares_of, whole_block
from qlif.model.kernel.loops import CHUNK, PIECE, advance
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
        chunks = -(-neurons // CHUNK) * CHUNK
        # In one piece, since each run begins with a copy of it.
        types = plan.potential, plan.refractory, plan.trace, plan.phase
        self._memory = np.zeros(chunks * sum(dtype.itemsize for dtype in types), dtype=np.uint8)
        ends = np.cumsum([chunks * dtype.itemsize for dtype in types])[:-1]
        parts = zip(np.split(self._memory, ends), types, strict=True)
        self._arrays = tuple(part.view(dtype) for part, dtype in parts)
        # A single timestep goes in one block: then nothing was advanced when a current can't be held. So do few
        # neurons, among whose blocks there is no choice.
        self._at_once = whole_block(neurons), 0, neurons, *self._scratch(whole_block(neurons))
        self._trace_on = plan.words.parameters.spike_trace
        self._stochastic = plan.words.arithmetic.random_bits > 0
        self._none = np.zeros((0, neurons), dtype=plan.random)
        self.rewind()

    def _scratch(self, block: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
        """Return room for the flags of two pieces and the current words of a block."""
        return np.zeros(2 * PIECE, dtype=np.uint8), np.zeros(block, dtype=self._plan.current)

    @property
    def state(self) -> step.State:
        """The state's words."""
        return step.State(*(mine[: self._neurons].copy() for mine in self._arrays))

    @state.setter
    def state(self, state: step.State) -> None:
        for mine, new in zip(self._arrays, state, strict=True):
            mine[: self._neurons] = new

    def configure(self, values: dict[str, Any]) -> None:
        """Take parameter words."""
        scale = self._words.current_scale
        self._per_neuron = any(isinstance(value, np.ndarray) for value in (*values.values(), scale))
        self._constants = self._plan.constants(values, self._per_neuron)
        self._factors = np.empty((3, self._constants.shape[1]))
        if self._per_neuron:
            # Chunks are whole, so neurons that there aren't have parameters too.
            missing = len(self._arrays[0]) - self._neurons
            self._constants = np.pad(self._constants, ((0, 0), (0, missing)), mode="edge")
        current = self._words.arithmetic.current
        # A power of two moves no rounding, wherever it is multiplied.
        self._factors[0] = np.ravel(scale) * 2.0**current.f_bits
        self._factors[1], self._factors[2] = current.min_word, current.max_word
        self._loops: dict[bool, Callable[..., bool] | None] = {False: None, True: None}

    def rewind(self) -> None:
        """Begin with the random words from the first."""
        self._random = _WordsAhead(RandomWords(self._words.arithmetic.random_seed, self._plan.random))

    def save(self) -> Snapshot:
        """Return what `restore` goes back to."""
        # Copying the words ahead takes longer than a short run, so only where there are any.
        return self._memory.copy(), copy.deepcopy(self._random) if self._stochastic else self._random

    def restore(self, snapshot: Snapshot) -> None:
        """Go back."""
        self._memory[:], self._random = snapshot

    def advance(self, currents: npt.NDArray[Any], room: Room) -> bool:
        """Advance over currents and fill the room."""
        random = self._random.next(currents.size).reshape(currents.shape) if self._stochastic else self._none
        loop = self._loop(currents, random, room)
        shares = shares_of(len(currents), self._neurons, self._threads)
        if len(currents) == 1 or (shares == 1 and self._neurons <= SMALLEST):
            held = loop(*self._at_once, *room.arrays, random, currents)
        else:

            def in_blocks(block: int) -> bool:
                def advance_part(first: int, end: int) -> bool:
                    return loop(block, first, end, *self._scratch(block), *room.arrays, random, currents)

                if shares == 1:
                    return advance_part(0, self._neurons)
                return on_blocks(advance_part, self._neurons, shares, block)

            held = self._choice(currents, shares).run(in_blocks, currents.size)
        if self._stochastic and held:
            self._random.skip(currents.size)
        return held

    def _choice(self, currents: npt.NDArray[Any], shares: int) -> BlockChoice:
        """Return how large a block is best for currents of a type."""
        rule = self._plan.rule(self._per_neuron, currents.dtype == np.float64)
        return block_choice(f"{rule.tag}_{self._trace_on}", self._neurons, shares)

    def into(self, room: Room) -> Callable[[npt.NDArray[np.float64]], bool]:
        """Return what advances one timestep into always the same room."""
        if self._stochastic:
            return functools.partial(self.advance, room=room)
        loop = self._loop(np.empty((1, self._neurons)), self._none, room)
        return functools.partial(loop, *self._at_once, *room.arrays, self._none)

    def _loop(self, currents: npt.NDArray[Any], random: npt.NDArray[Any], room: Room) -> Callable[..., bool]:
        """Return the loop for currents of a type, with the arguments that stay the same."""
        real = currents.dtype == np.float64
        found = self._loops[real]
        if found is None:
            same = (*self._arrays, self._factors, self._constants, self._plan.shifts, self._trace_on)
            loop = advance(self._plan.rule(self._per_neuron, real))
            entry = loop.entry(*same, *self._at_once, *room.arrays, random, currents)
            found = self._loops[real] = functools.partial(entry, *same)
        return found


class _WordsAhead:
    """Random words, made in batches."""

    def __init__(self, source: RandomWords) -> None:
        self._source, self._ahead = source, source.take(0)

    def next(self, count: int) -> npt.NDArray[Any]:
        """Return the next words, which stay the next ones."""
        missing = count - len(self._ahead)
        if missing > -CHUNK:
            self._ahead = np.concatenate((self._ahead, self._source.take(max(missing + CHUNK, _AHEAD))))
        return self._ahead[:count]

    def skip(self, count: int) -> None:
        """Consume the next `count` words."""
        self._ahead = self._ahead[count:]
