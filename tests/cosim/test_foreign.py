"""Somebody else's Verilog under every command that takes it: proved, run, tested by itself, or refused by name."""

import hashlib
import json
import re
import shutil
from dataclasses import replace

import pytest

from qlif import hdl
from qlif.cosim.proof.population_claims import EVENTS
from qlif.cosim.proof.prove import RUNS, prove_population
from qlif.cosim.proof.solver import Answer, Terms
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise

NEURONS = 2


def own():
    """The text that this project exports, as a module of another name."""
    words = quantise(Parameters(n=NEURONS), preset("tiny-8"))
    return hdl.export(hdl.Core(words)).verilog.replace("module qlif_population(", "module mine(")


def population():
    """A text without our structure: a signal of it has another name."""
    return own().replace("in_flight", "under_way")


def arguments(command, module="mine"):
    own = {
        "cosim": ("--steps", 20, "--simulator", "icarus" if shutil.which("iverilog") else "verilator"),
        "selftest": ("--steps", 200),
        "prove": (),
    }[command]
    return (
        command, "--preset", "tiny-8", "--neurons", NEURONS, "--verilog", "mine.v", "--module", module,
        "--out", "out", "--json", *own,
    )  # fmt: skip


@pytest.fixture(params=["cosim", "selftest", "prove"])
def command(request, yosys, quick_simulator):
    return request.param


def write(tmp_path, text):
    (tmp_path / "mine.v").write_text(text)


@pytest.mark.slow_beyond(1)
def test_verilog_with_the_ports_is_taken(command, qlif, tmp_path):
    write(tmp_path, population())
    code, said, _ = qlif(*arguments(command))
    assert code == 0
    facts = json.loads(said)
    digest = hashlib.sha256((tmp_path / "mine.v").read_bytes()).hexdigest()
    for each in facts if command == "prove" else [facts]:
        assert each["files_sha256"] == {"mine.v": digest}
        assert len(set(each["views"]["sha256"].values())) == 1 and each["views"]["difference"] is None
    if command == "prove":
        assert {claim["result"] for claim in facts} == {"proved"}
        assert all(claim["bound"] for claim in facts)
    elif command == "selftest":
        assert facts["passed"] and facts["verilog"] == "mine.v"
    else:
        assert facts["mismatches"] == 0
        assert facts["updates"] == 20 * NEURONS


@pytest.mark.parametrize(
    "command",
    ["cosim", *(pytest.param(one, marks=pytest.mark.slow) for one in ("prove", "selftest"))],
    indirect=True,
)
def test_a_fault_in_it_ends_with_1(command, qlif, tmp_path):
    text = population()
    right = "assign updates_spike ="
    assert text.count(right) == 1
    write(tmp_path, text.replace(right, "assign updates_spike = ~"))
    more = ("--report", "report.html") if command == "prove" else ()
    code, said, _ = qlif(*arguments(command), *more)
    assert code == 1
    if command == "prove":
        refuted = sum(claim["result"] == "refuted" for claim in json.loads(said))
        assert refuted > 0
        # Each has a picture of the first difference, and waves of its own.
        report = (tmp_path / "report.html").read_text()
        assert report.count("<img") == refuted == len(list(tmp_path.glob("out/counterexample*")))


@pytest.mark.slow_beyond(7)
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("endmodule", "endmodul", "syntax error"),
        ("module mine(", "module other(", "unknown module 'mine'"),
        ("updates_trace", "updates_tracee", "the module lacks the output updates_trace of 8 bits"),
        ("assign updates_spike =", "wire unused =", "updates_spike is used but has no driver"),
        ("[7:0] currents_data", "[6:0] currents_data", "port currents_data must have 8 bits"),
    ],
    ids=["syntax", "module", "port", "driver", "width"],
)
def test_what_it_lacks_is_named(command, qlif, tmp_path, old, new, said):
    text = population()
    assert old in text
    write(tmp_path, text.replace(old, new))
    code, _, error = qlif(*arguments(command))
    assert code == 2
    assert said in error
    assert "Traceback" not in error
    if said == "syntax error":
        assert re.search(r"the Verilog can't be read: line \d+: ", error)


@pytest.mark.slow_beyond(3)
@pytest.mark.parametrize("text", ["", "this is no Verilog\n"], ids=["empty", "prose"])
def test_no_module_at_all(command, qlif, tmp_path, text):
    write(tmp_path, text)
    code, _, error = qlif(*arguments(command))
    assert code == 2
    assert "no such module" in error


def test_a_file_that_is_not_there(command, qlif):
    code, _, error = qlif(*arguments(command))
    assert code == 2
    assert "mine.v can't be read: No such file" in error


