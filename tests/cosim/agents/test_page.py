"""What docs/agents.md shows works as it stands, and so do the examples that it names."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from qlif import hdl
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
PAGE = (ROOT / "docs" / "agents.md").read_text()
BLOCKS = dict(re.findall(r"```\w+ (\S+)\n(.*?)```", PAGE, re.DOTALL))

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus isn't installed")


def run(folder, *command):
    environment = {**os.environ, "COCOTB_REWRITE_ASSERTION_FILES": "", "COCOTB_RANDOM_SEED": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return answer.returncode, answer.stdout + answer.stderr


@pytest.fixture
def population(tmp_path):
    words = quantise(Parameters(n=16), PRESETS["square-16"])
    hdl.export(hdl.Core(words, name="square-16")).write(tmp_path / "rtl")
    for name in ("test_population.py", "Makefile", "run.py"):
        (tmp_path / name).write_text(BLOCKS[name])
    return tmp_path


def test_the_runner_runs_the_test(population):
    code, said = run(population, sys.executable, "run.py")
    assert code == 0 and "1600 updates" in said, said


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="make isn't installed")
def test_the_makefile_runs_the_test(population):
    code, said = run(population, "make")
    assert code == 0 and "1600 updates" in said, said


def test_the_example_stands_on_the_page():
    _, start, rest = (EXAMPLES / "cocotb" / "test_elastic.py").read_text().partition("FORMATS = ")
    assert BLOCKS["test_elastic.py"] == start + rest
    assert len((EXAMPLES / "cocotb" / "test_elastic.py").read_text().splitlines()) < 40


BUGS = tomllib.loads((EXAMPLES / "cores" / "elastic" / "bugs.toml").read_text())
FOUND = {
    "none": None,
    "decay an LSB high": ": trace: expected ",
    "valid waits for ready": "valid doesn't wait for ready",
}
"""What is planted in the core, and what a test says of it."""


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("module", ["test_elastic", "pyuvm_elastic"])
@pytest.mark.parametrize("bug", FOUND)
def test_a_stranger_finds_a_planted_fault(tmp_path, module, bug):
    if module == "pyuvm_elastic":
        pytest.importorskip("pyuvm")
        if bug == "valid waits for ready":
            pytest.skip("its scoreboard is fed by hand, so it watches no handshake")
    core = EXAMPLES / "cores" / "elastic" / "core.v"
    text = core.read_text()
    if bug != "none":
        (changed,) = (pair for kind in BUGS.values() for name, pair in kind.items() if name == bug)
        assert changed[0] in text
        text = text.replace(*changed)
    (tmp_path / "core.v").write_text(text)
    script = EXAMPLES / "cocotb" / "run_elastic.py"
    code, said = run(tmp_path, sys.executable, str(script), module, str(tmp_path / "core.v"))
    if bug == "none":
        assert code == 0 and "3000 updates are those of the golden model" in said, said
    else:
        assert code == 1 and FOUND[bug] in said, said
