"""The golden model's state, advanced by one engine or the other."""

import copy
import functools
from collections.abc import Callable
from typing import Any, Protocol, assert_never

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.golden import step as datapath
from qlif.model.kernel.engines import EngineName, chosen_engine, chosen_threads
from qlif.model.kernel.room import Room, packed
from qlif.model.kernel.rules import Plan
from qlif.model.kernel.running import Engine, Snapshot
from qlif.model.random_words import RandomWords


class FixedEngine(Engine, Protocol):
    """Neurons in C order, and the words that they are computed with."""

    @property
    def state(self) -> datapath.State:
        """The state's words, each (neurons,)."""

    @state.setter
    def state(self, state: datapath.State) -> None: ...

    def configure(self, values: dict[str, Any]) -> None:
        """Take parameter words, one value or an array (neurons,) for each name."""

    def rewind(self) -> None:
        """Begin with the random words from the first."""


def fixed_engine(plan: Plan, engine: str | None = None, threads: int | None = None) -> FixedEngine:
    """Return the engine that was asked for, or the fastest that there is.

    Raises
    ------
    InputError
        There is none of that name, or it isn't installed.
    """
    threads = chosen_threads(threads)
    # Sums that no machine integer holds are Python's own in numpy's arrays.
    name = chosen_engine(engine)
    match name if plan.possible else EngineName.NUMPY:
        case EngineName.COMPILED:
            from qlif.model.kernel.fixed_compiled import CompiledEngine

            return CompiledEngine(plan, threads)
        case EngineName.NUMPY:
            return NumpyEngine(plan)
        case unknown:
            assert_never(unknown)


class NumpyEngine:
    """The datapath on arrays: int64, or Python's integers where sums are wider."""

    def __init__(self, plan: Plan) -> None:
        self._words, self._plan = plan.words, plan
        self._dtype: type = np.int64 if plan.words.largest_width <= 63 else object
        zeros = np.zeros(plan.words.parameters.n, dtype=self._dtype)
        self._state = datapath.State(zeros, zeros, zeros, zeros)
        self.rewind()

    @property
    def state(self) -> datapath.State:
        """The state's words."""
        return self._state

    @state.setter
    def state(self, state: datapath.State) -> None:
        neurons = self._words.parameters.n
        self._state = datapath.State(
            *(np.broadcast_to(np.asarray(word), neurons).astype(self._dtype) for word in state)
        )

    def configure(self, values: dict[str, Any]) -> None:
        """Take parameter words."""
        self._values = {
            name: word.astype(self._dtype) if isinstance(word, np.ndarray) else word
            for name, word in values.items()
        }

    def rewind(self) -> None:
        """Begin with the random words from the first."""
        self._random = RandomWords(self._words.arithmetic.random_seed)

    def save(self) -> Snapshot:
        """Return what `restore` goes back to."""
        return self._state, copy.deepcopy(self._random)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back."""
        self._state, self._random = snapshot

    def into(self, room: Room) -> Callable[[npt.NDArray[np.float64]], bool]:
        """Return what advances one timestep into always the same room."""
        return functools.partial(self.advance, room=room)

    def advance(self, currents: npt.NDArray[Any], room: Room) -> bool:
        """Advance over currents and fill the room."""
        if currents.dtype.kind == "f":
            shape = len(currents), *self._words.parameters.shape
            try:
                currents = self._words.current_words(currents.reshape(shape)).reshape(currents.shape)
            except InputError:
                return False
        for timestep, current in enumerate(currents):
            random: Any = 0
            if self._words.arithmetic.random_bits:
                random = self._random.take(len(current)).astype(self._dtype, copy=False)
            self._state, spike = datapath.step(
                self._words,
                self._values,
                self._state,
                current.astype(self._dtype, copy=False),
                random,
                np.where,
            )
            room.spikes[timestep] = packed(spike.astype(np.bool_)[np.newaxis])
            for name, kept in room.kept.items():
                if len(kept):
                    kept[timestep] = getattr(self._state, name)
        return True
