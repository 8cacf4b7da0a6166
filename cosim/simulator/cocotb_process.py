"""The process in which cocotb's runner works: one request on standard input, one exit code."""

import json
import sys
from types import ModuleType
from typing import Any


def main() -> None:
    """Carry out one build or one test of cocotb's runner."""
    request = json.load(sys.stdin)
    runner = _runner(request["simulator"])
    arguments = request["arguments"]
    if request["action"] == "build":
        runner.build(**arguments)
    else:
        # The runner can test what another process built.
        runner.test(**arguments)


def _runner(simulator: str) -> Any:
    """Return cocotb's runner, if possible without pytest.

    Cocotb imports that for classes that only tests in a simulator use, and it takes longer than all the rest.
    """
    sys.modules["pytest"] = ModuleType("pytest")
    try:
        from cocotb_tools.runner import get_runner
    except AttributeError:  # a cocotb that does use it already
        for name in [*sys.modules]:
            if name.partition(".")[0] in ("pytest", "cocotb", "cocotb_tools"):
                del sys.modules[name]
        from cocotb_tools.runner import get_runner
    return get_runner(simulator)


if __name__ == "__main__":
    main()
