"""The work that contenders share: one population, one start, one input that is new in each timestep."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.kernel.blocks import stretches
from qlif.model.kernel.rules import Plan
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise

PRESET = "square-16"
"""16-bit state; what the yardstick in C is written for."""

MEAN_MV, DEVIATION_MV = 18.0, 8.0
"""Of the input, noise without memory: about one neuron in 250 spikes in a timestep."""

UPDATES = 8_000_000
"""Approximate number of updates in one piece; at most :data:`TIMESTEPS` timesteps, at least :data:`FEWEST`."""

BEYOND_CACHES = 1 << 27
"""Updates whose input is larger than the caches: 256 MiB of words."""

TIMESTEPS, FEWEST = 5000, 32


def bytes_for(n: int) -> int:
    """Return about how much memory the contenders of one size take."""
    # Currents in mV as float64, as float32 for torch, as int32 for numpy and as words; some of each.
    return n * _timesteps(n, UPDATES, FEWEST, TIMESTEPS) * 48 + 2 * (2 * BEYOND_CACHES)


def _timesteps(n: int, updates: int, fewest: int, most: int) -> int:
    return max(fewest, min(most, updates // n))


class Work:
    """A population with its input.

    Parameters
    ----------
    n : int
        Neurons.
    trace : bool
        Whether they keep a spike trace.
    updates : int
        Approximate number.
    fewest, most : int
        Timesteps at least and at most.

    Attributes
    ----------
    n, timesteps : int
    words : Words
    plan : Plan
    """

    def __init__(
        self,
        n: int,
        *,
        trace: bool = False,
        updates: int = UPDATES,
        fewest: int = FEWEST,
        most: int = TIMESTEPS,
    ) -> None:
        self.n, self.timesteps = n, _timesteps(n, updates, fewest, most)
        self.parameters = Parameters(n=n, spike_trace=trace)
        self.words = quantise(self.parameters, preset(PRESET))
        self.plan = Plan(self.words)

    @property
    def updates(self) -> int:
        """Updates of one run."""
        return self.n * self.timesteps

    @cached_property
    def currents(self) -> npt.NDArray[np.float64]:
        """The input in mV, (timesteps, neurons)."""
        return self._noise(np.random.default_rng(1), self.timesteps)

    @cached_property
    def current_words(self) -> npt.NDArray[Any]:
        """The input as words of the narrowest type."""
        words = np.empty((self.timesteps, self.n), dtype=self.plan.current)
        generator = np.random.default_rng(1)
        for begin, end in stretches(self.timesteps, self.n):
            words[begin:end] = self.words.current_words(self._noise(generator, end - begin))
        return words

    def _noise(self, generator: np.random.Generator, timesteps: int) -> npt.NDArray[np.float64]:
        noise = generator.standard_normal((timesteps, self.n), dtype=np.float32)
        return np.asarray(MEAN_MV + DEVIATION_MV * noise, dtype=np.float64)
