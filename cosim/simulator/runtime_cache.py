"""Keeps Verilator's own runtime compiled: it is the same for each design, and most of a build.

The object files are kept per version of everything that goes into them, in :func:`qlif.model.support.caches.folder`.
Without one that can be written, each build compiles them anew.
"""

import hashlib
import os
import shutil
import time
from pathlib import Path

from qlif.cosim.simulator.find import Simulator, compiler_version
from qlif.model.support import caches
from qlif.model.support.scratch import scratch

PATTERN = "verilated*.o"
"""The runtime's objects; those that depend on the design have other names."""

AHEAD_SECONDS = 24 * 3600
"""So much newer than now are objects that are put back: `make` compares them with files yet to be written."""


def cache_folder(simulator: Simulator, waves: bool, driver: str) -> Path | None:
    """Return where the runtime of this simulator, compiler and kind of build is kept; None if nowhere.

    `driver` is what decides the options of the build: cocotb's runner, or a program of ours.
    """
    place = caches.folder()
    if place is None or not simulator.makes_programs:
        return None
    key = repr((simulator.version, compiler_version(), waves, driver))
    return place / f"verilator-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def restore(folder: Path, build: Path) -> None:
    """Put kept objects into the folder of a build, newer than all that they depend on.

    That is the makefile too, which Verilator is yet to write.
    """
    if folder.is_dir():
        ahead = time.time() + AHEAD_SECONDS
        for kept in folder.glob(PATTERN):
            shutil.copyfile(kept, build / kept.name)
            os.utime(build / kept.name, (ahead, ahead))


def keep(folder: Path, build: Path) -> None:
    """Keep the objects of a build that went well; whole, or not at all."""
    if folder.exists():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch(folder.parent) as temporary:
            whole = temporary / "whole"
            whole.mkdir()
            for built in build.glob(PATTERN):
                shutil.copyfile(built, whole / built.name)
            # Another process may have been quicker; then its folder stays.
            whole.rename(folder)
    except OSError:
        return
