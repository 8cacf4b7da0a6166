"""What the documents tell people to type works."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from qlif import hdl
from qlif.cosim import cli, find
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LONG = ("your-core", "selftest", "exhaustion", "effective")
"""Pages whose examples build simulators, or take many runs."""


def python_blocks():
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)):
            marks = [pytest.mark.slow] if page.stem in LONG else []
            yield pytest.param(block, id=f"{page.stem}-{number}", marks=marks)


def command_lines():
    for page in PAGES:
        for line in re.findall(r"^    (qlif .*)$", page.read_text(), re.MULTILINE):
            yield pytest.param(line, id=line)


@pytest.mark.parametrize("block", list(python_blocks()))
def test_python_examples_run(tmp_path, block):
    if "my_population" in block:
        try:
            find("verilator")
        except InputError as error:
            pytest.skip(str(error))
        words = quantise(Parameters(n=64), PRESETS["square-16"])
        verilog = hdl.export(hdl.Core(words)).verilog
        (tmp_path / "mine.v").write_text(verilog.replace("qlif_population", "my_population"))
    answer = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    if "verdict" in block:
        assert "mismatches=0" in answer.stdout
    if "run.passed" in block:
        assert answer.stdout == "True\n"


@pytest.mark.parametrize("line", list(command_lines()))
def test_command_examples_name_commands_and_options_that_exist(line):
    _, *arguments = shlex.split(line)
    command = cli.command_line()
    while hasattr(command, "commands"):
        command = command.commands[arguments.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert {argument for argument in arguments if argument.startswith("--")} <= known


def anchors_of(text):
    """Return what a link can name behind ``#``: the headings, as code hosts write them."""
    anchors = set()
    for heading in re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE
    ):
        anchor = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        count = sum(re.fullmatch(rf"{anchor}(-\d+)?", other) is not None for other in anchors)
        anchors.add(f"{anchor}-{count}" if count else anchor)
    return anchors


def dead_links(page, text):
    """Return the links of a page's text within the repository that lead nowhere."""
    dead = []
    text = re.sub(r"^```.*?^```|`[^`]*`", "", text, flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text):
        name, _, anchor = target.partition("#")
        to = page.parent / name if name else page
        if not target.startswith("http") and (
            not to.exists() or (anchor and anchor not in anchors_of(to.read_text()))
        ):
            dead.append(target)
    return dead


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.stem
)
def test_links_lead_somewhere(page):
    assert dead_links(page, page.read_text()) == []


def test_a_dead_link_is_found():
    text = "# One\n[a](docs/numerics.md#the-neuron) [b](docs/numerics.md#no) [c](no.md) [d](#one)"
    assert dead_links(ROOT / "README.md", text) == ["docs/numerics.md#no", "no.md", "#one"]
    assert anchors_of("# `A`: b, c\n## x\n```\n# y\n```\n### x\n") == {"a-b-c", "x", "x-1"}


def test_the_site_leads_to_every_page():
    navigation = ROOT / "docs" / "site" / "navigation.md"
    named = re.findall(r"^/(.*)$", navigation.read_text(), re.MULTILINE)
    pages = [*PAGES[1:], ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    assert sorted(f"{name}.md" for name in named) == sorted(
        page.relative_to(ROOT).as_posix() for page in pages if page != navigation
    )


def test_the_input_page_lists_what_the_command_lists():
    listed = subprocess.run(
        [sys.executable, "-c", "from qlif.cosim.cli import main; main()", "inputs"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    page = (ROOT / "docs" / "inputs.md").read_text()
    for line in listed.splitlines():
        assert line in page
