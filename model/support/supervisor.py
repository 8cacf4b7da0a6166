"""Runs one command and ends all of it as soon as whoever asked for it is gone; a program of its own.

``python -I -S supervisor.py FD COMMAND...``: FD is the reading end of a pipe whose other end the asking process
holds. That end closes when the asker wants an end, and also when it dies, however it dies. The exit code is the
command's, or 128 and the number of the signal that ended it.
"""

import os
import select
import signal
import sys
from contextlib import suppress

PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Run the command."""
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(lifeline, False)
    _adopt_orphans()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    child = os.fork()
    if child == 0:
        _become(command)
    with suppress(OSError):
        os.setpgid(child, child)
    # Whoever reads the command's output waits for the command's end only.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    status = None
    while status is None:
        ready, _, _ = select.select([lifeline, woken], [], [])
        if lifeline in ready:
            _kill(child)
        else:
            os.read(woken, 4096)
        done, found = os.waitpid(child, 0 if lifeline in ready else os.WNOHANG)
        status = found if done else None
    _kill(child)
    _kill_orphans()
    code = os.waitstatus_to_exitcode(status)
    os._exit(128 - code if code < 0 else code)


def _become(command: list[str]) -> None:
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        # A program would inherit what Python ignores, and what whoever started us ignored or blocked.
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            with suppress(OSError):  # the C library's own
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execv(command[0], command)
    finally:
        os._exit(127)


def _kill(group: int) -> None:
    with suppress(OSError):
        os.killpg(group, signal.SIGKILL)


def _adopt_orphans() -> None:
    """On Linux, become the parent of descendants whose own one ends, even of those that left the group."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill_orphans() -> None:
    own = f"/proc/self/task/{os.getpid()}/children"
    with suppress(OSError):  # no such file (not Linux), or no children
        while True:
            # Importing pathlib takes longer than all the rest.
            with open(own) as listed:  # noqa: PTH123
                for number in listed.read().split():
                    os.kill(int(number), signal.SIGKILL)
            os.waitpid(-1, 0)


if __name__ == "__main__":
    main()
