"""What is proved, what isn't, and what the command says."""

import json
import sys

import pytest

from qlif import hdl
from qlif.cosim import cli
from qlif.cosim.configuration import Settings
from qlif.cosim.proof.prove import prove_population, prove_update
from qlif.cosim.proof.solver import Terms
from qlif.cosim.proof.tasks import explicit_tasks, foreign_tasks, tasks
from qlif.hdl.targets.catalogue import ROUTED
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS, preset
from qlif.model.quantisation import quantise


def exported(name, neurons, lanes=1, storage=None):
    words = quantise(Parameters(n=neurons), preset(name))
    return hdl.export(hdl.Core(words, lanes, storage or {}, name=name))


def assert_all_proved(claims):
    claims = list(claims)
    assert claims
    assert [claim for claim in claims if claim.result != "proved"] == []
    return claims


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("name", ["square-16", "factored-16"])
def test_a_preset_is_proved(name):
    export = exported(name, 64)
    assert_all_proved([prove_update(export)])
    claims = assert_all_proved(prove_population(export))
    assert all(claim.bound is None for claim in claims)


NARROWER = {
    "truncates and wraps": ("tiny-8", {"product": "SQ(6,4) TRN WRAP", "drive": "SQ(3,3) TRN WRAP"}),
    "rounds and saturates": (
        "tiny-8",
        {"quadratic": "SQ(2,5) RND SAT", "drive": "SQ(4,5) RND_CONV SAT", "increment": "SQ(3,4) RND SAT"},
    ),
    "differences that wrap": (
        "tiny-8",
        {"form": "factored", "potential": "SQ(8,2)", "currents": "raw", "difference": "SQ(5,2) TRN WRAP"},
    ),
    "16 bits throughout, truncated and wrapping": (
        "factored-16",
        {"rounding": "TRN", "overflow": "WRAP"}
        | dict.fromkeys(("difference", "product", "quadratic", "drive", "increment"), "SQ(8,8) TRN WRAP"),
    ),
}


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("inside", NARROWER)
def test_narrower_intermediate_results_are_proved(inside):
    name, choices = NARROWER[inside]
    words = quantise(Parameters(n=16), preset(name).replace(**choices))
    export = hdl.export(hdl.Core(words))
    assert_all_proved([prove_update(export), *prove_population(export)])


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("SQ({0},7) TRN WRAP", "SQ({0},7) TRN SAT"),
        ("SQ({0},7) TRN WRAP", "SQ({0},7) RND WRAP"),
        ("SQ({0},7) RND_CONV SAT", "SQ({0},7) TRN SAT"),
        ("SQ({0},7) RND SAT", "SQ({1},7) RND SAT"),
    ],
)
@pytest.mark.parametrize(
    ("result", "i_bits"),
    [
        *(pytest.param(name, 6, marks=pytest.mark.slow) for name in ("difference", "quadratic", "increment")),
        ("product", 6),
        ("drive", 1),
    ],
)
def test_another_narrowing_in_the_gates_is_refuted(result, i_bits, right, wrong):
    expected, built = (
        hdl.export_neuron(
            hdl.Core(quantise(Parameters(n=1), preset("factored-16").replace(**{result: text})))
        )
        for text in (right.format(i_bits, i_bits + 1), wrong.format(i_bits, i_bits + 1))
    )
    assert prove_update(expected).result == "proved"
    assert prove_update(Export(built.verilog, expected.interface)).result == "refuted"


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    ("neurons", "lanes"), [(1, 1), (5, 1), (16, 2), pytest.param(1000, 1, marks=pytest.mark.slow)]
)
def test_any_number_of_neurons_and_lanes(neurons, lanes):
    export = exported("stochastic-12", neurons, lanes, {"bias": "memory", "reset": "register"})
    assert_all_proved([prove_update(export)])
    assert_all_proved(prove_population(export))


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_every_claim_about_every_preset(name):
    configuration = Settings.read(name, None).population(64)
    every = [
        *tasks(configuration),
        *(t for target in ROUTED for t in explicit_tasks(configuration, target)),
    ]
    claims = assert_all_proved(claim for task in every for claim in task.prove(60.0))
    assert all(claim.bound is None for claim in claims)


def test_a_pipeline_of_somebody_else():
    configuration = Settings.read("tiny-8", None).population(2)
    export = hdl.export_neuron(configuration.core())
    for latency, result in ((export.interface.latency, "proved"), (3, "refuted")):
        (task,) = foreign_tasks(configuration, export.verilog, "qlif_neuron", latency)
        assert [claim.result for claim in task.prove(60.0)] == [result]


