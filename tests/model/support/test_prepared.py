"""A tool that compiles itself on its first run does so once, however many start it at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from qlif.model.support import caches
from qlif.model.support.prepared import prepare


@pytest.fixture
def kept(tmp_path, monkeypatch):
    folder = tmp_path / "kept"
    folder.mkdir()
    monkeypatch.setattr(caches, "folder", lambda: folder)
    return folder


def tool(tmp_path, code=0):
    """Return a command that takes its time, and the file in which its runs are counted."""
    count = tmp_path / "count"
    count.touch()
    program = f"import sys, time; open({str(count)!r}, 'a').write('x'); time.sleep(0.3); sys.exit({code})"
    return [sys.executable, "-c", program], count


def test_of_several_that_start_at_once_the_first_one_compiles(tmp_path, kept):
    command, count = tool(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: prepare("tool-1", command), range(4)))
    prepare("tool-1", command)
    assert count.read_text() == "x"
    prepare("tool-2", command)  # another version
    assert count.read_text() == "xx"


def test_a_first_run_that_fails_does_not_count(tmp_path, kept):
    command, count = tool(tmp_path, code=1)
    prepare("tool-1", command)
    prepare("tool-1", command)
    assert count.read_text() == "xx"


def test_without_a_place_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.setattr(caches, "folder", lambda: None)
    command, count = tool(tmp_path)
    prepare("tool-1", command)
    assert count.read_text() == ""
