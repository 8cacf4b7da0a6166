"""Co-simulation: an input through the hardware, compared with the golden model and the float neuron."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.block_wrapper import BLOCK_MODULE, block_wrapper
from qlif.cosim.benches.job import Job
from qlif.cosim.benches.scoreboard import Observed, Verdict
from qlif.cosim.benches.vhdl_streams import MAP, SUPPORTED
from qlif.cosim.bitslice.population import compare_netlist
from qlif.cosim.configuration import Configuration
from qlif.cosim.mapping.core_map import CoreMap
from qlif.cosim.mapping.port_formats import word_of
from qlif.cosim.mapping.sources import is_vhdl
from qlif.cosim.mapping.speed import Speed, measure_speed
from qlif.cosim.simulator.cocotb_design import ACTIVITY_FILE, WAVES_FILE, Design, SimulationError
from qlif.cosim.simulator.find import Simulator
from qlif.cosim.software_run import Simulation, simulate
from qlif.hdl.core import Streams
from qlif.hdl.interface import Interface, Mapped
from qlif.hdl.synthesis.gates import gate_netlist, models_of
from qlif.hdl.target import RoutedTarget
from qlif.hdl.targets.catalogue import target
from qlif.hdl.verilog import Export
from qlif.model.exceptions import DifferenceFound, InputError
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.recording import Recording
from qlif.model.support.files import whole_file, write_text
from qlif.model.support.progress import Progress, unwatched
from qlif.model.words import Words

BLOCK_BENCH = "qlif.cosim.benches.block_bench"
POPULATION_BENCH = "qlif.cosim.benches.population_bench"
THOROUGH_TESTS = ("directed", "constrained_random", "stalled", "reset_in_mid_run", "full_speed")
HELD_TEST = "raced"
RUNTIME_TEST = "rewritten"
"""The tests besides the replay; the last ones are for populations that hold currents, or run-time parameters."""


@dataclass(frozen=True, eq=False)
class Cosimulation:
    """A finished co-simulation.

    Attributes
    ----------
    software : Simulation
        The golden model and the float neuron on the same input.
    hardware : Recording
        The hardware's results, in the same form.
    verdict : Verdict
        Hardware against golden model.
    cycles, latency : int
        Clocks of the run; clocks from a current to its update.
    thorough : tuple of int, optional
        Numbers of further tests run and failed.
    log, waves : Path
        The simulator's log; waveforms, if requested.
    mapped : Mapped, optional
        The core behind an adapter, if it is one.
    speed : Speed, optional
        Its speed, as measured.
    wave_files : tuple of Path
        The waves, in each format, and what viewers show of them.
    side_by_side : tuple of (int, str or None), optional
        Of a netlist that takes currents as a stream: how many updates of instances side by side were compared
        too, and the first difference.
    """

    software: Simulation
    hardware: Recording
    verdict: Verdict
    cycles: int
    latency: int
    thorough: tuple[int, int] | None
    log: Path
    waves: Path | None
    mapped: Mapped | None = None
    speed: Speed | None = None
    wave_files: tuple[Path, ...] = ()
    side_by_side: tuple[int, str | None] | None = None


@dataclass(frozen=True)
class _Runs:
    """What a design is run for, besides the replay of the input.

    Attributes
    ----------
    design : Design
    words : Words
    interface : Interface
    core_map : CoreMap or None
        The map that the bench itself reads, as there is no adapter.
    directory : Path
    seed : int
    """

    design: Design
    words: Words
    interface: Interface
    core_map: CoreMap | None
    directory: Path
    seed: int

    def job(
        self,
        options: dict[str, Any],
        replayed: npt.NDArray[np.int64] | None = None,
        writes: tuple[ParameterWrite, ...] = (),
    ) -> Job:
        """Return a bench's job on this design."""
        if self.core_map is not None:
            options = {**options, MAP: str(self.core_map.file)}
        return Job(self.words, self.interface, options, replayed, writes)

    def speed(self, progress: Progress) -> Speed:
        """Measure the speed of somebody else's core."""
        progress("measuring the speed", 0.0)
        return measure_speed(self.design, self.job({}), self.directory / "speed", self.seed)

    def thorough(self, updates: int, progress: Progress) -> tuple[int, int]:
        """Run the tests besides the replay; return how many there were, and how many failed."""
        progress("running the thorough benches", 0.0)
        directory = self.directory / "thorough"
        directory.mkdir(parents=True, exist_ok=True)
        self.job({"updates": updates}).write(directory)
        return self.design.run(POPULATION_BENCH, directory, self.seed, tests_of(self.interface))


