"""Child processes: what they are given, and that nothing of them is left."""

import ast
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from qlif.model.support import process, scratch

NAPS = "import subprocess as s; s.Popen(['sleep', '{0}']); s.Popen(['setsid', 'sleep', '{0}']); "


def sleepers(seconds):
    """Return who sleeps for so long: a number that no other test takes."""
    found = []
    for each in psutil.process_iter(["cmdline"]):
        if (each.info["cmdline"] or [""])[1:] == [str(seconds)]:
            found.append(each)
    return found


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_output_and_exit_code_are_the_command_s():
    assert process.run(["sh", "-c", "cat; echo more >&2; exit 3"], what="it", seconds=60, told="some\n") == (
        3,
        "some\nmore\n",
    )
    assert process.run(["sh", "-c", "kill -9 $$"], what="it", seconds=60).code == 128 + 9


def test_no_descendant_outlives_it_whether_in_its_group_or_not():
    command = process.python("-c", NAPS.format(4711))
    assert process.run(command, what="it", seconds=60).code == 0
    assert sleepers(4711) == []


def test_a_command_without_end_is_ended_and_said():
    command = process.python("-c", NAPS.format(4712) + "import time; time.sleep(4712)")
    with pytest.raises(process.TimedOut, match=r"^the nap took longer than 0\.5 s, and was ended$"):
        process.run(command, what="the nap", seconds=0.5)
    assert sleepers(4712) == []


def test_progress_is_more_time():
    told = iter([True] * 4)
    command = ["sleep", "0.9"]
    assert process.run(command, what="it", seconds=0.5, progressed=lambda: next(told, False)).code == 0


def test_an_exception_ends_it():
    with pytest.raises(KeyboardInterrupt), process.running(["sleep", "4713"]):
        wait_until(lambda: sleepers(4713))
        raise KeyboardInterrupt
    assert sleepers(4713) == []


def test_a_program_that_is_not_there_is_an_error():
    with pytest.raises(FileNotFoundError):
        process.run(["qlif-no-such-program"], what="it", seconds=60)


PARENT = """
from qlif.model.support import process
process.end_on_signals()
process.run(["sleep", "{0}"], what="it", seconds=60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_it_ends_with_us_however_we_end(number, tmp_path):
    seconds = 4720 + number
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(seconds)],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
        # What a shell runs in the background ignores interrupts, or with nohup a hang-up, and so would this.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None,
    )
    wait_until(lambda: sleepers(seconds), 60)
    parent.send_signal(number)
    assert parent.wait(timeout=10) != 0
    wait_until(lambda: not sleepers(seconds))
    if number != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []


def inherited():
    """Ignore and block what a child would then ignore and block too."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGUSR2))


def test_a_signal_ends_us_and_our_children_however_signals_were_inherited():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(4760)], stderr=subprocess.DEVNULL, preexec_fn=inherited
    )
    wait_until(lambda: sleepers(4760), 60)
    parent.terminate()
    assert parent.wait(timeout=2) == 128 + signal.SIGTERM
    wait_until(lambda: not sleepers(4760), 2)


def test_nohup_is_respected():
    program = (
        "import os, signal; from qlif.model.support import process; process.end_on_signals(); "
        "os.kill(os.getpid(), signal.SIGHUP); print('here')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert done.stdout == "here\n"


def test_a_child_begins_with_default_signals():
    show = (
        "import signal; print([signal.getsignal(n).name for n in (1, 10, 15)], signal.pthread_sigmask(0, ()))"
    )
    program = (
        "from qlif.model.support import process; "
        f"print(process.run(process.python('-c', {show!r}), what='it', seconds=60).said)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, preexec_fn=inherited
    )
    assert done.stdout.strip() == "['SIG_DFL', 'SIG_DFL', 'SIG_DFL'] set()"


def test_a_killed_process_s_folder_is_removed_by_the_next(tmp_path):
    program = (
        "import os, sys; from qlif.model.support.scratch import Scratch; kept = Scratch(); {}; "
        "print(kept.path, flush=True); {}"
    )

    def run(before, after):
        command = [sys.executable, "-c", program.format(before, after)]
        said = subprocess.run(
            command, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True
        )
        return said.stdout.strip()

    killed = run("pass", "os.kill(os.getpid(), 9)")
    assert [str(path) for path in tmp_path.iterdir()] == [killed]
    other = run("pass", "pass")
    assert other != killed and list(tmp_path.iterdir()) == []


def test_a_living_process_s_folder_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "safe_root", lambda: tmp_path)
    with scratch.scratch() as here:
        scratch._sweep.cache_clear()
        with scratch.scratch() as other:
            assert sorted(tmp_path.iterdir()) == sorted([here, other])


def test_the_environment_is_stated(monkeypatch, tmp_path):
    for name in ("COCOTB_TESTCASE", "VERILATOR_BIN", "MAKEFLAGS", "PYTHONSTARTUP", "PYTHONPATH", "CXXFLAGS"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "random.py").write_text("raise SystemExit('the wrong one')\n")
    monkeypatch.chdir(tmp_path)
    program = "import os, random, qlif.model; print(sorted(os.environ))"
    code, said = process.run(process.python("-c", program), what="it", seconds=60)
    assert code == 0
    ours = {"PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUTF8", "TMPDIR", "TEMP", "TMP"}
    assert set(ast.literal_eval(said)) <= {*process.PASSED_ON, *ours}


@pytest.mark.parametrize("name", ["a b", "a;b", "a$b", "a#b", "a:b", "ä", "a'b", 'a"b', "a\nb"])
def test_temporary_files_are_where_every_tool_finds_them(name, tmp_path, monkeypatch):
    place = tmp_path / name
    place.mkdir()
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(place))
    scratch.safe_root.cache_clear()
    try:
        assert name not in str(scratch.safe_root())
    finally:
        scratch.safe_root.cache_clear()
