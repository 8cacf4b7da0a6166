"""How fast somebody else's core was found to be, and whether it is what its map claims."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from qlif.cosim.benches.job import Job
from qlif.cosim.benches.speed_bench import FILE
from qlif.cosim.simulator.cocotb_design import Design
from qlif.hdl.interface import Mapped

BENCH = "qlif.cosim.benches.speed_bench"


@dataclass(frozen=True)
class Speed:
    """Clocks that a core was seen to take, with currents always offered and updates always taken.

    Attributes
    ----------
    latency : (int, int), optional
        From a current to its update, at least and at most; None if no update came.
    interval : (int, int), optional
        Between two currents, at least and at most.
    updates : int
        How many were seen.
    """

    latency: tuple[int, int] | None
    interval: tuple[int, int] | None
    updates: int

    @classmethod
    def of(cls, begun: list[int], ended: list[int]) -> "Speed":
        """Return it from the clocks in which currents were taken and updates given."""
        latencies = [end - begin for begin, end in zip(begun, ended, strict=False)]
        intervals = [later - earlier for earlier, later in pairwise(begun)]
        return cls(_range(latencies), _range(intervals), len(ended))

    def failures(self, claimed: Mapped) -> Iterator[str]:
        """Give, in words, each claim that isn't kept."""
        for name, found, claim in (
            ("latency", self.latency, claimed.latency),
            ("interval", self.interval, claimed.interval),
        ):
            if claim is not None and found is not None and found[1] > claim:
                yield f"the {name} is {in_clocks(found)}, above the map's {in_clocks((claim, claim))}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def in_clocks(found: tuple[int, int] | None) -> str:
    """Return a number of clocks, or a range, in words."""
    if found is None:
        return "not seen"
    least, most = found
    if least != most:
        return f"{least} to {most} clocks"
    return f"{least} clock{'' if least == 1 else 's'}"


def measure_speed(design: Design, job: Job, directory: Path, seed: int) -> Speed:
    """Run a core at full speed, and return how fast it is.

    Raises
    ------
    SimulationError
        The simulation gave no result.
    """
    directory.mkdir(parents=True, exist_ok=True)
    job.write(directory)
    design.run(BENCH, directory, seed)
    found = json.loads((directory / FILE).read_text())
    return Speed.of(found["begun"], found["ended"])


def _range(numbers: list[int]) -> tuple[int, int] | None:
    return (min(numbers), max(numbers)) if numbers else None
