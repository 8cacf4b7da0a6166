"""Where the lines of one text of a user's files come from, and where a module in it isn't ended."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

_DIRECTIVE = re.compile(r'^[ \t]*`line[ \t]+(\d+)[ \t]+"([^"\n]*)"[^\n]*$', re.MULTILINE)
_COMMENT_OF_GHDL = re.compile(r"^[ \t]*/\* (.+):(\d+):\d+ +\*/$", re.MULTILINE)
_ASSIGNED = re.compile(r"^ *(?:assign )?(\w+) <?= (\w*)", re.MULTILINE)
_MODULE = re.compile(
    r'//[^\n]*|/\*.*?\*/|`line[^\n]*|"(?:\\.|[^"\\\n])*"|\\\S+|(?P<end>\bendmodule\b)|'
    r"\b(?:macro)?module\s+(?:automatic\s+|static\s+)?(?P<name>\\\S+|\w+)",
    re.DOTALL,
)


class _Stretch(NamedTuple):
    """Lines from one on that come from a file."""

    begin: int
    file: str
    line: int
    counts: bool
    """Each line comes from the one after; not where GHDL made them of one."""


class Lines:
    """Which file each line of a text comes from, by its ```line`` directives, or by GHDL's comments.

    Parameters
    ----------
    text : str

    Attributes
    ----------
    plain : str
        The text without the directives: tools then count its own lines.
    """

    def __init__(self, text: str) -> None:
        self.plain = _DIRECTIVE.sub("", text)
        found = [
            _Stretch(_number(text, m.end()) + 1, m[2], int(m[1]), True) for m in _DIRECTIVE.finditer(text)
        ]
        found = found or [
            _Stretch(_number(text, m.end()) + 1, m[1], int(m[2]), False)
            for m in _COMMENT_OF_GHDL.finditer(text)
        ]
        self._stretches, self._begins = found, [one.begin for one in found]
        # GHDL declares everything in front, of no place.
        self._assigned = {m[1]: (_number(text, m.start()), m[2]) for m in _ASSIGNED.finditer(text)}

    def place(self, line: int, signal: str = "") -> str:
        """Return the place that a line comes from, as ``file:line``; of a text without files ``line N``.

        Where the line has none, it is that of the assignment to a signal.
        """
        at = bisect_right(self._begins, line) - 1
        if at < 0 and self._begins and signal in self._assigned:
            # A port may be assigned in front too: then it is what drives it.
            assigned, driver = self._assigned[signal]
            return self.place(assigned, driver if assigned < self._begins[0] else "")
        if at < 0:
            return f"line {line}"
        stretch = self._stretches[at]
        return f"{stretch.file}:{stretch.line + (line - stretch.begin if stretch.counts else 0)}"

    def places(self, lines: Iterable[int]) -> tuple[str, ...]:
        """Return the places in files of some lines; an adapter, which stands before the files, has none."""
        return tuple(self.place(line) for line in lines if bisect_right(self._begins, line))


def not_ended(text: str) -> str:
    """Return which module of a Verilog text has no ``endmodule``, with file and line; empty if each has.

    Tools tell it where they give up, which may be in another file.
    """
    lines, inside, begun = Lines(text), "", 0
    for found in _MODULE.finditer(text):
        if found["end"]:
            inside = ""
        elif found["name"]:
            if inside:
                return _unended(lines, text, inside, begun, found.start())
            inside, begun = found["name"].removeprefix("\\"), found.start()
    return _unended(lines, text, inside, begun, len(text)) if inside else ""


def _unended(lines: Lines, text: str, module: str, begun: int, end: int) -> str:
    """Return what is said of a module, at the last line of its file in which it could have been ended."""
    first = lines.place(_number(text, begun))
    file = first.rpartition(":")[0]
    written = [
        n for n, line in enumerate(text[:end].splitlines(), 1) if line.strip() and line.strip()[0] != "`"
    ]
    last = next(place for n in reversed(written) if (place := lines.place(n)).rpartition(":")[0] == file)
    return f"{last}: module {module}, which begins in line {re.split('[: ]', first)[-1]}, has no endmodule"


def _number(text: str, offset: int) -> int:
    """Return the number of the line that a place of a text is in."""
    return text.count("\n", 0, offset) + 1
