"""A population in fixed point: the golden step over arrays, with an interface in mV."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, unknown_name
from qlif.model.golden import step as datapath
from qlif.model.golden.held_currents import CurrentWrite, in_order, rows_of
from qlif.model.kernel.engines import chosen_engine
from qlif.model.kernel.fixed_engines import fixed_engine
from qlif.model.kernel.room import Room, unpacked
from qlif.model.kernel.rules import Plan
from qlif.model.kernel.running import Into, Rows, advance_once, run_through
from qlif.model.support.arrays import whole_words
from qlif.model.support.checks import in_digits, whole
from qlif.model.support.memory import require_memory
from qlif.model.words import Words

_BYTES_EACH = 64
"""Lower bound of a neuron's memory: its state, and the copies that a timestep makes."""


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
        """Refuse an invalid write.

        Raises
        ------
        InputError
            A parameter that doesn't exist, a word outside its format, a neuron or a timestep outside
            the run.
        """
        if self.name not in words.constants:
            raise InputError(unknown_name("parameter word", self.name, words.constants))
        format = words.constants[self.name].format
        if isinstance(self.word, bool) or not isinstance(self.word, int) or not format.holds(self.word):
            raise InputError(
                f"the word of {self.name} must be from {format.min_word} to {format.max_word} to fit {format}, "
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
        The population, from :func:`qlif.model.quantisation.quantise`.
    engine : {"compiled", "numpy"}, optional
        What computes; the results are the same. The fastest that is installed if not given, here or in the
        environment's ``QLIF_ENGINE``.
    threads : int, optional
        Threads of a long run of many neurons; one for each processor if not given, here or in
        ``QLIF_THREADS``.

    Raises
    ------
    InputError
        The engine isn't installed.
    """

    def __init__(self, words: Words, engine: str | None = None, threads: int | None = None) -> None:
        self.words = words
        self.parameters = words.parameters
        require_memory(
            f"a population of {in_digits(words.parameters.n)} neurons", _BYTES_EACH * words.parameters.n
        )
        self._asked = chosen_engine(engine), threads
        self._plan = Plan(words)
        self._types = {
            "potential": self._plan.potential,
            "refractory": self._plan.refractory,
            "trace": self._plan.trace,
            "phase": self._plan.phase,
        }
        self._engine = fixed_engine(self._plan, *self._asked)
        self._constants: dict[str, Any] = {
            name: np.ravel(word) if isinstance(word, np.ndarray) else word
            for name, word in words.values.items()
        }
        self._held = np.zeros(self.parameters.n, dtype=self._plan.current)
        self._last = Room.of(1, self.parameters.n, self._types)
        self._phased = words.arithmetic.phase_bits > 0
        self._configure()
        self.reset()

    def __reduce__(self) -> tuple[Any, ...]:
        # What is compiled holds the arrays' addresses, so it is made anew.
        state = self._constants, self._engine.save(), self._last.spikes, self._fresh, self._held
        return type(self), (self.words, *self._asked), state

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._constants, snapshot, self._last.spikes[:], self._fresh, self._held = state
        self._configure()
        self._engine.restore(snapshot)

    def write(self, change: ParameterWrite) -> None:
        """Change a parameter word from the next timestep on, whatever its `step`.

        A reset keeps it: it starts the neurons over, not their configuration.

        Raises
        ------
        InputError
            The parameter doesn't exist, or the word or the neuron is out of range.
        """
        change.check(self.words)
        word: Any = change.word
        if change.neuron is not None:
            word = np.broadcast_to(self._constants[change.name], self.parameters.n).copy()
            word[change.neuron] = change.word
        # A new mapping, so that one that was kept doesn't change.
        self._constants = self._constants | {change.name: word}
        self._configure()
        if self._fresh:
            # Until the first timestep the neurons are at their reset potential, whatever it is by then.
            self.reset()

    def reset(self) -> None:
        """Put every neuron at its reset potential, with nothing else; rewind the random words."""
        self._engine.state = datapath.State(self._constants["reset"], 0, 0)
        self._engine.rewind()
        self._last.spikes[:] = 0
        self._fresh = True

    def step(self, current: npt.NDArray[np.float64]) -> None:
        """Advance one timestep with currents of the population's shape, in the parameters' unit.

        Raises
        ------
        InputError
            A current is not finite or outside the current format.
        """
        into = self._into or self._fill()
        if not advance_once(into, current):
            self.words.current_words(current)  # which says what is wrong
        self._fresh = False

    def _configure(self) -> None:
        """Pass the parameter words to the engine."""
        self._engine.configure(self._constants)
        self._into: Into | None = None

    def _fill(self) -> Into:
        """Return what fills :attr:`_last`."""
        self._into = self._engine.into(self._last)
        return self._into

    def step_words(self, current: npt.NDArray[Any]) -> None:
        """Advance one timestep with current words of the population's shape.

        Raises
        ------
        InputError
            A word is outside the current format.
        """
        self._engine.advance(self._checked(current).reshape(1, -1), self._last)
        self._fresh = False

    @property
    def held(self) -> npt.NDArray[Any]:
        """The current words that are held, of the population's shape: 0 until they are written."""
        return self._held.reshape(self.parameters.shape).copy()

    def hold(self, change: CurrentWrite) -> None:
        """Hold a neuron's current from the next timestep of :meth:`run_held` on, whatever its `step`.

        A reset keeps it.

        Raises
        ------
        InputError
            The word or the neuron is out of range.
        """
        change.check(self.words)
        self._held[change.neuron] = change.word

    def run_held(
        self,
        timesteps: int,
        changes: Iterable[CurrentWrite] = (),
        keep: Collection[str] = (),
        writes: Iterable[ParameterWrite] = (),
    ) -> Room:
        """Advance with the currents that are held and return what happened.

        Parameters
        ----------
        timesteps : int
        changes : iterable of CurrentWrite
            Currents that change during the run; those of one timestep in the given order.
        keep, writes
            As in :meth:`run_words`.

        Raises
        ------
        InputError
            A change or a write is invalid, or there isn't enough memory.
        """
        whole("timesteps", timesteps)
        held = self._held.copy()
        rows = rows_of(held, in_order(changes, self.words, timesteps))
        room = self.run(rows, timesteps, keep, writes)
        assert room is not None
        self._held = held
        return room

    def run_words(
        self,
        currents: npt.NDArray[Any],
        keep: Collection[str] | None = None,
        writes: Iterable[ParameterWrite] = (),
    ) -> tuple[npt.NDArray[np.bool_], dict[str, npt.NDArray[Any]]]:
        """Advance over a whole input and return what happened in each timestep.

        Parameters
        ----------
        currents : array of int, (timesteps, *shape)
            Current words.
        keep : collection of {"potential", "refractory", "trace", "phase"}, optional
            Which words of the state to return; all if not given, the phase only where it has bits.
        writes : iterable of ParameterWrite
            Parameter words that change during the run; those of one timestep in the given order.

        Returns
        -------
        spikes : array of bool, (timesteps, *shape)
        words : dict of str to array of int, (timesteps, *shape)
            The requested words after each timestep, in the narrowest type that holds them.

        Raises
        ------
        InputError
            A current word is outside its format, a write is invalid, or there isn't enough memory.
        """
        if keep is None:
            keep = ["potential", "refractory", "trace", *(["phase"] if self._phased else [])]
        checked = self._checked(currents).reshape(len(currents), -1)
        room = self.run(lambda begin, end: checked[begin:end], len(currents), keep, writes)
        assert room is not None
        spikes = unpacked(room.spikes, self.parameters.n).reshape(currents.shape)
        return spikes, {name: room.kept[name].reshape(currents.shape) for name in keep}

    def run(
        self,
        rows: Rows,
        timesteps: int,
        keep: Collection[str] = (),
        writes: Iterable[ParameterWrite] = (),
    ) -> Room | None:
        """Advance over a whole input, given piece by piece, and return what happened.

        Returns None, leaving the neurons as they were, if a current isn't finite or out of range.

        Parameters
        ----------
        rows : callable
            Currents of some timesteps: words of the narrowest type, or float64.
        timesteps : int
        keep, writes
            As in :meth:`run_words`.

        Raises
        ------
        InputError
            A write can't be made, or there isn't enough memory.
        """
        neurons = self.parameters.n
        changes: dict[int, list[ParameterWrite]] = {}
        for change in writes:
            change.check(self.words, timesteps)
            changes.setdefault(change.step, []).append(change)
        Room.require(timesteps, neurons, self._types, keep)
        before = self._constants, self._fresh
        room = None
        try:
            room = run_through(
                self._engine,
                rows,
                Room.of(timesteps, neurons, self._types, keep),
                sorted(changes),
                lambda begin: self._prepare(begin, changes.get(begin, ())),
            )
        finally:
            if room is None:  # the engine's state is already what it was
                self._constants, self._fresh = before
                self._configure()
        if room is not None:
            self._last.spikes[:] = room.spikes[-1:]
            self._fresh = False
        return room

    def _prepare(self, begin: int, changes: Iterable[ParameterWrite]) -> None:
        """Make the changes before a timestep of a run."""
        self._fresh = self._fresh and begin == 0
        for change in changes:
            self.write(change)

    def _checked(self, currents: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return current words in the narrowest type."""
        format = self.words.arithmetic.current
        currents = np.asarray(currents)
        if currents.dtype.kind not in "iu":
            raise InputError(f"current words must be integers, not {currents.dtype}")
        fills = currents.dtype == self._plan.current and format.width == 8 * currents.itemsize
        if not fills:
            self.words.require_current_words(currents)
        return np.require(currents, dtype=self._plan.current, requirements=["C", "A", "W"])

    @property
    def current_type(self) -> np.dtype[Any]:
        """The narrowest type that holds a current word."""
        return self._plan.current

    @property
    def s(self) -> npt.NDArray[np.bool_]:
        """Who spiked in the last timestep, of the population's shape."""
        return unpacked(self._last.spikes, self.parameters.n).reshape(self.parameters.shape)

    @property
    def state(self) -> datapath.State:
        """Potential, refractory counter and trace as words, of the population's shape."""
        return datapath.State(*(word.reshape(self.parameters.shape) for word in self._engine.state))

    @state.setter
    def state(self, state: datapath.State) -> None:
        checked = []
        for name, words in zip(datapath.State._fields, state, strict=True):
            form = self.words.formats.get(name)
            # A phase without bits is 0.
            low, high = (0, 0) if form is None else (form.min_word, form.max_word)
            checked.append(whole_words(name, words, self.parameters.shape, low, high))
        self._engine.state = datapath.State(*(np.ravel(words) for words in checked))

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
