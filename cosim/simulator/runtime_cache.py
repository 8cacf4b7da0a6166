"""Keeps Verilator's own runtime compiled: it is the same for each design, and most of a build.

The object files are kept per version of everything that goes into them, in the user's cache folder
(``XDG_CACHE_HOME``, or ``~/.cache``). Without one that can be written, each build compiles them anew.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

PATTERN = "verilated*.o"
"""The runtime's objects; those that depend on the design have other names."""

AHEAD_SECONDS = 24 * 3600
"""So much newer than now are objects that are put back: `make` compares them with files yet to be written."""


def cache_folder(simulator_version: str, waves: bool, driver: str) -> Path:
    """Return where the runtime of this simulator, compiler and kind of build is kept.

    `driver` is what decides the options of the build: cocotb's runner, or a program of ours.
    """
    compiler = os.environ.get("CXX", "c++")
    try:
        of_compiler = subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    except OSError:
        of_compiler = b""
    flags = [os.environ.get(name, "") for name in ("CXXFLAGS", "CPPFLAGS", "OPT_GLOBAL", "OPT_FAST")]
    key = repr((simulator_version, compiler, of_compiler, flags, waves, driver))
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "qlif" / f"verilator-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def restore(folder: Path, build: Path) -> None:
    """Empty the folder of a build, and put kept objects there, newer than all that they depend on.

    That is the makefile too, which Verilator is yet to write. What an earlier build left may name files of
    an environment that is gone.
    """
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True, exist_ok=True)
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
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            whole = Path(temporary) / "whole"
            whole.mkdir()
            for built in build.glob(PATTERN):
                shutil.copyfile(built, whole / built.name)
            # Another process may have been quicker; then its folder stays.
            whole.rename(folder)
    except OSError:
        return
