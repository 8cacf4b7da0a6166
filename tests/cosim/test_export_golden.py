"""``qlif export --golden`` and ``--testbench``: what is written, and what is refused before."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

GOLDEN = ["qlif_golden.c", "qlif_golden.h", "qlif_golden_dpi.c", "qlif_golden_pkg.sv"]
STEPS = ["qlif_golden_step.sv", "qlif_golden_step.vhd"]
BENCHES = ["qlif_checks.sv", "qlif_currents.hex", "qlif_dpi_tb.sv", "qlif_updates.hex", "qlif_vectors_tb.v"]
OURS = ["interface.json", "qlif_population.v", "qlif_population.vlt"]
PACKAGE = ["SHA256SUMS", "qlif_population_amaranth.py"]
PACKAGE += [f"qlif_population.{suffix}" for suffix in ("core", "f", "h", "sdc", "svh", "veo", "vh", "xdc")]
SMALL = ("export", "--preset", "tiny-8", "--neurons", 2, "--out", "here")


def files_in(directory):
    return sorted(path.name for path in directory.iterdir())


def test_all_of_it_is_written(qlif, tmp_path):
    code, out, _ = qlif(*SMALL, "--golden", "c,sv,vhdl", "--testbench", "--json")
    assert code == 0
    beside = sorted([*GOLDEN, *STEPS, *BENCHES, *PACKAGE])
    assert files_in(tmp_path / "here") == sorted([*OURS, *beside])
    assert sorted(path.rpartition("/")[2] for path in json.loads(out)["files"]) == beside


def test_registers_and_memories_are_arguments(qlif, tmp_path):
    code, _, _ = qlif(*SMALL, "--golden", "c,sv,vhdl", "--register", "threshold", "--memory", "refractory")
    assert code == 0
    for name in ("qlif_golden.c", *STEPS):
        text = (tmp_path / "here" / name).read_text()
        assert "threshold_parameter" in text and "refractory_parameter" in text


def test_an_own_input(qlif, tmp_path):
    code, _, _ = qlif(*SMALL, "--testbench", "--input", "ou:mean=18,sd=6", "--steps", 7)
    assert code == 0
    assert len((tmp_path / "here" / "qlif_currents.hex").read_text().splitlines()) == 1 + 7 * 2


def test_what_a_language_cannot_hold_is_refused_and_the_others_are_written(qlif, tmp_path, monkeypatch):
    monkeypatch.setattr("qlif.model.golden.c_source.MOST_BITS", 8)
    code, _, err = qlif(*SMALL, "--golden", "c,sv,vhdl")
    assert code == 2
    assert "C holds integers of at most 8 bits, and an update of tiny-8 needs" in err
    assert "the other files are written" in err
    assert files_in(tmp_path / "here") == sorted([*OURS, *STEPS, *PACKAGE])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--golden", "c,verilog"), "verilog"),
        (("--golden", "c", "--steps", 5), "--steps requires --testbench"),
        (("--testbench", "--selftest"), "--testbench requires no --selftest"),
        (("--testbench", "--max-size", 0.001), "the vectors would have"),
        (("--testbench", "--max-size", 0), "max-size must be above 0 MB"),
        (("--testbench", "--steps", 0), "steps"),
        (("--testbench", "--seed", -1), "seed must be a whole number, 0 or more, not -1"),
        (("--testbench", "--steps", 10**12, "--max-size", 1e12), "and the disk of here has"),
        (("--testbench", "--input", "nothing"), "nothing"),
    ],
)
def test_what_is_refused_leaves_nothing(qlif, tmp_path, options, said):
    code, _, err = qlif(*SMALL, *options)
    assert code == 2
    assert said in err
    assert not (tmp_path / "here").exists()


def test_the_disk_is_that_of_out(qlif, tmp_path, monkeypatch):
    small = tmp_path / "small disk"

    def usage(path):
        return SimpleNamespace(free=100 if small in Path(path).resolve().parents else 10**12)

    monkeypatch.setattr("shutil.disk_usage", usage)
    code, _, err = qlif(*SMALL[:-1], small / "folder", "--testbench")
    assert code == 2
    assert "folder has 0 MB left" in err
    assert not (small / "folder").exists()
    assert qlif(*SMALL, "--testbench")[0] == 0


def test_foreign_files_are_kept(qlif, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "qlif_golden.c").write_text("mine")
    code, _, err = qlif(*SMALL, "--golden", "c")
    assert code == 2
    assert "qlif_golden.c wasn't written by qlif export: --force overwrites it" in err
    assert files_in(folder) == ["qlif_golden.c"]
    assert qlif(*SMALL, "--golden", "c", "--force")[0] == 0
    assert "mine" not in (folder / "qlif_golden.c").read_text()
    assert qlif(*SMALL, "--golden", "c,sv,vhdl", "--testbench")[0] == 0
    assert qlif(*SMALL, "--golden", "c,sv,vhdl", "--testbench")[0] == 0
