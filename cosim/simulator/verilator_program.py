"""Verilog under a C++ program of ours, built by Verilator for speed: no Python, no simulator interface."""

import logging
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from qlif.cosim.simulator import runtime_cache
from qlif.cosim.simulator.design import Simulator, build_error, waived_lint
from qlif.model.support.files import write_text

logger = logging.getLogger(__name__)

_FAST = ("-O3", "--output-split", "0", "--x-assign", "fast", "--x-initial", "fast", "--no-assert")
"""Undriven and uninitialised bits are 0, as the Verilog itself initialises whatever matters."""
_NO_LINT = ("-Wno-lint", "-Wno-style", "-Wno-fatal", "-Wno-UNOPTFLAT")
_MAKE = "OPT_FAST=-O3 OPT_SLOW=-O1 OPT_GLOBAL=-O2"


def build(
    simulator: Simulator,
    verilog: Path,
    top: str,
    program: Path,
    directory: Path,
    *,
    cells: Sequence[Path] = (),
    waves: bool = False,
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
        Where it is built: a new one, as nothing there is used again.
    cells : sequence of Path
        Further Verilog: of what the first instantiates.
    waves : bool
        Whether the program can write waveforms.
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
    for name, text in (headers or {}).items():
        write_text(directory / name, text)
    objects = directory / "objects"
    runtime = runtime_cache.cache_folder(simulator.version, waves, f"program {_MAKE}")
    runtime_cache.restore(runtime, objects)
    flags = " ".join([f"-I{directory.resolve()}", *(f"-D{name}" for name in defines)])
    command = [
        "verilator", "--cc", "--exe", "--build", *_FAST,
        *(waived_lint(cells) if lint else _NO_LINT),
        *(["--trace"] if waves else []),
        "--top-module", top, "-Mdir", str(objects), "-o", "program",
        "-CFLAGS", flags, "-MAKEFLAGS", _MAKE,
        *(str(file.resolve()) for file in (*cells, verilog)), str(program),
    ]  # fmt: skip
    logger.info("%s builds %s in %s", simulator.version, verilog.name, objects)
    code, said = _finished(command, {**os.environ, **simulator.environment})
    if code:
        complaint = next((line for line in said.splitlines() if "rror" in line), "no reason given")
        raise build_error("verilator", verilog, complaint.strip(), said)
    runtime_cache.keep(runtime, objects)
    return objects / "program"


def _finished(command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a command to its end; return its exit code and what it said."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate()
        return process.returncode, said
    finally:
        # Interrupted, the compilers behind it must not go on in a folder that is being removed.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def running(executable: Path, arguments: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program beside this process, what it says going into a file; it ends with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(executable), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
