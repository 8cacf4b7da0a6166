"""Stochastic rounding in somebody else's core: its random bits come by a port, or from a register of its own."""

import importlib.util
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.proof.foreign_pipeline import UPDATE, prove_pipeline
from qlif.cosim.proof.foreign_update import RESETS, UPDATES, prove_state
from qlif.model.exceptions import InputError
from qlif.model.random_words import initial_register


def _neighbour(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_cell, _pipe = _neighbour("test_foreign_update"), _neighbour("test_foreign_pipeline")

SEED = 7
STOCHASTIC = f'preset = "tiny-8"\n[arithmetic]\nrounding = "SR"\nrandom_bits = 5\nrandom_seed = {SEED}\n'


def _edited(text, *edits):
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


PORT = _edited(
    _cell.NEURON,
    ("input signed [7:0] i,", "input signed [7:0] i, input [4:0] dice,"),
    ("reg [1:0] ph;", "reg [1:0] ph; reg [4:0] d;"),
    ("i_hold <= i;", "i_hold <= i; d <= dice;"),
    ("sum + 20'sd256", "sum + $signed({11'd0, d, 4'd0})"),
)
PORT_MAP = _edited(_cell.MAP, ('current = "i"', 'current = "i"\nrandom = "dice"')) + 'd = "any"\n'

REGISTER = _edited(
    PORT,
    (" input [4:0] dice,", ""),
    ("reg [1:0] ph;", "reg [106:0] b; wire [4:0] dice = b[4:0] ^ (b[36:32] & b[68:64]); reg [1:0] ph;"),
    ("d <= dice;", "d <= dice; b <= {b[65:34] ^ b[59:28] ^ b[40:9] ^ b[31:0], b[106:32]};"),
    ("ph <= 0; rdy <= 0; fire", f"ph <= 0; b <= 107'h{initial_register(SEED):x}; rdy <= 0; fire"),
)
REGISTER_MAP = _edited(PORT_MAP, ('\nrandom = "dice"', ""), ('trace = "x"\n', 'trace = "x"\nrandom = "b"\n'))


@pytest.fixture
def export(tmp_path, yosys):
    def exported(verilog, core_map, configuration=STOCHASTIC):
        (tmp_path / "cell.v").write_text(verilog)
        (tmp_path / "pipe.v").write_text(verilog)
        (tmp_path / "core.toml").write_text(core_map)
        (tmp_path / "neuron.toml").write_text(configuration)
        found = read_map(tmp_path / "core.toml")
        settings = Settings.read(None, tmp_path / "neuron.toml").population(found.neurons)
        return mapped_export(found, settings)[0], found

    return exported


@pytest.fixture
def prove(export):
    def proved(verilog=PORT, core_map=PORT_MAP):
        text, found = export(verilog, core_map)
        claims = prove_state(text, found.state.with_adapter(found), seconds=60)
        return {claim.claim: claim for claim in claims}

    return proved


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(("verilog", "core_map"), [(PORT, PORT_MAP), (REGISTER, REGISTER_MAP)])
def test_a_right_core_is_proved(prove, verilog, core_map):
    claims = prove(verilog, core_map)
    assert {RESETS, UPDATES} <= claims.keys()
    assert [claim for claim in claims.values() if claim.result != "proved"] == []


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    ("verilog", "core_map", "edit", "what"),
    [
        (PORT, PORT_MAP, ("d <= dice;", "d <= dice & 5'h1e;"), "the "),
        (PORT, PORT_MAP, ("d <= dice;", "if (x != 3) d <= dice;"), "the "),
        (REGISTER, REGISTER_MAP, ("b[40:9]", "b[41:10]"), "the next random word in b"),
        (REGISTER, REGISTER_MAP, ("b <= {b", "if (ref_ct == 0) b <= {b"), "the next random word in b"),
    ],
    ids=["bit lost", "stale", "wrong tap", "not used up while refractory"],
)
def test_a_planted_bug_is_refuted(prove, verilog, core_map, edit, what):
    claims = prove(_edited(verilog, edit), core_map)
    assert claims[UPDATES].result == "refuted"
    assert what in claims[UPDATES].what
    assert claims[RESETS].result == "proved"


def test_a_sequence_that_no_reset_starts_over_is_refuted(prove):
    seed = f"107'h{initial_register(SEED):x}"
    claims = prove(_edited(REGISTER, (f"b <= {seed}; rdy", "rdy")), REGISTER_MAP)
    assert claims[RESETS].result == "refuted"
    wrong = _edited(REGISTER, (seed, f"107'h{initial_register(SEED + 1):x}"))
    assert prove(wrong, REGISTER_MAP)[RESETS].result == "refuted"


PIPELINE = _edited(
    _pipe.PIPELINE,
    ("input signed [7:0] i, u,", "input signed [7:0] i, u, input [4:0] dice,"),
    ("reg signed [7:0] i1,", "reg [4:0] d; reg signed [7:0] i1,"),
    ("i1 <= i;", "i1 <= i; d <= dice;"),
    ("sum + 20'sd256", "sum + $signed({11'd0, d, 4'd0})"),
)
PIPELINE_MAP = _edited(_pipe.MAP, ('current = "i"', 'current = "i"\nrandom = "dice"'))


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [("d <= dice;", "d <= dice;", "proved"), ("{11'd0, d, 4'd0}", "{11'd0, dice, 4'd0}", "refuted")],
)
def test_a_pipeline_takes_its_random_bits_with_its_current(export, old, new, result):
    claims = prove_pipeline(*export(_edited(PIPELINE, (old, new)), PIPELINE_MAP), seconds=60)
    assert {claim.claim: claim.result for claim in claims}[UPDATE] == result


def test_a_pipeline_without_random_bits_is_refused(export):
    claims = prove_pipeline(*export(_pipe.PIPELINE, _pipe.MAP), seconds=60)
    with pytest.raises(InputError, match="ports: stochastic rounding needs a port in the role random"):
        list(claims)


def test_a_missing_register_is_told(prove):
    with pytest.raises(
        InputError, match="random is missing: name its register, or a port in the role random"
    ):
        prove(REGISTER, _edited(REGISTER_MAP, ('random = "b"\n', "")) + 'b = "any"\n')


def test_another_register_is_refused(prove):
    with pytest.raises(InputError, match=r"sq must be the register of numerics\.md, 107 bits"):
        prove(REGISTER, _edited(REGISTER_MAP, ('random = "b"', 'random = "sq"'), ("sq =", "b =")))


def test_both_are_refused(prove):
    with pytest.raises(InputError, match="random: they come by the port in the role random"):
        prove(
            PORT, _edited(PORT_MAP, ('trace = "x"\n', 'trace = "x"\nrandom = "d"\n'), ('\nd = "any"\n', "\n"))
        )


def test_a_port_that_the_rounding_does_not_need_is_refused(export):
    with pytest.raises(InputError, match="ports: random: the rounding RND takes no random bits"):
        export(PORT, PORT_MAP, 'preset = "tiny-8"\n')


@pytest.mark.slow
def test_the_adapter_gives_the_words_of_the_configuration(qlif, export, tmp_path):
    export(PORT, PORT_MAP)
    options = ("--map", tmp_path / "core.toml", "--params", tmp_path / "neuron.toml", "--simulator", "icarus")
    code, output, errors = qlif("cosim", *options, "--steps", 300)
    assert code == 0, output + errors
    (tmp_path / "cell.v").write_text(_edited(PORT, ("d <= dice;", "d <= dice ^ 1;")))
    code, output, errors = qlif("cosim", *options, "--steps", 300)
    assert code == 1, output + errors
