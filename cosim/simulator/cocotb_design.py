"""Builds Verilog for a simulator, and runs benches on it through cocotb."""

import importlib.metadata
import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, assert_never
from xml.etree import ElementTree

from cocotb_tools.check_results import get_results

from qlif.cosim.benches.job import ENVIRONMENT_VARIABLE, read_progress
from qlif.cosim.simulator import limits, runtime_cache
from qlif.cosim.simulator.find import Simulator, SimulatorName
from qlif.model.exceptions import ToolError
from qlif.model.support import process
from qlif.model.support.scratch import Scratch

logger = logging.getLogger(__name__)

WAVES_FILE = "waves.vcd"
"""Waveforms that a run leaves in its job directory on request."""
ACTIVITY_FILE = "activity.saif"
"""Switching activity that a run leaves in its job directory on request."""
RESULTS_FILE = "results.xml"
COVERAGE_FILE = "coverage.dat"
"""Coverage file that a run writes into its job directory on request."""

WAIVED_LINT = "WIDTHEXPAND"
"""The one lint warning of Verilator that Amaranth's Verilog causes; nothing else is waived."""
WAIVED_WITH_CELLS = "PINMISSING"
"""A vendor's cell has pins that nobody connects."""


_VCD = {"SIM_CMD_SUFFIX": "-vcd"}
"""Cocotb has Icarus write FST; the last such argument counts, and Verilator passes over it."""


class SimulationError(ToolError):
    """A simulation without a verdict: it didn't build, crashed, or wrote no result."""


class BuildError(SimulationError):
    """A simulator refused the text: whose fault that is depends on whose text it is."""


_NO_RESOURCES = re.compile(
    r"No space left|Cannot allocate memory|memory exhausted|out of memory|Killed", re.IGNORECASE
)


def build_error(simulator: str, verilog: Path, complaint: str, said: str) -> SimulationError:
    """Return the error of a failed build: the text's, or the machine's if the output says so."""
    if found := _NO_RESOURCES.search(said):
        return SimulationError(f"{simulator} can't build {verilog.name}: {found[0]}; {complaint}")
    return BuildError(f"{simulator} can't build {verilog.name}: {complaint}")


def waived_lint(cells: Sequence[Path]) -> list[str]:
    """Return Verilator's options for a source that instantiates the modules of other files, or of none."""
    return [f"-Wno-{rule}" for rule in ((WAIVED_LINT, WAIVED_WITH_CELLS) if cells else (WAIVED_LINT,))]


