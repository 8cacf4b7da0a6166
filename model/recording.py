"""What a run leaves behind."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.words import ExactValue, Words


@dataclass(frozen=True, eq=False)
class Recording:
    """The spikes, potentials and traces of a run, timestep by timestep.

    Attributes
    ----------
    dt : float
        Timestep, ms.
    spikes : array of bool, (timesteps, *shape)
        Who spiked in each timestep.
    potentials : array of float, (timesteps, *shape), optional
        Potential at the end of each timestep, mV. None if it wasn't recorded.
    traces : array of float, (timesteps, *shape), optional
        Spike trace at the end of each timestep. None if it wasn't recorded.
    words : Words, optional
        The integers that a fixed-point run was computed with.
    potential_words, trace_words : array of int, (timesteps, *shape), optional
        The words behind `potentials` and `traces` in a fixed-point run.
    """

    dt: float
    spikes: npt.NDArray[np.bool_]
    potentials: npt.NDArray[np.float64] | None = None
    traces: npt.NDArray[np.float64] | None = None
    words: Words | None = None
    potential_words: npt.NDArray[Any] | None = None
    trace_words: npt.NDArray[Any] | None = None

    @property
    def timesteps(self) -> int:
        """Number of timesteps."""
        return len(self.spikes)

    @property
    def report(self) -> tuple[ExactValue, ...]:
        """What each parameter became when it was rounded; empty for a float run."""
        return self.words.report if self.words else ()

    @property
    def spike_steps(self) -> list[npt.NDArray[np.int64]]:
        """The timesteps in which each neuron spiked, ascending; neurons in C order."""
        flat = self.spikes.reshape(self.timesteps, -1)
        return [np.flatnonzero(flat[:, neuron]) for neuron in range(flat.shape[1])]

    @property
    def spike_times(self) -> list[npt.NDArray[np.float64]]:
        """The times at which each neuron spiked, in ms; timestep k ends at ``(k + 1) * dt``."""
        return [np.asarray((steps + 1) * self.dt) for steps in self.spike_steps]

    def firing_rates(self) -> npt.NDArray[np.float64]:
        """Return the mean firing rate of each neuron, in Hz, of the population's shape."""
        return np.asarray(self.spikes.mean(axis=0) * (1000.0 / self.dt))
