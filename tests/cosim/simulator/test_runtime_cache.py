"""Verilator's runtime and its headers are compiled by the first build only."""

import threading

import pytest
from filelock import FileLock

from qlif.cosim.benchmark.cosimulation import BARE_PROGRAM
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator import find, runtime_cache, verilator_program
from qlif.cosim.simulator.cocotb_design import BuildError, Design
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
    (cached,) = (tmp_path / "cache" / "qlif").glob("verilator-*/")
    if not runtime_cache._takes_headers():
        return
    # With the headers compiled, nobody reads their text.
    (cached / runtime_cache.HEADERS).write_text("#error the text was read\n")
    Design(simulator, source, "qlif_population", tmp_path / "third")
    assert f"-include {runtime_cache.HEADERS}" in (tmp_path / "third" / "build.log").read_text()
    # A compiled header that doesn't fit is passed over.
    (cached / f"{runtime_cache.HEADERS}.gch").write_bytes(b"another compiler's")
    with pytest.raises(BuildError):
        Design(simulator, source, "qlif_population", tmp_path / "fourth")
    (cached / runtime_cache.HEADERS).write_text('#include "verilated.h"\n')
    Design(simulator, source, "qlif_population", tmp_path / "fifth")


def test_a_build_waits_for_another_one_that_compiles_the_runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    simulator, build = find.find("verilator"), tmp_path / "build"
    build.mkdir()
    folder = runtime_cache._folder(simulator, False, "a kind")
    restored = []

    def second():
        with runtime_cache.kept(simulator, False, "a kind", build, []):
            restored.extend(path.name for path in build.iterdir())

    with FileLock(folder.with_suffix(".lock")):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive() and not restored
        folder.mkdir()
        (folder / "verilated.o").write_bytes(b"compiled")
    waiting.join(timeout=60)
    assert restored == ["verilated.o"]


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
