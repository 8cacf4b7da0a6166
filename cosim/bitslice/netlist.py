"""Verilog as three-input tables, flip-flops and memories, which is what a bit-sliced simulation computes."""

import importlib.resources
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qlif.hdl.interface import CLOCK
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.verilog import Export
from qlif.hdl.verilog_names import check_identifier
from qlif.model.exceptions import InputError
from qlif.model.support.scratch import scratch

ZERO, ONE, UNKNOWN = -1, -2, -3
"""Constant bits, beside the numbers of wires."""

_CONSTANTS = {"0": ZERO, "1": ONE, "x": UNKNOWN, "z": UNKNOWN}

_SCRIPT = """
hierarchy -check -top {top}; proc; flatten; opt -full; wreduce; peepopt; opt_clean; alumacc; share; opt
memory_collect; async2sync; opt -full -nodffe -nosdff
maccmap -unmap; alumacc; maccmap; alumacc; opt_clean
techmap -map ripple_carry.v -map +/techmap.v t:$mul t:$alu t:$lcu t:$fa t:$macc t:$macc_v2 %u %u %u %u %u
alumacc; maccmap; alumacc; techmap -map ripple_carry.v -map +/techmap.v
simplemap; opt -nodffe -nosdff; dffunmap; simplemap; opt -full -nodffe -nosdff
simplemap; abc -lut 3; opt -full -nodffe -nosdff; clean -purge
write_json netlist.json
"""
"""Carries one after another and multipliers as trees of adders: the fewest tables, as there are no delays to win."""


@dataclass(frozen=True)
class Table:
    """A function of up to three bits.

    Attributes
    ----------
    inputs : tuple of int
        Bits, the one that counts least first.
    truth : int
        Bit i is the value where the inputs are i.
    output : int
    """

    inputs: tuple[int, ...]
    truth: int
    output: int


@dataclass(frozen=True)
class FlipFlop:
    """One bit that takes its input at the rising edge of the clock; its first value may be unknown (None).

    Its lines are those of the text that it comes from, if Yosys knows.
    """

    data: int
    output: int
    initial: int | None
    name: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class WritePort:
    """A port that writes at the rising edge of the clock, each bit by its own enable."""

    address: tuple[int, ...]
    data: tuple[int, ...]
    enable: tuple[int, ...]


@dataclass(frozen=True)
class ReadPort:
    """A port that reads without a clock."""

    address: tuple[int, ...]
    data: tuple[int, ...]


@dataclass(frozen=True)
class Memory:
    """Rows of bits.

    Attributes
    ----------
    name : str
    width, size : int
    initial : str
        First values, ``0``, ``1`` or ``x`` each; row by row, the bit that counts least first.
    reads : tuple of ReadPort
    writes : tuple of WritePort
        A later one wins.
    lines : tuple of int
        As of a flip-flop.
    """

    name: str
    width: int
    size: int
    initial: str
    reads: tuple[ReadPort, ...]
    writes: tuple[WritePort, ...]
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class SliceNetlist:
    """A module with one clock.

    Attributes
    ----------
    inputs, outputs : dict of str to tuple of int
        The ports' bits, the one that counts least first, without the clock.
    tables : tuple of Table
        Each after those that it needs.
    flip_flops : tuple of FlipFlop
    memories : tuple of Memory
    names : dict of int to str
        Of the wires that have one.
    """

    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]
    tables: tuple[Table, ...]
    flip_flops: tuple[FlipFlop, ...]
    memories: tuple[Memory, ...]
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def wires(self) -> tuple[int, ...]:
        """Every bit that is driven: inputs, flip-flops, what memories read, tables."""
        inputs = [bit for bits in self.inputs.values() for bit in bits]
        read = [bit for memory in self.memories for port in memory.reads for bit in port.data]
        driven = (
            *inputs,
            *(each.output for each in self.flip_flops),
            *read,
            *(t.output for t in self.tables),
        )
        return tuple(bit for bit in driven if bit >= 0)


def export_netlist(export: Export) -> SliceNetlist:
    """Return the netlist of an export, its multipliers and block RAMs by our models.

    Raises
    ------
    InputError
        As :func:`slice_netlist`.
    """
    cells = [model.read_text(encoding="utf-8") for model in models_of(export)]
    return slice_netlist(export.verilog, export.interface.module, cells)


