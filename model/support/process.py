"""The one place where child processes are started, and where they end, whatever happens to us.

Each child runs under a supervisor (:mod:`qlif.model.support.supervisor`), in a process group of its own. The
supervisor holds one end of a pipe and this process the other: when ours closes, because a block is left or because
this process is killed, the child and all its descendants are killed too.

A child's environment is stated: what :data:`PASSED_ON` names, and what the caller sets. Its temporary files go into
a folder that is removed when it ends.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from qlif.model.support import caches
from qlif.model.support.scratch import scratch

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_SUPERVISE = (sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py")))
PACKAGE_ROOT = Path(__file__).absolute().parents[3]
"""Where ``qlif`` is imported from, which a child must find whatever way it was installed."""

PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "XDG_CACHE_HOME", "QLIF_ENGINE", "QLIF_THREADS",
    *caches.VARIABLES,
)  # fmt: skip
"""What a child gets of our environment; nothing else, as tools and Python change what they do by much of it."""

PIPE = subprocess.PIPE

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_LOOK_EVERY_S = 0.2


class TimedOut(RuntimeError):
    """A child took longer than it may; the text says which and how long."""


class Terminated(SystemExit):
    """Raised where a signal told this process to end: see :func:`end_on_signals`."""


class Ended(NamedTuple):
    """A child that ended: its exit code (128 and more: a signal's), and what it said."""

    code: int
    said: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child: what is passed on of ours, and more."""
    caches.settle()
    stated = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    # Python finds this package and what is installed; not what lies in the current directory.
    stated |= {"PYTHONPATH": str(PACKAGE_ROOT), "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"}
    return stated | dict(extra or {})


def python(*arguments: str) -> list[str]:
    """Return the command that runs this Python in a child."""
    return [sys.executable, "-P", *arguments]


@contextmanager
def running(
    command: Sequence[str],
    *,
    directory: Path | None = None,
    extra: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command beside this process; at the end of the block nothing of it is left.

    Parameters
    ----------
    command : sequence of str
        The program, found by ``PATH`` or a path, and its arguments.
    directory : Path, optional
        Where it runs.
    extra : mapping of str to str, optional
        More for its environment.
    stdin, stdout : file or int
        As :class:`subprocess.Popen` takes them; the standard error goes to `stdout`.

    Raises
    ------
    FileNotFoundError
        There is no such program.
    """
    with _supervised(command, directory, extra, stdin, stdout) as (process, _):
        yield process


@contextmanager
def _supervised(
    command: Sequence[str],
    directory: Path | None,
    extra: Mapping[str, str] | None,
    stdin: int | IO[bytes],
    stdout: int | IO[bytes],
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run a command; also give our end of the pipe, which is broken as soon as the command has ended."""
    stated = environment(extra)
    program = shutil.which(command[0], path=stated.get("PATH"))
    if program is None:
        raise FileNotFoundError(2, "no such program", command[0])
    with scratch() as temporary:
        stated |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        lifeline, ours = os.pipe()
        process = None
        try:
            process = subprocess.Popen(
                [*_SUPERVISE, str(lifeline), str(Path(program).absolute()), *command[1:]],
                cwd=directory,
                env=stated,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                pass_fds=(lifeline,),
                start_new_session=True,
            )
            os.close(lifeline)
            lifeline = -1
            yield process, ours
        finally:
            if lifeline >= 0:
                os.close(lifeline)
            os.close(ours)
            if process is not None:
                process.wait()
                for pipe in (process.stdin, process.stdout):
                    if pipe is not None:
                        with suppress(BrokenPipeError):
                            pipe.close()


def run(
    command: Sequence[str],
    *,
    what: str,
    seconds: float,
    directory: Path | None = None,
    extra: Mapping[str, str] | None = None,
    log: Path | None = None,
    told: str = "",
    progressed: Callable[[], bool] = lambda: False,
) -> Ended:
    """Run a command to its end.

    Parameters
    ----------
    command, directory, extra
        As :func:`running`.
    what : str
        What it does, as it reads in "... took longer than 60 s".
    seconds : float
        How long it may take, or may go on without progress.
    log : Path, optional
        Where what it says goes.
    told : str
        Its standard input.
    progressed : callable
        Called now and then while it runs: whether there was progress.

    Raises
    ------
    TimedOut
        It took longer.
    FileNotFoundError
        There is no such program.
    """
    with (
        tempfile.TemporaryFile() if log is None else log.open("w+b") as output,
        tempfile.TemporaryFile() as input_,
    ):
        input_.write(told.encode())
        input_.seek(0)
        with _supervised(command, directory, extra, input_, output) as (process, pipe):
            # Not `process.wait(timeout)`: that looks every 50 ms, which is a tenth of a short command.
            broken = select.poll()
            broken.register(pipe, 0)
            end = time.monotonic() + seconds
            while (code := process.poll()) is None:
                if broken.poll(_LOOK_EVERY_S * 1000):
                    code = process.wait()
                    break
                if progressed():
                    end = time.monotonic() + seconds
                elif time.monotonic() > end:
                    raise TimedOut(f"{what} took longer than {seconds:g} s, and was ended")
        output.seek(0)
        return Ended(code, output.read().decode(errors="replace"))


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind this process as an exception does, so that what it opened is closed.

    To be called once, in the main thread. A second signal doesn't interrupt the unwinding. Whoever starts us may have
    ignored or blocked signals, which is inherited; only of SIGHUP it is meant (nohup).
    """

    def unwind(number: int, _: object) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(128 + number)

    for each in _SIGNALS:
        if each == signal.SIGTERM or signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, unwind)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, *_SIGNALS))


@contextmanager
def held_signals() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether a signal came; what it does is done at the end of the block.

    For calls into a library that returns only when asked. In other threads than the main one none comes.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {}
    try:
        for each in (signal.SIGINT, *_SIGNALS):
            if callable(signal.getsignal(each)):
                before[each] = signal.signal(each, lambda number, _: came.append(number))
        yield lambda: bool(came)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            signal.raise_signal(came[0])


@contextmanager
def worker_processes(
    count: int, begin: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> Iterator["ProcessPoolExecutor"]:
    """Give a pool of Python processes that end with the block, without finishing their work if it fails."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # A forked child would inherit the threads' locks of whoever runs this.
    pool = ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_begin, initargs=(begin, arguments)
    )
    try:
        yield pool
    except BaseException:
        for worker in list((pool._processes or {}).values()):
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    end_on_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it comes to the parent too, which ends us
    _end_with_parent()
    if begin is not None:
        begin(*arguments)


def _end_with_parent() -> None:
    """End this worker when its parent is gone, killed say: nobody would tell it otherwise."""
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
