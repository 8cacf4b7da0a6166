"""The self-test in Verilator: its signature compared with the golden model's, and where they diverge."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qlif.cosim.benches.scoreboard import Verdict
from qlif.cosim.configuration import Configuration
from qlif.cosim.selftest import segments
from qlif.cosim.selftest.answer import Answer
from qlif.cosim.selftest.locate import Replay
from qlif.cosim.simulator import verilator_program
from qlif.cosim.simulator.find import Simulator, compiler_version
from qlif.hdl.ports import STALL_RATE_BITS
from qlif.hdl.selftest.export import SELF_TEST_MODULE, export_self_test
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import LARGEST_TIMESTEPS, SelfTestPlan
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.scratch import scratch
from qlif.model.support.sources import code_of
from qlif.model.words import Words

PROGRAM = Path(__file__).with_name("self_test.cpp")
CHECKPOINTS = 1024
"""Number of signatures compared in a long run; the first mismatch lies between two of them."""


@dataclass(frozen=True, eq=False)
class SelfTestRun:
    """A finished self-test.

    Attributes
    ----------
    words : Words
    plan : SelfTestPlan
    timesteps, lanes, updates, clocks : int
        Its size.
    expected, got : int
        The golden model's signature, and the hardware's.
    stuck : bool
        The hardware stopped giving updates.
    seconds : dict of str to float
        Wall time of the build, the simulation and the golden model; the last two run side by side.
    between : tuple of int, optional
        Timesteps of the two checkpoints between which the signatures diverge.
    verdict : Verdict, optional
        The full comparison of the stretch between them.
    waves : Path, optional
        Waveforms around the first wrong update.
    pictures : tuple of Path
        The timesteps around it, drawn.
    """

    words: Words
    plan: SelfTestPlan
    timesteps: int
    lanes: int
    updates: int
    clocks: int
    expected: int
    got: int
    stuck: bool
    seconds: dict[str, float] = field(default_factory=dict)
    between: tuple[int, int] | None = None
    verdict: Verdict | None = None
    waves: Path | None = None
    pictures: tuple[Path, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the hardware finished with the golden model's signature."""
        return self.got == self.expected and not self.stuck


