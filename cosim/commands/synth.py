"""``qlif synth``: resources and Fmax."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_TARGET,
    STEP_BITS_RULE,
    NeuronOptions,
    NeuronsOption,
    OutputOptions,
    SelfTestOption,
    StorageOptions,
    StreamOptions,
)
from qlif.cosim.terminal import progress_bar
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from qlif.cosim.configuration import Settings
    from qlif.hdl.primitives import Primitives
    from qlif.hdl.target import RoutedTarget


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
        int | None,
        typer.Option(
            "--seeds", help="Number of placement seeds; reports the median Fmax. [5; with --fill 1]"
        ),
    ] = None
    selftest: SelfTestOption = False
    fill: Annotated[
        bool,
        typer.Option(
            "--fill",
            help="Find the largest population and the most lanes that the device holds, and what ran out. Goes on "
            "from what is in --out.",
        ),
    ] = False
    clock: Annotated[
        float | None, typer.Option("--clock", help="MHz that the median Fmax has to reach with --fill.")
    ] = None


@command(
    STEP_BITS_RULE,
    *(
        Rule(option, lambda options: not options.fill, "no --fill")
        for option in ("neurons", "lanes", "selftest")
    ),
    Rule("clock", lambda options: options.fill, "--fill"),
    Rule("selftest", lambda options: options.streams == "both", "--streams both"),
)
def synth(
    neuron: NeuronOptions,
    options: SynthOptions,
    storage: StorageOptions,
    results: StreamOptions,
    output: OutputOptions,
) -> None:
    """Synthesise, place and route: report resources and Fmax."""
    from qlif.cosim.commands import tables
    from qlif.hdl.synthesis.synthesise import synthesise
    from qlif.hdl.target import RoutedTarget
    from qlif.hdl.targets.catalogue import ROUTED, primitives, target

    settings, device = storage.of(neuron.settings()), target(options.target)
    built_from = primitives(options.variant, device.name)
    if options.fill:
        if not isinstance(device, RoutedTarget):
            raise InputError(f"--fill requires a --target that is placed and routed: {', '.join(ROUTED)}")
        _fill(settings, built_from, device, options, results, output)
        return
    configuration = settings.population(options.neurons)
    with progress_bar(output.as_json) as progress:
        synthesis = synthesise(
            configuration.core(storage.lanes, built_from, *results.chosen()),
            device,
            output.out / "synthesis",
            package=options.package,
            seeds=5 if options.seeds is None else options.seeds,
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
        tables.print_synthesis(output.terminal, synthesis)


def _fill(
    settings: "Settings",
    built_from: "Primitives",
    device: "RoutedTarget",
    options: SynthOptions,
    results: StreamOptions,
    output: OutputOptions,
) -> None:
    """Find the largest populations that a device holds."""
    from qlif.cosim.commands import tables
    from qlif.hdl.synthesis.fill import fill

    with progress_bar(output.as_json) as progress:
        filled = fill(
            lambda neurons, lanes: settings.population(neurons).core(lanes, built_from, *results.chosen()),
            device,
            output.out / "fill",
            clock_mhz=options.clock,
            package=options.package,
            seeds=1 if options.seeds is None else options.seeds,
            progress=progress,
        )
    output.write_json("fill.json", [one.as_dict() for one in filled])
    if not output.as_json:
        tables.print_filled(output.terminal, filled)
