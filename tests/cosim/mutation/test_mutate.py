"""The command `qlif mutate` on a small sample: this much of it is run each time."""

import json
from pathlib import Path

import pytest

from qlif.cosim.mutation import recorded_benches
from qlif.cosim.mutation.findings import points
from qlif.cosim.mutation.play_selftest import SelfTestPlayer
from qlif.model.support import journal

SAMPLE = ("mutate", "--preset", "tiny-8", "--count", 12, "--seed", 1, "--json")
RESULTS = ("killed", "equivalent")
DIRECTORY = Path("qlif-out")


@pytest.mark.slow
def test_no_fault_of_a_sample_survives(qlif, yosys):
    facts, _ = _whole_sample(qlif)
    assert facts["mutants"] == 12
    assert facts["survived"] == 0
    assert facts["killed"] + facts["equivalent"] == 12
    assert facts["killed"] > 0
    for outcome in facts["list"]:
        assert outcome["by"]
        assert (outcome["clock"] is None) == (outcome["result"] == "equivalent")
        assert outcome["lines"]
    # Which faults are in the sample, and whether one changes nothing, depends on the text and on Yosys' version; some
    # stop the self-test.
    ends = {result: {o["self_test"] for o in facts["list"] if o["result"] == result} for result in RESULTS}
    assert {"signature", "stuck"} <= ends["killed"] <= {"passed", "signature", "stuck"}
    assert ends["equivalent"] <= {"passed"}
    assert 0 < facts["self_test"]["killed"] <= facts["killed"]


@pytest.mark.slow
def test_a_campaign_that_was_stopped_ends_in_the_same_bytes(qlif, yosys):
    facts, whole = _whole_sample(qlif)
    kept = DIRECTORY / "mutation" / "findings.jsonl"
    lines = kept.read_text().splitlines(keepends=True)
    # A line each for what the benches saw, then for the self-test: stopped in the middle of a line of both.
    for cut in (5, 16):
        kept.write_text("".join(lines[:cut]) + lines[cut][: len(lines[cut]) // 2])
        assert _whole_sample(qlif) == (facts, whole)
    assert _whole_sample(qlif) == (facts, whole)
    # All is known: nothing is played.
    written = kept.read_bytes()
    assert _whole_sample(qlif) == (facts, whole)
    assert kept.read_bytes() == written


def test_findings_of_another_campaign_are_refused_before_anything_is_done(qlif, yosys):
    kept = DIRECTORY / "mutation" / "findings.jsonl"
    with journal.opened(kept, "mutate", {"count": 7}, points(7)) as findings:
        findings.append("1 benches", None)
    before = kept.read_bytes()
    code, output, errors = qlif(*SAMPLE)
    assert (code, output) == (2, "")
    assert f"{kept} holds results of another study (" in errors and "choose another --out" in errors
    assert kept.read_bytes() == before and list(kept.parent.iterdir()) == [kept]


def _whole_sample(qlif):
    code, output, errors = qlif(*SAMPLE)
    assert code == 0, errors
    return json.loads(output), (DIRECTORY / "mutation.json").read_bytes()


@pytest.mark.slow
def test_a_fault_that_nothing_sees_and_the_prover_refutes_is_a_survivor(qlif, yosys, monkeypatch):
    def blind(*arguments, **options):
        # All that a bench does up to the first clocks after its reset, in which nothing comes out yet.
        return [
            recorded_benches.Stimulus(
                one.bench, one.folder, {name: words[:6] for name, words in one.words.items()}
            )
            for one in record(*arguments, **options)
        ]

    record = recorded_benches.record
    monkeypatch.setattr(recorded_benches, "record", blind)
    monkeypatch.setattr(recorded_benches, "tests_of", lambda interface: ("full_speed",))
    monkeypatch.setattr(SelfTestPlayer, "__init__", lambda *arguments: None)
    monkeypatch.setattr(SelfTestPlayer, "run", lambda _, numbers, jobs: ([(n, "passed")] for n in numbers))
    code, output, errors = qlif(
        "mutate", "--preset", "tiny-8", "--count", 2, "--seed", 1, "--updates", 10, "--timeout", 2
    )
    assert code == 1, errors
    facts = json.loads((DIRECTORY / "mutation.json").read_text())
    survivors = [outcome for outcome in facts["list"] if outcome["result"] == "survived"]
    assert facts["survived"] == len(survivors) > 0
    assert output.count("SURVIVED") == len(survivors)
    assert all(outcome["by"].startswith(("refuted", "not proved", "unknown")) for outcome in survivors)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--count", 0),
        ("--count", -3),
        ("--count", 1_000_000),
        ("--neurons", 1),
        ("--updates", 0),
        ("--jobs", -1),
        ("--timeout", 0.0),
        ("--preset", "square-17"),
    ],
)
def test_what_is_refused(qlif, yosys, option, value):
    arguments = {"--preset": "tiny-8", "--count": 5, option: value}
    code, _, errors = qlif("mutate", *(part for pair in arguments.items() for part in pair))
    assert code == 2
    assert str(value) in errors
    assert "Traceback" not in errors
