"""Bugs planted in the example cores: a few each time, all of them with the slow tests."""

import importlib.util
import shutil
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("foreign_bugs", Path(__file__).with_name("foreign_bugs.py"))
campaign = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(campaign)

EVERY = [bug for core in campaign.with_bugs() for bug in campaign.bugs(core)]
NAMED = {bug.key: bug for bug in EVERY}


@pytest.mark.parametrize("core", campaign.with_bugs())
def test_each_bug_changes_one_place_of_its_core(core):
    bugs = campaign.bugs(core)
    text = campaign.source(core).read_text()
    assert len(bugs) == len({bug.name for bug in bugs}) == 25
    assert all(text.count(bug.old) == 1 and bug.old != bug.new for bug in bugs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("serial: one state, one current", "spike"),
        ("serial: one current is never answered", "an update never comes"),
        ("serial: three magic words", "register seen has no place"),
        ("serial: bomb after 2^20 updates", "register n has no place"),
    ],
)
def test_what_no_bench_can_find_is_refuted(yosys, tmp_path, key, reason):
    assert reason in campaign.examine(NAMED[key], campaign.PROOF, tmp_path)[campaign.PROOF]


@pytest.mark.slow
def test_benches_find_a_refractory_period_that_is_a_step_short(tmp_path):
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus isn't installed: it knows X")
    found = campaign.examine(NAMED["elastic: a step short"], campaign.BENCH, tmp_path)
    assert {"replay", "directed", "constrained_random"} <= set(found)


@pytest.mark.slow
@pytest.mark.parametrize("key", NAMED)
def test_benches_or_proof_find_each_bug(yosys, tmp_path, key):
    if key.startswith("pulse") and shutil.which("ghdl") is None:
        pytest.skip("GHDL isn't installed: it reads the VHDL")
    assert campaign.examine(NAMED[key], campaign.PROOF, tmp_path) or campaign.examine(
        NAMED[key], campaign.BENCH, tmp_path
    )


@pytest.mark.slow
@pytest.mark.parametrize("core", campaign.with_bugs())
def test_no_net_finds_anything_without_a_bug(yosys, tmp_path, core):
    if core == "pulse" and shutil.which("ghdl") is None:
        pytest.skip("GHDL isn't installed: it reads the VHDL")
    campaign.plant(core, None, tmp_path)
    assert campaign.by_benches(tmp_path) == {}
    assert campaign.by_proof(tmp_path) is None