def test_a_solver_without_time_knows_nothing():
    terms = Terms()
    a, b = (terms.extend(terms.fresh(32), 64, signed=True) for _ in range(2))
    claim = terms.equal(terms.make("BV_MUL", a, b), terms.make("BV_MUL", b, terms.make("BV_SUB", a, b)))
    hard = terms.negation(terms.both(claim, terms.negation(terms.equal(b, terms.constant(0, 64)))))
    assert terms.ask(hard, (), None, 0.001).verdict == "unknown"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("endmodule", "endmodul", r"module qlif_neuron, which begins in line \d+, has no endmodule"),
        ("module qlif_neuron", "module other", "module"),
        ("potential_in", "potential_inn", "lacks the input potential_in of 8 bits"),
        ("[7:0] current_in", "[6:0] current_in", "port current_in must have 8 bits"),
    ],
    ids=["syntax", "module", "port", "width"],
)  # fmt: skip
def test_bad_verilog_is_refused_by_name(old, new, said):
    words = quantise(Parameters(n=1), preset("tiny-8"))
    export = hdl.export_neuron(hdl.Core(words))
    assert old in export.verilog
    with pytest.raises(InputError, match=said):
        prove_update(Export(export.verilog.replace(old, new), export.interface))


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["qlif", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    return exit.value.code


@pytest.mark.slow
def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "prove", "--preset", "tiny-8", "--json") in (0, None)
    claims = json.loads(capsys.readouterr().out)
    assert len({claim["claim"] for claim in claims}) == len(claims)
    for target in ROUTED:
        assert sum(claim["claim"].endswith(f"of the cells of {target}") for claim in claims) > 10
    assert {claim["result"] for claim in claims} == {"proved"}
    assert set(claims[0]) >= {"preset", "claim", "result", "bound", "seconds", "method", "covers"}


def test_the_command_on_a_wrong_neuron(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = quantise(Parameters(n=2, threshold=-51.0), preset("tiny-8"))
    (tmp_path / "mine.v").write_text(hdl.export_neuron(hdl.Core(words)).verilog)
    code = run(
        monkeypatch, "prove", "--preset", "tiny-8", "--verilog", "mine.v", "--module",
        "qlif_neuron", "--simulator", "icarus",
    )  # fmt: skip
    said = capsys.readouterr().out
    assert code == 1
    assert "REFUTED" in said
    assert "mV" in said
    assert "the simulation differs too" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("--preset", "square"),
        ("--timeout", "0"),
        ("--preset", "all", "--verilog", "x.v"),
        ("--verilog", "x.v"),
        ("--variant", "implicit"),
        ("--target", "ice9"),
        ("--variant", "portable", "--target", "ecp5"),
    ],
)
def test_bad_usage(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "prove", *arguments) == 2
    assert "error: " in capsys.readouterr().err


def per_neuron(name="tiny-8"):
    varying = {
        "threshold": [-52.0, -51.0],
        "reset_pot": [-62.0, -61.0],
        "refrac_length": [5, 0],
    }
    settings = Settings.read(name, None, [("--set", f"{each}={values}") for each, values in varying.items()])
    return settings.stored([], ["threshold", "reset", "refractory"]).population(2)


@pytest.mark.slow
@pytest.mark.parametrize("explicit", [False, True], ids=["the text", "of cells"])
def test_parameters_that_differ_per_neuron_are_proved(explicit):
    every = explicit_tasks(per_neuron(), "ecp5", 2) if explicit else tasks(per_neuron())
    claims = assert_all_proved(claim for task in every for claim in task.prove(60.0))
    assert all(claim.bound is None for claim in claims)
    assert any("for every parameter word" in claim.claim for claim in claims)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1], ids=["in the population", "as inputs"])
def test_a_bug_with_a_neurons_own_word_is_refuted(place):
    task = list(tasks(per_neuron()))[place]
    right = "constant_threshold__5 <= constant_threshold__4;"
    assert task.export.verilog.count(right) == 1
    text = task.export.verilog.replace(right, right.replace("__4", "__3"))
    (claim,) = task.claims(Export(text, task.export.interface), 60.0)
    assert claim.result == "refuted"


@pytest.mark.slow
def test_somebody_elses_population_may_keep_parameters_in_memories():
    configuration = Settings.read("tiny-8").stored([], ["threshold"]).population(2)
    first, *_ = foreign_tasks(configuration, configuration.export().verilog, "qlif_population")
    assert_all_proved(first.prove(60.0))
