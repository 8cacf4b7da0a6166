"""The tutorials' commands run in their order and print what the pages say.

Behind commands, or a block of Python, a block of text has lines of their output, in order; spaces don't count, and
``...`` stands for anything.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN = ("research", "fpga", "verification")
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))

STEP = re.compile(
    r"(?:^(?P<shell>(?:    [^\n]*\n)+)|^```python\n(?P<python>.*?)^```\n)(?:\n```text\n(?P<shown>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


def steps_of(text):
    """Return (kind, source, lines of its output) of each step of a tutorial but installations."""
    found = [step for step in STEP.finditer(text) if "pip install" not in step[0]]
    kinds = ["python" if step["python"] else "shell" for step in found]
    return [
        (kind, step[kind], (step["shown"] or "").splitlines())
        for kind, step in zip(kinds, found, strict=True)
    ]


def missing_lines(shown, printed):
    """Return the lines that aren't printed behind those before them."""
    rest, missing = [" ".join(line.split()) for line in printed.splitlines()], []
    for line in shown:
        pattern = re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*")
        found = next((number for number, text in enumerate(rest) if re.fullmatch(pattern, text)), None)
        if found is None:
            missing.append(line)
        else:
            rest = rest[found + 1 :]
    return missing


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_a_tutorial_does_what_it_says(tmp_path, name):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "build").mkdir()
    command = f'set -e; qlif() {{ "{sys.executable}" -m qlif "$@"; }}\n'
    for kind, source, shown in steps_of((ROOT / f"docs/tutorials/{name}.md").read_text()):
        run = ["bash", "-c", command + source] if kind == "shell" else [sys.executable, "-c", source]
        wide = os.environ | {"COLUMNS": "200"}
        answer = subprocess.run(run, cwd=tmp_path, env=wide, capture_output=True, text=True)
        assert answer.returncode == 0, source + answer.stderr
        assert missing_lines(shown, answer.stdout + answer.stderr) == [], source + answer.stdout


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_every_output_in_a_tutorial_belongs_to_a_step(page):
    text = page.read_text()
    assert page.stem in RUN
    assert sum(bool(shown) for _, _, shown in steps_of(text)) == text.count("```text\n") > 0


def test_a_wrong_output_is_found():
    printed = "updates   4\n took 3 s\nend"
    assert missing_lines(["updates 4", "took ... s"], printed) == []
    assert missing_lines(["updates 5"], printed) == ["updates 5"]
    assert missing_lines(["took ... s", "updates 4"], printed) == ["updates 4"]
