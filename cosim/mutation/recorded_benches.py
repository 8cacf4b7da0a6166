"""What the testbenches drive and see, clock by clock, on a population that passes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches import recorder
from qlif.cosim.benches.job import Job
from qlif.cosim.cosimulation import POPULATION_BENCH, tests_of
from qlif.cosim.simulator.cocotb_design import Design
from qlif.cosim.simulator.find import Simulator
from qlif.hdl.verilog import Export
from qlif.model.exceptions import DifferenceFound
from qlif.model.support.files import write_text
from qlif.model.support.progress import Progress, unwatched

UPDATES = 10_000
"""Of the random bench; the stalled ones have a share of it."""


@dataclass(frozen=True, eq=False)
class Stimulus:
    """One bench's run.

    Attributes
    ----------
    bench : str
    folder : Path
        Where the bench ran.
    words : dict of str to array of uint64, (clocks,)
        What stood on each port, and on ``rst``, when the clock rose.
    """

    bench: str
    folder: Path
    words: Mapping[str, npt.NDArray[np.uint64]]

    @property
    def clocks(self) -> int:
        """How long it is."""
        return len(self.words["rst"])


def record(
    export: Export,
    simulator: Simulator,
    directory: Path,
    *,
    seeds: Sequence[int] = (0,),
    updates: int = UPDATES,
    benches: Sequence[str] = (),
    coverage: bool = False,
    progress: Progress = unwatched,
) -> list[Stimulus]:
    """Run every bench of the population and keep what it drove and saw.

    The testbenches compare all outputs with the golden model, so what they saw is what it gives.

    Parameters
    ----------
    export : Export
        The population.
    simulator : Simulator
    directory : Path
        Where everything is written.
    seeds : sequence of int
        Of the benches' random inputs and stalls; each bench runs with each of them.
    updates : int
        How many the random benches play.
    benches : sequence of str
        Only these; all if there are none.
    coverage : bool
        Whether each leaves Verilator's coverage in a folder of its name.
    progress : callable
        Called with what goes on and the fraction that is done.

    Raises
    ------
    DifferenceFound
        A bench fails: there is nothing golden to be kept.
    """
    directory.mkdir(parents=True, exist_ok=True)
    module = export.interface.module
    source = directory / f"{module}.v"
    write_text(source, export.verilog)
    progress("building for the benches", 0.0)
    design = Design(simulator, source, module, directory / "simulation", coverage=coverage)
    tests = benches or tests_of(export.interface)
    stimuli = []
    runs = [(bench, seed) for seed in seeds for bench in tests]
    for number, (bench, seed) in enumerate(runs):
        progress(f"recording the bench {bench}", number / len(runs))
        job = directory / (bench if seed == seeds[0] else f"{bench}-{seed}")
        job.mkdir(exist_ok=True)
        (job / recorder.FILE).unlink(missing_ok=True)
        options: dict[str, Any] = {"updates": updates, "record": True}
        Job(export.interface.words, export.interface, options).write(job)
        _, failed = design.run(POPULATION_BENCH, job, seed, (bench,))
        if failed:
            raise DifferenceFound(f"the bench {bench} fails before any fault is planted: see {job}")
        with np.load(job / recorder.FILE) as content:
            stimuli.append(Stimulus(bench, job, {name: content[name] for name in content.files}))
    return stimuli
