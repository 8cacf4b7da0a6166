"""Lines, branches and bits of the exported Verilog, as Verilator counts them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from qlif.model.exceptions import InputError

KINDS = ("line", "branch", "toggle")
RISES, FALLS = "rises", "falls"
_EDGES = {"0->1": RISES, "1->0": FALLS}
_ESCAPED = re.compile(r"__0([0-9a-fA-F]{2})")


class Point(NamedTuple):
    """Something that a run can reach.

    Attributes
    ----------
    kind : {"line", "branch", "toggle"}
    line : int
        Of the Verilog.
    signal : str
        Of a toggle: the signal, with the instances that it is in.
    bit : int
        Of a toggle: which one; 0 of a single wire.
    what : str
        Of a toggle: ``rises`` or ``falls``; of a branch: which one, as Verilator calls it.
    """

    kind: str
    line: int
    signal: str
    bit: int
    what: str

    @property
    def name(self) -> str:
        """What a report calls it."""
        return self.named(f"line {self.line}")

    def named(self, place: str, within: str = "") -> str:
        """Return what it is called where its line is another place, and signals are those of an instance."""
        if self.kind == "toggle":
            return f"{self.signal.removeprefix(f'{within}.')}[{self.bit}] {self.what}"
        return f"{place} {self.what}".rstrip()


def read(file: Path, instance: str = "") -> Counter[Point]:
    """Return how often each point was reached, from a file that a simulation of Verilator left.

    Parameters
    ----------
    file : Path
    instance : str
        Only points in it and what it instantiates; all if none is given.

    Raises
    ------
    ValueError
        It isn't one.
    InputError
        It is of a Verilator that counts both edges of a bit together.
    """
    counts: Counter[Point] = Counter()
    for text in file.read_text(encoding="latin-1").splitlines():
        if text.startswith("C "):
            described, _, count = text[3:].rpartition("' ")
            fields = dict(field.split("\x02", 1) for field in described.split("\x01")[1:])
            _, _, instances = fields["h"].partition(".")
            if f"{instances}.".startswith(f"{instance}." if instance else ""):
                counts[_point(fields, instances)] += int(count)
    if not counts:
        raise ValueError(f"{file} holds no coverage")
    return counts


def merged(runs: Iterable[Counter[Point]]) -> Counter[Point]:
    """Return how often each point was reached in all runs together."""
    total: Counter[Point] = Counter()
    for counts in runs:
        # Counter's own addition drops what was never reached.
        total.update(counts)
    return total


def _point(fields: Mapping[str, str], instances: str) -> Point:
    kind = fields["page"].partition("/")[0].removeprefix("v_")
    line, what = int(fields["l"]), fields["o"]
    if kind != "toggle":
        return Point(kind, line, "", 0, "" if kind == "line" else f"{what}, place {fields['n']}")
    signal, _, edge = what.rpartition(":")
    if edge not in _EDGES:
        raise InputError(
            "coverage needs Verilator 5.48 or newer: this one doesn't distinguish rising from falling edges"
        )
    name, bit = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", signal).groups()  # type: ignore[union-attr]
    parts = [*([instances] if instances else []), _ESCAPED.sub(lambda code: chr(int(code[1], 16)), name)]
    return Point(kind, line, ".".join(parts), int(bit or 0), _EDGES[edge])
