"""``qlif synth``: resources and the fastest clock."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qlif.cosim import report
from qlif.cosim.commands.options import (
    JsonOption,
    LanesOption,
    MemoryOption,
    OutOption,
    ParamsOption,
    PresetOption,
    RegisterOption,
    SelfTestOption,
    TargetOption,
    VariantOption,
    progress_bar,
    with_depths,
)
from qlif.cosim.configuration import Settings
from qlif.hdl.synthesis.synthesise import synthesise
from qlif.hdl.targets.catalogue import primitives
from qlif.hdl.targets.catalogue import target as find_target
from qlif.model.support.files import write_text


def synth(
    preset: PresetOption = None,
    params: ParamsOption = None,
    target: TargetOption = "ecp5",
    variant: VariantOption = "portable",
    package: Annotated[str | None, typer.Option("--package", help="Package of the device.")] = None,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons.")] = 1024,
    lanes: LanesOption = 1,
    register: RegisterOption = None,
    memory: MemoryOption = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Placements; the median clock counts.")] = 5,
    selftest: SelfTestOption = False,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Synthesise, place and route a population; report resources and the fastest clock."""
    configuration = with_depths(Settings.read(preset, params).population(neurons), register, memory)
    device = find_target(target)
    with progress_bar(as_json) as progress:
        synthesis = synthesise(
            configuration.core(lanes, primitives(variant, device.name)),
            device,
            out / "synthesis",
            package=package,
            seeds=seeds,
            selftest=selftest,
            progress=progress,
        )
    facts = {**synthesis.as_dict(), "depths": configuration.depths, "selftest": selftest}
    write_text(out / "synthesis.json", json.dumps(facts, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(facts))
        return
    report.print_synthesis(Console(), synthesis)
