"""No choice falls through in silence: what a new rounding, overflow or form needs, mypy names."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("model", "hdl", "cosim")

# For each choice: where it is defined, its last member, and every file that a new member must be written into.
CHOICES = {
    "Rounding": (
        "model/rounding.py",
        'SR = "SR"',
        {"model/rounding.py", "model/kernel/rules.py", "hdl/fixed.py", "cosim/optimize/word_costs.py"},
    ),
    "Overflow": (
        "model/rounding.py",
        'WRAP = "WRAP"',
        {
            "model/rounding.py",
            "model/kernel/rules.py",
            "hdl/fixed.py",
            "hdl/neuron.py",
            "cosim/proof/reach.py",
            "cosim/coverage/update_cases.py",
        },
    ),
    "Form": (
        "model/arithmetic.py",
        'SQUARE = "square"',
        {
            "model/arithmetic.py",
            "model/words.py",
            "model/quantisation.py",
            "model/golden/step.py",
            "model/kernel/rules.py",
            "model/studies/grid.py",
            "hdl/verilog.py",
            "hdl/neuron.py",
            "cosim/ranges.py",
            "hdl/synthesis/fit.py",
        },
    ),
    "Currents": (
        "model/arithmetic.py",
        'SCALED = "scaled"',
        {
            "model/words.py",
            "model/quantisation.py",
            "model/golden/step.py",
            "model/kernel/rules.py",
            "hdl/neuron.py",
            "cosim/ranges.py",
            "hdl/synthesis/fit.py",
        },
    ),
    "Dialect": ("model/population.py", 'SYNAPTICFLOW = "synapticflow"', {"model/population.py"}),
    "Integrator": ("model/integrator.py", 'HEUN = "heun"', {"model/integrator.py"}),
    "Step": ("model/theory/stepped.py", 'EXACT = "exact map"', {"model/theory/stepped.py"}),
    "Remainder": ("model/theory/stepped.py", 'OWN = "step of its own"', {"model/theory/stepped.py"}),
    "EngineName": (
        "model/kernel/engines.py",
        'NUMPY = "numpy"',
        {"model/kernel/fixed_engines.py", "model/kernel/float_engines.py"},
    ),
    "Round": ("model/kernel/rules.py", "RANDOM = 3", {"model/kernel/rules.py"}),
    "Storage": ("hdl/storage.py", 'MEMORY = "memory"', {"hdl/storage.py", "hdl/neuron.py"}),
    "Feed": (
        "hdl/core.py",
        'HELD = "held"',
        {
            "hdl/core.py",
            "hdl/ports.py",
            "cosim/benches/agents.py",
            "cosim/proof/update.py",
            "cosim/proof/population_claims.py",
        },
    ),
    "SimulatorName": (
        "cosim/simulator/find.py",
        'ICARUS = "icarus"',
        {"cosim/simulator/find.py", "cosim/simulator/cocotb_design.py", "cosim/foreign_views.py"},
    ),
    "Variant": ("hdl/primitives.py", 'EXPLICIT = "explicit"', {"hdl/targets/catalogue.py"}),
}


def with_new_members(directory):
    """Copy the tree, with one member more in each choice."""
    for room in (*ROOMS, "src"):
        shutil.copytree(
            ROOT / room, directory / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", directory)
    for path, last, _ in CHOICES.values():
        text = (directory / path).read_text()
        assert text.count(f"    {last}\n") == 1
        (directory / path).write_text(
            text.replace(
                f"    {last}\n",
                f"    {last}\n    NEW = {'9' if last[-1].isdigit() else chr(34) + 'new' + chr(34)}\n",
            )
        )
    return directory


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """The files that mypy names for a new member of each choice."""
    directory = with_new_members(tmp_path_factory.mktemp("choices"))
    # Without the libraries' types it takes two seconds; a choice is our own.
    command = [sys.executable, "-m", "mypy", "--no-site-packages", "--ignore-missing-imports"]
    run = subprocess.run(
        [*command, "--cache-dir", "cache"], cwd=directory, capture_output=True, text=True, check=False
    )
    found = {name: set() for name in CHOICES}
    for path, choice in re.findall(
        r'(?m)^src/qlif/(\S+?):\d+: error: Argument 1 to "assert_never" has .*?Literal\[(\w+)\.NEW\]',
        run.stdout,
    ):
        found[choice].add(path)
    return found


@pytest.mark.parametrize("choice", CHOICES)
def test_mypy_names_every_place_that_a_new_member_needs(named, choice):
    assert named[choice] == CHOICES[choice][2]


# Comparisons that may stay: what isn't special goes to a `match` that knows every member, or is refused.
MAY_COMPARE = {
    "model/kernel/rules.py": {"Round.EXACT"},  # no bit is dropped
    "model/kernel/engines.py": {"EngineName.COMPILED"},  # needs numba
    "model/population.py": {"Integrator.EULER"},  # where there is no other, all others are refused
    "cosim/commands/prove.py": {"Variant.EXPLICIT", "Variant.PORTABLE"},  # of both, what is left out
    "hdl/neuron.py": {"Rounding.RND"},  # half a last place in the bias; other roundings go to `reshape`
    "cosim/benchmark/cosimulation.py": {"SimulatorName.ICARUS"},  # a yardstick of its own
    "cosim/benchmark/compiled_c.py": {"Form.SQUARE", "Currents.SCALED", "Rounding.RND", "Overflow.SAT"},
}


@pytest.mark.parametrize("room", ROOMS)
def test_no_choice_is_made_by_a_comparison(room):
    compared = {}
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                for operand in (node.left, *node.comparators):
                    text = ast.unparse(operand)
                    if text.partition(".")[0] in CHOICES and "." in text:
                        compared.setdefault(path.relative_to(ROOT).as_posix(), set()).add(text)
    unexplained = {path: names - MAY_COMPARE.get(path, set()) for path, names in compared.items()}
    assert not {path: names for path, names in unexplained.items() if names}
