"""The golden model's self-test: stimulus and signatures that :mod:`qlif.model.selftest.plan` describes."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.golden.neurons import FixedNeurons
from qlif.model.random_words import RandomWords
from qlif.model.selftest.plan import SIGNATURE_START, STRETCH_BITS, TIMESTEP_BITS, SelfTestPlan
from qlif.model.selftest.signature import absorb, folded
from qlif.model.words import Words

try:
    from qlif.model.selftest import loops
except ImportError:  # without numba
    loops = None  # type: ignore[assignment]

BLOCK_UPDATES = 1 << 17
"""Number of updates computed at a time: enough for arrays, few enough for the caches."""


class GoldenSelfTest:
    """A self-test of the golden model, timestep after timestep from reset.

    Parameters
    ----------
    words : Words
        The population.
    plan : SelfTestPlan
        Which stimulus it gets.
    lanes : int
        Neurons in a row: they share an event.
    step_bits : int
        Width of an event's timestep.
    absent : collection of str
        Results of the hardware that are always 0, as it doesn't tell them: of ``spike``, ``potential``, ``trace`` and
        ``events``; without spikes and events there are no events. And ``phase`` and ``event_phase``, where the
        hardware has no port for them.
    compiled : bool
        With compiled loops if numba is there, which give the same; else in numpy.

    Attributes
    ----------
    timestep : int
        Timesteps that are in the signature.
    neurons : FixedNeurons
        The neurons as they are after that.
    events : int
        Rows with a spike so far.
    signature : int
        That of the updates in the low 64 bits, that of the events above.
    """

    def __init__(
        self,
        words: Words,
        plan: SelfTestPlan,
        lanes: int = 1,
        *,
        step_bits: int = TIMESTEP_BITS,
        absent: Collection[str] = (),
        compiled: bool = True,
    ) -> None:
        self._loops = loops if compiled else None
        self.words, self.plan, self.lanes, self.step_bits = words, plan, lanes, step_bits
        self._absent = frozenset(absent)
        self.timestep = self.events = 0
        self.neurons = FixedNeurons(words)
        self._random = RandomWords(plan.random_seed)
        self._updates = self._events = SIGNATURE_START
        self._neuron_bits = max(1, (words.parameters.n - 1).bit_length())

    def __getstate__(self) -> dict[str, Any]:
        # A module can't be pickled.
        return {**vars(self), "_loops": self._loops is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _loops=loops if state["_loops"] else None)

    @property
    def signature(self) -> int:
        """Both signatures as the hardware shows them."""
        return self._updates | self._events << 64

    def advance(self, timesteps: int, progress: Callable[[int], None] = lambda timestep: None) -> int:
        """Advance by `timesteps`; return the signature.

        `progress` is called now and then with the timestep that was reached.
        """
        block = max(1, BLOCK_UPDATES // self.words.parameters.n)
        end = self.timestep + timesteps
        while self.timestep < end:
            self._absorb(self.currents(min(block, end - self.timestep)))
            progress(self.timestep)
        return self.signature

    def signatures(
        self, at: Sequence[int], progress: Callable[[int], None] = lambda timestep: None
    ) -> list[int]:
        """Return the signatures at rising timesteps."""
        return [self.advance(timestep - self.timestep, progress) for timestep in at]

    def currents(self, timesteps: int) -> npt.NDArray[np.int64]:
        """Return the current words of the next timesteps, (timesteps, neurons).

        It takes their random words, so the run must go on with them.
        """
        plan, neurons = self.plan, self.words.parameters.n
        format = self.words.arithmetic.current
        if self._loops is not None:
            currents = np.empty((timesteps, neurons), dtype=np.int64)
            numbers = self.timestep, plan.near, plan.strong, plan.noise_bits, plan.width
            self._loops.currents(self._random.take(currents.size), *numbers, currents)
            return currents
        random = self._random.take(timesteps * neurons).reshape(timesteps, neurons)
        stretch = np.arange(self.timestep, self.timestep + timesteps) >> STRETCH_BITS
        noise = _signed(random, plan.noise_bits)
        rails = np.array([0, format.max_word, format.min_word, format.max_word])
        drives = (random, plan.near + noise, rails[random & 3], plan.strong + (random & 3))
        regime = (stretch[:, np.newaxis] + np.arange(neurons)) & 3
        return _signed(np.choose(regime, drives), plan.width)

    def _absorb(self, currents: npt.NDArray[np.int64]) -> None:
        """Advance with these currents, and the signatures with what comes of it."""
        arithmetic, bits = self.words.arithmetic, self._neuron_bits
        timesteps, neurons = currents.shape
        shape = (timesteps, *self.words.parameters.shape)
        keep = ("potential", "trace", *(["phase"] if arithmetic.phase_bits else []))
        spikes, states = self.neurons.run_words(currents.reshape(shape), keep=keep)
        spikes = spikes.reshape(timesteps, neurons)
        potential, trace, *phase = (np.asarray(states[name]).reshape(currents.shape) for name in keep)
        fired = spikes
        spikes = np.zeros_like(spikes) if "spike" in self._absent else spikes
        potential = np.zeros_like(potential) if "potential" in self._absent else potential
        trace = np.zeros_like(trace) if "trace" in self._absent else trace
        if self._loops is not None and not phase:
            widths = bits, arithmetic.potential.width, arithmetic.trace.width
            words = self._loops.update_words(spikes, potential, trace, *widths)
            self._updates = self._absorbed(self._updates, words.ravel())
        else:
            parts = (
                (spikes, 1),
                (np.broadcast_to(np.arange(neurons), currents.shape), bits),
                (potential, arithmetic.potential.width),
                (trace, arithmetic.trace.width),
                *((word, arithmetic.phase_bits) for word in phase if "phase" not in self._absent),
            )
            self._updates = self._absorbed(self._updates, folded(parts).ravel())
        if {"spike", "events"} <= self._absent:
            fired = np.zeros_like(fired)
        rows = fired.reshape(timesteps, neurons // self.lanes, self.lanes)
        step, row = np.nonzero(rows.any(axis=2))
        spiked = rows[step, row]
        # Lane by lane: a word holds no more than 64 of them.
        which = [(spiked[:, lane], 1) for lane in range(self.lanes)] if self.lanes > 1 else []
        numbers = (step + self.timestep) & ((1 << self.step_bits) - 1)
        events = [(row * self.lanes, bits), *which, (numbers, self.step_bits)]
        for words in phase if "event_phase" not in self._absent else ():
            of_lanes = words.reshape(rows.shape)[step, row]
            events += [(of_lanes[:, lane], arithmetic.phase_bits) for lane in range(self.lanes)]
        self._events = self._absorbed(self._events, folded(events))
        self.timestep += timesteps
        self.events += len(step)

    def _absorbed(self, signature: int, words: npt.NDArray[np.uint64]) -> int:
        """Return a signature after it absorbed words."""
        if self._loops is not None:
            return int(self._loops.absorb(np.uint64(signature), words))
        return absorb(signature, words)


def _signed(words: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """Return the low bits of words as two's complement."""
    low = np.left_shift(words, 64 - width)
    return np.asarray(np.right_shift(low, 64 - width))
