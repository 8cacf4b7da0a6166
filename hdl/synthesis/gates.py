"""The synthesised netlist as Verilog that a simulator runs, with models of the cells it is made of."""

import importlib.resources
import re
from dataclasses import dataclass
from pathlib import Path

from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.fit import check_fit, check_netlist
from qlif.hdl.synthesis.mapping import mapped_netlist
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.target import Target
from qlif.hdl.targets.catalogue import target
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.support.files import write_text

_MODULE = re.compile(r"(?m)^\s*module\s+(\w+)")
_HOLLOW = re.compile(r"(?ms)^\(\* blackbox\b[^\n]*\*\)\s*module\b.*?^endmodule$")
_INCLUDE = re.compile(r'(?m)^\s*`include "(\w+\.vh)"')


@dataclass(frozen=True)
class GateNetlist:
    """A netlist for a simulator.

    Attributes
    ----------
    verilog : Path
        The netlist: one module, with the ports of the export that it was made from.
    cells : tuple of Path
        The models of its cells.
    waiver : Path
        For Verilator: no lint of the netlist and of Yosys' models, which aren't ours to mend.
    """

    verilog: Path
    cells: tuple[Path, ...]
    waiver: Path


def gate_netlist(export: Export, target_name: str, directory: Path) -> GateNetlist:
    """Synthesise a population, and write the netlist for simulation.

    Parameters
    ----------
    export : Export
        The population's Verilog.
    target_name : str
        A name in :data:`qlif.hdl.targets.catalogue.TARGETS`.
    directory : Path
        Where everything is written.

    Raises
    ------
    InputError
        The target isn't known, the population doesn't fit it, or Yosys isn't installed.
    SynthesisError
        Yosys failed, or the netlist isn't the circuit that was described.
    """
    device = target(target_name)
    core = export.interface.core
    check_fit(core, device)
    verilog = directory / "gates.v"
    check_netlist(mapped_verilog(export, device, verilog), core, device)
    cells = cell_models(device, directory)
    waiver = directory / "waiver.vlt"
    write_text(waiver, _waiver(verilog, cells[0]))
    return GateNetlist(verilog, cells, waiver)


def mapped_verilog(export: Export, device: Target, verilog: Path) -> Netlist:
    """Map an export to a device's cells; return the netlist, also written as Verilog.

    Parameters
    ----------
    export : Export
        A population's Verilog, or a bare pipeline's.
    device : Target
    verilog : Path
        Its folder gets everything else that is written.

    Raises
    ------
    InputError
        Yosys isn't installed, or it made a cell that there is no model of.
    SynthesisError
        Yosys failed, dropped part of the circuit, or made a cell with a parameter that its model doesn't have.
    """
    directory, name = verilog.parent, verilog.stem
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / "block.v", export.verilog)
    try:
        netlist = mapped_netlist(
            directory,
            device,
            export.interface.module,
            name,
            ["block.v"],
            export.interface.core.primitives,
            f"write_verilog -noattr {verilog.name}",
        )
    except yowasp.ToolError as error:
        raise SynthesisError(str(error)) from None
    check_models(netlist, device)
    return netlist


def cell_models(device: Target, directory: Path) -> tuple[Path, ...]:
    """Return the files with the models of a target's cells: Yosys', copied into a directory, and ours.

    Raises
    ------
    InputError
        Yosys isn't installed.
    """
    copied = directory / f"{device.name}_cells.v"
    write_text(copied, "".join(f"`define {name}\n" for name in device.yosys_defines) + _yosys_models(device))
    return (copied, *(() if device.yosys_models_suffice else dict.fromkeys(device.models.values())))


def models_of(export: Export) -> tuple[Path, ...]:
    """Return the files with our models of the cells that an export instantiates."""
    target_name = export.interface.core.primitives.target
    return () if target_name is None else tuple(target(target_name).models.values())


def check_models(netlist: Netlist, device: Target) -> None:
    """Refuse a cell without a model, and one with a parameter that ours doesn't have: a simulator might ignore it.

    Raises
    ------
    InputError
        There is no model of a cell, or Yosys isn't installed.
    SynthesisError
        There is such a parameter.
    """
    modelled = {*_MODULE.findall(_yosys_models(device)), *device.models}
    # Yosys' own cells become expressions.
    if cells := sorted(cell for cell in netlist.counts.keys() - modelled if not cell.startswith("$")):
        raise InputError(
            f"the netlist for {device.name} has a {cells[0]}, a cell that there is no simulation model of: "
            "choose fewer neurons, or another target"
        )
    if device.yosys_models_suffice:
        return
    for kind, file in device.models.items():
        model = file.read_text(encoding="utf-8")
        given = {name for cell in netlist.cells if cell["type"] == kind for name in cell["parameters"]}
        for name in sorted(given):
            if not re.search(rf"\b{re.escape(name)} = ", model):
                raise SynthesisError(f"the model of {kind} in {file.name} has no parameter {name}")


def _yosys_models(device: Target) -> str:
    """Return Yosys' models of a target's cells without hollow ones; InputError if Yosys isn't installed."""
    yowasp.version(yowasp.YOSYS)
    share = importlib.resources.files(yowasp.YOSYS) / "share"

    def text(name: str) -> str:
        folder = name.rpartition("/")[0]
        content = (share / name).read_text(encoding="utf-8")
        return _INCLUDE.sub(lambda found: text(f"{folder}/{found[1]}"), content)

    models = "\n".join(map(text, device.yosys_models))
    # No delays; and a unit of time in some of the files only would be another one in the rest.
    models = re.sub(r"(?m)^`timescale.*$", "", models)
    models = re.sub(r"(?ms)^\s*specify\b.*?^\s*endspecify\b", "", models)
    for module in device.yosys_models_left_out:
        models = re.sub(rf"(?ms)^module {module}\b.*?^endmodule$", "", models)
    return _HOLLOW.sub("", models)


def _waiver(*files: Path) -> str:
    # Without a rule it doesn't take in the warnings of style.
    lines = [
        f'lint_off {rule}-file "*{file.name}"'
        for file in files
        for rule in ("", "-rule COMBDLY ", "-rule INITIALDLY ", "-rule UNOPTFLAT ")
    ]
    return "\n".join(("`verilator_config", *lines)) + "\n"
