"""Currents that are held, one word per neuron, until they are written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.kernel.running import Rows
from qlif.model.support.checks import whole
from qlif.model.words import Words


@dataclass(frozen=True)
class CurrentWrite:
    """A neuron's current that changes between two timesteps, and is held from then on.

    Attributes
    ----------
    step : int
        The first timestep that is computed with the new word.
    neuron : int
        In C order.
    word : int
        The new current word.
    """

    step: int
    neuron: int
    word: int

    def check(self, words: Words, timesteps: int | None = None) -> None:
        """Refuse an invalid write.

        Raises
        ------
        InputError
            A word outside the current format, a neuron or a timestep outside the run.
        """
        format = words.arithmetic.current
        if isinstance(self.word, bool) or not isinstance(self.word, int) or not format.holds(self.word):
            raise InputError(
                f"the word of a current must be from {format.min_word} to {format.max_word} to fit {format}, "
                f"not {self.word!r}"
            )
        if whole("neuron", self.neuron, minimum=0) >= words.parameters.n:
            raise InputError(f"neuron must be below {words.parameters.n}, not {self.neuron}")
        whole("step", self.step, minimum=0)
        if timesteps is not None and self.step >= timesteps:
            raise InputError(f"step must be below the run's {timesteps} timesteps, not {self.step}")


def in_order(writes: Iterable[CurrentWrite], words: Words, timesteps: int) -> list[CurrentWrite]:
    """Return checked writes by their timesteps, those of one timestep in the given order.

    Raises
    ------
    InputError
        One is invalid.
    """
    found = list(writes)
    for write in found:
        write.check(words, timesteps)
    return sorted(found, key=lambda write: write.step)


def rows_of(held: npt.NDArray[np.integer], writes: Sequence[CurrentWrite]) -> Rows:
    """Return what gives the currents of some timesteps, each stretch once and in their order.

    Parameters
    ----------
    held : array of int, (neurons,)
        What is held before the first timestep; after the last one it is what is held then.
    writes : sequence of CurrentWrite
        In the order of their timesteps.
    """
    left = list(reversed(writes))

    def rows(begin: int, end: int) -> npt.NDArray[np.integer]:
        currents = np.empty((end - begin, len(held)), dtype=held.dtype)
        step = begin
        while left and left[-1].step < end:
            write = left.pop()
            currents[step - begin : write.step - begin] = held
            step, held[write.neuron] = write.step, write.word
        currents[step - begin :] = held
        return currents

    return rows


def changes(currents: npt.NDArray[np.integer], held: npt.NDArray[np.integer] | int = 0) -> list[CurrentWrite]:
    """Return the fewest writes that make up current words, in their order.

    Parameters
    ----------
    currents : array of int, (timesteps, neurons)
    held : array of int, (neurons,), or int
        What is held before.
    """
    before = np.broadcast_to(held, currents.shape[1:])[None]
    steps, neurons = np.nonzero(np.diff(currents, axis=0, prepend=before.astype(currents.dtype)))
    words = currents[steps, neurons]
    columns = steps.tolist(), neurons.tolist(), words.tolist()
    return [CurrentWrite(*each) for each in zip(*columns, strict=True)]
