"""A netlist as Yosys writes it, and what makes its figures worthless."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from qlif.hdl.target import Cell, Target
from qlif.model.exceptions import ToolError

_WORTHLESS = ("Driver-driver conflict", "has no driver", "multiple conflicting drivers", "Found logic loop")
"""Warnings after which Yosys continues with a different circuit."""


class SynthesisError(ToolError):
    """The tools gave an untrustworthy result, or none; the text is one line."""


class Netlist:
    """One flat module of technology cells.

    Parameters
    ----------
    document : mapping
        The content of a file that ``write_json`` wrote.
    module : str
    """

    def __init__(self, document: Mapping[str, Any], module: str) -> None:
        self.module: Mapping[str, Any] = document["modules"][module]
        self.cells: list[Cell] = list(self.module["cells"].values())
        self.counts = Counter(str(cell["type"]) for cell in self.cells)

    def luts(self, target: Target) -> int:
        """Return the number of LUTs."""
        return sum(self.counts[cell] * each for cell, each in target.luts.items())

    def flip_flops(self, target: Target) -> int:
        """Return the number of flip-flops outside DSP blocks and memories."""
        return self._beginning(target.flip_flops)

    def multipliers(self, target: Target) -> int:
        """Return the number of DSP blocks."""
        return self._beginning((target.multiplier,) if target.multiplier else ())

    def memories(self, target: Target) -> int:
        """Return the number of block RAMs."""
        return self._beginning((target.memory,))

    def _beginning(self, names: tuple[str, ...]) -> int:
        return sum(count for cell, count in self.counts.items() if cell.startswith(names))

    def lost_outputs(self, constant: Iterable[str] = ()) -> list[str]:
        """Return the output ports that no gate drives.

        Parameters
        ----------
        constant : iterable of str
            Ports that are rightly constant.
        """
        driven = {
            bit
            for cell in self.cells
            for port, direction in cell["port_directions"].items()
            if direction in ("output", "inout")
            for bit in cell["connections"][port]
        }
        # Wires from input to output would be driven too.
        driven |= {bit for port in self._ports("input").values() for bit in port["bits"]}
        lost = []
        for name, port in self._ports("output").items():
            bits = port["bits"]
            undriven = [bit for bit in bits if bit not in driven and bit not in ("0", "1")]
            if undriven or (name not in constant and all(isinstance(bit, str) for bit in bits)):
                lost.append(name)
        return lost

    def _ports(self, direction: str) -> dict[str, Any]:
        return {name: port for name, port in self.module["ports"].items() if port["direction"] == direction}


def worthless(log: str) -> list[str]:
    """Return the warnings in Yosys' log after which its netlist is a different circuit."""
    return [
        line.strip()
        for line in log.splitlines()
        if "warning" in line.lower() and any(sign in line for sign in _WORTHLESS)
    ]
