"""Results that survive a killed run, files that are left alone, and lines that aren't believed."""

import json
import subprocess
import sys
import warnings

import pytest

from qlif.model.exceptions import DamageWarning, InputError
from qlif.model.support import journal

STUDY = {"word_bits": [8, 10], "neurons": 3}
RESULTS = {0: {"lag": 1.5}, 1: {"lag": None}}


def opened(path, study=STUDY, kind="sweep"):
    return journal.opened(path, kind, study, range(100).__contains__)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "results.jsonl"
    with opened(path) as results:
        for point, result in RESULTS.items():
            results.append(point, result)
    return path


def test_results_come_back(written):
    with opened(written) as results:
        assert results.results == RESULTS


def test_a_result_is_at_once_what_it_is_when_it_comes_back(tmp_path):
    path = tmp_path / "results.jsonl"
    with opened(path) as results:
        results.append(2, {10: (1, 2), 9: float("inf")})
        assert results.results == {2: {"10": [1, 2], "9": float("inf")}}
    with opened(path) as again:
        assert again.results == results.results


def test_nothing_is_made_before_there_is_a_result(tmp_path):
    with opened(tmp_path / "new" / "results.jsonl"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [2, 5, 20])
def test_a_line_that_was_cut_off_is_dropped_and_written_again_without_a_word(written, cut):
    whole = written.read_bytes()
    written.write_bytes(whole[:-cut])
    with opened(written) as results:
        assert results.results == {0: RESULTS[0]}
        results.append(1, RESULTS[1])
    assert written.read_bytes() == whole


def test_a_last_line_that_lacks_only_its_end_counts(written):
    whole = written.read_bytes()
    written.write_bytes(whole[:-1])
    with opened(written) as results:
        assert results.results == RESULTS
        results.append(2, {})
    with opened(written) as results:
        assert results.results == {**RESULTS, 2: {}}
    assert written.read_bytes().startswith(whole)


def test_a_header_that_was_cut_off_is_begun_again(written):
    whole = written.read_bytes()
    for end in (0, 1, 30, whole.index(b"\n")):
        written.write_bytes(whole[:end])
        with opened(written) as results:
            assert results.results == {}
            for point, result in RESULTS.items():
                results.append(point, result)
        assert written.read_bytes() == whole


@pytest.mark.parametrize("changes", [{"key": {**STUDY, "neurons": 4}}, {"version": 2, "study": STUDY}])
def test_a_header_of_something_else_without_a_result_is_replaced(written, changes):
    whole = written.read_bytes()
    header = json.loads(whole.splitlines()[0])
    written.write_text(json.dumps({**header, **changes}) + "\n")
    with opened(written) as results:
        assert results.results == {}
        for point, result in RESULTS.items():
            results.append(point, result)
    assert written.read_bytes() == whole


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
        ({"kind": "optimize"}, "of kind 'optimize', not of 'sweep'"),
        ({"key": {**STUDY, "neurons": 4}}, r"another study \(neurons is 4 there and 3 here\)"),
        (
            {"key": {**STUDY, "code": {"qlif": "9"}}},
            r"another study \(code is {\"qlif\": \"9\"} there and null",
        ),
        ({"key": [1]}, "another study"),
        ({"file": "else"}, "is no results file of this version"),
    ],
)
def test_results_of_something_else_are_refused_and_untouched(written, change, message):
    changed(written, **change)
    before = written.read_bytes()
    with pytest.raises(InputError, match=message), opened(written):
        pass
    assert written.read_bytes() == before


def test_what_differs_is_said_in_a_short_line(written):
    with pytest.raises(InputError) as refused, opened(written, {**STUDY, "neurons": list(range(1000))}):
        pass
    assert len(str(refused.value).replace(str(written), "")) < 200


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"no line end", b"\xff\xfe\n", b"[]\n", b"{}\n", b"[" * 9999 + b"\n"]
)
def test_any_other_file_is_refused_and_untouched(tmp_path, content):
    path = tmp_path / "results.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no results file"), opened(path):
        pass
    assert path.read_bytes() == content


def of(line, **changes):
    return json.dumps({**json.loads(line), **changes}).encode()


