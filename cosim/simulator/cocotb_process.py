"""The process in which cocotb's runner works: one request on standard input, one exit code."""

import json
import sys

from cocotb_tools.runner import get_runner


def main() -> None:
    """Carry out one build or one test of cocotb's runner."""
    request = json.load(sys.stdin)
    runner = get_runner(request["simulator"])
    arguments = request["arguments"]
    if request["action"] == "build":
        runner.build(**arguments)
    else:
        # The runner can test what another process built.
        runner.test(**arguments)


if __name__ == "__main__":
    main()
