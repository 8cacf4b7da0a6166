"""Room for what a run records, as narrow as it can be: spikes are bits."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from qlif.model.support.memory import require_memory

_BITS = 64
_UNDOUBTED = 1 << 26
"""So many bytes are there without asking, which takes longer than a short run."""


@dataclass(frozen=True, eq=False)
class Room:
    """Arrays for what happens in each timestep, neurons in C order.

    Attributes
    ----------
    spikes : array of uint64, (timesteps, words)
        Neuron i's is bit ``i % 64`` of word ``i // 64``.
    kept : dict of str to array, (timesteps, neurons), or (0, neurons) for what isn't kept
        By the name of the state.
    arrays : tuple of array
        All of them, the spikes first.
    """

    spikes: npt.NDArray[np.uint64]
    kept: dict[str, npt.NDArray[Any]]
    arrays: tuple[npt.NDArray[Any], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", (self.spikes, *self.kept.values()))

    @classmethod
    def of(
        cls, timesteps: int, neurons: int, types: Mapping[str, np.dtype[Any]], keep: Collection[str] = ()
    ) -> Self:
        """Return room for a run, which fills all of it: what is there before isn't said."""
        kept = {
            name: np.empty((timesteps if name in keep else 0, neurons), dtype=dtype)
            for name, dtype in types.items()
        }
        return cls(np.empty((timesteps, -(-neurons // _BITS)), dtype=np.uint64), kept)

    @staticmethod
    def require(
        timesteps: int, neurons: int, types: Mapping[str, np.dtype[Any]], keep: Collection[str]
    ) -> None:
        """Refuse a recording that takes more memory than there is.

        Raises
        ------
        InputError
            With both figures.
        """
        each = -(-neurons // _BITS) * 8 + neurons * sum(types[name].itemsize for name in keep)
        if timesteps * each > _UNDOUBTED:
            require_memory(f"a recording of {timesteps} steps of {neurons} neurons", timesteps * each)

    @property
    def neurons(self) -> int:
        """How many neurons it is for."""
        return int(next(iter(self.kept.values())).shape[1])

    def part(self, begin: int, end: int) -> "Room":
        """Return the room for some of the timesteps."""
        return Room(
            self.spikes[begin:end],
            {name: array[begin:end] if len(array) else array for name, array in self.kept.items()},
        )


def packed(spikes: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Return spikes, (timesteps, neurons), as bits."""
    timesteps, neurons = spikes.shape
    words = np.zeros((timesteps, -(-neurons // _BITS)), dtype="<u8")
    octets = np.packbits(spikes, axis=1, bitorder="little")
    words.view(np.uint8)[:, : octets.shape[1]] = octets
    return words.astype(np.uint64, copy=False)


def unpacked(bits: npt.NDArray[np.uint64], neurons: int) -> npt.NDArray[np.bool_]:
    """Return spikes that were packed, (timesteps, neurons)."""
    octets = np.ascontiguousarray(bits, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, count=neurons, bitorder="little").view(np.bool_)