DAMAGE = {
    "binary": lambda line: b"\xff\x00\x80" + line[3:],
    "cut off": lambda line: line[:20],
    "of no check": lambda _: b'{"point": 0, "result": {}}',
    "of another check": lambda line: of(line, check="0" * 16),
    "another result": lambda line: of(line, result={"lag": 1.25}),
    "another point": lambda line: of(line, point=7),
    "out of range": lambda line: of(line, point=9999),
    "no point": lambda line: of(line, point=[0]),
    "true": lambda line: of(line, point=True),
    "a longer entry": lambda line: of(line, more=1),
    "nested": lambda _: b"[" * 9999,
    "5,000 digits": lambda _: b'{"point": ' + b"1" * 5000 + b"}",
    "empty": lambda _: b"",
    "no entry": lambda _: b"7",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_line_is_evaluated_again_with_one_word_about_it(written, damage):
    header, first, second = whole = written.read_bytes().splitlines()
    written.write_bytes(b"\n".join([header, damage(first), second, b""]))
    with (
        pytest.warns(DamageWarning, match=r"a line is damaged \(line 2\)") as said,
        opened(written) as results,
    ):
        assert results.results == {1: RESULTS[1]}
        results.append(0, RESULTS[0])
    assert len(said) == 1
    # The damage is gone with the next result, and nothing else.
    assert written.read_bytes().splitlines() == [header, second, first] != whole
    with opened(written) as results:
        assert results.results == RESULTS


def test_two_results_of_one_point_are_neither_believed(written):
    with opened(written.with_name("other")) as results:
        results.append(0, {"lag": 9.0})
    written.write_bytes(written.read_bytes() + written.with_name("other").read_bytes().splitlines(True)[1])
    with pytest.warns(DamageWarning, match="line 4"), opened(written) as results:
        assert results.results == {1: RESULTS[1]}


def test_the_same_result_twice_is_no_damage(written):
    written.write_bytes(written.read_bytes() + written.read_bytes().splitlines(True)[1])
    with opened(written) as results:
        assert results.results == RESULTS


def test_lines_of_another_study_are_not_believed(written):
    other = written.with_name("other")
    with opened(other, {**STUDY, "neurons": 4}) as results:
        results.append(5, {"lag": 9.0})
    written.write_bytes(written.read_bytes() + other.read_bytes().splitlines(True)[1])
    with pytest.warns(DamageWarning), opened(written) as results:
        assert results.results == RESULTS


def test_every_damage_by_one_byte_is_noticed(written):
    whole = written.read_bytes()
    start = whole.index(b"\n") + 1
    for place in range(start, len(whole)):
        written.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamageWarning)
            with opened(written) as results:
                assert results.results.items() <= RESULTS.items()


def test_two_runs_can_not_write_one_file(tmp_path, written):
    for path in (written, tmp_path / "new.jsonl"):
        with opened(path) as one:
            one.append(2, {})
            with pytest.raises(InputError, match="being written by another run"), opened(path):
                pass
    # Both before the first result.
    with opened(tmp_path / "both.jsonl") as one, opened(tmp_path / "both.jsonl") as other:
        one.append(0, {})
        with pytest.raises(InputError, match="being written by another run"):
            other.append(0, {})


RUN = """
import sys
from pathlib import Path
from qlif.model.support import journal
with journal.opened(Path(sys.argv[1]), "sweep", {}, range(100).__contains__) as results:
    for point in range(100):
        if point not in results.results:
            results.append(point, {"square": point * point, "long": "x" * 3000})
"""


def test_a_run_killed_at_any_moment_goes_on_to_the_same_results(tmp_path):
    whole, path = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    subprocess.run([sys.executable, "-c", RUN, whole], check=True)
    for size in (1, 100_000, 200_000):
        with subprocess.Popen([sys.executable, "-c", RUN, path]) as process:
            while process.poll() is None and (not path.exists() or path.stat().st_size < size):
                pass
            process.kill()
        # And in the middle of a line.
        path.write_bytes(path.read_bytes()[:-7])
    done = subprocess.run([sys.executable, "-c", RUN, path], check=True, capture_output=True)
    assert path.read_bytes() == whole.read_bytes()
    assert done.stderr == b""
