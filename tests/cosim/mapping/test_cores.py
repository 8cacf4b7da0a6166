"""The example cores, which are nobody's of this project: mutation and coverage by a map alone."""

import json
import re
import shutil
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.mutation.foreign_equivalence import ForeignEquivalence
from qlif.cosim.mutation.mutated_netlist import plant

CORES = Path(__file__).parents[3] / "examples" / "cores"


def _map(core):
    if core == "pulse" and shutil.which("ghdl") is None:
        pytest.skip("GHDL isn't installed: it reads the VHDL")
    return ("--map", CORES / core / "core.toml", "--params", CORES / core / "neuron.toml", "--json")


@pytest.mark.parametrize("core", sorted(folder.name for folder in CORES.iterdir()))
def test_a_core_has_a_map_of_under_25_lines(core):
    assert len((CORES / core / "core.toml").read_text().splitlines()) < 25


@pytest.mark.slow
@pytest.mark.parametrize(("count", "killed"), [(3, 1), (15, 6)])
def test_faults_are_planted_in_the_core_and_not_in_its_adapter(qlif, yosys, count, killed):
    options = ("--count", count, "--seed", 1, "--updates", 100, "--jobs", 1)
    code, output, errors = qlif("mutate", *_map("elastic"), *options)
    facts = json.loads(output)
    assert code == int(facts["survived"] > 0), errors
    assert facts["mutants"] == count and facts["killed"] >= killed
    assert all(outcome["cell"].startswith("core.") for outcome in facts["list"])
    # The lines are those of the text that the faults were planted in.
    text = Path("qlif-out/mutation/netlist/export.v").read_text().splitlines()
    lines = {line for outcome in facts["list"] for line in outcome["lines"]}
    core = (CORES / "elastic" / "core.v").read_text().splitlines()
    assert any("=" in text[line - 1] and text[line - 1] in core for line in lines)
    # And the places are those of the user's own file.
    for outcome in facts["list"]:
        assert outcome["places"]
        for file, _, line in (place.rpartition(":") for place in outcome["places"]):
            assert file.endswith("elastic/core.v")
            assert core[int(line) - 1] in [text[each - 1] for each in outcome["lines"]]


@pytest.mark.slow
def test_a_core_without_a_reset_is_switched_on_for_each_bench(qlif, yosys):
    options = ("--count", 2, "--seed", 1, "--updates", 100, "--jobs", 1)
    _, output, errors = qlif("mutate", *_map("published"), *options)
    assert json.loads(output)["killed"] > 0, errors


@pytest.mark.slow
def test_a_fault_that_changes_nothing_is_proved_by_the_map_and_another_one_refuted(
    yosys, tmp_path, monkeypatch
):
    pytest.importorskip("bitwuzla")
    core_map = read_map(CORES / "published" / "core.toml")
    configuration = Settings.read(None, CORES / "published" / "neuron.toml").population(1)
    export, _ = mapped_export(core_map, configuration)
    netlist = plant(export, 30, 1, tmp_path)
    equivalence = ForeignEquivalence(netlist, export, core_map, 60.0)
    # Which faults are of which kind changes with any line of the core or its adapter.
    decided = {number: equivalence.decide(number) for number in range(1, 10)}
    same = next(number for number, decision in decided.items() if decision.equivalent)
    assert decided[same] == (True, "the same in each clock")
    other = next(decision for decision in decided.values() if not decision.equivalent)
    assert other.reason.startswith("refuted: an update is the golden step")
    # Without the first proof, the second one says the same.
    monkeypatch.setattr(ForeignEquivalence, "_same", lambda *arguments: False)
    assert equivalence.decide(same) == (True, "every update is the golden step")


# With so many updates, events of the elastic core still wait in the adapter when the last update has come.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("core", "file", "bench", "updates"),
    [
        ("elastic", "core.v", "stalled", 5000),
        ("pulse", "core.vhd", "constrained_random", 500),
    ],
)
def test_coverage_counts_the_core_and_not_its_adapter(qlif, yosys, core, file, bench, updates):
    code, output, errors = qlif("coverage", *_map(core), "--updates", updates, "--bench", bench, "--no-prove")
    assert code == 1, errors
    facts = json.loads(output)
    holes = [hole for hole in facts["holes"] if hole["kind"] != "case"]
    # In the words of the user's file, whose lines name the signal or the branch.
    text = (Path(_map(core)[1]).parent / file).read_text().splitlines()
    for hole in holes:
        where, _, line = hole["place"].rpartition(":")
        assert where.endswith(file) and text[int(line) - 1].strip()
        signal = hole["name"].partition("[")[0]
        # What GHDL made of an expression has a name of its own.
        if hole["kind"] == "toggle" and not re.fullmatch(r"n\d+_[oq]", signal):
            assert signal in text[int(line) - 1]
    assert any(hole["kind"] == "toggle" for hole in holes)
    assert facts["toggle"]["covered"] > 100
    cases = {case["name"]: case["count"] for case in facts["cases"]}
    assert not any("neurons" in name for name in cases) and cases["the neuron spikes"]
    assert any("at full speed" in name for name in cases)


@pytest.mark.slow
def test_a_bit_that_an_update_can_not_change_is_proved_unreachable(qlif, yosys):
    options = ("--updates", 300, "--bench", "constrained_random", "--timeout", 10)
    _, output, errors = qlif("coverage", *_map("serial"), *options)
    facts = json.loads(output)
    proved = {item["name"] for item in facts["unreachable"] if item["kind"] == "toggle"}
    # The potential stays below the threshold, which is negative; and the gain has two trailing zeros.
    assert {"u[15] falls", "acc[0] rises", "acc[1] falls"} <= proved, errors
    bits = (item for item in facts["unreachable"] if item["kind"] == "toggle")
    assert all(item["by"].startswith(item["name"].partition(" ")[0]) for item in bits)
