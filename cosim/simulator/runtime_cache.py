"""Keeps Verilator's own runtime compiled: it is the same for each design, and most of a build.

The object files are kept per version of everything that goes into them, in :func:`qlif.model.support.caches.folder`;
with GCC the headers too, as a precompiled header, which makes the next builds a third shorter. Without a folder that
can be written, each build compiles everything anew.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock

from qlif.cosim.simulator import limits
from qlif.cosim.simulator.find import Simulator, compiler_version
from qlif.model.support import caches, process
from qlif.model.support.files import write_text
from qlif.model.support.scratch import scratch

PATTERN = "verilated*.o"
"""The runtime's objects; those that depend on the design have other names."""

AHEAD_SECONDS = 24 * 3600
"""So much newer than now are objects that are put back: `make` compares them with files yet to be written."""

HEADERS = "qlif_headers.h"
"""What every file of a build includes first, where it is kept compiled."""
_COMPILED = f"{HEADERS}.gch"
_INCLUDED = '#include "verilated.h"\n#include "verilated_vpi.h"\n'
_RULE_FILE = "qlif_headers.mk"
# With the options of the design's own file, as GCC takes no header that was compiled with others.
_RULE = f"{_COMPILED}: {HEADERS}\n\t$(CXX) $(OPT_FAST) $(CXXFLAGS) $(CPPFLAGS) -x c++-header $< -o $@\n"


@contextmanager
def kept(
    simulator: Simulator, waves: bool, driver: str, build: Path, make: Sequence[str]
) -> Iterator[list[str]]:
    """Build with what is kept, and keep what the first build of its kind compiles.

    Processes that need the same runtime at once wait for the first of them.

    Parameters
    ----------
    simulator : Simulator
    waves : bool
    driver : str
        What decides the options of the build: cocotb's runner, or a program of ours.
    build : Path
        The folder in which Verilator and make are about to work.
    make : sequence of str
        The arguments with which `make` is called in that folder.

    Yields
    ------
    list of str
        Further options for Verilator.
    """
    folder = _folder(simulator, waves, driver)
    if folder is None:
        yield []
        return
    with nullcontext() if folder.is_dir() else _alone(folder):
        if folder.is_dir():
            yield _restore(folder, build)
        else:
            yield []
            _keep(folder, build, simulator, make)


def _folder(simulator: Simulator, waves: bool, driver: str) -> Path | None:
    """Return where the runtime of this simulator, compiler and kind of build is kept; None if nowhere."""
    place = caches.folder()
    if place is None or not simulator.makes_programs:
        return None
    key = repr((simulator.version, compiler_version(), waves, driver, _INCLUDED))
    return place / f"verilator-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _alone(folder: Path) -> FileLock:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(folder.with_suffix(".lock"))


def _restore(folder: Path, build: Path) -> list[str]:
    """Put kept objects into the folder of a build, newer than all that they depend on.

    That is the makefile too, which Verilator is yet to write. Return the options that go with them.
    """
    ahead = time.time() + AHEAD_SECONDS
    for object_file in folder.glob(PATTERN):
        shutil.copyfile(object_file, build / object_file.name)
        os.utime(build / object_file.name, (ahead, ahead))
    if not (folder / _COMPILED).exists():
        return []
    shutil.copyfile(folder / HEADERS, build / HEADERS)
    # Large: it is read where it is.
    (build / _COMPILED).symlink_to(folder / _COMPILED)
    return ["-CFLAGS", f"-include {HEADERS}"]


def _keep(folder: Path, build: Path, simulator: Simulator, make: Sequence[str]) -> None:
    """Keep what a build compiled; whole, or not at all."""
    compiled = [*build.glob(PATTERN)]
    try:
        if _takes_headers():
            write_text(build / HEADERS, _INCLUDED)
            write_text(build / _RULE_FILE, _RULE)
            command = ["make", "-C", str(build), *make, "-f", _RULE_FILE, _COMPILED]
            made = process.run(
                command, what="make", seconds=limits.build_seconds(), extra=simulator.environment
            )
            if made.code == 0:
                compiled += [build / HEADERS, build / _COMPILED]
        with scratch(folder.parent) as temporary:
            whole = temporary / "whole"
            whole.mkdir()
            for each in compiled:
                shutil.copyfile(each, whole / each.name)
            whole.rename(folder)
    except (OSError, process.TimedOut):
        return


def _takes_headers() -> bool:
    """Return whether the compiler passes over a precompiled header that doesn't fit; Clang refuses it."""
    return os.name == "posix" and "clang" not in compiler_version().lower()
