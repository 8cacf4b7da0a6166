"""The figures in the documents are those of the commands beside them.

A page names its sources in one comment and marks each figure with another, which no reader sees::

    <!-- figures
    core: qlif synth --preset square-18 --target ecp5 --neurons 1024
    row: synthesis/figures.csv preset=square-18 target=ecp5
    -->
    ... take <!-- core lut -->261 LUTs ...

A source is a command, run with ``--json``, or the one row of a CSV file that has these values; what stands behind its
name in a mark is the path to a value in it (``#`` is the length of a list). The command must be on the page for a
reader too, with ``P`` for a preset where a table has one per row.
"""

import csv
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

SOURCES = re.compile(r"<!-- figures\n(.*?)-->", re.DOTALL)
MARK = re.compile(r"<!-- (\S+) (\S[^>]*?) -->\s*(?:[`*|]*)(-?\d[\d,]*(?:\.\d+)?)?")


def sources_of(text):
    """Return a page's sources by name."""
    lines = "".join(SOURCES.findall(text)).splitlines()
    return dict(line.split(": ", 1) for line in lines)


def marks_of(text):
    """Return (source name, path, figure) of each mark; the figure is None where no number follows."""
    return MARK.findall(SOURCES.sub("", text))


def value_at(path, value):
    """Return what a path leads to, ``a.b.0`` or ``a.#``; of a text, ``a:words``, the number behind the words."""
    path, _, words = path.partition(":")
    for key in path.split("."):
        if key == "#":
            value = len(value)
        elif isinstance(value, list):
            value = value[int(key)]
        else:
            value = value[key]
    if words:
        return float(re.search(rf"{re.escape(words)} ([\d.]+)", value)[1])
    return value


def agrees(figure, value):
    """Return whether a printed figure is a value, rounded to as many digits as are printed."""
    decimals = len(figure.partition(".")[2])
    return f"{float(value):.{decimals}f}" == figure.replace(",", "")


def row_of(source, page):
    """Return the one row of a CSV file that a source names."""
    file, *wanted = shlex.split(source)
    with (page.parent / file).open(newline="") as lines:
        rows = [
            row
            for row in csv.DictReader(lines)
            if all(row[name] == value for name, _, value in (pair.partition("=") for pair in wanted))
        ]
    assert len(rows) == 1, f"{source}: {len(rows)} rows"
    return rows[0]


def wrong_figures(text, name, value):
    """Return what a page says otherwise than a source has it."""
    wrong = []
    for source, path, figure in marks_of(text):
        if source == name and not (figure and agrees(figure, value_at(path, value))):
            wrong.append(f"{name} {path}: the page has {figure or 'no number'}, now {value_at(path, value)}")
    return wrong


def cases(commands):
    for page in PAGES:
        for name, source in sources_of(page.read_text()).items():
            if source.startswith("qlif ") == commands:
                yield pytest.param(page, name, source, id=f"{page.stem}-{name}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_mark_has_a_source_and_a_number_and_each_source_a_mark(page):
    text = page.read_text()
    sources, marks = sources_of(text), marks_of(text)
    assert {source for source, _, _ in marks} == set(sources)
    assert all(figure for _, _, figure in marks), [mark for mark in marks if not mark[2]]
    # At the start of a line a comment would end the paragraph.
    assert not re.search(r"^ *<!-- (?!figures\n)", text, re.MULTILINE)


@pytest.mark.parametrize(("page", "name", "source"), list(cases(commands=True)))
def test_a_reader_sees_the_command_of_a_figure(page, name, source):
    text = " ".join(SOURCES.sub("", page.read_text()).split())
    general = re.sub(r"--preset \S+", "--preset P", source)
    assert source in text or general in text


@pytest.mark.parametrize(("page", "name", "source"), list(cases(commands=False)))
def test_figures_of_a_table_are_those_in_its_file(page, name, source):
    assert wrong_figures(page.read_text(), name, row_of(source, page)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("page", "name", "source"), list(cases(commands=True)))
def test_figures_of_a_command_are_what_it_prints(tmp_path, page, name, source):
    arguments = [*shlex.split(source)[1:], "--out", str(tmp_path), "--json"]
    answer = subprocess.run(
        [sys.executable, "-m", "qlif", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert answer.returncode == 0, answer.stderr
    assert wrong_figures(page.read_text(), name, json.loads(answer.stdout)) == []


def test_a_wrong_figure_is_found():
    text = "<!-- figures\ncore: qlif synth\n-->\n"
    text += "<!-- core lut -->1,261 LUTs at <!-- core mhz.0 -->141.6, <!-- core list.# -->2"
    right = {"lut": 1261, "mhz": [141.56], "list": [1, 2]}
    assert wrong_figures(text, "core", right) == []
    for change in ({"lut": 1262}, {"mhz": [141.66]}, {"list": [1]}):
        assert len(wrong_figures(text, "core", right | change)) == 1
    assert value_at("notes.0:nextpnr says", {"notes": ["capped at 212 MHz, nextpnr says 230: why"]}) == 230
