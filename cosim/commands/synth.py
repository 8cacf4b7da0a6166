"""``qlif synth``: resources and Fmax."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    with_axi,
)
from qlif.cosim.terminal import Terminal, progress_bar
from qlif.model.exceptions import InputError

CELLS = "cells"
"""Standard cells in place of an FPGA."""

if TYPE_CHECKING:
    from qlif.cosim.configuration import Settings
    from qlif.hdl.primitives import Primitives
    from qlif.hdl.synthesis.fill import Filled
    from qlif.hdl.synthesis.synthesise import Synthesis
    from qlif.hdl.target import RoutedTarget


@dataclass(frozen=True, kw_only=True)
class SynthOptions:
    """What is synthesised for which device."""

    target: Annotated[
        str,
        typer.Option(
            "--target", help="FPGA family: {targets}; or cells: gate equivalents in standard cells."
        ),
    ] = DEFAULT_TARGET
    liberty: Annotated[
        Path | None,
        typer.Option(
            "--liberty",
            help="With --target cells: the Liberty file of the cells. [that of qflow-tech-osu035]",
        ),
    ] = None
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
    wrapper: Annotated[
        str, typer.Option("--wrapper", help="none, or axi: with the shell of qlif export --wrapper axi.")
    ] = "none"
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
        for option in ("neurons", "lanes", "selftest", "wrapper")
    ),
    Rule("clock", lambda options: options.fill, "--fill"),
    Rule("liberty", lambda options: options.target == CELLS, "--target cells"),
    *(
        Rule(option, lambda options: options.target != CELLS, "an FPGA: not --target cells")
        for option in ("package", "seeds", "fill", "selftest", "variant", "wrapper")
    ),
    Rule("selftest", lambda options: options.streams == "both", "--streams both"),
    Rule("wrapper", lambda options: options.feed == STREAM, "--feed stream"),
)
def synth(
    neuron: NeuronOptions,
    options: SynthOptions,
    storage: StorageOptions,
    results: StreamOptions,
    output: OutputOptions,
) -> None:
    """Synthesise, place and route: report resources and Fmax."""
    from qlif.hdl.synthesis.synthesise import synthesise
    from qlif.hdl.target import RoutedTarget
    from qlif.hdl.targets.catalogue import ROUTED, primitives, target

    axi = with_axi(options.wrapper)
    settings = storage.of(neuron.settings())
    if options.target == CELLS:
        _cells(settings, options, storage, results, output)
        return
    device = target(options.target)
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
            axi=axi,
            progress=progress,
        )
    facts = {
        **synthesis.as_dict(),
        "storage": configuration.storage,
        "selftest": options.selftest,
        "wrapper": options.wrapper,
        "streams": results.streams,
        "feed": results.feed,
    }
    output.write_json("synthesis.json", facts)
    if not output.as_json:
        _print_synthesis(output.terminal, synthesis)


def _cells(
    settings: "Settings",
    options: SynthOptions,
    storage: StorageOptions,
    results: StreamOptions,
    output: OutputOptions,
) -> None:
    """Tell the area in standard cells."""
    from qlif.hdl.primitives import PORTABLE
    from qlif.hdl.synthesis.cell_area import LIBERTY, cell_area

    configuration = settings.population(options.neurons)
    with progress_bar(output.as_json) as progress:
        progress("mapping to cells", 0.0)
        area = cell_area(
            configuration.core(storage.lanes, PORTABLE, *results.chosen()),
            output.out / "cells",
            options.liberty or LIBERTY,
        )
    facts = {**area.as_dict(), "storage": configuration.storage, "streams": results.streams}
    output.write_json("cells.json", {**facts, "feed": results.feed})
    if not output.as_json:
        output.terminal.facts(
            f"{area.preset} in the cells of {area.library}",
            {
                "neurons, lanes": f"{area.neurons:,}, {area.lanes}",
                "gate equivalents, estimated": f"{area.gate_equivalents:,}",
                "flip-flops among them": f"{area.flip_flops:,}",
                "memory beside them": f"{area.memory_bits:,} bits",
                "latency": f"{area.latency} clocks",
            },
        )
        for note in area.notes:
            output.terminal.line(f"Note: {note}")


def _fill(
    settings: "Settings",
    built_from: "Primitives",
    device: "RoutedTarget",
    options: SynthOptions,
    results: StreamOptions,
    output: OutputOptions,
) -> None:
    """Find the largest populations that a device holds."""
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
        _print_filled(output.terminal, filled)


def _print_synthesis(terminal: Terminal, synthesis: "Synthesis") -> None:
    """Print a population's resources and Fmax."""
    speed: dict[str, object] = {}
    if (fmax := synthesis.fmax_mhz) is not None and synthesis.updates_per_s is not None:
        clock = f"{fmax.median} MHz [{fmax.min}..{fmax.max}], empty device, register to register"
        speed = {
            f"fastest clock, median of {synthesis.seeds} placements": clock,
            "updates per second": f"{synthesis.updates_per_s / 1e6:.1f} million",
            "neurons in real time at dt = 0.1 ms": synthesis.neurons_in_real_time,
        }
    device = " ".join(filter(None, (synthesis.device, synthesis.package)))
    terminal.facts(
        f"{synthesis.preset} on {device}, {synthesis.variant}",
        {
            "neurons, lanes": f"{synthesis.neurons:,}, {synthesis.lanes}",
            "LUT": synthesis.lut,
            **{f"LUT of the {part}, by itself": luts for part, luts in synthesis.lut_parts.items() if luts},
            "flip-flops": synthesis.ff,
            "DSP": synthesis.dsp,
            "block RAM": synthesis.ram,
            **speed,
            "latency": f"{synthesis.latency} clocks",
        },
    )
    for note in synthesis.notes:
        terminal.line(f"Note: {note}")


def _print_filled(terminal: Terminal, filled: Sequence["Filled"]) -> None:
    """Print the largest populations that a device holds, and why there are none that are larger."""
    terminal.table(
        ("most", "neurons", "lanes", "MHz", "M updates/s", "real time at 0.1 ms", "LUT", "DSP", "block RAM"),
        [
            (
                one.goal,
                f"{one.facts['neurons']:,}",
                one.facts["lanes"],
                f"{one.facts['fmax_mhz']['median']:g}",
                f"{one.facts['updates_per_s'] / 1e6:,.1f}",
                f"{one.in_real_time:,}",
                f"{one.facts['lut']:,}",
                one.facts["dsp"],
                one.facts["ram"],
            )
            for one in filled
        ],
        title=f"{filled[0].facts['preset']} on {filled[0].facts['device']}, {filled[0].facts['variant']}",
        align="lrrrrrrrr",
    )
    for one in filled:
        for reason in (one.ran_out, *one.slower):
            if reason:
                terminal.line(f"No more {one.goal}: {reason}")
        for note in one.facts["notes"]:
            terminal.line(f"Note on the most {one.goal}: {note}")
