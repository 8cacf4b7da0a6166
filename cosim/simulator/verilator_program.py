"""Verilog under a C++ program of ours, built by Verilator for speed: no Python, no simulator interface."""

import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from qlif.cosim.simulator import limits, runtime_cache
from qlif.cosim.simulator.cocotb_design import SimulationError, build_error, safe_copies, waived_lint
from qlif.cosim.simulator.find import Simulator
from qlif.model.support import process
from qlif.model.support.files import whole_file, write_text
from qlif.model.support.scratch import scratch

logger = logging.getLogger(__name__)

_FAST = (
    "--no-timing",
    "-O3",
    "--output-split",
    "0",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--no-assert",
)
"""Undriven and uninitialised bits are 0, as the Verilog itself initialises whatever matters."""
_NO_LINT = ("-Wno-lint", "-Wno-style", "-Wno-fatal", "-Wno-UNOPTFLAT")
_LOOK_EVERY_S = 0.02
_MAKE = ("OPT_FAST=-O3", "OPT_SLOW=-O1", "OPT_GLOBAL=-O2")


def build(
    simulator: Simulator,
    verilog: Path,
    top: str,
    program: Path,
    directory: Path,
    *,
    cells: Sequence[Path] = (),
    waves: bool = False,
    savable: bool = False,
    lint: bool = True,
    headers: Mapping[str, str] | None = None,
    defines: tuple[str, ...] = (),
) -> Path:
    """Build a program around a Verilog module, and return its executable.

    Parameters
    ----------
    simulator : Simulator
        Verilator.
    verilog : Path
    top : str
        The module.
    program : Path
        C++ source with the ``main``.
    directory : Path
        Where it goes. It is built in a folder of our own naming, as make doesn't take every path.
    cells : sequence of Path
        Further Verilog: of what the first instantiates.
    waves : bool
        Whether the program can write waveforms.
    savable : bool
        Whether the program can save the module's state, and restore it.
    lint : bool
        Whether Verilator refuses what its lint complains about.
    headers : mapping of str to str, optional
        Further C++ headers, by name.
    defines : tuple of str
        Macros of the program.

    Raises
    ------
    SimulationError
        It can't be built; the text is the compiler's first complaint.
    """
    with scratch() as work:
        for name, text in (headers or {}).items():
            write_text(work / name, text)
        objects = work / "objects"
        objects.mkdir()
        driver = f"program {_MAKE}" + (" savable" if savable else "")
        *sources, main = safe_copies([*cells, verilog, program], work)
        flags = " ".join([f"-I{work}", *(f"-D{name}" for name in defines)])
        translate = [
            "verilator", "--cc", "--exe", *_FAST,
            *(waived_lint(cells) if lint else _NO_LINT),
            *(["--trace"] if waves else []), *(["--savable"] if savable else []),
            "--top-module", top, "-Mdir", str(objects), "-o", "program",
            "-CFLAGS", flags, *map(str, sources), str(main),
        ]  # fmt: skip
        logger.info("%s builds %s in %s", simulator.version, verilog.name, objects)
        make = ["-f", f"V{top}.mk", *_MAKE]
        with runtime_cache.kept(simulator, waves, driver, objects, make) as more:
            for command in ([*translate, *more], ["make", "-C", str(objects), *make]):
                code, said = _finished(command, simulator, verilog)
                if code:
                    complaint = next(
                        (line for line in said.splitlines() if "rror" in line), "no reason given"
                    )
                    raise build_error("verilator", verilog, complaint.strip(), said)
        directory.mkdir(parents=True, exist_ok=True)
        built = directory / "program"
        with whole_file(built) as place:
            shutil.copyfile(objects / "program", place)
        built.chmod(0o755)
    return built


def _finished(command: list[str], simulator: Simulator, verilog: Path) -> process.Ended:
    """Run a command to its end."""
    what = f"{command[0]} on {verilog.name}"
    try:
        return process.run(command, what=what, seconds=limits.build_seconds(), extra=simulator.environment)
    except process.TimedOut as error:
        raise SimulationError(str(error)) from None


@contextmanager
def running(executable: Path, arguments: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program beside this process, what it says going into a file; it ends with the block."""
    with (
        log.open("wb") as output,
        process.running([str(executable.resolve()), *arguments], stdout=output) as started,
    ):
        yield started


def wait(
    started: "subprocess.Popen[bytes]", log: Path, what: str, look: Callable[[], None] = lambda: None
) -> int:
    """Wait for a program's end, and return its exit code.

    Parameters
    ----------
    started : Popen
    log : Path
        Where it tells of its progress.
    what : str
        What it is, for an error.
    look : callable
        Called now and then.

    Raises
    ------
    SimulationError
        It went on without progress.
    """
    seconds, size = limits.silent_seconds(), -1
    while True:
        if (now := log.stat().st_size) != size:
            size, end = now, time.monotonic() + seconds
        try:
            return started.wait(timeout=_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            look()
        if time.monotonic() > end:
            raise SimulationError(f"{what} made no progress for {seconds:g} s, and was ended")
