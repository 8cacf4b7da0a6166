"""The golden model fed with transactions: each current gives the update that is due, at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qlif.cosim.agents.transactions import Event, Update, Write
from qlif.model.exceptions import InputError, show
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.golden.step import State, step, where_integer
from qlif.model.random_words import RandomWords
from qlif.model.words import Words

_AT_ONCE = 256
"""So many random words are made at a time."""


@dataclass(frozen=True)
class Expected:
    """One update of the golden model.

    Attributes
    ----------
    number, neuron, timestep : int
        Which update since reset, whose, and in which timestep.
    current : int
        The current word.
    before, after : State
        The neuron's words: potential, refractory counter, trace and phase.
    spike : bool
    """

    number: int
    neuron: int
    timestep: int
    current: int
    before: State
    after: State
    spike: bool

    @property
    def update(self) -> Update:
        """As a core tells it."""
        potential, refractory, trace, phase = self.after
        return Update(self.neuron, int(self.spike), potential, trace, refractory, phase)

    @property
    def event(self) -> Event | None:
        """The event that follows; None without a spike."""
        return Event(self.neuron, self.timestep, self.after.phase) if self.spike else None


class Reference:
    """The golden model of a population, one transaction after another.

    Parameters
    ----------
    words : Words
        The neurons, from :func:`qlif.model.quantisation.quantise`.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self._neurons = words.parameters.n
        self._constants: dict[str, Any] = {
            name: np.ravel(word).tolist() if isinstance(word, np.ndarray) else word
            for name, word in words.values.items()
        }
        self.reset()

    def reset(self) -> None:
        """Begin again at timestep 0. Parameters that were written keep their words, as in the hardware."""
        self._states = [State(self._of(neuron)["reset"], 0, 0) for neuron in range(self._neurons)]
        self._number = 0
        self._random = RandomWords(self.words.arithmetic.random_seed)
        self._words: list[int] = []

    def state(self, neuron: int) -> State:
        """Return a neuron's words after all currents so far."""
        return self._states[neuron]

    def current(self, word: int) -> Expected:
        """Return the update that follows from the next neuron's current.

        Raises
        ------
        InputError
            The word is outside the current format.
        """
        format = self.words.arithmetic.current
        if not isinstance(word, int | np.integer) or not format.min_word <= word <= format.max_word:
            raise InputError(
                f"a current word must be from {format.min_word} to {format.max_word} to fit {format}, "
                f"not {show(word)}"
            )
        timestep, neuron = divmod(self._number, self._neurons)
        before, constants = self._states[neuron], self._of(neuron)
        after, spike = step(self.words, constants, before, int(word), self._random_word(), where_integer)
        self._states[neuron] = after
        expected = Expected(self._number, neuron, timestep, int(word), before, after, bool(spike))
        self._number += 1
        return expected

    def write(self, write: Write) -> None:
        """Change a parameter from the next update on.

        Raises
        ------
        InputError
            There is no such parameter, or the word or the neuron is out of range.
        """
        ParameterWrite(0, write.name, write.word, write.neuron).check(self.words)
        word: Any = write.word
        if write.neuron is not None:
            before = self._constants[write.name]
            word = list(before) if isinstance(before, list) else [before] * self._neurons
            word[write.neuron] = write.word
        self._constants[write.name] = word
        if self._number == 0:
            # Until the first update the neurons are at their reset potential, whatever it is by then.
            self.reset()

    def _of(self, neuron: int) -> Mapping[str, int]:
        """Return a neuron's parameter words."""
        items = self._constants.items()
        return {name: word[neuron] if isinstance(word, list) else word for name, word in items}

    def _random_word(self) -> int:
        if not self.words.arithmetic.random_bits:
            return 0
        if not self._words:
            self._words = self._random.take(_AT_ONCE).tolist()[::-1]
        return self._words.pop()
