"""The main job: real input through the hardware, held against the golden model and the float neuron."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.configuration import Configuration
from qlif.cosim.files import write_text
from qlif.cosim.job import Job
from qlif.cosim.scoreboard import Observed, Scoreboard, Verdict
from qlif.cosim.simulators import Design, SimulationError, Simulator
from qlif.hdl.export import Export, export_population
from qlif.model import metrics
from qlif.model.population import QLIFPopulation
from qlif.model.recording import Recording
from qlif.model.words import Words, quantise

POPULATION_BENCH = "qlif.cosim.benches.population"
THOROUGH_TESTS = ("directed", "constrained_random", "stalled", "reset_in_mid_run", "full_speed")

Progress = Callable[[str, float], None]
"""Called with what goes on and the fraction of it that is done."""


@dataclass(frozen=True, eq=False)
class Cosimulation:
    """A finished co-simulation.

    Attributes
    ----------
    words : Words
    verdict : Verdict
        Hardware against golden model.
    golden, hardware, floating : Recording
        The same run three times: the golden model, what came out of the hardware, float64 Euler.
    lag : SpikeLag
        Golden spikes against float ones.
    error : PotentialError
        Golden potentials against float ones.
    cycles : int
        Clocks that the hardware took.
    thorough : tuple of int, optional
        How many of the further benches were run, and how many failed.
    directory : Path
        Where the Verilog, the logs and the waves are.
    """

    words: Words
    verdict: Verdict
    golden: Recording
    hardware: Recording
    floating: Recording
    lag: metrics.SpikeLag
    error: metrics.PotentialError
    cycles: int
    latency: int
    thorough: tuple[int, int] | None
    directory: Path
    waves: Path | None


def cosimulate(
    configuration: Configuration,
    currents: npt.NDArray[np.float64],
    simulator: Simulator,
    directory: Path,
    *,
    seed: int = 0,
    waves: bool = False,
    stalls: float = 0.0,
    thorough: bool = False,
    export: Export | None = None,
    progress: Progress = lambda what, fraction: None,
) -> Cosimulation:
    """Run an input through the hardware, the golden model and the float reference.

    Parameters
    ----------
    configuration : Configuration
        The neuron, with as many neurons as the input has columns.
    currents : array, (timesteps, neurons)
        Input currents in the parameters' unit.
    simulator : Simulator
    directory : Path
        Where everything is written.
    seed : int
        Of stalls and of the thorough benches' random inputs.
    waves : bool
        Leave waveforms behind.
    stalls : float
        Probability per clock that a stream pauses, on each of the three.
    thorough : bool
        Run the directed, random, stall and reset benches as well.
    export : Export, optional
        Other Verilog with the same ports, in place of this project's own.
    progress : callable, optional

    Raises
    ------
    InputError
        A current is not finite or can't be held.
    SimulationError
        The simulation gave no verdict.
    """
    words = quantise(configuration.parameters, configuration.arithmetic)
    current_words = words.current_words(currents)
    export = export or export_population(words, words.parameters.n, configuration.name)
    verilog = directory / f"{export.interface['module']}.v"
    write_text(verilog, export.verilog)
    write_text(directory / "interface.json", json.dumps(export.interface, indent=2) + "\n")

    progress(f"building for {simulator.name}", 0.0)
    design = Design(simulator, verilog, export.interface["module"], directory / "simulation", waves)
    job_directory = directory / "run"
    job_directory.mkdir(parents=True, exist_ok=True)
    updates = current_words.size
    Job(words, export.interface, {"stalls": stalls, "updates": updates}, current_words).write(job_directory)
    (job_directory / "observed.npz").unlink(missing_ok=True)
    design.run(POPULATION_BENCH, job_directory, seed, ("replay",), lambda done: progress("simulating", done))
    observed_path = job_directory / "observed.npz"
    if not observed_path.exists():
        raise SimulationError(
            f"the bench ended before the hardware's outputs did; its log is {job_directory / 'simulation.log'}"
        )
    observed = Observed.load(observed_path)
    scoreboard = Scoreboard(words, current_words)
    verdict = scoreboard.compare(observed)
    further = None
    if thorough:
        progress("running the thorough benches", 0.0)
        further_directory = directory / "thorough"
        further_directory.mkdir(parents=True, exist_ok=True)
        Job(words, export.interface, {"updates": min(updates, 20_000)}).write(further_directory)
        further = design.run(POPULATION_BENCH, further_directory, seed, THOROUGH_TESTS)

    floating = QLIFPopulation(**words.parameters.as_dict()).run(currents)
    golden = _recording(words, scoreboard.spikes, scoreboard.states["potential"], scoreboard.states["trace"])
    assert golden.potentials is not None and floating.potentials is not None
    return Cosimulation(
        words=words,
        verdict=verdict,
        golden=golden,
        hardware=_hardware_recording(words, observed, current_words.shape),
        floating=floating,
        lag=metrics.spike_lag(floating.spikes, golden.spikes),
        error=metrics.potential_error(floating.potentials, golden.potentials),
        cycles=observed.cycles,
        latency=int(export.interface["latency"]),
        thorough=further,
        directory=directory,
        waves=job_directory / design.waves_name if waves else None,
    )


def _recording(words: Words, spikes: Any, potential: Any, trace: Any) -> Recording:
    """Return words as a recording in mV."""
    return Recording(
        words.parameters.dt, spikes, words.potentials(potential), words.traces(trace), words, potential, trace
    )


def _hardware_recording(words: Words, observed: Observed, shape: tuple[int, ...]) -> Recording:
    """Return what the hardware gave; updates that never came are at the reset potential, silent."""
    count = shape[0] * shape[1]
    arrived = min(count, len(observed.neuron))
    spikes = np.zeros(count, dtype=np.bool_)
    potential = np.full(count, int(np.min(words.constants["reset"].word)), dtype=np.int64)
    trace = np.zeros(count, dtype=np.int64)
    spikes[:arrived] = observed.spike[:arrived]
    potential[:arrived] = observed.potential[:arrived]
    trace[:arrived] = observed.trace[:arrived]
    return _recording(words, spikes.reshape(shape), potential.reshape(shape), trace.reshape(shape))
