"""The synthesised netlist as Verilog that a simulator runs, with models of the cells it is made of."""

import importlib.resources
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from qlif.hdl import targets
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.fit import check_fit, check_netlist
from qlif.hdl.synthesis.mapping import mapped_netlist
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.target import target
from qlif.hdl.verilog import Export
from qlif.model.support.files import write_text

YOSYS_MODELS = MappingProxyType(
    {"ecp5": ("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"), "up5k": ("ice40/cells_sim.v",)}
)
"""Per target, the files of Yosys' share folder with its cells' models."""

OUR_MODELS = MappingProxyType(
    {
        "ecp5": {"DP16KD": "ecp5_dp16kd.v", "MULT18X18D": "ecp5_mult18x18d.v"},
        "up5k": {"SB_MAC16": "up5k_sb_mac16.v"},
    }
)
"""Per target, the cells of its explicit variant, and the files in ``hdl/cells`` that model them."""

YOSYS_HAS_ALL = frozenset({"up5k"})
"""Targets whose netlists are simulated with Yosys' models alone: they use more of a cell than ours knows."""


@dataclass(frozen=True)
class GateNetlist:
    """A netlist that is ready for a simulator.

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
    """Synthesise a population as for its figures, and write the netlist for simulation.

    Parameters
    ----------
    export : Export
        The population's Verilog.
    target_name : str
        A name in :data:`qlif.hdl.target.TARGETS`.
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
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / "block.v", export.verilog)
    try:
        netlist = mapped_netlist(
            directory,
            device,
            export.interface.module,
            "gates",
            ["block.v"],
            core.primitives,
            "write_verilog -noattr gates.v",
        )
    except yowasp.ToolError as error:
        raise SynthesisError(str(error)) from None
    check_netlist(netlist, core, device)
    check_parameters(netlist, device.name)

    verilog = directory / "gates.v"
    cells = cell_models(device.name, directory)
    waiver = directory / "waiver.vlt"
    write_text(waiver, _waiver(verilog, cells[0]))
    return GateNetlist(verilog, cells, waiver)


def cell_models(target_name: str, directory: Path) -> tuple[Path, ...]:
    """Return the files with the models of a target's cells: Yosys', copied into a directory, and ours.

    Raises
    ------
    InputError
        Yosys isn't installed.
    """
    text = _yosys_models(target_name)
    # No delays; and a unit of time in some of the files only would be another one in the rest.
    text = re.sub(r"(?m)^`timescale.*$", "", text)
    text = re.sub(r"(?ms)^\s*specify\b.*?^\s*endspecify\b", "", text)
    # What nextpnr makes of LUTs: no netlist has it, and Icarus can't read it.
    text = re.sub(r"(?ms)^module TRELLIS_COMB\(.*?^endmodule$", "", text)
    copied = directory / f"{target_name}_cells.v"
    write_text(copied, f"`define NO_INCLUDES\n`define NO_ICE40_DEFAULT_ASSIGNMENTS\n{text}")
    return (copied, *(() if target_name in YOSYS_HAS_ALL else explicit_models(target_name)))


def explicit_models(target_name: str) -> tuple[Path, ...]:
    """Return the files with our models of the cells that the explicit variant for a target instantiates."""
    return tuple(Path(targets.__file__).with_name(name) for name in OUR_MODELS[target_name].values())


def models_of(export: Export) -> tuple[Path, ...]:
    """Return the files with our models of the cells that an export instantiates."""
    target_name = export.interface.core.primitives.target
    return () if target_name is None else explicit_models(target_name)


def check_parameters(netlist: Netlist, target_name: str) -> None:
    """Refuse a cell with a parameter that its model here doesn't have: a simulator might pass over it.

    Raises
    ------
    SynthesisError
        There is one.
    """
    if target_name in YOSYS_HAS_ALL:
        return
    for kind, file in zip(OUR_MODELS[target_name], explicit_models(target_name), strict=True):
        model = file.read_text(encoding="utf-8")
        given = {name for cell in netlist.cells if cell["type"] == kind for name in cell["parameters"]}
        for name in sorted(given):
            if not re.search(rf"\b{re.escape(name)} = ", model):
                raise SynthesisError(f"the model of {kind} in {file.name} has no parameter {name}")


def _yosys_models(target_name: str) -> str:
    """Return the text of Yosys' models of a target's cells; InputError if Yosys isn't installed."""
    yowasp.version(yowasp.YOSYS)
    share = importlib.resources.files(yowasp.YOSYS) / "share"
    return "\n".join((share / name).read_text(encoding="utf-8") for name in YOSYS_MODELS[target_name])


def _waiver(*files: Path) -> str:
    # Without a rule it doesn't take in the warnings of style.
    lines = [
        f'lint_off {rule}-file "{file.resolve()}"'
        for file in files
        for rule in ("", "-rule INITIALDLY ", "-rule UNOPTFLAT ")
    ]
    return "\n".join(("`verilator_config", *lines)) + "\n"
