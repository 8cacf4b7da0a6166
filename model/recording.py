"""What a run returns."""

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError
from qlif.model.kernel.blocks import stretches
from qlif.model.kernel.room import packed, unpacked
from qlif.model.parameters import Parameters
from qlif.model.support.checks import Quantity
from qlif.model.words import ExactValue, Words

if TYPE_CHECKING:
    from qlif.model.exchange.libraries import Column

_TIMESTEP = Quantity("ms", minimum=0, open=True)


class _Bits(NamedTuple):
    """Spikes as a run leaves them, and the shape of its population."""

    bits: npt.NDArray[np.uint64]
    shape: tuple[int, ...]


class Recording:
    """The spikes, potentials and traces of a run, timestep by timestep.

    A run stores spikes as bits, and a fixed-point run stores potentials and traces as words. More convenient
    arrays are made of these when first asked for, and take up memory from then on.

    Parameters
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
        The parameter words of a fixed-point run.
    potential_words, trace_words : array of int, (timesteps, *shape), optional
        The words behind `potentials` and `traces` in a fixed-point run.
    parameters : Parameters, optional
        The physical neuron; that of `words` if not given.
    phases : array of float, (timesteps, *shape), optional
        Where spikes fall between timesteps: the part of a timestep that is left after a spike. None if they end one.
    phase_words : array of int, (timesteps, *shape), optional
        The words behind `phases` in a fixed-point run.

    Attributes
    ----------
    dt, words, potential_words, trace_words, phase_words, parameters
        As given.
    shape : tuple of int
        That of the population.
    spike_bits : array of uint64, (timesteps, words)
        The spikes as bits, neurons in C order: neuron i's is bit ``i % 64`` of word ``i // 64``.
    """

    def __init__(
        self,
        dt: float,
        spikes: npt.NDArray[np.bool_] | _Bits,
        potentials: npt.NDArray[np.float64] | None = None,
        traces: npt.NDArray[np.float64] | None = None,
        words: Words | None = None,
        potential_words: npt.NDArray[Any] | None = None,
        trace_words: npt.NDArray[Any] | None = None,
        parameters: Parameters | None = None,
        phases: npt.NDArray[np.float64] | None = None,
        phase_words: npt.NDArray[Any] | None = None,
    ) -> None:
        if isinstance(spikes, _Bits):
            self.spike_bits, self.shape = spikes
        else:
            spikes = np.asarray(spikes)
            if spikes.dtype != np.bool_ or spikes.ndim < 2 or 0 in spikes.shape:
                raise InputError(
                    "spikes must be truth values of shape (timesteps, *shape), at least one, "
                    f"not {spikes.dtype} of shape {spikes.shape}"
                )
            self.spike_bits, self.shape = packed(spikes.reshape(len(spikes), -1)), spikes.shape[1:]
            self.spikes = spikes
        for name, array in (
            ("potentials", potentials),
            ("traces", traces),
            ("potential_words", potential_words),
            ("trace_words", trace_words),
            ("phases", phases),
            ("phase_words", phase_words),
        ):
            if array is not None and np.shape(array) != (self.timesteps, *self.shape):
                raise InputError(
                    f"{name} must be of the spikes' shape {(self.timesteps, *self.shape)}, "
                    f"not {np.shape(array)}"
                )
        if words is not None and words.parameters.shape != self.shape:
            raise InputError(
                f"words must be of a population of shape {self.shape}, not {words.parameters.shape}"
            )
        if words is None and any(one is not None for one in (potential_words, trace_words, phase_words)):
            raise InputError(
                "potential_words, trace_words and phase_words need words, which say what they mean"
            )
        self.dt = _TIMESTEP.check("dt", dt)
        self.words = words
        self.parameters = words.parameters if words is not None else parameters
        self.potential_words, self.trace_words = potential_words, trace_words
        self._potentials, self._traces = potentials, traces
        self.phase_words, self._phases = phase_words, phases

    @classmethod
    def of_bits(
        cls,
        dt: float,
        spike_bits: npt.NDArray[np.uint64],
        shape: tuple[int, ...],
        *others: Any,
    ) -> "Recording":
        """Return a recording of spikes as bits; `others` are what follows the spikes in a new one."""
        return cls(dt, _Bits(spike_bits, shape), *others)

    @cached_property
    def spikes(self) -> npt.NDArray[np.bool_]:
        """Who spiked in each timestep, (timesteps, *shape)."""
        return unpacked(self.spike_bits, self.neurons).reshape(self.timesteps, *self.shape)

    @cached_property
    def potentials(self) -> npt.NDArray[np.float64] | None:
        """Potential at the end of each timestep, mV, (timesteps, *shape); None if it wasn't recorded."""
        if self._potentials is None and self.potential_words is not None and self.words is not None:
            return self.words.potentials(self.potential_words)
        return self._potentials

    @cached_property
    def traces(self) -> npt.NDArray[np.float64] | None:
        """Spike trace at the end of each timestep, (timesteps, *shape); None if it wasn't recorded."""
        if self._traces is None and self.trace_words is not None and self.words is not None:
            return self.words.traces(self.trace_words)
        return self._traces

    @cached_property
    def phases(self) -> npt.NDArray[np.float64] | None:
        """Part of the timestep that is left after a spike, (timesteps, *shape); None if spikes end a timestep.

        It is held over the refractory period.
        """
        if self._phases is None and self.phase_words is not None and self.words is not None:
            return self.words.phases(self.phase_words)
        return self._phases

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def timesteps(self) -> int:
        """Number of timesteps."""
        return len(self.spike_bits)

    @property
    def report(self) -> tuple[ExactValue, ...]:
        """The exact value of each parameter after rounding; empty for a float run."""
        return self.words.report if self.words else ()

    @property
    def spike_steps(self) -> list[npt.NDArray[np.int64]]:
        """The timesteps in which each neuron spiked, ascending; neurons in C order."""
        flat = self.spikes.reshape(self.timesteps, -1)
        return [np.flatnonzero(flat[:, neuron]) for neuron in range(flat.shape[1])]

    @property
    def spike_times(self) -> list[npt.NDArray[np.float64]]:
        """The times at which each neuron spiked, in ms; timestep k ends at ``(k + 1) * dt``.

        Where there are phases, a spike is before the end by that part of a timestep.
        """
        if self.phases is None:
            return [np.asarray((steps + 1) * self.dt) for steps in self.spike_steps]
        phases = self.phases.reshape(self.timesteps, -1)
        return [
            np.asarray((steps + 1 - phases[steps, neuron]) * self.dt)
            for neuron, steps in enumerate(self.spike_steps)
        ]

    def spike_counts(self) -> npt.NDArray[np.int64]:
        """Return how often each neuron spiked, of the population's shape."""
        counts = np.zeros(self.neurons, dtype=np.int64)
        for begin, end in stretches(self.timesteps, self.neurons):
            counts += unpacked(self.spike_bits[begin:end], self.neurons).sum(axis=0)
        return counts.reshape(self.shape)

    def firing_rates(self) -> npt.NDArray[np.float64]:
        """Return the mean firing rate of each neuron, in Hz, of the population's shape."""
        return np.asarray(self.spike_counts() / self.timesteps * (1000.0 / self.dt))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the recording with its exact parameters into one file, numpy's compressed ``.npz``.

        Parameters
        ----------
        path : path
            Ends in ``.npz``. A file that is there is replaced, as a whole.

        Raises
        ------
        InputError
            Another ending.
        """
        from qlif.model.exchange.recording_file import save

        if Path(path).suffix != ".npz":
            raise InputError(f"path must end in .npz, not {str(path)!r}")
        save(self, Path(path))

    @staticmethod
    def load(path: str | PathLike[str]) -> "Recording":
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            The file isn't a recording, is damaged, or was saved by a newer version.
        """
        from qlif.model.exchange.recording_file import load

        return load(Path(path))

    def to_neo(self) -> Any:
        """Return a neo ``Segment``: a spike train for each neuron, analog signals of what else was recorded.

        Raises
        ------
        InputError
            neo isn't installed (the extra ``study`` has it).
        """
        from qlif.model.exchange.libraries import as_neo

        return as_neo(self)

    def to_xarray(self) -> Any:
        """Return an xarray ``Dataset`` over ``time`` (ms, the end of each timestep) and ``neuron``.

        A population of several axes has ``neuron_0``, ``neuron_1`` and so on. Raises like :meth:`to_neo`.
        """
        from qlif.model.exchange.libraries import as_xarray

        return as_xarray(self)

    def to_pandas(self, what: "Column" = "spikes") -> Any:
        """Return a pandas ``DataFrame``.

        Parameters
        ----------
        what : {"spikes", "potentials", "traces"}
            Spikes are rows of ``time_ms``, ``timestep`` and ``neuron``; potentials and traces have a row for each
            timestep and a column for each neuron. Neurons count in C order.

        Raises
        ------
        InputError
            It wasn't recorded, or pandas isn't installed (the extra ``study`` has it).
        """
        from qlif.model.exchange.libraries import as_pandas

        return as_pandas(self, what)

    def facts(self) -> dict[str, str]:
        """Return what there is to say about it in a few words."""
        spikes = int(np.bitwise_count(self.spike_bits).sum())
        seconds = self.timesteps * self.dt / 1000
        kept = {"potentials": self._potentials is not None or self.potential_words is not None,
                "traces": self._traces is not None or self.trace_words is not None}  # fmt: skip
        return {
            "shape": str(self.shape),
            "timesteps": f"{self.timesteps} of {self.dt:g} ms",
            "spikes": f"{spikes} ({spikes / self.neurons / seconds:.3g} Hz per neuron)",
            "also recorded": ", ".join(name for name, there in kept.items() if there) or "nothing",
            "arithmetic": "floating point" if self.words is None else self.words.arithmetic.summary,
        }

    def __repr__(self) -> str:
        return f"<Recording: {'; '.join(f'{name} {value}' for name, value in self.facts().items())}>"

    def _repr_html_(self) -> str:
        from qlif.model.exchange.notebook import as_html

        return as_html(self)
