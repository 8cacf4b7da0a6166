"""One run at a time writes into a folder."""

import os
import subprocess
import sys

import pytest

from qlif.model.exceptions import InputError
from qlif.model.support.files import alone_in, whole_file

HOLD = (
    "from pathlib import Path; from qlif.model.support.files import alone_in\nwith alone_in(Path('out')): {}"
)


def test_the_second_is_refused_until_the_first_is_over(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD.format("print('held', flush=True); input()")],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match=r"out is being written by another run"), alone_in(tmp_path / "out"):
        pass
    holder.communicate(b"\n")
    with alone_in(tmp_path / "out"):
        pass


def test_a_folder_that_was_there_is_as_it_was(tmp_path):
    with alone_in(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_it_free(tmp_path):
    program = HOLD.format("import os; os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=dict(os.environ))
    with alone_in(tmp_path / "out"):
        pass


def test_a_run_that_wrote_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt), alone_in(tmp_path / "out"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_it_wrote_stays(tmp_path):
    with alone_in(tmp_path / "out"):
        (tmp_path / "out" / "result").touch()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["result"]


def test_what_a_killed_run_was_writing_goes_with_the_next_one(tmp_path):
    program = HOLD.format(
        "import os; from qlif.model.support.files import whole_file; "
        "writing = whole_file(Path('out/inner/result.json')); writing.__enter__(); os.kill(os.getpid(), 9)"
    )
    out = tmp_path / "out"
    (out / "other").mkdir(parents=True)
    (out / ".qlif-notes").touch()
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=dict(os.environ))
    assert len(list((out / "inner").iterdir())) == 1
    with alone_in(out / "other"), whole_file(out / "other" / "result.json") as living, alone_in(out):
        assert list((out / "inner").iterdir()) == []
        assert living.exists()
    assert sorted(path.name for path in out.iterdir()) == [".qlif-notes", "inner", "other"]
