"""The command: exit codes, one JSON object, one-line errors, nothing half-written."""

import hashlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from qlif.cosim.simulator import find
from qlif.hdl import neuron
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan

COSIM_KEYS = {
    "preset",
    "simulator",
    "updates",
    "mismatches",
    "spikes_golden",
    "spikes_float",
    "max_spike_lag_steps",
    "rmse_mv",
    "seed",
}


@pytest.fixture
def small(quick_simulator):
    """Options of a co-simulation that takes seconds."""
    return ("--neurons", 4, "--steps", 300, "--simulator", quick_simulator.name, "--seed", 3)


def files_in(directory):
    return sorted(path.name for path in directory.iterdir())


def test_simulate_prints_one_object_and_writes_what_it_says(qlif, tmp_path):
    code, out, err = qlif("simulate", "--neurons", 3, "--steps", 400, "--fi-curve", "--json", "--out", "here")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert facts["neurons"] == 3 and facts["timesteps"] == 400 and facts["spikes_golden"] > 0
    assert {"threshold", "rest_pot", "tau_s"} <= {line["name"] for line in facts["exact"]}
    assert json.loads((tmp_path / "here" / "result.json").read_text()) == facts
    for name in ("potential", "raster", "input", "fi-curve"):
        for ending in (".png", ".svg", "-dark.png", "-dark.svg"):
            assert (tmp_path / "here" / f"{name}{ending}").stat().st_size > 1000
    with np.load(tmp_path / "here" / "recording.npz") as recording:
        assert recording["spikes_golden"].sum() == facts["spikes_golden"]
        assert recording["potentials_float64"].shape == (400, 3)
        assert recording["potential_words_golden"].dtype.kind == "i"


def test_simulate_prints_the_exact_values(qlif):
    code, out, _ = qlif("simulate", "--preset", "factored-16", "--neurons", 1, "--steps", 50)
    assert code == 0
    assert "threshold" in out and "SQ(8,8)" in out and "relative" not in out


def test_cosim_agrees_and_says_so(qlif, tmp_path, small):
    code, out, err = qlif("cosim", *small, "--json", "--stalls", 0.2, "--thorough", "--waves")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert set(facts) >= COSIM_KEYS
    assert facts["mismatches"] == 0 and facts["updates"] == 1200 and facts["seed"] == 3
    assert facts["first_mismatch"] is None and facts["failures"] == []
    assert facts["thorough_tests"] == 5 and facts["thorough_failed"] == 0
    assert (tmp_path / facts["waves"]).stat().st_size > 1000
    assert {"qlif_population.v", "interface.json", "potential.svg"} <= set(files_in(tmp_path / "qlif-out"))


def test_a_bug_in_the_gates_is_reported_and_fails(qlif, small, monkeypatch):
    """The gates spike one word too early: exit 1, and a report that a person can read."""
    original = neuron.NeuronPipeline.initial

    def too_early(self, name):
        constant = original(self, name)
        if name != "threshold":
            return constant
        word = self.words.constants[name].word
        return neuron.fixed.Const(word - 200, neuron.fixed.Shape(constant.words))

    monkeypatch.setattr(neuron.NeuronPipeline, "initial", too_early)
    code, out, _ = qlif("cosim", *small, "--out", "faulty")
    assert code == 1
    text = " ".join(out.split())
    assert "FAILED: " in text and "mismatches; the first: update " in text
    assert "expected 0, got 1" in text and "mV" in text and "Waves: none, run again with --waves" in text
    code, out, _ = qlif("cosim", *small, "--out", "faulty", "--json")
    facts = json.loads(out)
    assert code == 1 and facts["mismatches"] > 0
    assert facts["first_mismatch"]["what"] == "spike" and facts["first_mismatch"]["got"] == 1


