"""What follows from what is found out about a fault, and the file that keeps it."""

from contextlib import contextmanager

import pytest

from qlif.cosim.mutation.findings import Findings, points
from qlif.cosim.mutation.mutant import Mutant
from qlif.cosim.mutation.outcomes import Campaign, Outcome
from qlif.cosim.mutation.play_benches import Difference
from qlif.model.exceptions import DifferenceFound
from qlif.model.support import journal

MUTANT = Mutant(3, "inv", "core.adder", "Y", 2, "core.sum", (17,), "core.adder")
SEEN = Difference("stalled", 40, "updates_valid")
EQUIVALENT = {"equivalent": True, "by": "the same in each clock", "seconds": 9.0}
OPEN = {"equivalent": False, "by": "not proved", "seconds": 9.0}


@pytest.mark.parametrize(
    ("findings", "result", "by", "clock"),
    [
        ({"benches": SEEN, "self-test": "passed"}, "killed", "stalled: updates_valid", 40),
        ({"benches": list(SEEN), "self-test": "stuck"}, "killed", "stalled: updates_valid", 40),
        ({"benches": None, "self-test": "signature"}, "killed", "self-test: signature", None),
        ({"benches": None, "self-test": "stuck", "proof": OPEN}, "killed", "self-test: stuck", None),
        ({"benches": None, "self-test": "passed", "proof": EQUIVALENT}, "equivalent", EQUIVALENT["by"], None),
        ({"benches": None, "self-test": "passed", "proof": OPEN}, "survived", "not proved", None),
    ],
)
def test_the_outcome_of_a_fault(findings, result, by, clock):
    outcome = Outcome.of(MUTANT, findings)
    assert (outcome.result, outcome.by, outcome.clock) == (result, by, clock)
    assert outcome.self_test == findings["self-test"]


@pytest.mark.parametrize(
    "seen", [{"benches": SEEN, "self-test": "passed"}, {"benches": None, "self-test": "stuck"}]
)
def test_a_fault_that_is_proved_to_be_none_and_is_seen_is_no_outcome(seen):
    with pytest.raises(DifferenceFound, match="fault 3 is proved to be none, and seen by"):
        Outcome.of(MUTANT, {**seen, "proof": EQUIVALENT})


def test_the_self_test_is_counted_by_itself():
    outcomes = [
        Outcome.of(MUTANT, {"benches": SEEN, "self-test": "passed"}),
        Outcome.of(MUTANT, {"benches": SEEN, "self-test": "signature"}),
        Outcome.of(MUTANT, {"benches": None, "self-test": "passed", "proof": OPEN}),
    ]
    facts = Campaign("tiny-8", 1, 256, outcomes).as_dict()
    assert (facts["mutants"], facts["killed"], facts["equivalent"], facts["survived"]) == (3, 2, 0, 1)
    assert facts["self_test"] == {"timesteps": 256, "killed": 1}


@contextmanager
def findings_in(path, count=3):
    with journal.opened(path, "mutate", {}, points(count)) as kept:
        yield Findings(kept)


def test_findings_outlive_the_campaign_that_made_them(tmp_path):
    path = tmp_path / "findings.jsonl"
    with findings_in(path) as first:
        first.add("benches", [(1, SEEN)])
        first.add("benches", [(2, None)])
        first.add("self-test", [(2, "passed")])
        first.add("proof", [(2, OPEN)])
        assert first.about(1) == {"benches": list(SEEN)}
        # In more time it is decided.
        first.add("proof", [(2, EQUIVALENT)])
    # Cut off in the middle of a line.
    path.write_text(path.read_text() + '{"point": "3 ben')
    with findings_in(path) as again:
        assert again.of == first.of
        assert again.about(2) == {"benches": None, "self-test": "passed", "proof": EQUIVALENT}
        assert again.about(3) == {}


def test_what_stays_open_in_more_time_is_what_counts(tmp_path):
    path = tmp_path / "findings.jsonl"
    with findings_in(path) as first:
        first.add("proof", [(2, OPEN)])
        first.add("proof", [(2, {**OPEN, "seconds": 20.0})])
    with findings_in(path) as again:
        assert again.about(2)["proof"]["seconds"] == 20.0


@pytest.mark.parametrize(
    "point", [3, "0 benches", "4 benches", "1 bench", "1 proof 9", "x", "1", "-1 proof", True]
)
def test_what_is_no_fault_of_the_campaign_is_no_finding(point):
    assert not points(3)(point)
    assert points(3)("3 benches") and points(3)("1 proof") and points(3)("2 proof 9.0 s")
