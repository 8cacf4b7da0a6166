"""`qlif study`: what it writes, what it refuses, and a run that is killed in the middle."""

import csv
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from qlif.model.inputs import stimuli
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.support import journal

SMALL = ("--neurons", 4, "--duration", 60, "--word-bits", "10,12,16", "--rounding", "RND,SR", "--no-parquet")


def read_csv(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def quick(in_this_process, monkeypatch):
    """Sweeps without processes of their own, and without figures."""
    monkeypatch.setattr("qlif.model.studies.report._draw", lambda *arguments: [])


def test_sweep_writes_table_figures_and_summary(qlif, tmp_path):
    code, out, err = qlif("study", "sweep", *SMALL, "--processes", 1, "--json", "--out", "here")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert (facts["points"], facts["evaluated"]) == (12, 12)
    for name in (
        "here/table.csv",
        "here/summary.md",
        "here/errors-factored.svg",
        "here/errors-square-dark.png",
    ):
        assert name in facts["files"] and (tmp_path / name).stat().st_size > 0
    # All points are there: nothing is computed again, and the table is the same.
    table = (tmp_path / "here" / "table.csv").read_bytes()
    code, out, _ = qlif("study", "sweep", *SMALL, "--processes", 1, "--out", "here")
    assert code == 0 and "12 points, 12 evaluated, 0 impossible" in out
    assert (tmp_path / "here" / "table.csv").read_bytes() == table


def test_sweep_takes_a_file_and_options_go_before_it(qlif, tmp_path, quick):
    lines = (
        "word_bits = [12]",
        'form = "square"',
        "neurons = 3",
        "duration_ms = 40.0",
        "[parameters]",
        "a0 = 0.9",
    )
    (tmp_path / "study.toml").write_text("\n".join(lines))
    more = ("--word-bits", "14", "--processes", 1, "--no-parquet", "--json")
    code, out, _ = qlif("study", "sweep", "--file", "study.toml", *more)
    study = json.loads(out)["study"]
    assert code == 0
    assert (study["word_bits"], study["neurons"], study["parameters"]) == ([14], 3, {"a0": 0.9})


DRAWN = "stratified:low=17,high=80"


def within_a_step(currents, arithmetic):
    """Return how many neurons have their first three spikes at most a step off, by spikes alone."""
    neuron = Parameters(n=currents.shape[1], tau_m=30.0)
    expected = QLIFPopulation.of(neuron).run(currents).spikes
    found = QLIFPopulation.of(neuron, arithmetic).run(currents).spikes
    within = 0
    for one, other in zip(expected.T, found.T, strict=True):
        first, second = np.flatnonzero(one)[:3], np.flatnonzero(other)[:3]
        within += len(first) == len(second) and bool(np.all(np.abs(first - second) <= 1))
    return within


def shares_within(seed):
    """Return the share of the neurons that are within a step, by width."""
    currents = stimuli.make(DRAWN, timesteps=1500, neurons=16, dt=0.1, seed=seed)
    square = PRESETS["square-18"]
    return {
        bits: within_a_step(currents, square.replace(potential=f"SQ(5,{bits - 5})", coefficient_bits=16)) / 16
        for bits in (12, 13, 14, 15)
    }


def test_sweep_says_from_which_width_on_a_budget_is_met(qlif, tmp_path, quick):
    budget = ("--max-lag-steps", 1, "--spikes", 3, "--at", "85%", "--held-out-seed", 9)
    axes = ("--word-bits", "12..15", "--rounding", "RND", "--form", "square", "--input", DRAWN)
    rest = ("--neurons", 16, "--duration", 150, "--processes", 1, "--no-parquet", "--out", "here")
    code, out, _ = qlif("study", "sweep", *budget, *axes, *rest, "--json")
    facts = json.loads(out)
    (winner,) = facts["winners"]
    shares, others = shares_within(0), shares_within(9)
    failing = [bits for bits, share in shares.items() if share < 0.85]
    assert failing and max(failing) < 15, "the test shows nothing"
    assert (code, winner["word_bits"]) == (0, max(failing) + 1)
    assert winner["held_out"]["share"] == others[winner["word_bits"]]
    assert winner["held_out"]["share_low"] <= winner["held_out"]["share"] <= winner["held_out"]["share_high"]
    table = read_csv(tmp_path / "here" / "budget.csv")
    met = {int(row["word_bits"]): row["meets_budget"] == "True" for row in table}
    assert met == {bits: share >= 0.85 for bits, share in shares.items()}
    # Again, as text: nothing is run twice.
    lines = (tmp_path / "here" / "budget-30.jsonl").read_bytes()
    text = qlif("study", "sweep", *budget, *axes, *rest)[1]
    assert f"- square RND: {winner['word_bits']} bits, square SQ(5," in text and "held out, seed 9: " in text
    assert (tmp_path / "here" / "summary.md").read_text().count("Width from which on") == 1
    assert (tmp_path / "here" / "budget-30.jsonl").read_bytes() == lines


def test_sweep_says_from_which_width_on_a_budget_is_met_under_every_current(qlif, tmp_path, quick):
    (tmp_path / "study.toml").write_text('form = "square"\n[arithmetic]\ncurrent = "SQ(8,3)"\n')
    budget = ("--max-lag-steps", 1, "--spikes", 3, "--at", "85%", "--every-current", "25..40")
    axes = ("--file", "study.toml", "--word-bits", "12..15", "--rounding", "RND", "--neurons", 2)
    rest = ("--duration", 100, "--processes", 1, "--no-parquet", "--out", "here")
    code, out, _ = qlif("study", "sweep", *budget, *axes, *rest, "--json")
    facts = json.loads(out)
    shares = {}
    for bits in (12, 13, 14, 15):
        arithmetic = PRESETS["square-18"].replace(
            potential=f"SQ(5,{bits - 5})", coefficient_bits=16, current="SQ(8,3)"
        )
        every = quantise(Parameters(n=1, tau_m=30.0), arithmetic).currents(np.arange(-1024, 1024))
        every = every[(every >= 25) & (every <= 40)]
        currents = np.broadcast_to(every, (1000, len(every)))
        within = within_a_step(currents, arithmetic)
        shares[bits] = within / len(every)
    failing = [bits for bits, share in shares.items() if share < 0.85]
    assert failing and max(failing) < 15 and len(every) > 50, "the test shows nothing"
    (winner,) = facts["winners"]
    assert (code, winner["word_bits"], winner["held_out"]) == (0, max(failing) + 1, None)
    assert facts["every_current_mv"] == [25, 40]
    table = read_csv(tmp_path / "here" / "budget.csv")
    met = {int(row["word_bits"]): row["meets_budget"] == "True" for row in table}
    assert met == {bits: share >= 0.85 for bits, share in shares.items()}
    assert (
        ", one neuron for every current word from 25 to 40 mV:" in (tmp_path / "here/summary.md").read_text()
    )
    # The inputs' own budget is another question, and the table of the sweep the same.
    code, _, err = qlif("study", "sweep", *budget[:-2], *axes, *rest)
    assert code == 2 and "another study" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--word-bits", ""), "--word-bits must have a value, not ''"),
        (("--word-bits", "9..8"), "word_bits is an empty axis"),
        (("--rounding", "UP"), "rounding: unknown value 'UP'"),
        (("--input", "nothing"), "unknown input 'nothing'"),
        (("--file", "missing.toml"), "missing.toml can't be read"),
        (("--every-current", "17..80"), "--every-current requires --max-lag-steps"),
        (
            ("--every-current", "17..80", "--max-lag-steps", 1),
            "--every-current requires --rounding without SR: under chance no figure is a maximum",
        ),
        (
            ("--every-current", "80..17", "--max-lag-steps", 1, "--rounding", "RND"),
            "--every-current must be two currents in mV, the lower one first, as 17..80, not '80..17'",
        ),
        (
            ("--every-current", "500..600", "--max-lag-steps", 1, "--rounding", "RND"),
            "there must be from 1 to 2**20 currents to try each, not 0",
        ),
        (
            ("--every-current", "17..80", "--max-lag-steps", 1, "--max-rmse", 1),
            "--max-rmse requires no --every-current",
        ),
        (
            ("--every-current", "17..80", "--max-lag-steps", 1, "--held-out-seed", 1),
            "--held-out-seed requires no --every-current",
        ),
        (("--max-lag-steps", 1, "--at", "0%"), "--at must be greater than 0 and at most 100 %, not 0.0"),
        (("--max-lag-steps", 1, "--at", "101%"), "--at must be greater than 0 and at most 100 %, not 101.0"),
        (("--max-lag-steps", 1, "--at", "most"), "--at must be a number, not 'most'"),
        (("--max-rmse", 1, "--at", "99%"), "at requires a limit that each neuron can keep"),
        (("--max-lag-steps", -1), "max_lag_steps must be"),
        (("--at", "99%"), "--at requires a limit"),
        (("--held-out-seed", 3), "--held-out-seed requires a limit"),
        (("--max-lag-steps", 1, "--held-out-seed", 3), "--held-out-seed requires a random --input"),
        (
            ("--max-lag-steps", 1, "--held-out-seed", 0, "--input", DRAWN),
            "--held-out-seed must not be the seed of the inputs, 0",
        ),
        (("--scheduler", "tcp://127.0.0.1:1"), "the scheduler at tcp://127.0.0.1:1 doesn't answer"),
        (("--scheduler", "tcp://127.0.0.1:1", "--processes", 2), "omit them with a scheduler"),
    ],
)
def test_what_sweep_refuses(qlif, tmp_path, arguments, message, monkeypatch):
    monkeypatch.setattr("qlif.model.studies.executors.ANSWER_WITHIN_S", 0.5)
    *values, no_parquet = SMALL
    pairs = zip(values[::2], values[1::2], strict=True)
    others = [no_parquet, *(word for pair in pairs if pair[0] not in arguments for word in pair)]
    code, out, err = qlif("study", "sweep", *others, *arguments, "--out", "here")
    assert (code, out) == (2, "")
    assert message in err and "Traceback" not in err
    assert not (tmp_path / "here").exists()


