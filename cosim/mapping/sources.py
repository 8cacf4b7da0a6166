"""One Verilog text of a user's files: preprocessed, or made of VHDL by GHDL.

The same text is what every net reads, so that what is simulated is what is proved. Its ```line`` directives make
each tool name the user's own files and lines.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from qlif.cosim.simulator.cocotb_design import WAIVED_LINT
from qlif.cosim.simulator.find import find
from qlif.model.exceptions import InputError, show
from qlif.model.support import process
from qlif.model.support.files import write_text
from qlif.model.support.scratch import scratch

VHDL_SUFFIXES = (".vhd", ".vhdl")
_SECONDS = 120.0
_WARNING = re.compile(r"%Warning-(\w+): (.*)")
_TIMESCALE = re.compile(r"^[ \t]*`timescale\b.*$", re.MULTILINE)
_DEFINE = re.compile(r"[A-Za-z_][\w$]*(=.*)?", re.DOTALL)
_NEVER = {"DEPRECATED", "fatal"}


def is_vhdl(files: Iterable[Path]) -> bool:
    """Return whether files are VHDL, by their suffixes.

    Raises
    ------
    InputError
        Some are, and others aren't.
    """
    kinds = {file.suffix.lower() in VHDL_SUFFIXES for file in files}
    if len(kinds) == 2:
        raise InputError("sources must be in one language: VHDL and Verilog can't be mixed")
    return kinds == {True}


def check_sources(files: Sequence[Path], includes: Sequence[Path], defines: Sequence[str]) -> None:
    """Refuse files that aren't files, folders that aren't folders, and macros without a name: all at once.

    Raises
    ------
    InputError
    """
    faults = []
    wanted = [(path, "file", path.is_file()) for path in files]
    wanted += [(path, "folder", path.is_dir()) for path in includes]
    for path, kind, is_so in wanted:
        if not path.exists():
            faults.append(f"{path} can't be read: there is no such {kind}")
        elif not is_so:
            faults.append(f"{path} must be a {kind}, and is a {'folder' if kind == 'file' else 'file'}")
    faults += [
        f"{path} is named twice" for path, times in Counter(map(Path.resolve, files)).items() if times > 1
    ]
    faults += [
        f"define must be NAME or NAME=VALUE, not {show(one)}" for one in defines if not _DEFINE.fullmatch(one)
    ]
    if faults:
        raise InputError("; ".join(faults))


def read_sources(
    files: Sequence[Path],
    module: str,
    includes: Sequence[Path] = (),
    defines: Sequence[str] = (),
    generics: Mapping[str, int] | None = None,
) -> str:
    """Return a user's files as one text.

    Parameters
    ----------
    files, includes, defines
        As for any compiler of Verilog.
    module : str
        The entity that is the top, of VHDL.
    generics : mapping of str to int, optional
        Of a VHDL entity; a Verilog module's are set where it is instantiated.

    Raises
    ------
    InputError
        A file can't be read; or it isn't Verilog or VHDL: the text is the tool's own, with file and line.
    """
    check_sources(files, includes, defines)
    if is_vhdl(files):
        return _from_vhdl(files, module, generics or {})
    options = [f"-I{folder}" for folder in includes] + [f"-D{one}" for one in defines]
    text = run_verilator(["-E", "-Wno-lint", "--pp-comments", *options, *map(str, files)])
    # Every module would need one, ours too; and a delay would be far longer than the testbenches' clock.
    return _TIMESCALE.sub("", text)


def lint(
    verilog: str, top: str, waivers: Iterable[str] = (), around: str = "", name: str = ""
) -> tuple[str, tuple[str, ...]]:
    """Return a text that Verilator doesn't complain about again, and what its lint says of it once.

    The lines of the text keep their numbers, if nothing of ours is in front.

    Parameters
    ----------
    verilog : str
        A user's text.
    top : str
    waivers : iterable of str
        Lint warnings that aren't told, besides the one that is waived everywhere.
    around : str
        Text of ours in front of it; what is said of that isn't told.
    name : str
        The user's file, if the text doesn't say it itself.

    Raises
    ------
    InputError
        It isn't Verilog: the text is Verilator's, with file and line.
    """
    with scratch() as directory:
        file = directory / "text.v"
        named = f'`line 1 "{name}" 0\n{verilog}' if name else verilog
        write_text(file, f"{around}{named}")
        said = run_verilator(["--lint-only", "--no-timing", "-Wno-fatal", "--top-module", top, str(file)])
        found = [(warning[1], warning[2]) for warning in _WARNING.finditer(said)]
        told = [f"{rule}: {text}" for rule, text in found if not text.startswith(str(file))]
    waived = {WAIVED_LINT, *waivers}
    rules = sorted(({rule for rule, _ in found} | waived) - _NEVER)
    off = "".join(f"/* verilator lint_off {rule} */ " for rule in rules)
    on = "".join(f"/* verilator lint_on {rule} */\n" for rule in rules)
    shown = (line for line in told if line.partition(":")[0] not in waived)
    return f"{off}{around}{verilog}\n{on}", tuple(dict.fromkeys(shown))


def _from_vhdl(files: Sequence[Path], module: str, generics: Mapping[str, int]) -> str:
    if shutil.which("ghdl") is None:
        raise InputError("VHDL needs GHDL: ghdl must be on PATH (Debian: package ghdl)")
    values = [f"-g{name}={value}" for name, value in generics.items()]
    command = ["ghdl", "--synth", "--std=08", "--out=verilog", *values, *map(str, files), "-e", module]
    return run_tool(command, {}, "ghdl")


def run_verilator(arguments: list[str]) -> str:
    """Run Verilator, and return what it prints."""
    environment = find("verilator").environment
    root = environment.get("VERILATOR_ROOT")
    program = f"{root}/bin/verilator_bin" if root else "verilator"
    return run_tool([program, *arguments], environment, "verilator")


def run_tool(command: list[str], environment: Mapping[str, str], tool: str) -> str:
    """Run a tool and return what it prints; if it fails, its first complaint is the user's error."""
    try:
        done = process.run(command, what=tool, seconds=_SECONDS, extra=environment)
    except (OSError, process.TimedOut) as error:
        raise InputError(f"{tool} can't be run: {error}") from None
    if done.code:
        lines = [line for line in done.said.splitlines() if "rror" in line]
        raise InputError(f"{tool}: {(lines or done.said.splitlines() or ['it failed'])[0].strip()}")
    return done.said
