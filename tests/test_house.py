"""The house itself: what is packaged, and which way the imports go."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("model", "hdl", "cosim")
MAY_IMPORT = {"model": {"model"}, "hdl": {"hdl", "model"}, "cosim": {"cosim", "hdl", "model"}}


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room):
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module == "qlif":
                names = [f"qlif.{alias.name}" for alias in node.names]
            for name in names:
                if name.startswith("qlif.") and name != "qlif.lazy":
                    assert name.split(".")[1] in MAY_IMPORT[room], f"{path.name} imports {name}"


def test_golden_model_and_hardware_share_only_words_and_formats():
    """Their agreement means something because neither is made from the other."""
    shared = {
        "arithmetic",
        "exceptions",
        "formats",
        "rounding",
        "words",
        "quantisation",
        "random_words",
        "selftest",
        "presets",
        "support",
        "parameters",
    }
    for path in (ROOT / "hdl").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qlif.model"):
                parts = node.module.split(".")
                names = {parts[2]} if len(parts) > 2 else {alias.name for alias in node.names}
                assert names <= shared, f"{path.name} imports {names - shared}"
                if isinstance(node, ast.ImportFrom) and node.module == "qlif.model.rounding":
                    names = {alias.name for alias in node.names}
                    assert names <= {"Narrowing", "Rounding", "Overflow"}, (
                        f"{path.name} rounds with the model's {names}"
                    )


def test_every_path_in_the_internals_exists():
    paths = re.findall(
        r"`((?:model|hdl|cosim|tests|docs|src)/[^`]*)`", (ROOT / "docs/internals.md").read_text()
    )
    assert len(paths) > 50
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_internals_name_every_folder():
    text = (ROOT / "docs/internals.md").read_text()
    folders = {
        path.parent.relative_to(ROOT).as_posix() for room in ROOMS for path in (ROOT / room).glob("*/*.py")
    }
    assert [folder for folder in sorted(folders) if f"`{folder}/`" not in text] == []


def test_the_citation_is_of_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    assert f"version: {project['version']}" in lines
    assert f"license: {project['license']}" in lines
