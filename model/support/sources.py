"""Which code computes: what results that are kept, or come from another machine, must agree in."""

import functools
import hashlib
import importlib.metadata
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SUFFIXES = frozenset({".py", ".c", ".cpp", ".h", ".v"})


@functools.cache
def code_of(*rooms: str) -> dict[str, str]:
    """Return what tells the code of this process from any other that would compute something else.

    A process keeps its first answer, as it keeps the modules that it has imported: a worker that was started
    before the sources changed still says what it runs.

    Parameters
    ----------
    *rooms : str
        Folders whose sources compute, below the package: ``model``, or ``cosim/optimize``.
    """
    return {**versions_of("qlif", "numpy", "numba"), "sources": _digest(rooms)}


def versions_of(*packages: str) -> dict[str, str]:
    """Return the versions of installed packages; whoever needs one that isn't there says so."""
    versions = {}
    for name in packages:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "none"
    return versions


def _digest(rooms: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for room in sorted(rooms):
        for path in sorted((_ROOT / room).rglob("*")):
            if path.suffix in _SUFFIXES:
                # Line ends as a checkout on another system has them are no other code.
                text = path.read_bytes().replace(b"\r\n", b"\n")
                digest.update(f"{path.relative_to(_ROOT).as_posix()} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:16]
