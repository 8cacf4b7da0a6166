"""``qlif export``: the population as Verilog."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qlif.cosim import results
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    JsonOption,
    LanesOption,
    MemoryOption,
    OutOption,
    ParamsOption,
    PresetOption,
    RegisterOption,
    TargetOption,
    VariantOption,
    with_depths,
)
from qlif.cosim.configuration import Settings
from qlif.hdl.export import export_population
from qlif.hdl.primitives import primitives
from qlif.model.files import write_text
from qlif.model.words import quantise


def export(
    preset: PresetOption = None,
    params: ParamsOption = None,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons.")] = DEFAULT_NEURONS,
    lanes: LanesOption = 1,
    variant: VariantOption = "portable",
    target: TargetOption = "ecp5",
    register: RegisterOption = None,
    memory: MemoryOption = None,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Write the population as Verilog, with a description of its interface."""
    configuration = with_depths(Settings.read(preset, params).population(neurons), register, memory)
    words = quantise(configuration.parameters, configuration.arithmetic)
    exported = export_population(
        words, neurons, configuration.name, lanes, configuration.depths, primitives(variant, target)
    )
    verilog, interface = out / f"{exported.interface['module']}.v", out / "interface.json"
    write_text(verilog, exported.verilog)
    write_text(interface, json.dumps(exported.interface, indent=2) + "\n")
    if as_json:
        typer.echo(
            json.dumps({"verilog": str(verilog), "interface_file": str(interface), **exported.interface})
        )
        return
    console = Console()
    results.print_exact_values(console, words.report)
    console.print(f"{verilog} and {interface} are written.", highlight=False)
