"""Verilator's runtime is compiled by the first build only."""

import pytest

from qlif.cosim.benchmark.cosimulation import BARE_PROGRAM
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator import find, verilator_program
from qlif.cosim.simulator.design import Design
from qlif.model.support import caches
from qlif.model.support.files import write_text

RUNTIME = "include/verilated.cpp"


@pytest.fixture
def design(tmp_path):
    source = tmp_path / "population.v"
    write_text(source, Settings.read("tiny-8").population(4).export().verilog)
    return find.find("verilator"), source


@pytest.mark.slow
def test_a_second_design_is_built_without_it(tmp_path, design, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    simulator, source = design
    logs = []
    for name in ("first", "second"):
        Design(simulator, source, "qlif_population", tmp_path / name)
        logs.append((tmp_path / name / "build.log").read_text())
    assert RUNTIME in logs[0]
    assert "Vtop__ALL.cpp" in logs[1] and RUNTIME not in logs[1]


@pytest.mark.slow
@pytest.mark.skipif(caches.folder() is None, reason="nothing can be kept here")
def test_so_is_a_second_program(tmp_path, design, monkeypatch):
    """In the cache of this machine, where the first one may be an earlier run's."""
    simulator, source = design
    said = []
    finished = verilator_program._finished

    def listened(command, *others):
        answer = finished(command, *others)
        if command[0] == "make":
            said.append(answer.said)
        return answer

    monkeypatch.setattr(verilator_program, "_finished", listened)
    for name in ("first", "second"):
        verilator_program.build(simulator, source, "qlif_population", BARE_PROGRAM, tmp_path / name)
    assert said[1] and RUNTIME not in said[1]
