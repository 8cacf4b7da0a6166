"""The traceability table: everything that is checked is about a feature, and nothing is lost on the way."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.coverage.functional import Case, covered
from qlif.cosim.coverage.report import Coverage, Item
from qlif.cosim.evidence.traceability import FEATURES, OTHER, feature_of_mutant, traceability
from qlif.cosim.mutation.recorded_benches import Stimulus
from qlif.cosim.proof import population_claims
from qlif.cosim.proof.tasks import explicit_tasks, tasks
from qlif.cosim.proof.update import LEGAL, RECOVERS
from qlif.model.presets import PRESETS

PROOF = [
    {"claim": "an update is the golden step, in the population", "result": "proved", "preset": "tiny-8"},
    {"claim": population_claims.EVENTS, "result": "unknown", "preset": "tiny-8"},
    {"claim": "of nothing that we know", "result": "proved", "preset": "tiny-8"},
]


def mutant(number, net, result, by, clock=None):
    return {"number": number, "net": net, "result": result, "by": by, "clock": clock}


MUTANTS = [
    mutant(1, "core.pipeline._014_", "killed", "directed: updates_trace", 12),
    mutant(2, "core.pipeline.trace__2", "killed", "self-test: signature"),
    mutant(3, "core.outlet._03_", "killed", "stalled: events_valid", 9),
    mutant(4, "core.writing.row", "survived", "timeout"),
    mutant(5, "core.pipeline.counted", "equivalent", "induction"),
]


def rows_of(text):
    return {row["feature"]: row for row in csv.DictReader(io.StringIO(text))}


@pytest.mark.slow
def test_each_case_of_each_kind_of_population_is_about_a_feature():
    populations = [Settings.read(preset).population(16).export() for preset in PRESETS]
    stored = Settings.read("tiny-8").stored(["threshold"], ["reset"]).population(16)
    bounded = Settings.read("tiny-8", None, [("--set", "lower_bound=-63")]).population(16)
    populations += [stored.export(2), bounded.export()]
    for export in populations:
        names = {port.name: [] for port in export.interface.ports}
        nothing = Stimulus("directed", Path(), names | {"rst": []})
        for case in covered_names(nothing, export.interface):
            assert any(re.search(feature.cases, case) for feature in FEATURES), case


def covered_names(stimulus, interface):
    """Return the names of all cases, from one clock of reset in which nothing happens."""
    import numpy as np

    words = {name: np.zeros(1, dtype=np.uint64) for name in stimulus.words}
    words["rst"][0] = 1
    return [case.name for case in covered([Stimulus("directed", Path(), words)], interface)]


def test_each_claim_is_about_a_feature():
    configuration = Settings.read("tiny-8").population(16)
    texts = [task.claim for task in (*tasks(configuration), *explicit_tasks(configuration, "ecp5"))]
    texts = [text for text in texts if not text.startswith("the population around it")]
    constants = vars(population_claims)
    texts += [text for name, text in constants.items() if name.isupper() and isinstance(text, str)]
    for claim in [*texts, LEGAL, RECOVERS]:
        assert any(re.search(feature.claims, claim) for feature in FEATURES), claim
    assert len(texts) > 15


def test_a_row_has_what_is_about_its_feature():
    items = [Item("case", "trace decays", "covered", 3), Item("case", "updates stalled", "hole", 0)]
    cases = [Case("trace decays", {"directed": 3, "stalled": 0}), Case("updates stalled", {"directed": 0})]
    measured = Coverage("tiny-8", ["directed"], [0], items=items, cases=cases)
    rows = rows_of(traceability(measured, PROOF, MUTANTS))
    assert list(rows) == [*(feature.name for feature in FEATURES), OTHER]
    trace = rows["spike trace"]
    assert trace["testbenches"] == "directed"
    assert (trace["cases covered"], trace["cases"], trace["mutants killed"]) == ("1", "1", "1; 2")
    assert trace["claims proved"] == PROOF[0]["claim"]
    assert rows["handshakes and stalls"]["holes"] == "updates stalled"
    assert rows["handshakes and stalls"]["mutants killed"] == "3"
    assert rows["order of updates and state memory"]["mutants survived"] == "4"
    assert rows["spikes and refractory period"]["mutants equivalent"] == "5"
    assert rows["events"]["claims not proved"] == population_claims.EVENTS
    assert rows[OTHER]["claims proved"] == PROOF[2]["claim"]


def test_each_mutant_is_in_one_row():
    rows = rows_of(traceability(Coverage("tiny-8", ["directed"], [0]), [], MUTANTS))
    columns = ("mutants killed", "mutants equivalent", "mutants survived")
    numbers = [number for row in rows.values() for column in columns for number in row[column].split("; ")]
    assert sorted(filter(None, numbers)) == ["1", "2", "3", "4", "5"]
    assert feature_of_mutant(mutant(6, "elsewhere", "killed", "self-test: stuck")) is None


@pytest.mark.slow
def test_the_command_writes_what_the_files_say(qlif):
    Path("proof.json").write_text(json.dumps(PROOF))
    Path("mutation.json").write_text(json.dumps({"preset": "tiny-8", "list": MUTANTS}))
    small = ["--preset", "tiny-8", "--bench", "full_speed", "--no-prove"]
    files = ["--traceability", "t.csv", "--proof", "proof.json", "--mutation", "mutation.json"]
    code, _, errors = qlif("coverage", *small, *files)
    assert code == 1, errors
    rows = rows_of(Path("t.csv").read_text())
    assert rows["integration"]["testbenches"] == "full_speed"
    assert rows["spike trace"]["mutants killed"] == "1; 2"
    facts = json.loads(Path("qlif-out/coverage.json").read_text())
    reached = sum(case["count"] > 0 for case in facts["cases"])
    assert reached <= sum(int(row["cases covered"]) for row in rows.values())
    assert OTHER in rows and rows[OTHER]["cases"] == "0"


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("--proof", "{", "must be a JSON file"),
        ("--proof", '{"list": 3}', "must be a proof.json"),
        ("--proof", "[3]", "must be a proof.json"),
        ("--proof", "3", "must be a proof.json"),
        ("--mutation", '{"preset": "tiny-8", "list": [{"number": 1}]}', "must be a mutation.json"),
        ("--proof", json.dumps(PROOF).replace("tiny-8", "square-18"), "is of square-18, not tiny-8"),
    ],
)
def test_other_files_are_refused_before_the_run(qlif, option, content, said):
    Path("given.json").write_text(content)
    small = ["--preset", "tiny-8", "--bench", "full_speed", "--no-prove"]
    code, _, errors = qlif("coverage", *small, "--traceability", "t.csv", option, "given.json")
    assert code == 2 and said in errors
    assert not Path("t.csv").exists()