def test_results_of_another_sweep_are_refused_and_untouched(qlif, tmp_path, quick):
    qlif("study", "sweep", *SMALL, "--processes", 1, "--out", "here")
    before = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    code, _, err = qlif("study", "sweep", *SMALL, "--tau-m", 20, "--processes", 1, "--out", "here")
    assert code == 2 and "another study (tau_m_ms is [30.0] there and [20.0] here)" in err
    assert {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()} == before


def test_results_of_another_version_are_refused_and_untouched(qlif, tmp_path, quick):
    arguments = ("study", "sweep", *SMALL, "--processes", 1, "--out", "here")
    qlif(*arguments)
    results = tmp_path / "here" / "results.jsonl"
    header, *rest = results.read_text().splitlines(keepends=True)
    for change, message in (
        ({"version": 1}, f"holds results of version 1, not of {journal.VERSION}"),
        ({"key": {"code": {"qlif": "0.0.1"}}}, 'holds results of another study (code: qlif is "0.0.1" there'),
        ({"file": "mine"}, "is no results file of this version"),
    ):
        results.write_text(json.dumps(json.loads(header) | change) + "\n" + "".join(rest))
        before = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
        code, out, err = qlif(*arguments)
        assert (code, out) == (2, "") and message in err and "Traceback" not in err
        assert {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()} == before


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_ends_with_the_same_table(tmp_path):
    command = [sys.executable, "-c", "from qlif.cosim.cli import main; main()", "study", "sweep"]
    axes = ["--word-bits", "8..14", "--neurons", "8", "--duration", "100", "--processes", "2", "--no-parquet"]

    def run(out):
        return [*command, *axes, "--out", str(tmp_path / out)]

    subprocess.run(run("whole"), check=True, capture_output=True)
    results = tmp_path / "killed" / "results.jsonl"
    with subprocess.Popen(run("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (not results.exists() or results.read_bytes().count(b"\n") < 6):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    lines = results.read_bytes().splitlines()
    points = 42
    assert 5 < len(lines) < points + 1, "the sweep was killed too early or too late to show anything"
    # As one that was killed within a line leaves it.
    results.write_bytes(b"\n".join(lines[:-1]) + b"\n" + lines[-1][:9])
    assert not (tmp_path / "killed" / "table.csv").exists()
    subprocess.run(run("killed"), check=True, capture_output=True)
    for name in ("table.csv", "summary.md"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    done = [json.loads(line)["point"] for line in results.read_text().splitlines()[1:]]
    assert sorted(done) == list(range(points)), "each point once"
    assert results.read_bytes().splitlines()[: len(lines) - 1] == lines[:-1]


def test_a_sweep_that_failed_on_its_input_leaves_nothing_that_hinders_the_right_one(qlif, tmp_path, quick):
    bad = tmp_path / "bad.csv"
    bad.write_text("1,2\n1,x\n")
    arguments = ("study", "sweep", *SMALL, "--processes", 1, "--out", "here", "--input")
    for wrong in ("missing.npy", "bad.csv", "nothing"):
        assert qlif(*arguments, wrong)[0] == 2
        # Nor is there anything of the inputs before the wrong one.
        assert qlif(*arguments, "constant", "--input", wrong)[0] == 2
        assert not (tmp_path / "here").exists()
    np.save(tmp_path / "good.npy", np.full((600, 4), 20.0))
    assert qlif(*arguments, "good.npy")[0] == 0
    # An older version left a file of one line, which is in nobody's way either.
    (tmp_path / "here" / "results.jsonl").write_text(
        '{"file": "qlif study results", "version": 2, "kind": "x"}\n'
    )
    assert qlif(*arguments, "good.npy")[0] == 0


def test_damaged_results_are_evaluated_again_to_the_same_table(qlif, tmp_path, quick):
    arguments = ("study", "sweep", *SMALL, "--processes", 1, "--out", "here")
    qlif(*arguments)
    results, table = tmp_path / "here" / "results.jsonl", (tmp_path / "here" / "table.csv").read_bytes()
    header, *lines = results.read_text().splitlines()
    lines[1] = lines[1].replace("evaluated", "impossible")
    lines[3] = '{"point": 0, "result": {}}'
    lines[4] = '{"point": 9999, "result": {}}'
    results.write_bytes("\n".join([header, *lines[:5], "\xff", *lines[5:], ""]).encode("latin-1"))
    code, _, err = qlif(*arguments)
    assert code == 0 and (tmp_path / "here" / "table.csv").read_bytes() == table
    damaged = "here/results.jsonl: 4 lines are damaged (line 3): what is missing is evaluated again"
    assert err.splitlines() == [f"warning: {damaged}"]
    assert qlif(*arguments)[2] == ""
