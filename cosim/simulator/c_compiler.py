"""The machine's C compiler, and shared libraries that it makes of our text."""

import ctypes
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from qlif.model.exceptions import InputError
from qlif.model.support import process
from qlif.model.support.scratch import scratch

SECONDS = 300.0
"""How long it may take."""

FLAGS = ("-O3", "-march=native")


def compiler() -> str | None:
    """Return the C compiler: the environment's ``CC``, or gcc, or cc; None if there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CC") or "gcc", "gcc", "cc"))), None)


def compiler_version(path: str) -> str:
    """Return the first line of what a compiler says about itself."""
    said = process.run([path, "--version"], what=f"{path} --version", seconds=SECONDS).said
    return (said.splitlines() or [path])[0]


def compiled_library(
    source: Path, library: Path, flags: Sequence[str] = FLAGS, defined: Mapping[str, object] | None = None
) -> ctypes.CDLL:
    """Compile C, and load what comes of it.

    Parameters
    ----------
    source : Path
    library : Path
        Written.
    flags : sequence of str
        The compiler's.
    defined : mapping of str to object
        Macros and their values.

    Raises
    ------
    InputError
        There is no compiler, or it fails.
    """
    path = compiler()
    if path is None:
        raise InputError("there is no C compiler: neither gcc nor cc, and CC isn't set")
    macros = [f"-D{name}={value}" for name, value in (defined or {}).items()]
    command = [path, *flags, *macros, "-shared", "-fPIC", "-o", str(library), str(source)]
    done = process.run(command, what=f"{path} on {source.name}", seconds=SECONDS)
    if done.code:
        said = (done.said.strip().splitlines() or [f"exit code {done.code}"])[0]
        raise InputError(f"{path} failed: {said}")
    return ctypes.CDLL(str(library))


def compiled_text(
    text: str, flags: Sequence[str] = FLAGS, defined: Mapping[str, object] | None = None
) -> ctypes.CDLL:
    """Compile a text in C, and load what comes of it; arguments and errors as of :func:`compiled_library`."""
    with scratch() as directory:
        source = directory / "text.c"
        source.write_text(text, encoding="utf-8")
        return compiled_library(source, directory / "text.so", flags, defined)
