"""Yosys maps a population's Verilog to a device's cells."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from qlif.hdl.primitives import PORTABLE, Primitives
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError, worthless
from qlif.hdl.target import Target

PARTS = MappingProxyType(
    {
        "pipeline": "pipeline",
        "outlet": "streams",
        "parameter_port": "parameters",
    }
)
"""What a population's submodules, by how their names begin, are part of; the rest is its state loop."""


def mapped_netlist(
    directory: Path,
    device: Target,
    module: str,
    name: str,
    sources: list[str],
    built_from: Primitives = PORTABLE,
    then: str = "",
) -> Netlist:
    """Map Verilog to a device's cells, and return the netlist, also left as ``name.json``.

    Parameters
    ----------
    directory : Path
        Where the sources are and everything is written.
    device : Target
    module : str
        The top module.
    name : str
        What the files that are written are called.
    sources : list of str
        Verilog files in `directory`.
    built_from : Primitives, optional
        What the core in them multiplies with.
    then : str
        Further commands of Yosys on the netlist.

    Raises
    ------
    ToolError
        Yosys failed.
    SynthesisError
        It dropped part of the circuit.
    """
    return Netlist(_map(directory, device, module, name, sources, built_from, then), module)


def luts_by_part(directory: Path, device: Target, module: str, built_from: Primitives) -> dict[str, int]:
    """Return the LUTs of a population's parts, each mapped by itself.

    Their sum isn't the number of the whole, in which Yosys shares and simplifies across the borders.

    Parameters
    ----------
    directory : Path
        Where ``block.v`` is.
    device : Target
    module : str
        The population's module.
    built_from : Primitives

    Returns
    -------
    dict of str to int
        By the names of :data:`PARTS`, and ``"state loop"`` for all the rest.

    Raises
    ------
    ToolError
        Yosys failed.
    SynthesisError
        It dropped part of the circuit.
    """
    document = _map(directory, device, module, "parts", ["block.v"], built_from, flat=False)
    luts = dict.fromkeys(["pipeline", "state loop", *PARTS.values()], 0)
    for name, content in document["modules"].items():
        if name.startswith(module) and not content.get("attributes", {}).get("blackbox"):
            below = name.removeprefix(f"{module}_core").removeprefix("_")
            part = next((part for sign, part in PARTS.items() if below.startswith(sign)), "state loop")
            luts[part] += Netlist(document, name).luts(device)
    if not luts["pipeline"]:
        raise SynthesisError(
            f"no module of {module} is its pipeline: the parts can't be told from each other"
        )
    return luts


def _map(
    directory: Path,
    device: Target,
    module: str,
    name: str,
    sources: list[str],
    built_from: Primitives,
    then: str = "",
    flat: bool = True,
) -> Mapping[str, Any]:
    """Run Yosys and return the document that it wrote."""
    commands = device.script(module, instantiated=built_from.target is not None, flat=flat)
    script = f"{commands}; write_json {name}.json; {then}"
    log = yowasp.run(yowasp.YOSYS, ["-p", script, *sources], directory, f"{name}.yosys.log")
    if warnings := worthless(log):
        raise SynthesisError(f"Yosys dropped part of the circuit ({len(warnings)} warnings): {warnings[0]}")
    content: Mapping[str, Any] = yowasp.read_json(directory / f"{name}.json")
    return content