def self_test(
    configuration: Configuration,
    timesteps: int,
    simulator: Simulator,
    directory: Path,
    *,
    seed: int = 0,
    stalls: float = 0.0,
    export: Export | None = None,
    resumable: bool = False,
    progress: Progress = unwatched,
) -> SelfTestRun:
    """Run the self-test in Verilator and compare its signature with the golden model's.

    On a mismatch, the first wrong update is located: it lies between two checkpoints; that stretch is run
    again with every update compared, and once more with waves around the update that was found.

    Parameters
    ----------
    configuration : Configuration
    timesteps : int
        1 to 2**32 - 1.
    simulator : Simulator
        Verilator.
    directory : Path
        Where the Verilog and the waves go.
    seed : int
        Of the stimulus.
    stalls : float
        Probability in each clock that a stream pauses, on each of the three; rounded to a 256th.
    export : Export, optional
        The population's Verilog, this project's or somebody else's with the same ports; if not given, the
        portable one with one lane.
    resumable : bool
        Keep the run in `directory` as it goes on, and go on from what is kept there.
    progress : callable, optional

    Raises
    ------
    InputError
        The simulator isn't Verilator, a number is out of its range, or another run is kept in `directory`.
    SimulationError
        It can't be built, or ended without a signature.
    """
    rate = stall_rate(stalls)
    _refuse(configuration, timesteps, simulator)
    words = configuration.words
    plan = SelfTestPlan.of(words, seed)
    export = export or configuration.export()
    verilog, _ = export_self_test(export, plan).write(directory)
    interface = export.interface
    golden = GoldenSelfTest(
        words, plan, interface.lanes, step_bits=interface.core.step_bits, absent=interface.absent
    )
    interval = -(-timesteps // CHECKPOINTS)
    at = [*range(interval, timesteps, interval), timesteps]
    numbers = [str(timesteps), str(interval), str(rate)]
    with scratch() as work:
        begun = time.perf_counter()
        program = _built(verilog, export, simulator, work / "fast", resumable, progress)
        seconds = {"build": time.perf_counter() - begun}

        def segment(
            more: Sequence[str], golden: GoldenSelfTest, to: Sequence[int]
        ) -> tuple[Answer, dict[int, int], dict[str, float]]:
            return _run(program, [*numbers, *more], golden, to, timesteps, work / "log", progress)

        if resumable:
            key = _key(configuration, verilog, simulator, seed, rate, timesteps)
            kept = directory / "checkpoints"
            reached = segments.run_in_segments(
                segment, golden, at, kept, key, updates=segments.UPDATES, settles=rate == 0
            )
        else:
            reached = segments.Reached(golden)
            reached.further(*segment((), golden, at))
        run = _outcome(words, plan, golden.lanes, reached, seconds)
        if run.passed:
            return run
        replay = Replay(plan, export, simulator, directory, work / "observed", progress, timesteps, rate)
        between, verdict, waves = _located(replay, at, reached, rate > 0)
        return replace(run, between=between, verdict=verdict, waves=waves, pictures=tuple(replay.pictures))


def _refuse(configuration: Configuration, timesteps: int, simulator: Simulator) -> None:
    """Refuse what the self-test can't do."""
    if not simulator.makes_programs:
        raise InputError(f"the self-test runs on verilator, not on {simulator.name}")
    if not 1 <= timesteps <= LARGEST_TIMESTEPS:
        raise InputError(f"the self-test has from 1 to {LARGEST_TIMESTEPS} timesteps, not {timesteps}")
    if configuration.writes:
        raise InputError("the self-test writes no parameters: leave [[writes]] out of the file")


def _built(
    verilog: Path, export: Export, simulator: Simulator, work: Path, resumable: bool, progress: Progress
) -> Path:
    """Return the program that runs the hardware."""
    progress("building for verilator", 0.0)
    return verilator_program.build(
        simulator,
        verilog,
        SELF_TEST_MODULE,
        PROGRAM,
        work,
        cells=models_of(export),
        savable=resumable,
        defines=segments.DEFINES if resumable else (),
    )


def _outcome(
    words: Words, plan: SelfTestPlan, lanes: int, reached: segments.Reached, seconds: dict[str, float]
) -> SelfTestRun:
    """Return a run as far as its signatures tell."""
    answer, last = reached.answer, max(reached.expected)
    return SelfTestRun(
        words=words,
        plan=plan,
        timesteps=last,
        lanes=lanes,
        updates=last * words.parameters.n,
        clocks=answer.clocks,
        expected=reached.expected[last],
        got=answer.final,
        stuck=answer.stuck,
        seconds=seconds | reached.seconds,
    )


def stall_rate(probability: float) -> int:
    """Return in how many of 256 clocks a stream pauses.

    Raises
    ------
    InputError
        It isn't a probability that leaves a clock.
    """
    if not 0 <= probability < 1:
        raise InputError(f"stalls must be a probability from 0 to below 1, not {probability}")
    rate = min(round(probability * (1 << STALL_RATE_BITS)), (1 << STALL_RATE_BITS) - 1)
    if probability > 0 and rate == 0:
        raise InputError(
            f"stalls must be 0 or a probability of 1/{2 << STALL_RATE_BITS} or more, not {probability}"
        )
    return rate


def _run(
    program: Path,
    arguments: Sequence[str],
    golden: GoldenSelfTest,
    at: Sequence[int],
    timesteps: int,
    log: Path,
    progress: Progress,
) -> tuple[Answer, dict[int, int], dict[str, float]]:
    """Run the hardware and the golden model in parallel; return both results, and the seconds of each."""
    begun, seconds = time.perf_counter(), {}
    with verilator_program.running(program, list(arguments), log) as process:

        def tell(timestep: int) -> None:
            reached = max(_reached(log), at[0] - 1)
            progress("running the hardware and the golden model", min(timestep, reached) / timesteps)

        expected = dict(zip(at, golden.signatures(at, tell), strict=True))
        seconds["golden"] = time.perf_counter() - begun
        verilator_program.wait(process, log, "the self-test", lambda: tell(at[-1]))
    # In its own words, as the golden model may have been the slower one.
    seconds["simulation"] = log.stat().st_mtime_ns / 1e9 - (time.time() - (time.perf_counter() - begun))
    return Answer.read(log), expected, seconds


def _key(
    configuration: Configuration, verilog: Path, simulator: Simulator, seed: int, rate: int, timesteps: int
) -> dict[str, Any]:
    """Return all that a run depends on."""
    return {
        "parameters": configuration.parameters.as_dict(),
        "arithmetic": configuration.arithmetic.as_dict(),
        "verilog": hashlib.sha256(verilog.read_bytes()).hexdigest(),
        "seed": seed,
        "stalls": rate,
        "timesteps": timesteps,
        "simulator": simulator.version,
        "compiler": compiler_version(),
        "code": code_of("model", "hdl", "cosim"),
    }


def _reached(log: Path) -> int:
    """Return the timestep that the program reported last."""
    lines = log.read_bytes()[-200:].splitlines()
    # The last line may not be whole yet.
    words = lines[-2].split() if len(lines) > 1 else []
    return int(words[1]) if len(words) == 3 else 0


def _located(
    replay: Replay, at: Sequence[int], reached: segments.Reached, stalls: bool
) -> tuple[tuple[int, int], Verdict, Path | None]:
    """Return the timesteps between which the signatures diverge, and what is wrong there.

    Once a signature is wrong it stays wrong, so the first wrong update comes after the last matching one.
    """
    at = [timestep for timestep in at if timestep <= max(reached.expected)]
    got, expected = reached.answer.checkpoints, reached.expected
    first = max((timestep for timestep in at[:-1] if got.get(timestep) == expected[timestep]), default=0)
    further = [timestep for timestep in at if timestep > first]
    reach = 1
    while True:
        last = further[min(reach, len(further)) - 1]
        verdict, waves = replay.locate(first, last)
        # With stalls, an event that waits makes a signature wrong for a while: the difference may come later.
        if verdict.first is not None or not stalls or last == further[-1]:
            return (first, last), verdict, waves
        reach *= 4


def facts(run: SelfTestRun) -> dict[str, Any]:
    """Return a run as a mapping, ready for JSON."""
    simulation = max(run.seconds["simulation"], 1e-9)
    return {
        "updates": run.updates,
        "timesteps": run.timesteps,
        "neurons": run.words.parameters.n,
        "lanes": run.lanes,
        "clocks": run.clocks,
        "passed": run.passed,
        "signature": f"{run.got:032x}",
        "expected_signature": f"{run.expected:032x}",
        "stuck": run.stuck,
        "seconds": run.seconds,
        "updates_per_s": run.updates / simulation,
        "golden_updates_per_s": run.updates / max(run.seconds["golden"], 1e-9),
        "between_timesteps": run.between,
        "mismatches_in_stretch": None if run.verdict is None else run.verdict.mismatches,
        "first_mismatch": None
        if run.verdict is None or run.verdict.first is None
        else vars(run.verdict.first),
        "waves": None if run.waves is None else str(run.waves),
        "pictures": [str(path) for path in run.pictures],
    }
