"""A population in fixed point: the golden datapath over arrays, with potentials in mV outside."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model import compiled, datapath
from qlif.model.checks import whole
from qlif.model.errors import InputError, unknown_name
from qlif.model.random_words import RandomWords
from qlif.model.words import Words

_INT64_BITS = 63


@dataclass(frozen=True)
class ParameterWrite:
    """A parameter word that changes between two timesteps.

    Attributes
    ----------
    step : int
        The first timestep that is computed with the new word.
    name : str
        As in ``words.constants``.
    word : int
        The new word.
    neuron : int, optional
        The one neuron, in C order, whose word changes; all if not given.
    """

    step: int
    name: str
    word: int
    neuron: int | None = None

    def check(self, words: Words, timesteps: int | None = None) -> None:
        """Refuse a write that can't be made.

        Raises
        ------
        InputError
            A parameter that doesn't exist, a word outside its format, a neuron or a timestep outside
            the run.
        """
        if self.name not in words.constants:
            raise InputError(unknown_name("parameter word", self.name, words.constants))
        form = words.constants[self.name].format
        if isinstance(self.word, bool) or not isinstance(self.word, int) or not form.holds(self.word):
            raise InputError(
                f"the word of {self.name} must be from {form.min_word} to {form.max_word} to fit {form}, "
                f"not {self.word!r}"
            )
        if self.neuron is not None and whole("neuron", self.neuron, minimum=0) >= words.parameters.n:
            raise InputError(f"neuron must be below {words.parameters.n}, not {self.neuron}")
        whole("step", self.step, minimum=0)
        if timesteps is not None and self.step >= timesteps:
            raise InputError(f"step must be below the run's {timesteps} timesteps, not {self.step}")


class FixedNeurons:
    """The state of a population of fixed-point neurons, one timestep after another.

    The same interface as :class:`qlif.model.reference.FloatNeurons`, in mV; the words are beside it.

    Parameters
    ----------
    words : Words
        The population, from :func:`qlif.model.words.quantise`.

    Attributes
    ----------
    s : array of bool, of the population's shape
        Who spiked in the last timestep.
    state : datapath.State of integer arrays of the population's shape
        Potential, refractory counter and trace as words.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self.parameters = words.parameters
        # Wider sums don't fit the machine's integers; Python's own, in object arrays, always do.
        self._dtype: type = np.int64 if words.largest_width <= _INT64_BITS else object
        self._constants = {
            name: np.asarray(word, dtype=self._dtype) if isinstance(word, np.ndarray) else word
            for name, word in words.values.items()
        }
        self.reset()

    def write(self, change: ParameterWrite) -> None:
        """Change a parameter word from the next timestep on, whatever its `step`.

        A reset keeps it: it starts the neurons over, not their configuration.

        Raises
        ------
        InputError
            The parameter doesn't exist, or the word or the neuron is out of range.
        """
        change.check(self.words)
        self._constants[change.name] = self._changed(change)
        if self._fresh:
            # Until the first timestep the neurons are at their reset potential, whatever it is by then.
            self.reset()

    def _changed(self, change: ParameterWrite) -> Any:
        """Return a parameter's words after a write."""
        if change.neuron is None:
            return change.word
        present: npt.NDArray[Any] = np.asarray(self._constants[change.name], dtype=self._dtype)
        per_neuron = np.broadcast_to(present, self.parameters.shape).copy()
        per_neuron.flat[change.neuron] = change.word
        return per_neuron

    def reset(self) -> None:
        """Put every neuron at its reset potential, not refractory, without trace; rewind the random words."""
        shape = self.parameters.shape

        def filled(word: Any) -> npt.NDArray[Any]:
            return np.broadcast_to(np.asarray(word, dtype=self._dtype), shape).copy()

        self.state = datapath.State(filled(self._constants["reset"]), filled(0), filled(0))
        self.s = np.zeros(shape, dtype=np.bool_)
        self._fresh = True
        self._random = RandomWords(self.words.arithmetic.random_seed)

    def step(self, current: npt.NDArray[np.float64]) -> None:
        """Advance one timestep with currents of the population's shape, in the parameters' unit.

        Raises
        ------
        InputError
            A current is not finite or outside the current format.
        """
        self.step_words(self.words.current_words(current))

    def step_words(self, current: npt.NDArray[Any]) -> None:
        """Advance one timestep with current words of the population's shape."""
        self._fresh = False
        random: Any = 0
        if self.words.arithmetic.random_bits:
            random = self._random.take(self.parameters.n).reshape(self.parameters.shape)
            random = random.astype(self._dtype, copy=False)
        self.state, spike = datapath.step(
            self.words, self._constants, self.state, current.astype(self._dtype, copy=False), random, np.where
        )
        self.s = spike.astype(np.bool_)

    def run_words(
        self,
        currents: npt.NDArray[Any],
        keep: Iterable[str] = datapath.State._fields,
        writes: Iterable[ParameterWrite] = (),
    ) -> tuple[npt.NDArray[np.bool_], dict[str, npt.NDArray[Any]]]:
        """Advance over a whole input and return what happened in each timestep.

        Parameters
        ----------
        currents : array of int, (timesteps, *shape)
            Current words.
        keep : iterable of {"potential", "refractory", "trace"}
            Which words of the state to return.
        writes : iterable of ParameterWrite
            Changes of parameters on the way; those of one timestep in the order given.

        Returns
        -------
        spikes : array of bool, (timesteps, *shape)
        words : dict of str to array of int, (timesteps, *shape)
            The words that were asked for, after each timestep.
        """
        spikes = np.empty(currents.shape, dtype=np.bool_)
        words: dict[str, npt.NDArray[Any]]
        # Only sums inside a timestep can be wider than 64 bits.
        words = {name: np.empty(currents.shape, dtype=np.int64) for name in keep}
        changes: dict[int, list[ParameterWrite]] = {}
        for change in writes:
            change.check(self.words, len(currents))
            changes.setdefault(change.step, []).append(change)
        worthwhile = currents.size >= compiled.WORTHWHILE and compiled.compilable(self.words)
        run = compiled.kernel() if worthwhile else None
        # Between two changes nothing is looked at but the input.
        borders = sorted({0, *changes, len(currents)})
        for start, end in itertools.pairwise(borders):
            for change in changes.get(start, ()):
                self.write(change)
            if run is None:
                self._step_through(currents[start:end], spikes[start:end], _part(words, start, end))
            else:
                self._fresh = False
                state = compiled.advance(
                    run,
                    self.words,
                    self._constants,
                    self.state,
                    currents[start:end],
                    self._random.take,
                    spikes[start:end],
                    _part(words, start, end),
                )
                self.state = datapath.State(*(part.astype(self._dtype, copy=False) for part in state))
                self.s = spikes[end - 1].copy()
        return spikes, words

    def _step_through(
        self, currents: npt.NDArray[Any], spikes: npt.NDArray[np.bool_], words: dict[str, npt.NDArray[Any]]
    ) -> None:
        """Advance one timestep after the other, and write what happens into arrays."""
        for timestep, current in enumerate(currents):
            self.step_words(current)
            spikes[timestep] = self.s
            for name, kept in words.items():
                kept[timestep] = getattr(self.state, name)

    @property
    def v(self) -> npt.NDArray[np.float64]:
        """Potentials in mV."""
        return self.words.potentials(self.state.potential)

    @property
    def refrac_count(self) -> npt.NDArray[np.int64]:
        """Timesteps that each neuron is still refractory."""
        return np.asarray(self.state.refractory).astype(np.int64)

    @property
    def traces(self) -> npt.NDArray[np.float64]:
        """Spike traces."""
        return self.words.traces(self.state.trace)


def _part(words: dict[str, npt.NDArray[Any]], start: int, end: int) -> dict[str, npt.NDArray[Any]]:
    return {name: array[start:end] for name, array in words.items()}
