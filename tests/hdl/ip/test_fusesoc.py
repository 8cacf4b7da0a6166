"""FuseSoC builds and runs what is exported, and what its generator makes, from an empty folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "fusesoc"
pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus isn't installed")


def run(folder: Path, cores: Path, core: str) -> tuple[int, str]:
    """Run the target `sim` of a core; return the exit code and what was said."""
    pytest.importorskip("fusesoc")
    scripts = Path(sys.executable).parent
    # Its makefiles and the generator call programs by their names.
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-m", "fusesoc.main", "--cores-root", str(cores), "run", "--target=sim", core],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def export(folder: Path, *options: str) -> Path:
    """Export a small population with its testbench."""
    command = [sys.executable, "-m", "qlif", "export", "--preset", "tiny-8", "--neurons", "4", "--testbench"]
    subprocess.run([*command, *options, "--out", str(folder / "rtl")], check=True, capture_output=True)
    return folder / "rtl"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("core", "options"),
    [
        ("qlif_population", ()),
        ("qlif_axi", ("--wrapper", "axi")),
    ],
)
def test_the_target_sim_is_the_testbench(tmp_path: Path, core: str, options: tuple[str, ...]) -> None:
    rtl = export(tmp_path, *options)
    code, said = run(tmp_path, rtl, f"qlif:neuron:{core}")
    assert code == 0 and "\nPASS\n" in said, said
    verilog = rtl / "qlif_population.v"
    text = verilog.read_text()
    assert text.count("assign updates_spike =") == 1
    verilog.write_text(text.replace("assign updates_spike =", "assign updates_spike = ~"))
    code, said = run(tmp_path, rtl, f"qlif:neuron:{core}")
    assert code != 0 and "\nFAIL\n" in said, said


@pytest.mark.slow
def test_a_generator_makes_a_population_when_a_core_is_built(tmp_path: Path) -> None:
    code, said = run(tmp_path, EXAMPLE, "qlif:example:sixteen_neurons")
    assert code == 0 and "\nPASS\n" in said, said
