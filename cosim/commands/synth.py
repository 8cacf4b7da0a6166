"""``qlif synth``: resources and Fmax."""

from dataclasses import dataclass
from typing import Annotated

import typer

from qlif.cosim.commands.option_groups import command
from qlif.cosim.commands.options import (
    DEFAULT_TARGET,
    NeuronOptions,
    NeuronsOption,
    OutputOptions,
    SelfTestOption,
    StorageOptions,
)
from qlif.cosim.terminal import progress_bar


@dataclass(frozen=True, kw_only=True)
class SynthOptions:
    """What is synthesised for which device."""

    target: Annotated[str, typer.Option("--target", help="FPGA family: {targets}.")] = DEFAULT_TARGET
    variant: Annotated[
        str,
        typer.Option(
            "--variant",
            help="portable: multipliers and block RAMs are inferred; explicit: the target's own are "
            "instantiated, with all their registers.",
        ),
    ] = "portable"
    package: Annotated[str | None, typer.Option("--package", help="Package of the device.")] = None
    neurons: NeuronsOption = 1024
    seeds: Annotated[
        int, typer.Option("--seeds", help="Number of placement seeds; reports the median Fmax.")
    ] = 5
    selftest: SelfTestOption = False


@command()
def synth(
    neuron: NeuronOptions, options: SynthOptions, storage: StorageOptions, output: OutputOptions
) -> None:
    """Synthesise, place and route: report resources and Fmax."""
    from qlif.cosim import report
    from qlif.hdl.synthesis.synthesise import synthesise
    from qlif.hdl.targets.catalogue import primitives, target

    configuration = storage.of(neuron.settings()).population(options.neurons)
    device = target(options.target)
    with progress_bar(output.as_json) as progress:
        synthesis = synthesise(
            configuration.core(storage.lanes, primitives(options.variant, device.name)),
            device,
            output.out / "synthesis",
            package=options.package,
            seeds=options.seeds,
            selftest=options.selftest,
            progress=progress,
        )
    facts = {**synthesis.as_dict(), "storage": configuration.storage, "selftest": options.selftest}
    output.write_json("synthesis.json", facts)
    if not output.as_json:
        report.print_synthesis(output.terminal, synthesis)
