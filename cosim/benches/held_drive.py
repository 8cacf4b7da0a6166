"""Drives a population that holds its currents: writes of current words, and a command for each timestep."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.drive import Drive, Stalls, moving
from qlif.model.golden.held_currents import changes as fewest
from qlif.model.golden.neurons import ParameterWrite

if TYPE_CHECKING:
    from qlif.cosim.benches.agents import PopulationBench

SUPERSEDED = 0.1
"""How many writes come after one of another word for the same neuron, which nobody must see."""


class HeldDrive(Drive):
    """Drives writes of those currents that change, and the command of each timestep after them.

    The writes for a timestep are offered while the one before is under way. Its command is offered behind the last
    of them, or now and then in the clock in which that is taken.

    Attributes
    ----------
    started : list of array of int, (neurons,)
        What was held when each timestep's command was taken.
    """

    def __init__(
        self,
        bench: "PopulationBench",
        currents: npt.NDArray[np.int64],
        stalls: Stalls,
        changes: Sequence[ParameterWrite],
    ) -> None:
        super().__init__(bench, currents, stalls, changes)
        self._currents = currents.reshape(-1, bench.neurons)
        self._held, self._random = bench.held, bench.random
        self._flow_steps = stalls.flow(stalls.currents, bench.random)
        self.started: list[npt.NDArray[np.int64]] = []
        self._stepping = False
        self._waiting = self._writes()

    def _writes(self) -> list[tuple[int, int]]:
        """Return neuron and word of each write before the next timestep, the last one first.

        Their order is random: in that of the neurons, one that comes too early would never overtake the rows.
        """
        if len(self.started) == len(self._currents):
            return []
        found: list[tuple[int, int]] = []
        changed = fewest(self._currents[len(self.started)][None], self._held)
        for place in self._random.permutation(len(changed)):
            change = changed[place]
            if self._random.random() < SUPERSEDED:
                found.append((change.neuron, int(self._held[change.neuron]) ^ 1))
            found.append((change.neuron, change.word))
        return found[::-1]

    def _offer_currents(self, due: int | None) -> None:
        handles = self.handles
        # Once offered, a write or a command stays until it is taken.
        self._offering = self._offering or (bool(self._waiting) and next(self.flow_in))
        if self._offering:
            neuron, word = self._waiting[-1]
            handles["currents_neuron"].value = neuron
            handles["currents_word"].value = word & self.bench.data.mask
        allowed = len(self.started) < len(self._currents) and (due is None or len(self.started) < due)
        may_step = allowed and self._may_step()
        self._stepping = self._stepping or (may_step and next(self._flow_steps))
        handles["currents_valid"].value = int(self._offering)
        handles["steps_valid"].value = int(self._stepping)

    def _may_step(self) -> bool:
        """Return whether a command may be offered: nothing is to be written before it.

        A write that finds ready is taken in this clock, and comes before a command of the same clock.
        """
        if not self._waiting:
            return True
        meets = (
            len(self._waiting) == 1 and self._offering and str(self.handles["currents_ready"].value) == "1"
        )
        return meets and bool(self._random.random() < 0.5)

    def _offered(self) -> list[tuple[str, bool]]:
        return [("currents", self._offering), ("steps", self._stepping), ("parameters", self._writing)]

    def _took(self, stream: str) -> None:
        match stream:
            case "currents":
                neuron, word = self._waiting.pop()
                self._held[neuron], self._offering = word, False
            case "steps":
                self._stepping = False
                self.started.append(self._held.copy())
                self.sent += self._rows_per_step
                self._waiting = self._waiting or self._writes()
            case _:
                super()._took(stream)


class RacingDrive(HeldDrive):
    """Drives random writes and commands without regard for each other: what meets first is first."""

    def _writes(self) -> list[tuple[int, int]]:
        """Return a write at random; none once all timesteps have started."""
        if len(self.started) == len(self._currents):
            return []
        format, random = self.bench.data.format, self._random
        word = int(random.integers(format.min_word, format.max_word + 1))
        return [(int(random.integers(self.bench.neurons)), word)]

    def _may_step(self) -> bool:
        return True

    def _took(self, stream: str) -> None:
        super()._took(stream)
        self._waiting = self._waiting or self._writes()


class GivenHeld:
    """Random writes of held currents for a run whose handshakes are given; none of them negative."""

    def __init__(self, bench: "PopulationBench") -> None:
        self._bench, self._started = bench, list[npt.NDArray[np.int64]]()
        self._write = self._drawn()

    def _drawn(self) -> tuple[int, int]:
        bench, random = self._bench, self._bench.random
        return int(random.integers(bench.neurons)), int(random.integers(bench.data.format.max_word + 1))

    @property
    def rows(self) -> int:
        """How many rows belong to timesteps that have started."""
        return len(self._started) * self._bench.interface.rows

    @property
    def currents(self) -> npt.NDArray[np.int64]:
        """What was held as each timestep started."""
        return np.array(self._started, dtype=np.int64).reshape(-1, self._bench.neurons)

    def rest(self) -> dict[str, int]:
        """Return what begins no timestep."""
        return {"currents_valid": 0, "steps_valid": 0}

    def offered(self) -> dict[str, int]:
        """Return what is offered where the handshakes say that something is."""
        neuron, word = self._write
        return {"currents_neuron": neuron, "currents_word": word}

    def look(self) -> bool:
        """Keep what the coming rising edge takes; return whether it takes something."""
        bench = self._bench
        writes, starts = moving(bench, "currents"), moving(bench, "steps")
        if writes:
            neuron, word = self._write
            bench.held[neuron] = word
            self._write = self._drawn()
        if starts:
            self._started.append(bench.held.copy())
        return writes or starts
