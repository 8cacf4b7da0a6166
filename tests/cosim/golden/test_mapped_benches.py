"""The testbenches without Python around somebody else's core: by a map, with what that core tells."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from qlif.cosim.golden import benches
from qlif.cosim.golden.checks import CHECKS_FILE
from qlif.cosim.simulator.find import find

CORES = Path(__file__).parents[3] / "examples" / "cores"
BUGS = {
    # Potential alone, without a reset; and all that there is, in VHDL, through GHDL.
    "published": ("? VR :", "? VR + 20'sd1 :"),
    "pulse": None,
    "elastic": ("v_now >= $signed(TH_WORD[15:0])", "v_now > $signed(TH_WORD[15:0])"),
}
icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus isn't installed")


def exported(qlif, core):
    if core == "pulse" and shutil.which("ghdl") is None:
        pytest.skip("GHDL isn't installed: it reads the VHDL")
    files = ("--map", CORES / core / "core.toml", "--params", CORES / core / "neuron.toml")
    code, _, errors = qlif("export", *files, "--testbench", "--out", core)
    assert code == 0, errors
    return Path(core)


def run_in(folder, bench, simulator, program=None, more=(), environment=None):
    """Run what a testbench's header says; return exit code and output."""
    lines = (folder / bench).read_text().splitlines()
    said = next(line for line in lines if line.startswith(f"//   $ {simulator}"))
    build, run = (shlex.split(part) for part in said.removeprefix("//   $ ").split("&&"))
    made = subprocess.run(
        [program or build[0], *more, *build[1:]], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert made.returncode == 0, made.stderr
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def planted(folder, bug):
    text = (folder / benches.CORE_FILE).read_text()
    assert text.count(bug[0]) == 1
    (folder / benches.CORE_FILE).write_text(text.replace(*bug))


@pytest.mark.slow_beyond(1)
@icarus
@pytest.mark.parametrize("core", BUGS)
def test_vectors_pass_on_a_mapped_core_and_find_a_bug(qlif, core):
    folder = exported(qlif, core)
    code, said = run_in(folder, benches.VECTOR_FILE, "iverilog")
    assert (code, said[-1]) == (0, "PASS")
    assert (said[-2].split()[2] == "0") == (core == "published")
    if bug := BUGS[core]:
        planted(folder, bug)
        code, said = run_in(folder, benches.VECTOR_FILE, "iverilog")
        assert (code, said[-1]) == (1, "FAIL")
        assert said[0].startswith("update ")


@pytest.mark.slow
@pytest.mark.parametrize("core", BUGS)
def test_the_golden_model_by_dpi_and_the_assertions_are_for_a_mapped_core_too(qlif, core):
    folder = exported(qlif, core)
    simulator = find("verilator")
    extra = dict(simulator.environment)
    program = f"{extra['VERILATOR_ROOT']}/bin/verilator" if extra else "verilator"
    options = (program, ["--assert", CHECKS_FILE], os.environ | extra)
    code, said = run_in(folder, benches.DPI_BENCH_FILE, "verilator", *options)
    assert code == 0 and "PASS" in said
    if bug := BUGS[core]:
        planted(folder, bug)
        code, said = run_in(folder, benches.DPI_BENCH_FILE, "verilator", *options)
        assert code != 0 and "PASS" not in said
