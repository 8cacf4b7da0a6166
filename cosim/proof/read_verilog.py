"""Verilog as Yosys reads it: a circuit with one clock."""

import re
from collections.abc import Iterable, Sequence

from qlif.cosim.mapping.complaints import LATCHES, checked, complaint, latches
from qlif.cosim.proof.circuit import Circuit
from qlif.hdl.interface import CLOCK, RESET, Interface
from qlif.hdl.ports import Port
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.verilog import Export
from qlif.hdl.verilog_names import check_identifier
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.formats import UQ
from qlif.model.support.scratch import scratch

_SCRIPT = (
    "read_verilog -sv design.v; {cells}hierarchy -check -top {module}; {keep}proc; flatten; opt_clean; "
    "memory_collect; tee -q -o latches.txt dump {latches}; async2sync; dffunmap; opt_clean; check -assert; "
    "write_btor -s -i clocks.txt circuit.btor"
)

_KEEP = "setattr -set keep 1 w:*; "


def read_circuit(
    verilog: str, module: str, cells: Sequence[str] = (), *, every_signal: bool = False
) -> Circuit:
    """Return a module as a circuit, with everything that it instantiates.

    Nothing is optimised: what is proved is what Yosys' front end makes of the text.

    Parameters
    ----------
    verilog : str
        Its text.
    module : str
        Its name.
    cells : sequence of str
        Texts with models of the cells that it instantiates.
    every_signal : bool
        Whether signals that nothing needs are in it too.

    Raises
    ------
    InputError
        Yosys can't read it, it hasn't such a module, it has another clock than ``clk``; or Yosys isn't
        installed.
    """
    check_identifier("module", module)
    present = re.findall(r"^\s*(?:/\*.*?\*/\s*)*module\s+(\\\S+|\w+)", verilog, flags=re.MULTILINE)
    names = [name.removeprefix("\\") for name in present]
    if module not in names:
        raise InputError(f"the Verilog has no such module: {unknown_name('module', module, names)}")
    with scratch() as directory:
        (directory / "design.v").write_text(verilog, encoding="utf-8")
        # A model is elaborated where it is instantiated only: it refuses parameters, its own first ones too.
        read = ""
        for number, cell in enumerate(cells):
            (directory / f"cells{number}.v").write_text(cell, encoding="utf-8")
            read += f"read_verilog -sv -defer cells{number}.v; "
        keep = _KEEP if every_signal else ""
        script = _SCRIPT.format(latches=LATCHES, cells=read, module=f"\\{module}", keep=keep)
        try:
            yowasp.run(yowasp.YOSYS, ["-p", script], directory, "yosys.log", extra="proof")
        except yowasp.ToolError as error:
            log = (directory / "yosys.log").read_text(encoding="utf-8", errors="replace")
            reason = complaint(error, verilog, log)
            if (found := checked(log)) and "check -assert" in reason:
                reason = "; ".join(found)
            if not reason or reason.startswith("exit code"):  # it says nothing of the text
                raise
            raise InputError(f"the Verilog can't be read: {reason.replace('design.v:', 'line ')}") from None
        written, latched, clocks = (
            (directory / name).read_text(encoding="utf-8")
            for name in ("circuit.btor", "latches.txt", "clocks.txt")
        )
    if faults := "; ".join(latches(latched)).replace("design.v:", "line "):
        raise InputError(f"the Verilog can't be proved: {faults}")
    try:
        circuit = Circuit.parse(written)
    except ValueError as error:
        raise InputError(f"the Verilog can't be proved: {error}") from None
    _check_clocks(circuit, clocks.split("\n"))
    return circuit


def read_export(export: Export) -> Circuit:
    """Return an export as a circuit, with our models of the cells that it instantiates.

    Parameters
    ----------
    export : Export
        Verilog, this project's or somebody else's, and the interface that it has to have.

    Raises
    ------
    InputError
        As :func:`read_circuit` and :func:`check_ports`.
    """
    cells = [model.read_text(encoding="utf-8") for model in models_of(export)]
    circuit = read_circuit(export.verilog, export.interface.module, cells)
    check_ports(circuit, export.interface)
    return circuit


def _check_clocks(circuit: Circuit, information: Iterable[str]) -> None:
    """Refuse a circuit whose registers don't all follow the rising edge of the one clock."""
    clocks = {circuit.inputs[CLOCK]} if CLOCK in circuit.inputs else set()
    # A port of a module within has a node of its own, which is the same wire.
    for node in circuit.nodes:
        if node.operation == "uext" and node.indices == (0,) and node.operands[0] in clocks:
            clocks.add(node.number)
    for line in information:
        kind, _, number = line.partition(" ")
        if kind in ("negedge", "event") or (kind == "posedge" and int(number) not in clocks):
            what = f"the {kind} of {CLOCK}" if int(number) in clocks else "another signal"
            raise InputError(f"every register must follow the rising edge of {CLOCK}, not {what}")


def check_ports(circuit: Circuit, interface: Interface) -> None:
    """Refuse a circuit that hasn't the ports of an interface, in their width.

    Raises
    ------
    InputError
        It lacks a port, or one has another width or direction.
    """
    reset = Port(RESET, "input", UQ(1, 0), "the synchronous reset")
    for port in (reset, *interface.ports):
        name, direction, width, meaning = port.name, port.direction, port.width, port.meaning
        present, other = (
            (circuit.inputs, circuit.outputs) if direction == "input" else (circuit.outputs, circuit.inputs)
        )
        bits = f"{width} bit" + ("s" if width > 1 else "")
        if name in other:
            raise InputError(f"port {name} must be an {direction} of {bits} ({meaning})")
        if name not in present:
            raise InputError(f"the module lacks the {direction} {name} of {bits} ({meaning})")
        found = circuit.width(present[name])
        if found != width:
            raise InputError(f"port {name} must have {bits} ({meaning}), not {found}")