@pytest.mark.slow
def test_a_budget_that_is_exceeded_fails(qlif, small):
    code, out, _ = qlif("cosim", *small, "--preset", "tiny-8", "--max-rmse", 0.001, "--json")
    failures = json.loads(out)["failures"]
    assert code == 1 and failures[-1].startswith("the potential's RMSE is ")
    code, out, _ = qlif("cosim", *small, "--preset", "tiny-8", "--max-lag-steps", 0, "--json")
    assert code == 1 and json.loads(out)["failures"][0].startswith("the largest spike lag is ")


def test_export_is_the_same_each_time(qlif, tmp_path):
    code, out, _ = qlif("export", "--preset", "square-18", "--neurons", 1024, "--out", "rtl", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["neurons"] == 1024
    assert {"interface.json", "qlif_population.v", "qlif_population.vlt"} <= set(files_in(tmp_path / "rtl"))
    first = (tmp_path / "rtl" / "qlif_population.v").read_bytes()
    assert qlif("export", "--preset", "square-18", "--neurons", 1024, "--out", "rtl")[0] == 0
    assert (tmp_path / "rtl" / "qlif_population.v").read_bytes() == first


def test_export_of_an_axi_core_with_its_self_test(qlif, tmp_path):
    asked = "export", "--preset", "tiny-8", "--neurons", 4, "--selftest", "--updates", 2000, "--step-bits", 3
    words = quantise(Parameters(n=4), PRESETS["tiny-8"])
    plan = SelfTestPlan.of(words)
    expected = GoldenSelfTest(words, plan, step_bits=3).advance(500)
    assert expected != GoldenSelfTest(words, plan).advance(500)
    code, out, _ = qlif(*asked, "--wrapper", "axi", "--out", "rtl", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["self_test"]["expected"] == {"timesteps": 500, "signature": f"{expected:032x}"}
    written = set(files_in(tmp_path / "rtl"))
    assert {"qlif_axi.v", "qlif_self_test.v", "qlif_axi.f", "qlif_axi.core", "SHA256SUMS"} <= written
    assert not written & {"qlif_self_test_board.v", "qlif_population.v"}
    assert f"EXPECTED = 500, 0x{expected:032x}" in (tmp_path / "rtl" / "qlif_axi_driver.py").read_text()
    for line in (tmp_path / "rtl" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((tmp_path / "rtl" / name).read_bytes()).hexdigest() == digest
    # The top module for a board has a timestep of as few bits.
    assert qlif(*asked, "--out", "board")[0] == 0
    assert f"'h{expected:032x}" in (tmp_path / "board" / "qlif_self_test_board.v").read_text()


def test_recordings_bring_their_own_size(qlif, tmp_path):
    np.save(tmp_path / "currents.npy", np.full((70, 5), 20.0))
    code, out, _ = qlif("simulate", "--input", "currents.npy", "--json")
    facts = json.loads(out)
    assert code == 0 and (facts["timesteps"], facts["neurons"]) == (70, 5)
    code, out, _ = qlif("simulate", "--input", "currents.npy", "--steps", 30, "--json")
    assert json.loads(out)["timesteps"] == 30


def test_inputs_lists_every_stimulus(qlif):
    code, out, _ = qlif("inputs")
    assert code == 0
    for name in ("constant", "step", "ramp", "sine", "ou", "poisson", "FILE.wav"):
        assert name in out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("simulate", "--preset", "square18"), "unknown preset 'square18': did you mean 'square-18'?"),
        (("simulate", "--neurons", 0), "neurons must be a whole number, 1 or more, not 0"),
        (("simulate", "--input", "noise"), "unknown input 'noise'"),
        (("simulate", "--input", "constant:amplitude=200"), "current must be from "),
        (("simulate", "--input", "missing.wav"), "missing.wav"),
        (("simulate", "--params", "missing.toml"), "missing.toml can't be read"),
        (("cosim", "--simulator", "modelsim"), "unknown simulator 'modelsim'"),
        (("cosim", "--stalls", 1.0), "--stalls must be a probability from 0 to below 1, not 1.0"),
        (("cosim", "--max-rmse", -1), "--max-rmse must be 0 or more, not -1.0"),
        (("export", "--neurons", 0), "n must be a whole number, 1 or more, not 0"),
        (("export", "--preset", "nothing"), "unknown preset 'nothing'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(qlif, tmp_path, arguments, error):
    code, out, err = qlif(*arguments)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and error in err and err.count("\n") == 1
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("arguments", [("cosim", "--neurons", "many"), ("simulat",), ("cosim", "--colour")])
def test_bad_usage_exits_2(qlif, arguments):
    code, out, err = qlif(*arguments)
    assert code == 2 and out == "" and "Traceback" not in err


@pytest.mark.parametrize("command", ["simulate", "cosim", "export"])
def test_help_has_an_example(qlif, command):
    code, out, _ = qlif(command, "--help")
    assert code == 0 and f"Example: qlif {command} " in " ".join(out.split())


def test_a_gain_that_overshoots_is_warned_about(qlif, tmp_path):
    (tmp_path / "coarse.toml").write_text("[parameters]\ndt = 8.0")
    code, _, err = qlif(
        "simulate",
        "--params",
        "coarse.toml",
        "--neurons",
        1,
        "--steps",
        10,
        "--input",
        "constant:amplitude=1",
    )
    assert code == 0
    assert err.startswith("warning: a0 dt / tau_m = ") and err.count("\n") == 1


def test_a_directory_that_cannot_be_written(qlif, tmp_path):
    (tmp_path / "taken").write_text("a file")
    code, _, err = qlif("export", "--out", "taken")
    assert code == 2 and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize("tool", ["make", "perl", "g++"])
def test_a_missing_tool_is_named(monkeypatch, tool):
    real = find.shutil.which
    gone = {tool, "c++"} if tool == "g++" else {tool}
    monkeypatch.setattr(find.shutil, "which", lambda name: None if name in gone else real(name))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(InputError, match=f"simulator verilator needs .*{tool.replace('+', '.')}"):
        find.find("verilator")


def test_a_missing_icarus_is_named(monkeypatch):
    monkeypatch.setattr(find.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="simulator icarus isn't installed"):
        find.find("icarus")


def test_the_console_script_is_there():
    script = os.path.join(os.path.dirname(sys.executable), "qlif")  # noqa: PTH118, PTH120
    answer = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("qlif 0.1")


@pytest.mark.parametrize("command", ["simulate", "cosim"])
def test_a_run_too_large_for_memory_is_refused_with_its_figure(qlif, tmp_path, command):
    code, _, errors = qlif(command, "--neurons", 1_000_000, "--steps", 100_000_000)
    assert code == 2
    assert re.fullmatch(
        r"error: a run of 100000000 steps of 1000000 neurons takes about [\d,]+\.\d GB of memory, "
        r"but [\d,]+\.\d GB are available\n",
        errors,
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("amplitude", "bits", "counts"),
    [(16.5, 16, (2, 0)), (15.9, 6, (0, 2))],
)
def test_neurons_that_fire_in_one_model_only_are_counted_and_shown(qlif, tmp_path, amplitude, bits, counts):
    # In a dead zone above rheobase; and below it, with gains that are too coarse.
    choices = {
        16: 'potential = "SQ(8,6)"\nrounding = "TRN"',
        6: 'potential = "SQ(5,11)"\ncoefficient_bits = 6',
    }
    preset = {16: "factored-16", 6: "square-18"}[bits]
    text = f'preset = "{preset}"\n[parameters]\ntau_m = 30.0\n[arithmetic]\n{choices[bits]}\n'
    (tmp_path / "arithmetic.toml").write_text(text)
    run = ("simulate", "--params", "arithmetic.toml", "--input", f"constant:amplitude={amplitude}")
    size = ("--steps", 3000, "--neurons", 2)
    facts = json.loads(qlif(*run, *size, "--json")[1])
    assert (facts["silent_neurons"], facts["spurious_neurons"]) == counts
    assert f"{counts[0]} / {counts[1]}" in qlif(*run, *size)[1]
