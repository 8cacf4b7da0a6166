"""A component as Verilog that every tool reads alike: plain names, no implicit events, nothing of this machine."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from amaranth.back import rtlil  # type: ignore[attr-defined]
from amaranth.hdl import Value

from qlif.hdl import builtin_yosys
from qlif.hdl.verilog_names import reserved_in

_ATTRIBUTES = ("generator", "top", "src", "amaranth.hierarchy", "amaranth.decoding")
"""What Amaranth notes for itself, and for whoever sits at this machine."""

_SCRIPT = """
read_rtlil <<rtlil
{rtlil}
rtlil
# To its end, so that no `always @*` is left: such a block waits for an event at time 0 that may never come.
proc -norom
memory_collect
# Fields of signals have names of their own that nothing reads. Those that a proof looks up stay.
opt_clean -purge
attrmap -remove keep
attrmap {removed}
attrmap -modattr {removed}
write_verilog {file}
"""
_FILE = "text.v"

_DECLARED = re.compile(
    r"^\s*(?:module|wire|memory|cell \S+)(?: (?:width|size|offset|input|output|signed|\d+))* +\\(\S+)"
)
_IDENTIFIER = re.compile(r"(?<=\\)\S+")


def verilog_text(
    component: Any, module: str, ports: Iterable[Value], kept: Collection[str] = frozenset()
) -> str:
    """Return a component with the given signals as its ports as Verilog.

    Parameters
    ----------
    component : Elaboratable
    module : str
        Name of the top module.
    ports : iterable of Value
    kept : collection of str
        Names of signals, in any module, that stay though nothing reads them.
    """
    text = _with_plain_names(rtlil.convert(component, name=module, ports=list(ports), emit_src=False), kept)
    removed = " ".join(f"-remove {attribute}" for attribute in _ATTRIBUTES)
    body = _body(_SCRIPT.format(rtlil=text, removed=removed, file=_FILE))
    # Yosys signs its output with its version, which says nothing about the circuit.
    # Registers keep their values in their declarations: these are there before any edge of a clock, at time 0 too.
    return re.sub(r"\A/\*.*?\*/\n*", "", body, flags=re.DOTALL)


@lru_cache(maxsize=64)
def _body(script: str) -> str:
    """Return what Yosys writes; who exports the same circuit again in one process doesn't wait for it again."""
    return builtin_yosys.run(script, _FILE)


def _with_plain_names(text: str, kept: Collection[str]) -> str:
    """Return RTLIL whose names are simple identifiers that no language reserves, and say which are kept."""
    lines = text.splitlines(keepends=True)
    plain = _plain_names({match[1] for match in map(_DECLARED.match, lines) if match})
    written = []
    for line in lines:
        if line.lstrip().startswith(("attribute", "parameter")):
            written.append(line)
            continue
        declared = _DECLARED.match(line)
        if declared and declared[1].partition("$")[0] in kept and line.lstrip().startswith("wire"):
            written.append("attribute \\keep 1\n")
        written.append(_IDENTIFIER.sub(lambda match: plain.get(match[0], match[0]), line))
    return "".join(written)


def _plain_names(declared: set[str]) -> dict[str, str]:
    """Return a new name for each that isn't a simple identifier or is reserved; all stay different."""
    plain, taken = {}, set(declared)
    for name in sorted(declared):
        wanted = re.sub(r"\W", "_", name, flags=re.ASCII)
        wanted = f"{wanted}_net" if reserved_in(wanted) else wanted
        if wanted == name:
            continue
        unique, count = wanted, 2
        while unique in taken:
            unique, count = f"{wanted}_{count}", count + 1
        taken.add(unique)
        plain[name] = unique
    return plain
