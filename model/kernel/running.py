"""A run from its first timestep to its last, over any engine; either all of it happens or nothing."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qlif.model.kernel.blocks import stretches
from qlif.model.kernel.room import Room

_FLOAT64 = np.dtype(np.float64)

Snapshot = tuple[Any, ...]

Rows = Callable[[int, int], npt.NDArray[Any]]
"""Gives the currents of some timesteps, from one to before another, (timesteps, neurons)."""


Into = Callable[[npt.NDArray[np.float64]], bool]
"""Advances one timestep, (1, neurons), into a room; returns whether all of its currents could be held."""


class Engine(Protocol):
    """Neurons that advance."""

    def save(self) -> Snapshot:
        """Return what `restore` goes back to."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go back."""

    def advance(self, currents: npt.NDArray[Any], room: Room) -> bool:
        """Advance over currents, (timesteps, neurons), and fill the room.

        Currents are words of the narrowest type, or float64 in the parameters' unit. Returns whether all of
        those could be held; if not, the state is undefined, but for a single timestep: that is all or nothing.
        """

    def into(self, room: Room) -> Into:
        """Return what advances one timestep into always the same room, until a parameter changes."""


def advance_once(into: Into, current: npt.NDArray[np.float64]) -> bool:
    """Advance one timestep and return whether every current could be held; if not, nothing happens.

    `into` is an engine's, for the room that is filled.
    """
    if current.dtype is not _FLOAT64 or not current.flags.carray:
        current = np.array(current, dtype=np.float64, order="C")
    return into(current.reshape(1, -1))


def run_through(
    engine: Engine,
    rows: Rows,
    room: Room,
    cuts: Sequence[int] = (),
    prepare: Callable[[int], None] = lambda begin: None,
) -> Room | None:
    """Advance over as many timesteps as there is room for; return the room, filled.

    If a current can't be held, or whatever else goes wrong, the engine is as it was before; None is
    returned for a current.

    Parameters
    ----------
    engine : Engine
    rows : callable
        The currents.
    room : Room
    cuts : sequence of int, rising
        Timesteps at which a new stretch must begin.
    prepare : callable
        Called with the first timestep of a stretch before it is computed.
    """
    before = engine.save()
    finished = False
    try:
        for begin, end in stretches(len(room.spikes), room.neurons, cuts):
            prepare(begin)
            currents = rows(begin, end)
            if not currents.flags.carray:
                currents = np.require(currents, requirements=["C", "A", "W"])
            whole = end - begin == len(room.spikes)
            held = engine.advance(currents, room if whole else room.part(begin, end))
            del currents  # before the next ones are made
            if not held:
                return None
        finished = True
    finally:
        if not finished:
            engine.restore(before)
    return room
