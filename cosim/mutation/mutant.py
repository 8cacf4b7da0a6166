"""A fault in a netlist of word-level cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qlif.hdl import probes

MODES = {
    "inv": "inverted",
    "const0": "stuck at 0",
    "const1": "stuck at 1",
    "cnot0": "inverted where another bit of the port is 0",
    "cnot1": "inverted where another bit of the port is 1",
}

_CLOCKS = frozenset({"CLK", "RD_CLK", "WR_CLK"})


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes
    ----------
    number : int
        What the selector has to be.
    mode : str
        A name in :data:`MODES`.
    cell, port, bit : str, str, int
        Where it sits: a pin of a word-level cell.
    net : str
        The net there; the cell's name if the pin is on none.
    lines : tuple of int
        Lines of the exported Verilog that it comes from.
    raw_cell : str
        The cell, as Yosys' JSON names it.
    control : int, optional
        The other bit of the port, where it decides.
    places : tuple of str
        The lines in somebody else's own files, as ``file:line``; none in this project's text.
    """

    number: int
    mode: str
    cell: str
    port: str
    bit: int
    net: str
    lines: tuple[int, ...]
    raw_cell: str
    control: int | None = None
    places: tuple[str, ...] = ()

    @classmethod
    def parse(cls, number: int, line: str) -> "Mutant":
        """Return the fault that a line of ``mutate -list`` says."""
        words = line.split()[1:]
        options = list(zip(words[::2], words[1::2], strict=True))
        said = {name.removeprefix("-"): value for name, value in options}
        lines = sorted({int(n) for name, value in options if name == "-src" for n in _source_lines(value)})
        cell = said["cell"].replace("$flatten", "").replace("\\", "")
        net = said.get("wire", cell).removeprefix("\\")
        port, bit = said["port"], int(said["portbit"])
        raw = said["cell"].removeprefix("\\")
        control = int(said["ctrlbit"]) if "ctrlbit" in said else None
        return cls(number, said["mode"], cell, port, bit, net, tuple(lines), raw, control)

    @property
    def plantable(self) -> bool:
        """Whether it is a fault of the circuit.

        Not one of a clock, of a memory's first contents, or of the enable of a read without a clock, which is
        no pin.
        """
        enable = "$memrd" in self.cell and self.port == "EN"
        return self.port not in _CLOCKS and "$meminit" not in self.cell and not enable

    @property
    def in_core(self) -> bool:
        """Whether it sits in the core, not in what is around it."""
        return self.cell.startswith(f"{probes.CORE}.")

    def as_dict(self) -> dict[str, Any]:
        """Return what a report says of it."""
        return {
            "mutant": self.number,
            "mode": self.mode,
            "cell": self.cell,
            "port": self.port,
            "bit": self.bit,
            "net": self.net,
            "lines": list(self.lines),
            **({"places": list(self.places)} if self.places else {}),
        }


def _source_lines(source: str) -> Sequence[str]:
    """Return the first line of each place that Yosys' source attribute names."""
    return re.findall(r":(\d+)(?:\.\d+)?(?:-\d+(?:\.\d+)?)?(?:\||$)", source)
