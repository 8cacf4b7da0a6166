"""A population's netlist with many faults, one of which a selector enables."""

import random
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qlif.cosim.mapping.lines import Lines
from qlif.hdl import probes
from qlif.hdl.interface import Mapped
from qlif.hdl.synthesis import yowasp
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.support.scratch import scratch

SELECTOR = "mutant"
"""The input that turns a fault on, by its number; 0 is the circuit as it was."""

MODES = {
    "inv": "inverted",
    "const0": "stuck at 0",
    "const1": "stuck at 1",
    "cnot0": "inverted where another bit of the port is 0",
    "cnot1": "inverted where another bit of the port is 1",
}

_SOURCE, _READ, _MUTATED = "export.v", "netlist.il", "mutated.v"
_FRONT_END = "read_verilog -sv {source}; hierarchy -check -top {module}; proc; flatten; opt_clean; "
_CLOCKS = frozenset({"CLK", "RD_CLK", "WR_CLK"})
_APPLIED = ("mode", "module", "cell", "port", "portbit", "ctrlbit")


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
    places : tuple of str
        The same in somebody else's own files, as ``file:line``; none in this project's text.
    arguments : tuple of str
        Arguments of Yosys' command ``mutate``.
    """

    number: int
    mode: str
    cell: str
    port: str
    bit: int
    net: str
    lines: tuple[int, ...]
    arguments: tuple[str, ...]
    places: tuple[str, ...] = ()

    @classmethod
    def parse(cls, number: int, line: str) -> "Mutant":
        """Return the fault that a line of ``mutate -list`` says."""
        words = line.split()[1:]
        options = list(zip(words[::2], words[1::2], strict=True))
        said = {name.removeprefix("-"): value for name, value in options}
        lines = sorted({int(n) for name, value in options if name == "-src" for n in _source_lines(value)})
        arguments = [word for key in _APPLIED if key in said for word in (f"-{key}", said[key])]
        cell = said["cell"].replace("$flatten", "").replace("\\", "")
        net = said.get("wire", cell).removeprefix("\\")
        port, bit = said["port"], int(said["portbit"])
        return cls(number, said["mode"], cell, port, bit, net, tuple(lines), tuple(arguments))

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


@dataclass(frozen=True)
class MutatedNetlist:
    """Verilog with faults behind a selector, and which they are."""

    verilog: Path
    mutants: tuple[Mutant, ...]


def plant(export: Export, count: int, seed: int, directory: Path) -> MutatedNetlist:
    """Plant faults in an exported population, as Yosys reads it, word for word.

    Of somebody else's core, faults are planted in the core, not in its adapter.

    Parameters
    ----------
    export : Export
        The population.
    count : int
        How many faults, drawn evenly over cells, nets and source lines.
    seed : int
        Of the drawing.
    directory : Path
        Where the files are written.

    Raises
    ------
    InputError
        It hasn't that many places for a fault; or Yosys isn't installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    text = Lines(export.verilog)
    # Lines count in the text that is kept.
    (directory / _SOURCE).write_text(text.plain, encoding="utf-8")
    module = export.interface.module
    front_end = _FRONT_END.format(source=_SOURCE, module=module)
    # Pins that are no place for a fault come in the list too: it is drawn long enough to leave them out.
    drawn = 2 * count + 1000
    script = f"{front_end} write_rtlil {_READ}; mutate -list {drawn} -seed {seed} -o list.txt"
    yowasp.run(yowasp.YOSYS, ["-q", "-p", script], directory, "list.log", extra="proof")
    lines = (directory / "list.txt").read_text(encoding="utf-8").splitlines()
    places = [line for line in lines if _is_place(Mutant.parse(0, line), export.interface.mapped)]
    if len(places) < count:
        raise InputError(f"--count must be at most {len(places)}, the places for a fault, not {count}")
    chosen = sorted(random.Random(seed).sample(range(len(places)), count))
    mutants = tuple(Mutant.parse(number, places[place]) for number, place in enumerate(chosen, start=1))
    if export.interface.mapped is not None:
        mutants = tuple(replace(mutant, places=tuple(map(text.place, mutant.lines))) for mutant in mutants)
    width = count.bit_length()
    commands = [f"read_rtlil {_READ}", *(_planting(mutant, width) for mutant in mutants)]
    commands += ["opt_clean", f"write_verilog -noattr {_MUTATED}"]
    (directory / "plant.ys").write_text("\n".join(commands) + "\n", encoding="utf-8")
    yowasp.run(yowasp.YOSYS, ["-q", "-s", "plant.ys"], directory, "plant.log", extra="proof")
    return MutatedNetlist(directory / _MUTATED, mutants)


def alone(netlist: MutatedNetlist, number: int) -> str:
    """Return Verilog with one fault, which is always on: with the others behind their selector it is long."""
    (mutant,) = (mutant for mutant in netlist.mutants if mutant.number == number)
    planting = f"read_rtlil {_READ}; mutate {' '.join(mutant.arguments)}"
    script = f"{planting}; opt_clean; write_verilog -noattr {_MUTATED}"
    with scratch() as directory:
        shutil.copyfile(netlist.verilog.with_name(_READ), directory / _READ)
        yowasp.run(
            yowasp.YOSYS,
            ["-q", "-p", script],
            directory,
            "plant.log",
            extra="proof",
        )
        return (directory / _MUTATED).read_text(encoding="utf-8")


def _is_place(mutant: Mutant, mapped: Mapped | None) -> bool:
    """Return whether a fault can be planted there.

    A fault at a register's output takes its initial value away, which a core without a reset needs.
    """
    if mapped is None:
        return mutant.plantable
    return mutant.plantable and mutant.in_core and (mapped.resets or mutant.port != "Q")


def _planting(mutant: Mutant, width: int) -> str:
    return f"mutate -ctrl {SELECTOR} {width} {mutant.number} {' '.join(mutant.arguments)}"


def _source_lines(source: str) -> Sequence[str]:
    """Return the first line of each place that Yosys' source attribute names."""
    return re.findall(r":(\d+)(?:\.\d+)?(?:-\d+(?:\.\d+)?)?(?:\||$)", source)
