"""Results that survive a killed run, and files that are left alone."""

import importlib.metadata
import json

import pytest

from qlif.model.exceptions import InputError
from qlif.model.support import journal

STUDY = {"word_bits": [8, 10], "neurons": 3}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "results.jsonl"
    with journal.opened(path, "sweep", STUDY) as results:
        results.append(0, {"lag": 1.5})
        results.append(1, {"lag": None})
    return path


def test_results_come_back(written):
    with journal.opened(written, "sweep", STUDY) as results:
        assert results.results == {0: {"lag": 1.5}, 1: {"lag": None}}


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_line_that_was_cut_off_is_dropped_and_written_again(written, cut):
    whole = written.read_bytes()
    written.write_bytes(whole[:-cut])
    with journal.opened(written, "sweep", STUDY) as results:
        assert results.results == {0: {"lag": 1.5}}
        results.append(1, {"lag": None})
    assert written.read_bytes() == whole


def test_a_header_that_was_cut_off_is_begun_again(written):
    header = written.read_bytes().splitlines()[0]
    written.write_bytes(header[:30])
    with journal.opened(written, "sweep", STUDY) as results:
        assert results.results == {}
    assert written.read_bytes() == header + b"\n"


def changed(path, **changes):
    first, *rest = path.read_text().splitlines(keepends=True)
    path.write_text(json.dumps({**json.loads(first), **changes}) + "\n" + "".join(rest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"version": journal.VERSION + 1},
            f"holds results of version {journal.VERSION + 1}, not of {journal.VERSION}",
        ),
        ({"qlif": "9.9"}, f"of qlif '9.9', not of '{importlib.metadata.version('qlif')}'"),
        ({"kind": "optimize"}, "of kind 'optimize', not of 'sweep'"),
        ({"study": {**STUDY, "neurons": 4}}, r"another study \(neurons is 4 there and 3 here\)"),
        ({"study": [1]}, "another study"),
        ({"file": "else"}, "is no results file of a study"),
    ],
)
def test_results_of_something_else_are_refused_and_untouched(written, change, message):
    changed(written, **change)
    before = written.read_bytes()
    with pytest.raises(InputError, match=message), journal.opened(written, "sweep", STUDY):
        pass
    assert written.read_bytes() == before


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"no line end", b"\xff\xfe\n", b"[]\n", b"{}\n", b"{"])
def test_any_other_file_is_refused_and_untouched(tmp_path, content):
    path = tmp_path / "results.jsonl"
    path.write_bytes(content)
    if content == b"{":
        # That is how a header begins, and all that a killed run might have left.
        with journal.opened(path, "sweep", STUDY):
            return
    with pytest.raises(InputError, match="is no results file"), journal.opened(path, "sweep", STUDY):
        pass
    assert path.read_bytes() == content


def test_a_damaged_line_in_the_middle_is_named(written):
    lines = written.read_text().splitlines(keepends=True)
    written.write_text(lines[0] + "garbage\n" + lines[2])
    with pytest.raises(InputError, match="line 2, is not a result"), journal.opened(written, "sweep", STUDY):
        pass


def test_two_runs_can_not_write_one_file(written):
    with (
        journal.opened(written, "sweep", STUDY),
        pytest.raises(InputError, match="being written by another run"),
        journal.opened(written, "sweep", STUDY),
    ):
        pass