def test_our_own_text_is_proved_without_a_bound(qlif, tmp_path, yosys):
    write(tmp_path, own())
    code, said, _ = qlif(*arguments("prove"))
    assert code == 0
    assert {(claim["result"], claim["bound"]) for claim in json.loads(said)} == {("proved", None)}


@pytest.mark.slow
def test_an_edit_of_our_own_text_is_refuted_without_a_bound(qlif, tmp_path, yosys):
    # The carry into the upper half of the timestep's number, after 65,279 timesteps instead of 65,535.
    text = own().replace("low == 16'hfffe", "low == 16'hfefe")
    assert text != own()
    write(tmp_path, text)
    code, said, _ = qlif(*arguments("prove"), "--timeout", 1)
    assert code == 1
    claims = {claim["claim"]: claim for claim in json.loads(said)}
    assert claims[EVENTS]["result"] == "unknown" and "it isn't shown that always" in claims[EVENTS]["why"]
    # What the invariants don't decide is followed from reset too.
    assert set(RUNS) <= claims.keys()


def test_a_signal_that_an_edit_removed_is_named(yosys):
    made = hdl.export(hdl.Core(quantise(Parameters(n=NEURONS), preset("tiny-8"))))
    for name in ("in_flight", "free_rows", "spare"):
        edited = replace(made, verilog=made.verilog.replace(name, "under_way"))
        with pytest.raises(InputError, match=rf"it has no signal core\.{name}$"):
            list(prove_population(edited))


def test_a_variant_belongs_to_this_projects_own(command, qlif, tmp_path):
    write(tmp_path, population())
    code, _, error = qlif(*arguments(command), "--variant", "explicit")
    assert code == 2
    assert "--variant" in error and "--verilog" in error


def test_the_self_tests_own_name_is_refused(qlif, tmp_path, yosys):
    write(tmp_path, population() + "\nmodule qlif_self_test(input clk); endmodule\n")
    code, _, error = qlif(*arguments("selftest"))
    assert code == 2
    assert error == "error: mine.v: the name qlif_self_test is the self-test's own\n"


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        ("mine", ("--latency", 7), "--latency requires --verilog of a bare pipeline, not of a population"),
        ("qlif_neuron", (), "--neurons requires a population: --verilog is a bare pipeline"),
    ],
)
def test_options_of_the_other_kind_are_refused(qlif, tmp_path, yosys, module, options, said):
    words = quantise(Parameters(n=1), preset("tiny-8"))
    write(tmp_path, population() + hdl.export_neuron(hdl.Core(words)).verilog)
    code, _, error = qlif(*arguments("prove", module), *options)
    assert code == 2
    assert error == f"error: {said}\n"


@pytest.mark.slow
def test_a_solver_out_of_time_ends_with_1_and_proves_nothing(qlif, monkeypatch, yosys):
    """Each claim that the solver had no time for is unknown, whatever the others are."""
    honest = Terms.ask

    def hurried(self, claim, assumptions=(), named=None, seconds=None):
        answer = honest(self, claim, assumptions, named, seconds)
        # It knows the time that it was given.
        assert seconds is not None and seconds <= 0.5
        return Answer("unknown", {}) if answer.verdict == "proved" else answer

    monkeypatch.setattr(Terms, "ask", hurried)
    code, said, _ = qlif(
        "prove", "--preset", "tiny-8", "--neurons", 64, "--variant", "portable", "--timeout", 0.5, "--json"
    )
    assert code == 1
    assert {claim["result"] for claim in json.loads(said)} == {"unknown"}


def test_a_real_time_out(qlif, tmp_path, yosys):
    words = quantise(Parameters(n=1), preset("square-18"))
    write(tmp_path, hdl.export_neuron(hdl.Core(words)).verilog)
    code, said, _ = qlif(
        "prove", "--preset", "square-18", "--verilog", "mine.v", "--module", "qlif_neuron",
        "--timeout", 0.001, "--json",
    )  # fmt: skip
    assert code == 1
    assert [claim["result"] for claim in json.loads(said)] == ["unknown"]


@pytest.mark.slow
def test_what_the_lint_says_is_shown_and_stops_nothing(qlif, tmp_path):
    text = population()
    write(tmp_path, text.replace("endmodule", "wire [3:0] odd = 5'd17;\nendmodule", 1))
    code, _, said = qlif(*arguments("selftest"))
    assert code == 0
    line = text.splitlines().index("endmodule") + 1
    assert "lint: WIDTHTRUNC: mine.v:" in said and f"mine.v:{line}:" in said
