"""The command `qlif coverage`: everything reached or proved unreachable; a bench left out is a hole."""

import json
import re
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.coverage import structure
from qlif.cosim.coverage.unreachable import Unreachable
from qlif.cosim.coverage.update_cases import update_cases
from qlif.model.exceptions import InputError

KINDS = ("case", "line", "branch", "toggle")


@pytest.mark.slow
def test_all_that_can_be_reached_of_tiny_8_is(qlif, yosys):
    code, output, errors = qlif("coverage", "--preset", "tiny-8", "--seed", 3, "--json")
    assert code == 0, errors + output
    facts = json.loads(output)
    assert facts["holes"] == []
    for kind in KINDS:
        counts = facts[kind]
        assert counts["all"] == counts["covered"] + counts["unreachable"] > 0
    assert all(case["count"] == sum(case["benches"].values()) for case in facts["cases"])
    # What isn't reached is only what the solver has shown to be out of reach: no trace above 1, for one.
    named = {point["name"]: point["by"] for point in facts["unreachable"]}
    assert named["core.pipeline.trace__next[7] rises"] == "core.pipeline.trace__next[7] is always 0"
    assert "core.pipeline.trace__next[6] rises" not in named
    report = Path("qlif-out/coverage.md").read_text()
    assert "## Holes\n\nNone.\n" in report
    assert json.loads(Path("qlif-out/coverage.json").read_text()) == facts


@pytest.mark.slow
def test_all_that_can_be_reached_with_phases_is(qlif, yosys):
    code, output, errors = qlif("coverage", "--preset", "tiny-8", "--set", "phase_bits=2", "--json")
    assert code == 0, errors + output
    facts = json.loads(output)
    assert facts["holes"] == []
    # An increment is never so large that its share reaches these bits.
    named = {point["name"]: point["by"] for point in facts["unreachable"]}
    assert named["core.pipeline.first_half[6] rises"].startswith("core.pipeline.first_half[6] is always")


@pytest.mark.slow
def test_a_bench_that_is_left_out_is_a_hole(qlif):
    code, output, errors = qlif("coverage", "--preset", "tiny-8", "--no-prove", "--bench", "full_speed")
    assert code == 1, errors
    assert "HOLE: case: updates stalled" in output
    assert "HOLE: case: reset in mid-run, with updates in flight" in output
    assert "HOLE: toggle: updates_ready[0] falls" in output
    facts = json.loads(Path("qlif-out/coverage.json").read_text())
    assert facts["benches"] == ["full_speed"]
    cases = {case["name"]: case["count"] for case in facts["cases"]}
    assert cases["updates at full speed for 16 clocks"] > 0


@pytest.fixture(scope="module")
def tiny():
    """`tiny-8` with 16 neurons: what can't be reached of it."""
    pytest.importorskip("bitwuzla")
    configuration = Settings.read("tiny-8", None).population(16)
    words = configuration.words
    export = configuration.export(step_bits=8)
    return words, Unreachable(export)


@pytest.mark.slow
def test_what_can_be_reached_is_not_proved_to_be_out_of_reach(yosys, tiny):
    words, prover = tiny
    # Each changes: whatever is claimed of it can't be proved.
    alive = [
        ("core.pipeline.potential__next", 0),
        ("core.pipeline.trace__next", 6),
        ("core.outlet.waits", 0),
        ("updates_spike", 0),
    ]
    for word in (0, 1):
        assert prover.constant(dict.fromkeys(alive, word)) == set()
        assert prover.constant(dict.fromkeys(alive, word), begins_otherwise=True) == set()
    # A bit that is dead is proved so, and not to be the other constant; a dead one hides no living one.
    dead = ("core.pipeline.trace__next", 7)
    assert prover.constant({dead: 0, alive[1]: 0}) == {dead}
    assert prover.constant({dead: 1}) == set()
    # A branch is of the instance that its line's module is.
    source = prover._source
    saturates = 1 + next(k for k, line in enumerate(source) if re.search(r"\? 8'h80 : total", line))
    claim = prover.branch(saturates, "cond_then, place 0")
    assert claim is not None and re.fullmatch(r"core\.pipeline\.\S+\[\d+\] is always [01]", claim)
    assert not prover.branch(saturates, "cond_else, place 0")
    reached = {case.name: prover.case(case) for case in update_cases(words) if case.alone}
    assert not reached["highest current"]
    assert not reached["exactly the threshold"]
    assert reached["saturated at the lower rail"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--bench", "directd"), ("--updates", 0), ("--timeout", -1.0), ("--neurons", 0), ("--preset", "tiny-9")],
)
def test_what_is_refused(qlif, option, value):
    arguments = {"--preset": "tiny-8", option: value}
    code, _, errors = qlif("coverage", *(part for pair in arguments.items() for part in pair))
    assert code == 2
    assert str(value) in errors
    assert "Traceback" not in errors


def test_lanes_are_refused_where_a_proof_is_asked_for():
    configuration = Settings.read("tiny-8", None).population(16)
    with pytest.raises(InputError, match="one lane"):
        Unreachable(configuration.export(lanes=2))


def test_a_verilator_that_counts_both_edges_together_is_refused(tmp_path):
    file = tmp_path / "coverage.dat"
    fields = {
        "f": "a.v",
        "l": "10",
        "page": "v_toggle/qlif_population",
        "o": "square___05F6[0]",
        "h": "top.core",
    }
    described = "".join(f"\x01{name}\x02{value}" for name, value in fields.items())
    file.write_text(f"C '{described}' 3\n", encoding="latin-1")
    with pytest.raises(InputError, match=r"Verilator 5\.48 or newer"):
        structure.read(file)
