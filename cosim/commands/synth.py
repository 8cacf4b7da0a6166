"""``qlif synth``: resources and Fmax."""

from dataclasses import dataclass
from typing import Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_TARGET,
    STEP_BITS_RULE,
    STREAM,
    NeuronOptions,
    NeuronsOption,
    OutputOptions,
    SelfTestOption,
    StorageOptions,
    StreamOptions,
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


@command(
    STEP_BITS_RULE,
    Rule("selftest", lambda options: options.streams == "both", "--streams both"),
    Rule("selftest", lambda options: options.feed == STREAM, "--feed stream"),
)
def synth(
    neuron: NeuronOptions,
    options: SynthOptions,
    storage: StorageOptions,
    results: StreamOptions,
    output: OutputOptions,
) -> None:
    """Synthesise, place and route: report resources and Fmax."""
    from qlif.cosim import report
    from qlif.hdl.synthesis.synthesise import synthesise
    from qlif.hdl.targets.catalogue import primitives, target

    configuration = storage.of(neuron.settings()).population(options.neurons)
    device = target(options.target)
    with progress_bar(output.as_json) as progress:
        synthesis = synthesise(
            configuration.core(storage.lanes, primitives(options.variant, device.name), *results.chosen()),
            device,
            output.out / "synthesis",
            package=options.package,
            seeds=options.seeds,
            selftest=options.selftest,
            progress=progress,
        )
    facts = {
        **synthesis.as_dict(),
        "storage": configuration.storage,
        "selftest": options.selftest,
        "streams": results.streams,
        "feed": results.feed,
    }
    output.write_json("synthesis.json", facts)
    if not output.as_json:
        report.print_synthesis(output.terminal, synthesis)