class Design:
    """Verilog built for a simulator, on which benches can be run.

    Parameters
    ----------
    simulator : Simulator
    verilog : Path
        The source.
    top : str
        Name of the top module.
    directory : Path
        Where the log of the build goes. It is built in a folder of our own naming, as neither make nor the simulators
        take every path.
    waves : bool
        Whether runs record waveforms.
    cells : sequence of Path
        Further sources: of what the first one instantiates.
    waiver : Path, optional
        For Verilator, a configuration file with the lint warnings that don't count.
    makes_clock : bool
        Whether the source makes its own clock.
    coverage : bool
        With Verilator: whether runs count lines, branches and edges of bits.
    activity : bool
        With Verilator, instead of waves: whether runs count how often each bit switches.
    generics : mapping of str to int, optional
        With GHDL: of the top entity.
    """

    def __init__(
        self,
        simulator: Simulator,
        verilog: Path,
        top: str,
        directory: Path,
        waves: bool = False,
        cells: Sequence[Path] = (),
        waiver: Path | None = None,
        makes_clock: bool = False,
        coverage: bool = False,
        activity: bool = False,
        generics: Mapping[str, int] | None = None,
    ) -> None:
        self.simulator = simulator
        self.top = top
        self.directory = directory.resolve()
        self._generics = dict(generics or {})
        self.traced = waves or activity
        self._trace_file = ACTIVITY_FILE if activity else WAVES_FILE
        self.directory.mkdir(parents=True, exist_ok=True)
        self._scratch = Scratch()
        build = self._scratch.path / "build"
        build.mkdir()
        driver = f"cocotb {importlib.metadata.version('cocotb')}, clock inside: {makes_clock}"
        driver += ", coverage" if coverage else ""
        driver += ", activity" if activity else ""
        sources = [*cells, verilog]
        match simulator.name:
            case SimulatorName.VERILATOR:
                build_args = _verilator_options(cells, makes_clock, coverage, activity)
                if waiver is not None:
                    sources.insert(0, waiver)
            case SimulatorName.ICARUS:
                build_args = []
            case SimulatorName.GHDL:
                build_args = ["--std=08"]
            case unknown:
                assert_never(unknown)
        # As cocotb's runner calls it.
        make = ["-f", "Vtop.mk", f"VM_TRACE={int(self.traced)}"]
        with runtime_cache.kept(simulator, self.traced, driver, build, make) as more:
            self._build(verilog, sources, [*build_args, *more])

    def _build(self, verilog: Path, sources: Sequence[Path], build_args: list[str]) -> None:
        """Run the build; SimulationError if it fails."""
        log = self.directory / "build.log"
        logger.info("%s builds %s; its log is %s", self.simulator.version, verilog.name, log)
        code = self._run_process(
            "build",
            log,
            {
                "sources": [str(copy) for copy in safe_copies(sources, self._scratch.path)],
                "hdl_toplevel": self.top,
                "build_dir": str(self._scratch.path / "build"),
                "build_args": build_args,
                "waves": self.traced,
                "always": True,
                "parameters": self._generics,
            },
            f"{self.simulator.name}'s build of {verilog.name}",
            limits.build_seconds(),
        )
        if code != 0:
            said = log.read_text(encoding="utf-8", errors="replace")
            raise build_error(self.simulator.name, verilog, f"its log is {log}", said)

    def run(
        self,
        bench: str,
        job: Path,
        seed: int,
        tests: tuple[str, ...] = (),
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> tuple[int, int]:
        """Run a bench; return how many of its tests there were, and how many failed.

        Parameters
        ----------
        bench : str
            Importable name of a cocotb test module.
        job : Path
            Directory that the bench finds in ``QLIF_JOB``, for what it needs and what it leaves.
        seed : int
            ``cocotb.RANDOM_SEED``.
        tests : tuple of str
            Only these.
        progress : callable
            Called now and then with the fraction of the run that the bench says is done.

        Raises
        ------
        SimulationError
            There is no verdict: the simulator crashed, or ran no test.
        """
        job = job.resolve()
        results, log, waves = job / RESULTS_FILE, job / "simulation.log", job / self._trace_file
        results.unlink(missing_ok=True)
        work = self._scratch.path / "run"
        work.mkdir(exist_ok=True)
        reached = -1.0

        def told() -> bool:
            nonlocal reached
            before, reached = reached, read_progress(job)
            progress(reached)
            return reached != before

        logger.info("%s runs %s; its log is %s", self.simulator.version, bench, log)
        self._run_process(
            "test",
            log,
            {
                "test_module": bench,
                "hdl_toplevel": self.top,
                "hdl_toplevel_lang": "vhdl" if self.simulator.of_vhdl else "verilog",
                "parameters": self._generics,
                "build_dir": str(self._scratch.path / "build"),
                "test_dir": str(work),
                "results_xml": str(results),
                "seed": seed,
                "waves": self.traced,
                **self._run_arguments(waves),
                # Anchored: cocotb takes a pattern, and one test's name may begin another's.
                "test_filter": "|".join(rf"{name}$" for name in tests) or None,
                # Rewriting the assertions of numba takes seconds; the benches' own have their texts.
                "extra_env": {ENVIRONMENT_VARIABLE: str(job), "COCOTB_REWRITE_ASSERTION_FILES": ""},
            },
            f"{self.simulator.name}'s simulation",
            limits.silent_seconds(),
            told,
        )
        if (coverage := work / COVERAGE_FILE).exists():
            shutil.move(coverage, job / COVERAGE_FILE)
        return _verdict(results, log)

    def _run_arguments(self, waves: Path) -> dict[str, list[str]]:
        """Return what a run's command has beyond the runner's own: where the waves go, above all."""
        match self.simulator.name:
            case SimulatorName.VERILATOR:
                return {"test_args": ["--trace-file", str(waves)] if self.traced else [], "plusargs": []}
            case SimulatorName.ICARUS:
                return {"test_args": [], "plusargs": [f"+dumpfile_path={waves}"]}
            case SimulatorName.GHDL:
                build = self._scratch.path / "build"
                return {"test_args": ["--std=08", f"--workdir={build}"], "plusargs": []}
            case unknown:
                assert_never(unknown)

    def _run_process(
        self,
        action: str,
        log: Path,
        arguments: dict[str, Any],
        what: str,
        seconds: float,
        told: Callable[[], bool] = lambda: False,
    ) -> int:
        """Run cocotb's runner in its own process: it prints, and it needs another environment."""
        request = json.dumps({"simulator": self.simulator.name, "action": action, "arguments": arguments})
        try:
            return process.run(
                process.python("-m", "qlif.cosim.simulator.cocotb_process"),
                what=what,
                seconds=seconds,
                directory=self._scratch.path,
                extra={**self.simulator.environment, **(_VCD if self.traced else {})},
                log=log,
                told=request,
                progressed=told,
            ).code
        except process.TimedOut as error:
            raise SimulationError(f"{error}; its log is {log}") from None


def _verilator_options(cells: Sequence[Path], makes_clock: bool, coverage: bool, activity: bool) -> list[str]:
    """Return what Verilator is told beyond the runner's own."""
    # Time that passes inside Verilog is made of coroutines, which C++20 has.
    timing = ("--timing", "-CFLAGS", "-std=gnu++20") if makes_clock else ("--no-timing",)
    # One C++ file: the wheel's makefile can't compile several with a precompiled header.
    options = [*waived_lint(cells), "--output-split", "0", *timing]
    if activity:
        options.append("--trace-saif")
    if coverage:
        options += ["--coverage-line", "--coverage-toggle", "--coverage-underscore"]
    return options


def failures(job: Path) -> list[str]:
    """Return what the tests said that failed in a run with this directory."""
    suites = ElementTree.parse(job / RESULTS_FILE)
    found = (one for kind in ("failure", "error") for one in suites.iter(kind))
    return [one.get("message", "it failed").strip() for one in found]


def _verdict(results: Path, log: Path) -> tuple[int, int]:
    """Return how many tests there were, and how many failed.

    A failed test is a verdict, whatever the exit code; a missing or empty result is not.
    """
    try:
        count, failed = get_results(results)
    except (OSError, RuntimeError):
        raise SimulationError(f"the simulation wrote no result; its log is {log}") from None
    if count == 0:
        raise SimulationError(f"the simulation ran no test; its log is {log}")
    return count, failed


def safe_copies(sources: Sequence[Path], directory: Path) -> list[Path]:
    """Copy files into a folder under names that every tool takes, in their order; return the copies.

    Each keeps its suffix, except for characters that a tool could misread.
    """
    copies = []
    for number, source in enumerate(sources):
        name = "".join(
            char if char.isascii() and (char.isalnum() or char in "._") else "_" for char in source.name
        )
        copies.append(directory / f"source{number}-{name}")
        shutil.copyfile(source, copies[-1])
    return copies