def slice_files(verilog: Path, module: str, cells: Iterable[Path]) -> SliceNetlist:
    """Return a netlist that was mapped, with the models of its cells; errors as :func:`slice_netlist`."""
    text, *models = (file.read_text(encoding="utf-8") for file in (verilog, *cells))
    return slice_netlist(text, module, models)


def slice_netlist(verilog: str, module: str, cells: Sequence[str] = ()) -> SliceNetlist:
    """Return the netlist of a module and everything that it instantiates.

    Parameters
    ----------
    verilog : str
    module : str
    cells : sequence of str
        Texts with models of cells that it instantiates.

    Raises
    ------
    InputError
        Yosys can't read the text or isn't installed; or the module has latches, tristates, another clock
        than ``clk``, a loop of gates, or cells that aren't known.
    ToolError
        Yosys failed.
    """
    check_identifier("module", module)
    with scratch() as directory:
        (directory / "design.v").write_text(verilog, encoding="utf-8")
        carry = importlib.resources.files(__package__) / "ripple_carry.v"
        (directory / "ripple_carry.v").write_bytes(carry.read_bytes())
        read = ["read_verilog -sv design.v"]
        for number, text in enumerate(cells):
            (directory / f"cells{number}.v").write_text(text, encoding="utf-8")
            read.append(f"read_verilog -sv -defer cells{number}.v")
        (directory / "slice.ys").write_text(
            "\n".join(read) + _SCRIPT.format(top=f"\\{module}"), encoding="utf-8"
        )
        try:
            yowasp.run(yowasp.YOSYS, ["-s", "slice.ys"], directory, "yosys.log", extra="proof")
        except yowasp.ToolError as error:
            raise InputError(
                f"the Verilog can't be read: {str(error).partition('; its log is')[0]}"
            ) from None
        document = yowasp.read_json(directory / "netlist.json")
    return _Reader(document["modules"][module]).netlist()


class _Reader:
    """Reads a module of Yosys' JSON."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self._initial: dict[int, int | None] = {}
        self._names: dict[int, str] = {}
        for name, net in content["netnames"].items():
            values = net["attributes"].get("init", "")[::-1].ljust(len(net["bits"]), "x")
            for place, (bit, value) in enumerate(zip(net["bits"], values, strict=False)):
                if isinstance(bit, int):
                    if value in "01":
                        self._initial[bit] = int(value)
                    label = f"{name}[{place}]" if len(net["bits"]) > 1 else name
                    known = self._names.get(bit)
                    if not net["hide_name"] and (known is None or _rank(label) < _rank(known)):
                        self._names[bit] = label

    def netlist(self) -> SliceNetlist:
        ports: dict[str, dict[str, tuple[int, ...]]] = {"input": {}, "output": {}}
        for name, port in self._content["ports"].items():
            if port["direction"] not in ports:
                raise InputError(f"port {name} is of both directions: only inputs and outputs can be sliced")
            ports[port["direction"]][name] = _bits(port["bits"])
        clock = ports["input"].pop(CLOCK, ())
        tables, flip_flops, memories = [], [], []
        for name, cell in self._content["cells"].items():
            pins, parameters = cell["connections"], cell["parameters"]
            match cell["type"]:
                case "$lut":
                    inputs = _bits(pins["A"])
                    tables.append(Table(inputs, int(parameters["LUT"], 2), *_bits(pins["Y"])))
                case "$_DFF_P_":
                    self._check_clock(name, _bits(pins["C"]), clock)
                    (data,), (output,) = _bits(pins["D"]), _bits(pins["Q"])
                    label = self._names.get(output, name)
                    first, lines = self._initial.get(output), _lines(cell)
                    flip_flops.append(FlipFlop(data, output, first, label, lines))
                case "$mem_v2":
                    memories.append(self._memory(name, cell, clock))
                case other:
                    raise InputError(
                        f"{name} is a {other.strip('$_')}, which can't be sliced: {_reason(other)}"
                    )
        known = {bit for bits in ports["input"].values() for bit in bits} | {
            each.output for each in flip_flops
        }
        ordered = _ordered(tables, memories, known)
        return SliceNetlist(
            ports["input"], ports["output"], ordered, tuple(flip_flops), tuple(memories), self._names
        )

    def _check_clock(self, name: str, found: Sequence[int], clock: Sequence[int]) -> None:
        if tuple(found) != tuple(clock):
            which = ", ".join(self._names.get(bit, "a constant") for bit in found)
            raise InputError(f"{name} follows {which}: every register must follow the rising edge of {CLOCK}")

    def _memory(self, name: str, cell: Mapping[str, Any], clock: Sequence[int]) -> Memory:
        pins, parameters = cell["connections"], cell["parameters"]
        number = {key: int(value, 2) for key, value in parameters.items() if set(value) <= {"0", "1"}}
        width, size, reads, writes = number["WIDTH"], number["SIZE"], number["RD_PORTS"], number["WR_PORTS"]
        if number["OFFSET"]:
            raise InputError(
                f"memory {name} begins at row {number['OFFSET']}: only those from 0 can be sliced"
            )
        if number["RD_CLK_ENABLE"]:
            raise InputError(
                f"memory {name} is read with a clock of its own port: only plain reads can be sliced"
            )
        everyone = (1 << writes) - 1
        if (number["WR_CLK_ENABLE"], number["WR_CLK_POLARITY"]) != (everyone, everyone):
            raise InputError(f"memory {name} isn't written at the rising edge of {CLOCK}")
        for bit in _bits(pins["WR_CLK"]):
            self._check_clock(name, (bit,), clock)
        part = {pin: _parts(_bits(pins[pin]), reads if pin.startswith("RD") else writes) for pin in _PINS}
        initial = parameters["INIT"][::-1]
        return Memory(
            name.removeprefix("\\"),
            width,
            size,
            initial[: size * width].ljust(size * width, "x"),
            tuple(map(ReadPort, part["RD_ADDR"], part["RD_DATA"])),
            tuple(map(WritePort, part["WR_ADDR"], part["WR_DATA"], part["WR_EN"])),
            _lines(cell),
        )


_PINS = ("RD_ADDR", "RD_DATA", "WR_ADDR", "WR_DATA", "WR_EN")


def _rank(label: str) -> tuple[bool, int, str]:
    """Return what sorts a wire's names: numbers that a generator gave last, then the shortest first."""
    return bool(re.search(r"(^|\.)_\d+_(\[|$)", label)), len(label), label


