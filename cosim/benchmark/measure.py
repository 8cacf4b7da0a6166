"""Contenders side by side, in alternating rounds."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qlif.cosim.benchmark.catalogue import contenders
from qlif.cosim.benchmark.contender import Contender, Skipped
from qlif.cosim.benchmark.cosimulation import UPDATES, measure_cosimulation
from qlif.cosim.benchmark.work import Work
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator.find import find
from qlif.model.exceptions import DifferenceFound, InputError
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.scratch import scratch

SIZES = (100, 10_000, 1_000_000)
ROUNDS = 15
COSIMULATION_PRESET, COSIMULATION_NEURONS, COSIMULATION_ROUNDS = "square-18", 64, 5


class Different(DifferenceFound):
    """A contender doesn't compute the golden step, so that its speed means nothing."""


@dataclass
class Measured:
    """What was measured.

    Attributes
    ----------
    speeds : dict of (name, n) to list of float
        Updates per second in each round.
    skipped : list of Skipped
    """

    speeds: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def median(self, name: str, n: int) -> float | None:
        """Return a contender's updates per second; None if it wasn't measured."""
        found = self.speeds.get((name, n))
        return statistics.median(found) if found else None


def measure(
    sizes: Sequence[int] = SIZES,
    rounds: int = ROUNDS,
    *,
    with_kernel: bool = True,
    with_peers: bool = True,
    with_cosimulation: bool = True,
    progress: Progress = unwatched,
) -> Measured:
    """Return the speeds of all contenders.

    Those of one size take turns: each runs once in each round. Before that each runs once from the start,
    which compiles what there is to compile, and must reach the golden model's state if it computes its step.

    Raises
    ------
    Different
        One doesn't.
    SimulationError
        A co-simulation can't be built or run.
    """
    measured = Measured()
    parts = len(sizes) + with_cosimulation
    for place, n in enumerate(sizes):
        with scratch() as directory:
            there: dict[Contender, int] = {}
            for made in contenders(n, directory, with_kernel, with_peers):
                progress(f"{n:,} neurons: building, {made.name}", place / parts)
                if isinstance(made, Skipped):
                    measured.skipped.append(made)
                    continue
                made.run()
                _require_golden(made)
                there[made] = made.repeats()
            for number in range(rounds):
                for contender, repeats in there.items():
                    done = (place + (number + 1) / (rounds + 1)) / parts
                    progress(f"{n:,} neurons: round {number + 1} of {rounds}, {contender.name}", done)
                    key = contender.name, n
                    measured.speeds.setdefault(key, []).append(contender.speed(repeats))
    if with_cosimulation:
        _add_cosimulation(measured, min(rounds, COSIMULATION_ROUNDS), progress)
    return measured


def _require_golden(contender: Contender) -> None:
    """Compare a contender after its first run with the golden model."""
    if contender.end is None or contender.work is None:
        return
    for got, expected in zip(contender.end(), golden_end(contender.work), strict=False):
        if not np.array_equal(got, expected):
            neuron = int(np.flatnonzero(np.asarray(got) != expected)[0])
            raise Different(
                f"{contender.name} isn't the golden step: neuron {neuron} of {contender.n} ends at "
                f"{got[neuron]}, not at {expected[neuron]}"
            )


def golden_end(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Return potential and refractory counter after some work, from the start."""
    neurons = FixedNeurons(work.words)
    words = work.current_words
    neurons.run(lambda begin, end: words[begin:end], work.timesteps)
    return neurons.state.potential, neurons.state.refractory


def _add_cosimulation(measured: Measured, rounds: int, progress: Progress) -> None:
    try:
        simulator = find("verilator")
    except InputError as error:
        measured.skipped += [Skipped(name, COSIMULATION_NEURONS, str(error)) for name in UPDATES]
        return
    configuration = Settings.read(COSIMULATION_PRESET).population(COSIMULATION_NEURONS)
    found = measure_cosimulation(configuration, simulator, rounds, progress)
    for name, speeds in found.items():
        measured.speeds[name, COSIMULATION_NEURONS] = speeds
    why = "it needs Yosys and a C compiler, or Icarus"
    measured.skipped += [Skipped(name, COSIMULATION_NEURONS, why) for name in UPDATES if name not in found]
