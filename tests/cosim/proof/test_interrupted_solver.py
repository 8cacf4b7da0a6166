"""The solver, which is a library, ends when it is asked to."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("bitwuzla")

HARD = """
from qlif.cosim.proof.solver import Terms
from qlif.model.support.process import end_on_signals
end_on_signals()
terms = Terms()
x, y = terms.fresh(40), terms.fresh(40)
product = terms.make("BV_MUL", terms.extend(x, 80, False), terms.extend(y, 80, False))
one, prime = terms.constant(1, 40), terms.constant(1_000_000_000_000_000_003, 80)
factors = terms.both(terms.equal(product, prime), terms.make("BV_UGT", x, one), terms.make("BV_UGT", y, one))
print("asking", flush=True)
print(terms.ask(terms.negation(factors), seconds={seconds}).verdict)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_signal_ends_a_question(number, code):
    process = subprocess.Popen(
        [sys.executable, "-c", HARD.format(seconds=None)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == b"asking\n"
    time.sleep(1.0)
    assert process.poll() is None
    begun = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=20)
    assert process.returncode == code
    assert time.monotonic() - begun < 2


def test_its_time_is_not_that_of_other_processes():
    # Of three on one core, each would have a third of its second, if the clock on the wall counted.
    before = "import os, time\nos.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    timed = HARD.format(seconds=1.0).replace("print(terms", "begun = time.thread_time()\nprint(terms")
    command = [sys.executable, "-c", f"{before}{timed}print(time.thread_time() - begun > 0.9)"]
    asked = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate(timeout=60)[0] for process in asked} == {"asking\nunknown\nTrue\n"}


def test_so_does_its_time():
    command = [sys.executable, "-c", HARD.format(seconds=0.5)]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stdout == "asking\nunknown\n"
