"""Functional coverage: the cases that the testbenches reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.coverage import traffic_cases, update_cases
from qlif.cosim.coverage.observed import Updates, stretches, updates
from qlif.cosim.coverage.storage_cases import storage_cases
from qlif.cosim.coverage.update_cases import UpdateCase
from qlif.cosim.mutation.recorded_benches import Stimulus
from qlif.hdl.interface import Interface


@dataclass(frozen=True)
class Case:
    """A case, and how often each bench led into it.

    Attributes
    ----------
    name : str
    benches : dict of str to int
        Number of occurrences by testbench: updates, or stretches between resets.
    update : UpdateCase, optional
        What it says of an update, if a solver can be asked for one.
    """

    name: str
    benches: Mapping[str, int]
    update: UpdateCase | None = None

    @property
    def reached(self) -> list[str]:
        """The testbenches that led into it."""
        return [bench for bench, count in self.benches.items() if count]

    @property
    def count(self) -> int:
        """How often, in all benches."""
        return sum(self.benches.values())


def covered(recorded: Sequence[Stimulus], interface: Interface) -> list[Case]:
    """Return every case with how often each bench led into it.

    Parameters
    ----------
    recorded : sequence of Stimulus
    interface : Interface
        The population's.
    """
    found: dict[str, dict[str, int]] = {}
    asked: dict[str, UpdateCase] = {}
    words, neurons = interface.words, interface.neurons

    def add(name: str, bench: str, count: int) -> None:
        benches = found.setdefault(name, {})
        benches[bench] = benches.get(bench, 0) + count

    interval = 1 if interface.mapped is None else _interval(recorded)
    of_traffic = [*traffic_cases.traffic_cases(interval, neurons), *storage_cases(interface)]
    for stimulus in recorded:
        written = False
        for stretch in stretches(stimulus):
            for traffic in of_traffic:
                add(traffic.name, stimulus.bench, int(traffic.happened(stretch)))
            # The words are the configured ones until the bench writes the first; a reset keeps what is written.
            written = written or bool(interface.runtime and stretch.moved("parameters").any())
            played = None if written else updates(stretch, interface)
            for case in update_cases.update_cases(words):
                add(case.name, stimulus.bench, 0 if played is None else _hits(case, played))
                if case.alone:
                    asked[case.name] = case
            spiked = np.zeros(0, dtype=np.int64) if played is None else played.neuron[played.spike == 1]
            every = "every neuron spikes" if neurons > 1 else "the neuron spikes"
            add(every, stimulus.bench, int(len(np.unique(spiked)) == neurons))
            if neurons > 1:
                add("neurons next to each other spike", stimulus.bench, _neighbours(played))
    return [Case(name, benches, asked.get(name)) for name, benches in found.items()]


def _interval(recorded: Sequence[Stimulus]) -> int:
    """Return the fewest clocks from an update to the next in all benches."""
    distances = (
        int(clocks.min())
        for stimulus in recorded
        for stretch in stretches(stimulus)
        if len(clocks := np.diff(np.flatnonzero(stretch.moved("updates"))))
    )
    return min(distances, default=1)


def _hits(case: UpdateCase, played: Updates) -> int:
    held: npt.NDArray[Any] = np.logical_and.reduce(
        [np.broadcast_to(condition, played.current.shape) for condition in case.conditions(played)]
    )
    return int(held.sum())


def _neighbours(played: Updates | None) -> int:
    if played is None:
        return 0
    spiked = played.spike == 1
    return int((spiked[1:] & spiked[:-1]).sum())
