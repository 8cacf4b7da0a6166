"""What drives the inputs of a population, clock after clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.monitors import Broken, Rule
from qlif.cosim.benches.port_words import packed_rows
from qlif.model.golden.neurons import ParameterWrite

if TYPE_CHECKING:
    from qlif.cosim.benches.agents import PopulationBench


@dataclass(frozen=True)
class Stalls:
    """How often each stream pauses, as a probability, for each `length` clocks anew."""

    currents: float = 0.0
    updates: float = 0.0
    events: float = 0.0
    length: int = 1

    def flow(self, probability: float, random: np.random.Generator) -> Iterator[bool]:
        """Give, clock after clock, whether a stream may move."""
        while True:
            if probability == 0:
                yield from [True] * 4096
            else:
                moves = random.random(4096 // self.length + 1) >= probability
                yield from np.repeat(moves, self.length).tolist()


class Drive:
    """Drives the inputs of a run, clock after clock, and counts what is taken.

    Attributes
    ----------
    total, sent : int
        Rows of currents that there are, and that were taken.
    idle : int
        Clocks since anything moved.
    patience : int
        Of `idle`, after which nothing is waited for.
    ready_up, ready_ev : bool
        What is driven in this clock.
    broken : list of Broken
        What of the handshakes of the inputs is unknown.
    """

    def __init__(
        self,
        bench: "PopulationBench",
        currents: npt.NDArray[np.int64],
        stalls: Stalls,
        changes: Sequence[ParameterWrite],
    ) -> None:
        self.bench, self.handles, self.changes = bench, bench.handles, changes
        self._rows_per_step = bench.neurons // bench.lanes
        self.total = currents.size // bench.lanes
        rates = stalls.currents, stalls.updates, stalls.events
        self.flow_in, self.flow_up, self.flow_ev = (stalls.flow(rate, bench.random) for rate in rates)
        # Long enough for any pause that the stalls make likely and for the longest way through.
        self.patience = int(500 * stalls.length / max(1 - max(rates), 0.01)) + 200
        self.patience += 4 * bench.interface.latency
        self.idle = self.sent = self._written = 0
        self.ready_up = self.ready_ev = False
        self.broken: list[Broken] = []
        self._offering = self._writing = False
        self._driven: tuple[bool, bool] | None = None
        self._readies = [self.handles.get(name) for name in ("updates_ready", "events_ready")]

    def offer(self, ready_up: bool, ready_ev: bool) -> None:
        """Drive everything for the coming rising edge."""
        sent, written, changes = self.sent, self._written, self.changes
        due = changes[written].step if written < len(changes) else None
        self._writing = due is not None and (due == 0 or sent > (due - 1) * self._rows_per_step)
        if self.bench.select:
            self._offer_write(changes[written] if self._writing else None)
        self._offer_currents(due)
        self.ready_up, self.ready_ev = ready_up, ready_ev
        if (ready_up, ready_ev) != self._driven:
            for handle, ready in zip(self._readies, (ready_up, ready_ev), strict=True):
                if handle is not None:
                    handle.value = int(ready)
            self._driven = ready_up, ready_ev

    def _offer_currents(self, due: int | None) -> None:
        """Drive what brings currents, of timesteps before the one that a write of a parameter is due in."""
        raise NotImplementedError

    def _offered(self) -> list[tuple[str, bool]]:
        """Return the streams into the module, those that come first in a clock first, and whether each offers."""
        return [("currents", self._offering), ("parameters", self._writing)]

    def _took(self, stream: str) -> None:
        """Hear that a stream moves at the coming rising edge."""
        if stream != "parameters":
            raise ValueError(f"{stream} is a stream of currents, which a kind of drive counts itself")
        self._written += 1

    def look(self, clock: int) -> None:
        """Count what the coming rising edge takes."""
        for name, offered in self._offered():
            if not offered:
                continue
            ready = self.handles[f"{name}_ready"].value
            if not ready.is_resolvable:
                what = f"unresolved bits in {name}_ready"
                self.broken.append(Broken.of(Rule.KNOWN, name, clock, what))
            elif int(ready):
                self.idle = 0
                self._took(name)

    def _offer_write(self, change: ParameterWrite | None) -> None:
        """Drive the parameter port for the coming clock."""
        handles = self.handles
        handles["parameters_valid"].value = int(change is not None)
        if change is not None:
            mask = (1 << self.bench.interface.core.word_format.width) - 1
            handles["parameters_select"].value = self.bench.select[change.name]
            handles["parameters_neuron"].value = change.neuron or 0
            handles["parameters_word"].value = change.word & mask


class RowDrive(Drive):
    """Drives a stream of currents: row after row, timestep after timestep."""

    def __init__(
        self,
        bench: "PopulationBench",
        currents: npt.NDArray[np.int64],
        stalls: Stalls,
        changes: Sequence[ParameterWrite],
    ) -> None:
        super().__init__(bench, currents, stalls, changes)
        self._rows = packed_rows(bench.data, currents)
        self._valid, self._data = self.handles["currents_valid"], self.handles["currents_data"]
        self._was_offering: bool | None = None

    def _offer_currents(self, due: int | None) -> None:
        sent = self.sent
        allowed = sent < self.total and (due is None or sent < due * self._rows_per_step)
        # Once offered, a current stays until it is taken.
        self._offering = self._offering or (allowed and next(self.flow_in))
        if self._offering:
            self._data.value = self._rows[sent]
        if self._offering is not self._was_offering:
            self._valid.value = int(self._offering)
            self._was_offering = self._offering

    def _took(self, stream: str) -> None:
        if stream == "currents":
            self.sent, self._offering = self.sent + 1, False
        else:
            super()._took(stream)


class GivenRows:
    """Random currents for a run whose handshakes are given: none of them negative, as neurons would only sink."""

    def __init__(self, bench: "PopulationBench") -> None:
        self._bench, self._rows_per_step = bench, bench.neurons // bench.lanes
        random = bench.random.integers(0, bench.data.format.max_word + 1, (4096, bench.lanes), dtype=np.int64)
        self._words, self._taken = random, list[npt.NDArray[np.int64]]()
        self._packed = packed_rows(bench.data, random)

    @property
    def rows(self) -> int:
        """How many rows of currents were taken."""
        return len(self._taken)

    @property
    def currents(self) -> npt.NDArray[np.int64]:
        """The currents of whole timesteps: a module that never takes the rest leaves its last one unfinished."""
        neurons = self._bench.neurons
        words = np.array(self._taken, dtype=np.int64).ravel()
        return words[: len(words) // neurons * neurons].reshape(-1, neurons)

    def rest(self) -> dict[str, int]:
        """Return what ends a timestep, and begins no other one."""
        return {"currents_valid": int(self.rows % self._rows_per_step != 0)}

    def offered(self) -> dict[str, int]:
        """Return what is offered where the handshakes say that something is."""
        return {"currents_data": self._packed[self.rows % len(self._packed)]}

    def look(self) -> bool:
        """Count what the coming rising edge takes; return whether it takes something."""
        moves = moving(self._bench, "currents")
        if moves:
            self._taken.append(self._words[self.rows % len(self._words)])
        return moves


def moving(bench: "PopulationBench", stream: str) -> bool:
    """Return whether a stream into the module moves at the coming rising edge."""
    return all(int(bench.handles[f"{stream}_{part}"].value) for part in ("valid", "ready"))
