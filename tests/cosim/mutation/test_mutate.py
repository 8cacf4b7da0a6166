"""The command `qlif mutate` on a small sample: this much of it is run each time."""

import json

import pytest


def test_no_fault_of_a_sample_survives_and_a_second_run_says_the_same(qlif, yosys):
    sample = ("mutate", "--preset", "tiny-8", "--count", 12, "--seed", 1, "--json")
    code, output, errors = qlif(*sample)
    assert code == 0, errors
    facts = json.loads(output)
    assert facts["mutants"] == 12
    assert facts["survived"] == 0
    assert facts["killed"] + facts["equivalent"] == 12
    assert facts["killed"] > 0
    again, output, _ = qlif(*sample)
    assert again == 0
    assert json.loads(output)["killed"] == facts["killed"]


@pytest.mark.parametrize(("option", "value"), [("--count", 0), ("--neurons", 1)])
def test_what_is_refused(qlif, yosys, option, value):
    code, _, errors = qlif("mutate", "--preset", "tiny-8", option, value)
    assert code == 2
    assert str(value) in errors
    assert "Traceback" not in errors
