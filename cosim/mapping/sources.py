"""One Verilog text of a user's files: preprocessed, or made of VHDL by GHDL.

The same text is what every net reads, so that what is simulated is what is proved. Its ```line`` directives make
each tool name the user's own files and lines.
"""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qlif.cosim.simulator.find import find
from qlif.model.exceptions import InputError
from qlif.model.support import process
from qlif.model.support.files import write_text
from qlif.model.support.scratch import scratch

VHDL_SUFFIXES = (".vhd", ".vhdl")
_SECONDS = 120.0
_WARNING = re.compile(r"%Warning-(\w+): (.*)")
_NEVER = {"DEPRECATED", "fatal"}


@dataclass(frozen=True)
class Text:
    """Somebody else's module as one text.

    Attributes
    ----------
    verilog : str
    warnings : tuple of str
        What Verilator's lint says of it, besides what was waived.
    """

    verilog: str
    warnings: tuple[str, ...] = ()


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


def read_sources(
    files: Sequence[Path],
    module: str,
    includes: Sequence[Path] = (),
    defines: Sequence[str] = (),
    waivers: Sequence[str] = (),
    generics: Mapping[str, int] | None = None,
) -> Text:
    """Return a user's files as one text, linted.

    Parameters
    ----------
    files, includes, defines
        As for any compiler of Verilog.
    module : str
        The top module; of VHDL, the entity.
    waivers : sequence of str
        Lint warnings that aren't shown.
    generics : mapping of str to int, optional
        Of a VHDL entity; a Verilog module's are set where it is instantiated.

    Raises
    ------
    InputError
        A file can't be read; or it isn't Verilog or VHDL: the text is the tool's own, with file and line.
    """
    for path in (*files, *includes):
        if not path.exists():
            raise InputError(
                f"{path} can't be read: there is no such {'file' if path in files else 'folder'}"
            )
    if is_vhdl(files):
        verilog = _from_vhdl(files, module, generics or {})
        with scratch() as directory:
            write_text(directory / "made_of_vhdl.v", verilog)
            made = _linted(verilog, [str(directory / "made_of_vhdl.v")], module, ())
        # What is said there is said of GHDL's text, not of the user's.
        return Text(made.verilog)
    options = [f"-I{folder}" for folder in includes] + [f"-D{one}" for one in defines]
    verilog = _verilator(["-E", "-Wno-lint", "--pp-comments", *options, *map(str, files)])
    return _linted(verilog, [*options, *map(str, files)], module, waivers)


def _from_vhdl(files: Sequence[Path], module: str, generics: Mapping[str, int]) -> str:
    if shutil.which("ghdl") is None:
        raise InputError("VHDL needs GHDL: ghdl must be on PATH (Debian: package ghdl)")
    values = [f"-g{name}={value}" for name, value in generics.items()]
    command = ["ghdl", "--synth", "--std=08", "--out=verilog", *values, *map(str, files), "-e", module]
    return _said(command, {}, "ghdl")


def _linted(verilog: str, arguments: list[str], module: str, waivers: Sequence[str]) -> Text:
    """Return a text that no tool complains about again, and what the lint says of it once."""
    said = _verilator(["--lint-only", "-Wno-fatal", "--top-module", module, *arguments])
    warnings, rules = [], set(waivers)
    for found in _WARNING.finditer(said):
        if found[1] not in waivers:
            warnings.append(f"{found[1]}: {found[2]}")
        rules.add(found[1])
    off = "".join(f"/* verilator lint_off {rule} */\n" for rule in sorted(rules - _NEVER))
    on = "".join(f"/* verilator lint_on {rule} */\n" for rule in sorted(rules - _NEVER))
    return Text(f"{off}{verilog}\n{on}", tuple(dict.fromkeys(warnings)))


def _verilator(arguments: list[str]) -> str:
    """Run Verilator, and return what it prints."""
    environment = find("verilator").environment
    root = environment.get("VERILATOR_ROOT")
    program = f"{root}/bin/verilator_bin" if root else "verilator"
    return _said([program, *arguments], environment, "verilator")


def _said(command: list[str], environment: Mapping[str, str], tool: str) -> str:
    """Run a tool and return what it prints; if it fails, its first complaint is the user's error."""
    try:
        done = process.run(command, what=tool, seconds=_SECONDS, extra=environment)
    except (OSError, process.TimedOut) as error:
        raise InputError(f"{tool} can't be run: {error}") from None
    if done.code:
        lines = [line for line in done.said.splitlines() if "rror" in line]
        raise InputError(f"{tool}: {(lines or done.said.splitlines() or ['it failed'])[0].strip()}")
    return done.said
