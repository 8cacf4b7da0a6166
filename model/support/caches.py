"""Where things are kept between runs: one folder of ours, and places for libraries whose own can't be written."""

import functools
import os
import sys
import tempfile
from pathlib import Path

VARIABLES = ("MPLCONFIGDIR", "NUMBA_CACHE_DIR", "YOWASP_CACHE_DIR")
"""How matplotlib, numba and the YoWASP tools are told of another place than their own."""


def folder() -> Path | None:
    """Return the folder of what this project keeps; None if there is no place for one.

    It is ``XDG_CACHE_HOME/qlif``, or the platform's place for caches, or one among the temporary files.
    """
    for find in (_usual, _temporary):
        place = find()
        if place is not None and _usable(place):
            return place
    return None


@functools.cache
def settle() -> None:
    """Tell the libraries where to keep their files, where their own places can't be written.

    They are told by the environment, so it is to be called before they are imported; children inherit it.
    """
    usual = _usual()
    if usual is not None and _usable(usual) and _usable(_config()):
        return
    place = _temporary()
    if place is None:
        return
    for name in VARIABLES:
        os.environ[name] = str(place / name.partition("_")[0].lower())
    if usual is None or not _usable(usual):
        os.environ["XDG_CACHE_HOME"] = str(
            place
        )  # wasmtime, which YoWASP tools run on, has no variable of its own


def _usual() -> Path | None:
    if said := os.environ.get("XDG_CACHE_HOME"):
        return Path(said) / "qlif"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir()) / "qlif"
    try:
        home = Path.home()
    except RuntimeError:  # an account without a home
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "qlif"


def _config() -> Path | None:
    """Return where matplotlib writes by itself."""
    if said := os.environ.get("MPLCONFIGDIR"):
        return Path(said)
    try:
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "matplotlib"
    except RuntimeError:
        return None


def _temporary() -> Path | None:
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    place = Path(tempfile.gettempdir()) / f"qlif-cache-{owner}"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        # What is read from there is loaded and run: it must be nobody else's.
        theirs = hasattr(os, "getuid") and (place.is_symlink() or place.stat().st_uid != os.getuid())
    except OSError:
        return None
    return None if theirs else place


def _usable(place: Path | None) -> bool:
    if place is None:
        return False
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False