def _lines(cell: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the lines of the text that a cell comes from."""
    places = str(cell["attributes"].get("src", "")).split("|")
    found = (re.fullmatch(r"design\.v:(\d+)\..*", place) for place in places)
    return tuple(sorted({int(match[1]) for match in found if match}))


def _reason(kind: str) -> str:
    """Return why a kind of cell can't be sliced."""
    if kind == "$_FF_" or "DLATCH" in kind or "SR" in kind:  # Yosys makes a clockless flip-flop of a latch
        return "it keeps its value without a clock"
    if "TBUF" in kind:
        return "it drives a bus of three states"
    if "DFF" in kind:
        return "only flip-flops that follow the rising edge of one clock can be"
    return "its function isn't known"


def _bits(bits: Sequence[int | str]) -> tuple[int, ...]:
    return tuple(_CONSTANTS[bit] if isinstance(bit, str) else bit for bit in bits)


def _parts(bits: tuple[int, ...], ports: int) -> list[tuple[int, ...]]:
    each = len(bits) // ports if ports else 0
    return [bits[port * each : (port + 1) * each] for port in range(ports)]


def _ordered(tables: Sequence[Table], memories: Sequence[Memory], known: set[int]) -> tuple[Table, ...]:
    """Return the tables in an order in which they can be computed; what a memory reads is computed on the way."""
    by_output: dict[int, Table | ReadPort] = {table.output: table for table in tables}
    by_output |= {bit: port for memory in memories for port in memory.reads for bit in port.data if bit >= 0}
    ordered, done, open_ = [], set(known), set[int]()
    stack = [(table.output, False) for table in reversed(tables)]
    while stack:
        bit, needed_are_done = stack.pop()
        if bit < 0 or bit in done:
            continue
        source = by_output.get(bit)
        if source is None:
            raise InputError(f"bit {bit} of the netlist is driven by nothing")
        if needed_are_done:
            open_.discard(bit)
            if isinstance(source, Table):
                ordered.append(source)
                done.add(bit)
            else:
                done.update(source.data)
            continue
        if bit in open_:
            raise InputError("gates form a loop without a register: it can't be sliced")
        open_.add(bit)
        stack.append((bit, True))
        needed = source.inputs if isinstance(source, Table) else source.address
        stack.extend((each, False) for each in needed if each not in done)
    return tuple(ordered)
