"""What each tool reads of one Verilog text: a simulator, and Yosys, by which the proof goes.

Macros make one text differ by its reader (```ifdef VERILATOR``), and so do comments that only Yosys heeds
(``synopsys translate_off``). A view is the text behind the tool's own preprocessor, as tokens.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

from qlif.cosim.mapping.sources import run_tool, run_verilator
from qlif.cosim.simulator.find import SimulatorName
from qlif.hdl.synthesis import yowasp
from qlif.model.exceptions import InputError
from qlif.model.support.files import write_text
from qlif.model.support.scratch import scratch

YOSYS = "yosys"
_FILE, _LOG = "design.v", "yosys.log"
_SHOWN = 6
_DUMP = re.compile(r"-- Verilog code after preprocessor --\n(.*)\n-- END OF DUMP --", re.DOTALL)

# Directives that change neither what is compiled nor, in a text that every tool reads, what it means.
_HARMLESS = (
    r"`(?:timescale\s+\d+\s*[munpf]?s\s*/\s*\d+\s*[munpf]?s|default_nettype\s+\w+|line\s+\d+\s+\"[^\"\n]*\"\s+\d|"
    r"file_push\s+\"[^\"\n]*\"|(?:file_pop|celldefine|endcelldefine|resetall)\b)"
)
_TOKEN = re.compile(
    rf"(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<skipped>{_HARMLESS})|"
    r'(?P<token>"(?:\\.|[^"\\])*"|\\\S+|`?[\w$]+|\S)',
    re.DOTALL,
)
# As Yosys' lexer has them, which is strict about the first two and lax about the others.
_OFF = re.compile(r"(?://|/\*)[ \t]*(?:synopsys|synthesis)[ \t]*translate_off[ \t]*(?:\*/)?")
_ON = re.compile(r"(?://|/\*)[ \t]*(?:synopsys|synthesis)[ \t]*translate_on[ \t]*(?:\*/)?")
_CASE = re.compile(r"(?://|/\*)[ \t]*(?:synopsys|synthesis)[ \t].*?\b(full_case|parallel_case)\b", re.DOTALL)


@dataclass(frozen=True)
class Views:
    """What the tools read of a text.

    Attributes
    ----------
    sha256 : mapping of str to str
        Of each tool's tokens, joined by spaces.
    difference : str
        In words, where a simulator's view isn't Yosys'; empty if there is no difference.
    macros : bool
        Whether the text has what tools may read differently, so that there is something to compare.
    """

    sha256: Mapping[str, str]
    difference: str = ""
    macros: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return everything by its name, ready for JSON."""
        return {"sha256": dict(self.sha256), "difference": self.difference or None}


def read_views(verilog: str, simulators: Sequence[SimulatorName]) -> Views:
    """Return what Yosys and some simulators read of a text; the tools run only if it has macros.

    Raises
    ------
    InputError
        A tool can't read it, or isn't installed.
    """
    plain = list(_tokens(verilog))
    macros = any("`" in token and not token.startswith('"') for token in plain)
    proved = list(_yosys_tokens(_yosys(verilog) if macros else verilog))
    hashes, difference = {YOSYS: _sha256(proved)}, ""
    for name in simulators:
        seen = list(_tokens(_preprocessed(verilog, name))) if macros else plain
        hashes[name] = _sha256(seen)
        if seen != proved and not difference:
            difference = _difference(seen, proved, name)
    return Views(hashes, difference, macros or proved != plain)


def origin(files: Iterable[Path], views: Views | None) -> dict[str, Any]:
    """Return which text a result is about, ready for JSON; without views, it is this project's own."""
    return {"files_sha256": files_sha256(files), "views": None if views is None else views.as_dict()}


def origin_rows(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the same for a reader."""
    rows = {f"SHA-256 of {file}": digest for file, digest in facts["files_sha256"].items()}
    if (views := facts["views"]) is not None:
        rows |= {f"SHA-256 of what {tool} reads": digest for tool, digest in views["sha256"].items()}
        rows |= {} if views["difference"] is None else {"the tools read different texts": views["difference"]}
    return rows


def files_sha256(files: Iterable[Path]) -> dict[str, str]:
    """Return the hash of each file, as ``sha256sum`` prints it."""
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _tokens(verilog: str) -> Iterator[str]:
    for found in _TOKEN.finditer(verilog):
        if found.lastgroup == "token":
            yield found[0]


def _yosys_tokens(verilog: str) -> Iterator[str]:
    """Give the tokens that Yosys doesn't pass over, and the comments that it heeds."""
    heard = True
    for found in _TOKEN.finditer(verilog):
        match found.lastgroup:
            case "comment":
                if heard and (case := _CASE.match(found[0])):
                    yield f"/* {case[1]} */"
                heard = not _OFF.fullmatch(found[0]) if heard else bool(_ON.fullmatch(found[0]))
            case "token" if heard:
                yield found[0]


def _yosys(verilog: str) -> str:
    """Return the text behind Yosys' preprocessor, which it logs even if it can't read the result."""
    with scratch() as directory:
        write_text(directory / _FILE, verilog)
        try:
            yowasp.run(
                yowasp.YOSYS, ["-p", f"read_verilog -sv -ppdump {_FILE}"], directory, _LOG, extra="proof"
            )
            failure = ""
        except yowasp.ToolError as error:
            failure = str(error).partition("; its log is")[0]
        dump = _DUMP.search((directory / _LOG).read_text(encoding="utf-8", errors="replace"))
    if dump is None:
        raise InputError(failure or "Yosys shows nothing of the Verilog")
    return dump[1]


def _preprocessed(verilog: str, simulator: SimulatorName) -> str:
    """Return the text behind a simulator's preprocessor."""
    with scratch() as directory:
        write_text(directory / _FILE, verilog)
        match simulator:
            case SimulatorName.VERILATOR:
                return run_verilator(["-E", "-Wno-lint", str(directory / _FILE)])
            case SimulatorName.ICARUS:
                made = directory / "made.v"
                run_tool(
                    ["iverilog", "-g2012", "-E", "-o", str(made), str(directory / _FILE)], {}, "iverilog"
                )
                return made.read_text(encoding="utf-8")
            case SimulatorName.GHDL:
                raise InputError("simulator ghdl reads no Verilog")
            case unknown:
                assert_never(unknown)


def _difference(simulated: list[str], proved: list[str], simulator: SimulatorName) -> str:
    first = next(
        (at for at, (one, other) in enumerate(zip(simulated, proved, strict=False)) if one != other),
        min(len(simulated), len(proved)),
    )
    shown = slice(max(0, first - 2), first + _SHOWN)
    return (
        f"{simulator} reads {' '.join(simulated[shown])!r} where Yosys reads {' '.join(proved[shown])!r}: "
        "a macro or a comment hides code from one of them"
    )


def _sha256(tokens: list[str]) -> str:
    return hashlib.sha256(" ".join(tokens).encode()).hexdigest()