def cosimulate(
    configuration: Configuration,
    currents: npt.NDArray[np.float64],
    simulator: Simulator,
    directory: Path,
    *,
    seed: int = 0,
    waves: bool = False,
    saif: Path | None = None,
    stalls: float = 0.0,
    thorough: bool = False,
    export: Export | None = None,
    core_map: CoreMap | None = None,
    gates: str | None = None,
    progress: Progress = unwatched,
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
        Random seed of stalls and of the thorough testbenches' inputs.
    waves : bool
        Leave waveforms behind.
    saif : Path, optional
        With Verilator, and without waves: where to write the switching activity, as SAIF.
    stalls : float
        Probability per clock that a stream pauses, on each of the three.
    thorough : bool
        Also run the directed, random, stall and reset tests.
    export : Export, optional
        The Verilog, ours or other people's with the same ports; if not given, the portable variant
        with one lane.
    core_map : CoreMap, optional
        With GHDL: the map that `export` was made by.
    gates : str, optional
        A target in :data:`qlif.hdl.targets.catalogue.TARGETS`: what is simulated is the netlist that Yosys makes for
        it, of the vendor's cells.
    progress : callable, optional

    Raises
    ------
    InputError
        A current isn't finite or is out of range; the target isn't known, or the population doesn't fit it; SAIF is
        asked for with waves, or of another simulator.
    DifferenceFound
        The hardware gave too few outputs or broke the handshake, so that there is nothing to compare.
    SimulationError
        The simulation gave no verdict.
    SynthesisError
        Yosys made a different circuit.
    """
    if saif is not None and (waves or not simulator.makes_programs):
        raise InputError(f"saif requires verilator and a run without waves, not {simulator.name}")
    progress("running the models", 0.0)
    software = simulate(configuration, currents)
    words = software.words
    current_words = words.current_words(currents)
    writes = configuration.parameter_writes(words, len(current_words))
    export = export or configuration.export()
    interface, traced = export.interface, (waves, saif is not None)
    if simulator.of_vhdl:
        design, bench = _vhdl_design(core_map, configuration, simulator, directory), POPULATION_BENCH
    else:
        watched = bool(stalls or thorough)
        design, bench = _build(export, simulator, directory, traced, gates, watched, progress)
    runs = _Runs(design, words, interface, core_map if simulator.of_vhdl else None, directory, seed)
    run = directory / "run"
    replayed = runs.job({"stalls": stalls, "updates": current_words.size}, current_words, writes)
    observed, verdict = _replay(design, bench, replayed, run, seed, progress)
    hardware = hardware_recording(words, observed, current_words.shape, software.golden, interface.absent)
    if saif is not None:
        with whole_file(saif) as temporary:
            shutil.copyfile(run / ACTIVITY_FILE, temporary)
    files: list[Path] = []
    if waves:
        from qlif.cosim.evidence.wave_views import readable

        progress("annotating the waves", 0.0)
        seen, first = run / WAVES_FILE, verdict.first
        files = readable(seen, interface, software.golden, hardware, currents, first)
    speed = None if interface.mapped is None else runs.speed(progress)
    further = runs.thorough(min(current_words.size, 20_000), progress) if thorough else None
    return Cosimulation(
        software=software,
        hardware=hardware,
        verdict=verdict,
        cycles=observed.cycles,
        latency=interface.latency if speed is None or speed.latency is None else speed.latency[1],
        thorough=further,
        log=run / "simulation.log",
        waves=files[0] if files else None,
        mapped=interface.mapped,
        speed=speed,
        wave_files=tuple(files),
        side_by_side=None
        if gates is None or interface.core.holds_currents or not isinstance(target(gates), RoutedTarget)
        else compare_netlist(export, gates, directory, stalls, seed, progress),
    )


def _build(
    export: Export,
    simulator: Simulator,
    directory: Path,
    traced: tuple[bool, bool],
    gates: str | None,
    watched: bool,
    progress: Progress,
) -> tuple[Design, str]:
    """Build the Verilog, or its netlist, for a simulator; return it with the bench that replays an input.

    If nobody has to look in every clock, that is the one that does without Python for many of them. Traced are
    waves, and switching activity.
    """
    verilog, _ = export.write(directory)
    interface = export.interface
    module, simulation = interface.module, directory / "simulation"
    waves, activity = traced
    if gates is not None:
        progress(f"synthesising for {gates}", 0.0)
        netlist = gate_netlist(export, gates, directory / "gates")
        progress(f"building for {simulator.name}", 0.0)
        sources = netlist.verilog, module, simulation, waves, netlist.cells, netlist.waiver
        return Design(simulator, *sources, activity=activity), POPULATION_BENCH
    progress(f"building for {simulator.name}", 0.0)
    core = interface.core
    always = core.runtime or interface.mapped is not None or core.streams is not Streams.BOTH
    always = always or core.holds_currents
    if watched or any(traced) or always:
        own = verilog, module, simulation, waves, models_of(export)
        return Design(simulator, *own, activity=activity), POPULATION_BENCH
    blocks = directory / f"{BLOCK_MODULE}.v"
    write_text(blocks, block_wrapper(interface))
    cells = [*models_of(export), verilog]
    return Design(simulator, blocks, BLOCK_MODULE, simulation, False, cells, makes_clock=True), BLOCK_BENCH


def _vhdl_design(
    core_map: CoreMap | None, configuration: Configuration, simulator: Simulator, directory: Path
) -> Design:
    """Build a mapped core in VHDL for GHDL, by itself.

    Raises
    ------
    InputError
        There is no such map, or its contract isn't one that is driven without an adapter.
    """
    if core_map is None or core_map.file is None or not is_vhdl(core_map.sources):
        raise InputError("simulator ghdl needs a map of VHDL sources, from a file")
    if core_map.contract not in SUPPORTED or {"taken", "neuron", "event", "random"} & set(core_map.ports):
        raise InputError(
            f"{core_map.where}simulator ghdl takes the contract strobe without taken, neuron, event and random; "
            "the others run in verilator or icarus"
        )
    *others, last = core_map.sources
    generics = {
        name: word_of(value, configuration.words, name) for name, value in core_map.parameters.items()
    }
    top = core_map.module.lower()
    return Design(simulator, last, top, directory / "simulation", cells=others, generics=generics)


def _replay(
    design: Design, bench: str, job: Job, directory: Path, seed: int, progress: Progress
) -> tuple[Observed, Verdict]:
    """Play a job's input; return what came out and how it compares with the golden model."""
    directory.mkdir(parents=True, exist_ok=True)
    job.write(directory)
    observed, verdict = directory / "observed.npz", directory / "verdict.json"
    for answer in (observed, verdict):
        answer.unlink(missing_ok=True)
    _, failed = design.run(bench, directory, seed, ("replay",), lambda done: progress("simulating", done))
    if not verdict.exists():
        error = DifferenceFound if failed else SimulationError
        raise error(
            f"the testbench ended before it had all outputs; its log is {directory / 'simulation.log'}"
        )
    return Observed.load(observed), Verdict.from_dict(json.loads(verdict.read_text()))


def tests_of(interface: Interface) -> tuple[str, ...]:
    """Return the benches of a population besides the replay.

    A mapped core's speed is measured, by a bench of its own; without a reset there is nothing to reset.
    """
    mapped = interface.mapped
    if mapped is not None:
        left_out = {"full_speed"} if mapped.resets else {"full_speed", "reset_in_mid_run"}
        return tuple(test for test in THOROUGH_TESTS if test not in left_out)
    held = (HELD_TEST,) if interface.core.holds_currents else ()
    return (*THOROUGH_TESTS, *held, *((RUNTIME_TEST,) if interface.runtime else ()))


def hardware_recording(
    words: Words, observed: Observed, shape: tuple[int, ...], golden: Recording, absent: tuple[str, ...]
) -> Recording:
    """Return the hardware's recording; missing updates are at the reset potential, without a spike.

    What the core doesn't tell is the golden model's.
    """
    count = shape[0] * shape[1]
    arrived = min(count, len(observed.neuron))
    spikes = np.zeros(count, dtype=np.bool_)
    potential = np.full(count, int(np.min(words.constants["reset"].word)), dtype=np.int64)
    trace = np.zeros(count, dtype=np.int64)
    spikes[:arrived] = observed.spike[:arrived]
    potential[:arrived] = observed.potential[:arrived]
    trace[:arrived] = observed.trace[:arrived]
    if "spike" in absent:
        spikes = golden.spikes.reshape(-1)
    if "potential" in absent and golden.potential_words is not None:
        potential = golden.potential_words.reshape(-1)
    if "trace" in absent and golden.trace_words is not None:
        trace = golden.trace_words.reshape(-1)
    potential, trace = potential.reshape(shape), trace.reshape(shape)
    in_mv, traces = words.potentials(potential), words.traces(trace)
    phase = golden.phase_words
    if observed.phase is not None:
        phase = np.zeros(count, dtype=np.uint8)
        phase[:arrived] = observed.phase[:arrived]
        phase = phase.reshape(shape)
    return Recording(
        words.parameters.dt, spikes.reshape(shape), in_mv, traces, words, potential, trace, phase_words=phase
    )
