"""Compiled code is kept on the disk under names that processes can't mistake, and made by one at a time."""

import dataclasses
import subprocess
import sys
import threading

import pytest
from filelock import FileLock

from qlif.model.kernel.rules import Plan, Round
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

numba = pytest.importorskip("numba")

from qlif.model.kernel import jit  # noqa: E402
from qlif.model.kernel.loops import advance  # noqa: E402


def twice(value):
    return 2 * value


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def test_each_rule_has_files_of_its_own():
    rule = Plan(quantise(Parameters(n=1), PRESETS["square-16"])).rule(False, False)
    names = {advance(rule).name}
    for field in dataclasses.fields(rule):
        value = getattr(rule, field.name)
        if isinstance(value, Round):
            changed = next(member for member in Round if member is not value)
        else:
            changed = value * 2 if value > 3 else not value
        names.add(advance(dataclasses.replace(rule, **{field.name: changed})).name)
    assert len(names) == 1 + len(dataclasses.fields(rule))


def test_a_change_of_the_sources_changes_the_name(tmp_path):
    file = tmp_path / "loop.py"
    file.write_text("one")
    before = jit._digest(str(file))
    file.write_text("other")
    jit._digest.cache_clear()
    assert jit._digest(str(file)) != before


def test_who_compiles_is_alone(cache):
    first = jit.Compiled(twice)
    assert first(4) == 8
    (lock,) = cache.rglob("*.lock")
    (index,) = cache.rglob("*.nbi")
    assert lock.stem == first.name and index.name.startswith(f"test_jit.{first.name}")
    second = jit.Compiled(twice)
    with FileLock(lock):
        thread = threading.Thread(target=second.entry, args=(1.5,))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(60)
    assert not thread.is_alive()
    assert second(1.5) == 3.0


PROGRAM = """
import sys
import numpy as np
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
for name in sys.argv[1:]:
    ends = []
    for engine in ("compiled", "numpy"):
        population = QLIFPopulation(n=70, arithmetic=name, engine=engine)
        population.run(np.random.default_rng(1).normal(20, 8, (50, 70)), record=())
        ends.append(population.v)
    assert np.array_equal(*ends), name
"""


@pytest.mark.slow
def test_processes_that_compile_at_once_get_what_they_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    names = ("square-16", "tiny-8")
    for _ in range(2):  # compiled, then loaded
        running = [
            subprocess.Popen([sys.executable, "-c", PROGRAM, *names[k:], *names[:k]], stderr=subprocess.PIPE)
            for k in range(len(names))
        ]
        for process in running:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors.decode()
