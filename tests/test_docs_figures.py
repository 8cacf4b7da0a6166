"""The figures in the documents are those of the commands beside them.

A page names its sources in one comment and marks each figure with another, which no reader sees::

    <!-- figures
    core: qlif synth --preset square-18 --target ecp5 --neurons 1024
    row: synthesis/figures.csv preset=square-18 target=ecp5
    -->
    ... take <!-- core lut -->261 LUTs ...

A source is a command, run with ``--json``, or the one row of a CSV file that has these values. Behind its name in a
mark is the path to a value in it: ``#`` is the length of a list, ``rows[form=square;word_bits=12].error`` of the one
row that has these values, ``error*100`` in percent. The command must be on the page for a reader too, with ``P`` for
a preset where a table has one per row. A picture on the page that its first command draws must be as it draws it now.
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
    path, _, factor = path.partition("*")
    for key in re.findall(r"\[[^\]]*\]|[^.\[]+", path):
        if key == "#":
            value = len(value)
        elif key.startswith("["):
            (value,) = (row for row in value if has(row, key.strip("[]")))
        elif isinstance(value, list):
            value = value[int(key)]
        else:
            value = value[key]
    if words:
        return float(re.search(rf"{re.escape(words)} ?(-?[\d.]*\d)", value)[1])
    return float(factor) * value if factor else value


def has(row, wanted):
    """Return whether a row has values, given as ``name=value;name=value``."""
    for pair in wanted.split(";"):
        name, _, text = pair.partition("=")
        value = row[name]
        if text != (f"{value:g}" if isinstance(value, float) else str(value)):
            return False
    return True


def other_pictures(page, made):
    """Return the pictures on a page that the files a command made don't look like."""
    other = []
    for name in re.findall(r'(?:src|srcset)="([^"]*\.svg)"', page.read_text()):
        found = made / Path(name).name
        if found.exists():
            shown, drawn = ((each.read_text()) for each in (page.parent / name, found))
            version = re.compile(r"Matplotlib v[\d.]+")
            # Another version may draw the same otherwise.
            if version.findall(shown) == version.findall(drawn) and without_ids(shown) != without_ids(drawn):
                other.append(name)
    return other


def without_ids(svg):
    """Return an SVG without the names that its drawing made up."""
    return re.sub(r'((?: id="|href="#|url\(#))[^")]*', r"\1", svg)


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
    if "apt install" in answer.stderr:
        pytest.skip(answer.stderr)
    assert answer.returncode == 0, answer.stderr
    assert wrong_figures(page.read_text(), name, json.loads(answer.stdout)) == []
    if name == next(iter(sources_of(page.read_text()))):
        assert other_pictures(page, tmp_path) == []


def test_a_wrong_figure_is_found():
    text = "<!-- figures\ncore: qlif synth\n-->\n"
    text += "<!-- core lut -->1,261 LUTs at <!-- core mhz.0 -->141.6, <!-- core list.# -->2"
    right = {"lut": 1261, "mhz": [141.56], "list": [1, 2]}
    assert wrong_figures(text, "core", right) == []
    for change in ({"lut": 1262}, {"mhz": [141.66]}, {"list": [1]}):
        assert len(wrong_figures(text, "core", right | change)) == 1
    assert value_at("notes.0:nextpnr says", {"notes": ["capped at 212 MHz, nextpnr says 230: why"]}) == 230


def test_one_row_is_found_by_its_values():
    rows = {"rows": [{"form": "square", "dt_ms": dt, "error": dt / 3} for dt in (0.1, 0.5, 1.0)]}
    assert value_at("rows[form=square;dt_ms=0.5].error", rows) == 0.5 / 3
    assert value_at("rows[dt_ms=1].error*100", rows) == pytest.approx(100 / 3)
    with pytest.raises(ValueError, match="unpack"):
        value_at("rows[form=square].error", rows)
    with pytest.raises(ValueError, match="unpack"):
        value_at("rows[dt_ms=2].error", rows)


def test_another_picture_is_found(tmp_path):
    page = ROOT / "docs" / "studies" / "forms.md"
    for name in ("forms.svg", "forms-dark.svg"):
        (tmp_path / name).write_text((ROOT / "docs" / "pictures" / "studies" / name).read_text())
    assert other_pictures(page, tmp_path) == []
    text = (tmp_path / "forms.svg").read_text()
    names = re.findall(r' id="(m\w+)"', text)
    (tmp_path / "forms.svg").write_text(text.replace(names[0], "m0"))
    assert other_pictures(page, tmp_path) == []
    (tmp_path / "forms.svg").write_text(text.replace("L 6", "L 7", 1).replace("M 0 0", "M 0 1", 1))
    assert other_pictures(page, tmp_path) == ["../pictures/studies/forms.svg"]
