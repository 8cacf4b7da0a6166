"""``qlif export``: the population as Verilog."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qlif.cosim import report as results
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
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
from qlif.cosim.commands.selftest import timesteps_for
from qlif.cosim.configuration import Settings
from qlif.hdl.selftest.export import BOARD_MODULE, board_top, export_self_test
from qlif.hdl.targets.catalogue import primitives
from qlif.model.exceptions import InputError
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan
from qlif.model.support.files import write_text


def export(
    preset: PresetOption = None,
    params: ParamsOption = None,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons.")] = DEFAULT_NEURONS,
    lanes: LanesOption = 1,
    variant: VariantOption = "portable",
    target: TargetOption = "ecp5",
    register: RegisterOption = None,
    memory: MemoryOption = None,
    selftest: SelfTestOption = False,
    updates: Annotated[
        int | None,
        typer.Option("--updates", help="With --selftest: a top that knows the signature after so many."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the self-test's stimulus.")] = 0,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Write the population as Verilog, with a description of its interface."""
    configuration = with_depths(Settings.read(preset, params).population(neurons), register, memory)
    words = configuration.words
    exported = configuration.export(lanes, primitives(variant, target))
    if updates is not None and not selftest:
        raise InputError("--updates belongs to --selftest")
    if selftest:
        plan = SelfTestPlan.of(words, seed)
        exported = export_self_test(exported, plan)
    if updates is not None:
        timesteps = timesteps_for(updates, None, neurons)
        with progress_bar(as_json) as progress:
            golden = GoldenSelfTest(words, plan, lanes)
            signature = golden.advance(timesteps, lambda step: progress("golden model", step / timesteps))
        write_text(out / f"{BOARD_MODULE}.v", board_top(timesteps, signature))
        exported.interface["expected"] = {"timesteps": timesteps, "signature": f"{signature:032x}"}
    verilog, interface = exported.write(out)
    if as_json:
        typer.echo(
            json.dumps({"verilog": str(verilog), "interface_file": str(interface), **exported.interface})
        )
        return
    console = Console()
    results.print_exact_values(console, words.report)
    console.print(f"{verilog} and {interface} are written.", highlight=False)
