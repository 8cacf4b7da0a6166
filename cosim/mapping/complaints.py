"""What Yosys has against a user's text, with the user's file and line where it says none."""

import re
from collections.abc import Iterator

from qlif.cosim.mapping.lines import Lines, not_ended
from qlif.hdl import probes
from qlif.hdl.synthesis.yowasp import ToolError

_WHERE = re.compile(r"\S+:\d+: ")
_NO_MODULE = re.compile(r"Module `\\(\S+)' referenced in module")
_PROCESS = re.compile(r"\$proc\$(.+?:\d+)\$")
_LATCH = re.compile(
    r"^ *attribute \\src \"([^\"|]*)[^\n]*\n *cell \$\w+ [^\n]*\n(.*?)^ *end$", re.MULTILINE | re.DOTALL
)

LATCHES = "t:$dlatch t:$adlatch t:$dlatchsr t:$sr"
"""What Yosys calls them."""

NO_LATCH = "a latch: give it a value in every branch, or a clock"
NO_TRISTATE = "z of a tristate: use a multiplexer in its place"


def complaint(error: ToolError, text: str, log: str) -> str:
    """Return why Yosys stopped at a text.

    Parameters
    ----------
    error : ToolError
    text : str
        What it read.
    log : str
        What it said on the way.
    """
    reason = str(error).partition("; its log is")[0].partition("failed: ")[2]
    if "syntax error" in reason and (said := not_ended(text)):
        return f"{said} ({reason})"
    if _WHERE.match(reason):
        return reason
    if missing := _NO_MODULE.match(reason):
        used = re.search(rf"\b{re.escape(missing[1])}\s+[#\w\\]", text)
        return f"{Lines(text).place(text.count(chr(10), 0, used.start()) + 1)}: {reason}" if used else reason
    if (processes := _PROCESS.findall(log.rpartition("Executing PROC")[2])) and reason:
        return f"{processes[-1]}: {reason}"
    return reason


def checked(log: str) -> list[str]:
    """Return what Yosys' command ``check`` found, which tells it as warnings, and only their number as an error."""
    found = []
    for block in re.split(r"^Warning: ", log.rpartition("Executing CHECK")[2], flags=re.MULTILINE)[1:]:
        first = block.partition("\n")[0]
        wires = [own_name(wire) for wire in re.findall(r"^ +wire (\S+)", block, re.MULTILINE)]
        sources = [place_of(one) for one in re.findall(r"source: (\S+)", block)]
        if first.startswith("found logic loop"):
            first = (
                f"{sources[0] if sources else 'the module'}: a combinational loop through {', '.join(wires)}"
            )
        found.append(re.sub(r"\S+\.\\(\S+?):?(?= |$)", lambda name: own_name(name[1]), first).rstrip(":"))
    return found


def own_name(name: str) -> str:
    """Return a name of Yosys as the user wrote it."""
    return name.removeprefix("\\").removeprefix(f"{probes.CORE}.")


def place_of(src: str) -> str:
    """Return the first place of an attribute of Yosys, as ``file:line``."""
    return re.sub(r"\.\d+-[\d.]+$", "", src.partition("|")[0])


def latches(dump: str) -> Iterator[str]:
    """Give each latch that Yosys dumped, by place and name."""
    for src, cell in _LATCH.findall(dump):
        name = re.search(r"connect \\Q (.*)", cell)
        yield f"{place_of(src)}: {own_name(name[1]) if name else 'it'} is {NO_LATCH}"
