"""No verdict hangs on the mode that the interpreter is in."""

import ast
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qlif import hdl
from qlif.cosim.benches.job import Job
from qlif.cosim.cosimulation import POPULATION_BENCH, THOROUGH_TESTS
from qlif.cosim.simulator.cocotb_design import Design
from qlif.hdl.verilog import Export
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise

ROOT = Path(__file__).parents[2]
WORDS = quantise(Parameters(n=2), preset("tiny-8"))


def only_narrows(test):
    """Whether an asserted condition only tells the type checker what a value is."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(map(only_narrows, values))
        case ast.Compare(ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return True
        case ast.Call(func=ast.Name(id="isinstance")):
            return True
    return False


def test_no_assert_judges():
    for path in (path for room in ("model", "hdl", "cosim") for path in (ROOT / room).rglob("*.py")):
        asserts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
        if path.parent.name == "benches":
            assert not asserts, path
        assert all(only_narrows(each.test) for each in asserts), path


def faulty():
    """A population whose trace is one too high after a spike."""
    export = hdl.export(hdl.Core(WORDS))
    text, count = re.subn(
        r"(spiking \? 8'h)(\w+)( : decayed)", lambda found: f"{found[1]}{int(found[2], 16) + 1:x}{found[3]}",
        export.verilog,
    )  # fmt: skip
    assert count == 1
    return Export(text, export.interface)


def test_an_optimising_interpreter_in_the_simulator_sees_it_too(quick_simulator, tmp_path):
    """Whatever sets it: our own children don't get the variable."""
    optimising = {**quick_simulator.environment, "PYTHONOPTIMIZE": "1"}
    simulator = dataclasses.replace(quick_simulator, environment=optimising)
    export = faulty()
    verilog, _ = export.write(tmp_path)
    design = Design(simulator, verilog, export.interface.module, tmp_path / "simulation")
    Job(WORDS, export.interface, {"updates": 400}).write(tmp_path)
    assert design.run(POPULATION_BENCH, tmp_path, 0, THOROUGH_TESTS) == (5, 5)


# The second level also drops docstrings, which the commands' helps are.
@pytest.mark.slow
@pytest.mark.parametrize("level", ["1", "2"])
def test_an_optimising_interpreter_of_the_command_does(level, quick_simulator, tmp_path):
    faulty().write(tmp_path)
    answer = subprocess.run(
        [
            sys.executable, "-c", "from qlif.cosim.cli import main; main()",
            "cosim", "--verilog", "qlif_population.v", "--preset", "tiny-8", "--neurons", "2",
            "--steps", "20", "--thorough", "--simulator", quick_simulator.name, "--json",
        ],
        env={**os.environ, "PYTHONOPTIMIZE": level},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert answer.returncode == 1, answer.stderr
    # At full speed nothing spikes.
    assert json.loads(answer.stdout)["thorough_failed"] == 4
