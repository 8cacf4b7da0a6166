"""A population's area in the standard cells of a Liberty file, in gate equivalents: an estimate."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qlif.hdl.core import Core
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.fit import check_outputs
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError, worthless
from qlif.hdl.verilog import export
from qlif.model.exceptions import InputError
from qlif.model.support.files import write_text

LIBERTY = Path("/usr/share/qflow/tech/osu035/osu035_stdcells.lib")
"""The default: that of a package of Debian."""
PACKAGE = "qflow-tech-osu035"

_SCRIPT = """\
read_liberty -lib cells.lib
read_verilog block.v
synth -flatten -top {top} -run begin:fine
opt -full
techmap
opt
dfflibmap -liberty cells.lib
abc -liberty cells.lib
opt_clean -purge
write_json cells.json
"""
"""Between `coarse` and `fine` a memory is still one cell, which is left as it is."""

_MEMORY = "$mem_v2"
_CELL = re.compile(r'\bcell\s*\(\s*"?(\w+)"?\s*\)\s*\{')
_AREA = re.compile(r"\barea\s*:\s*([\d.eE+-]+)\s*;")
_SEQUENTIAL = re.compile(r"\bff\s*\(")
_NAND2 = re.compile(r"NAND2(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Library:
    """What is needed of a Liberty file.

    Attributes
    ----------
    name : str
    areas : dict of str to float
        Of its cells, in its own unit.
    flip_flops : frozenset of str
        Those that store a bit at an edge.
    nand2 : str
        The smallest NAND of two inputs: one gate equivalent.
    """

    name: str
    areas: dict[str, float]
    flip_flops: frozenset[str]
    nand2: str

    @classmethod
    def of(cls, text: str, where: str) -> "Library":
        """Read the text of a file that is called `where` in an error.

        Raises
        ------
        InputError
            It is none, or has no NAND of two inputs with an area.
        """
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        library = re.search(r'\blibrary\s*\(\s*"?(\w+)"?\s*\)', text)
        if library is None:
            raise InputError(f"{where} must be a Liberty file: it has no library")
        found = list(_CELL.finditer(text))
        ends = [*(one.start() for one in found[1:]), len(text)]
        areas: dict[str, float] = {}
        flip_flops = set()
        for one, end in zip(found, ends, strict=True):
            body = text[one.end() : end]
            if area := _AREA.search(body):
                areas[one[1]] = float(area[1])
            if _SEQUENTIAL.search(body):
                flip_flops.add(one[1])
        nands = [name for name, area in areas.items() if _NAND2.search(name) and area > 0]
        if not nands:
            raise InputError(f"{where} has no cell NAND2 with an area, which is one gate equivalent")
        return cls(library[1], areas, frozenset(flip_flops), min(nands, key=lambda name: areas[name]))


@dataclass(frozen=True)
class CellArea:
    """Area of one population in standard cells.

    Attributes
    ----------
    preset, library : str
    neurons, lanes : int
    gate_equivalents : int
        Area of all cells by that of a NAND of two inputs, without memories.
    flip_flops : int
        How many there are among the cells.
    memory_bits : int
        Bits of the memories, which aren't in the area: those of states, parameters and streams.
    cells : dict of str to int
        Every cell by its type.
    latency : int
        Clocks from a current to its update.
    notes : tuple of str
        What a reader of the figure should know.
    tools : dict of str to str
        Versions.
    """

    preset: str
    library: str
    neurons: int
    lanes: int
    gate_equivalents: int
    flip_flops: int
    memory_bits: int
    cells: dict[str, int]
    latency: int
    notes: tuple[str, ...]
    tools: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return every figure by its name, ready for JSON."""
        return {**vars(self), "notes": list(self.notes)}


def cell_area(core: Core, directory: Path, liberty: Path = LIBERTY) -> CellArea:
    """Map a population to standard cells.

    Parameters
    ----------
    core : Core
        In the portable variant.
    directory : Path
        Where Verilog, netlist and Yosys' log are left.
    liberty : Path, optional

    Raises
    ------
    InputError
        The file isn't there, or isn't one; the core is built of the cells of an FPGA; Yosys isn't installed.
    SynthesisError
        Yosys failed, or the netlist isn't the circuit that was described.
    """
    if core.primitives.target is not None:
        raise InputError("standard cells require --variant portable: the explicit one has cells of an FPGA")
    library, text = read_liberty(liberty)
    tools = {yowasp.YOSYS: yowasp.version(yowasp.YOSYS).split()[1]}
    made = export(core)
    module = made.interface.module
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / "block.v", made.verilog)
    # Yosys sees this directory only.
    write_text(directory / "cells.lib", text)
    write_text(directory / "cells.ys", _SCRIPT.format(top=module))
    try:
        log = yowasp.run(yowasp.YOSYS, ["-s", "cells.ys"], directory, "cells.yosys.log")
        netlist = Netlist(yowasp.read_json(directory / "cells.json"), module)
    except yowasp.ToolError as error:
        raise SynthesisError(str(error)) from None
    if warnings := worthless(log):
        raise SynthesisError(f"Yosys dropped part of the circuit ({len(warnings)} warnings): {warnings[0]}")
    check_outputs(netlist, core)
    if unknown := sorted(set(netlist.counts) - set(library.areas) - {_MEMORY}):
        raise SynthesisError(f"{library.name} has no {', '.join(unknown)}, which the netlist is made of")
    memories = [cell["parameters"] for cell in netlist.cells if cell["type"] == _MEMORY]
    area = sum(library.areas[name] * count for name, count in netlist.counts.items() if name != _MEMORY)
    return CellArea(
        preset=core.name,
        library=library.name,
        neurons=core.neurons,
        lanes=core.lanes,
        gate_equivalents=round(area / library.areas[library.nand2]),
        flip_flops=sum(netlist.counts[name] for name in library.flip_flops),
        memory_bits=sum(int(one["SIZE"], 2) * int(one["WIDTH"], 2) for one in memories),
        cells=dict(sorted(netlist.counts.items())),
        latency=made.interface.latency,
        notes=(
            f"an estimate: the area of the cells of {library.name} by that of {library.nand2}; no wires, clock tree "
            "or scan chain",
            "memories are counted in bits and not in the area: with cells they would be flip-flops",
            "no Fmax: nothing is placed or timed",
        ),
        tools=tools,
    )


def read_liberty(liberty: Path) -> tuple[Library, str]:
    """Return what is needed of a Liberty file, and its text.

    Raises
    ------
    InputError
        It isn't there, or isn't one.
    """
    if liberty == LIBERTY and not liberty.exists():
        raise InputError(
            f"{liberty} is not installed: apt install {PACKAGE}, or choose another Liberty file with --liberty"
        )
    try:
        text = liberty.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{liberty} can't be read: {error.strerror}") from None
    return Library.of(text, str(liberty)), text
