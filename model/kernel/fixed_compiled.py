"""The golden model on compiled loops. Importing this fails without numba."""

import copy
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model import datapath
from qlif.model.kernel.blocks import block_of, on_blocks
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
        self._flags, self._block_words = self._scratch()
        self._loops: dict[bool, Any] = {}
        self.rewind()

    def _scratch(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
        """Return room for the flags and the current words of one block."""
        return np.zeros(self._block, dtype=np.uint8), np.zeros(self._block, dtype=self._plan.current)

    @property
    def state(self) -> datapath.State:
        """The state's words."""
        return datapath.State(self._potential.copy(), self._refractory.copy(), self._trace.copy())

    @state.setter
    def state(self, state: datapath.State) -> None:
        for mine, new in zip((self._potential, self._refractory, self._trace), state, strict=True):
            mine[:] = new

    def configure(self, values: dict[str, Any]) -> None:
        """Take parameter words."""
        scale = self._words.current_scale
        per_neuron = any(isinstance(value, np.ndarray) for value in (*values.values(), scale))
        self._constants = self._plan.constants(values, per_neuron)
        current = self._words.arithmetic.current
        self._factors = np.empty((4, self._constants.shape[1]))
        self._factors[0] = np.ravel(scale)
        self._factors[1] = 2.0**current.f_bits
        self._factors[2], self._factors[3] = current.min_word, current.max_word
        self._loops = {real: advance(self._plan.rule(per_neuron, real)) for real in (False, True)}

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
        timesteps, neurons = currents.shape
        count = timesteps * neurons if self._words.arithmetic.random_bits else 0
        random = self._random.next(count).reshape(-1, neurons)
        loop = self._loops[currents.dtype.kind == "f"]
        trace_on = self._words.parameters.spike_trace

        def work(first: int, end: int, flags: Any, words: Any) -> bool:
            return bool(
                loop(
                    self._potential,
                    self._refractory,
                    self._trace,
                    currents,
                    self._factors,
                    random,
                    self._constants,
                    self._plan.shifts,
                    first,
                    end,
                    self._block,
                    trace_on,
                    flags,
                    words,
                    room.spikes,
                    *room.kept.values(),
                )
            )

        if self.partial:
            held = on_blocks(
                lambda first, end: work(first, end, *self._scratch()), timesteps, neurons, self._threads
            )
        else:
            held = work(0, neurons, self._flags, self._block_words)
        if held:
            self._random.skip(count)
        return held


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
