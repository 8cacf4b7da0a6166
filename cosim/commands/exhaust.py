"""``qlif exhaust``: every potential with every current through the gates of one update."""

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import command
from qlif.cosim.commands.options import TARGET_RULE, EvidenceOptions, NeuronOptions, VariantOptions
from qlif.cosim.terminal import progress_bar

if TYPE_CHECKING:
    from qlif.cosim.bitslice.exhaustion import Exhausted
    from qlif.model.support.progress import Progress


@dataclass(frozen=True, kw_only=True)
class ExhaustOptions:
    """What goes through which gates."""

    gates: Annotated[
        str | None,
        typer.Option(
            "--gates", help="The netlist that Yosys maps to an FPGA family, not the text: {targets}."
        ),
    ] = None
    most: Annotated[
        int | None,
        typer.Option("--most", help="About so many pairs, spread over all potentials and currents [all]."),
    ] = None
    threads: Annotated[int | None, typer.Option("--threads", help="Threads [one for each core].")] = None
    instances: Annotated[
        int | None,
        typer.Option("--instances", help="Side by side: 64, 128, 256, 512 [as wide as the registers are]."),
    ] = None


@command(TARGET_RULE)
def exhaust(
    neuron: NeuronOptions, options: ExhaustOptions, built: VariantOptions, output: EvidenceOptions
) -> None:
    """Compare gates and golden model for every potential with every current.

    The pipeline of one update, as its text says or as Yosys maps it, becomes a C program that computes hundreds of
    pairs at once, one bit of a machine word each: first of ready neurons, then of refractory ones. On a difference
    the exit code is 1. It needs a C compiler.
    """
    from qlif.cosim.bitslice.exhaustion import exhaust as compare
    from qlif.hdl.verilog import export_neuron
    from qlif.model.support.checks import whole

    for option, value in (("--most", options.most), ("--threads", options.threads)):
        if value is not None:
            whole(option, value)
    settings = neuron.settings()
    configuration = settings.population(1)
    export = export_neuron(configuration.core(built_from=built.primitives(options.gates)))
    found: dict[str, Exhausted] = {}
    begun = time.perf_counter()
    with progress_bar(output.as_json) as progress:
        for number, state in enumerate(("ready", "refractory")):
            found[state] = compare(
                settings,
                export,
                gates=options.gates,
                refractory=state == "refractory",
                most=options.most,
                threads=options.threads,
                width=options.instances,
                progress=partial(_half, progress, number, state),
            )
    seconds = time.perf_counter() - begun
    _tell(configuration.name, options, built, found, seconds, output)
    if any(each.difference for each in found.values()):
        raise typer.Exit(1)


def _half(progress: "Progress", number: int, state: str, what: str, share: float) -> None:
    """Show how far one of the two halves is."""
    progress(f"{what}, {state}", (number + share) / 2)


def _tell(
    name: str,
    options: ExhaustOptions,
    built: VariantOptions,
    found: "dict[str, Exhausted]",
    seconds: float,
    output: EvidenceOptions,
) -> None:
    from qlif.cosim.evidence.gather import of_exhaust

    content: dict[str, Any] = {
        "preset": name,
        "variant": built.variant,
        "gates": options.gates,
        "pairs": {state: each.pairs for state, each in found.items()},
        "all": all(each.all for each in found.values()),
        "first_difference": next(
            ({"state": state} | vars(each.difference) for state, each in found.items() if each.difference),
            None,
        ),
        "seconds": seconds,
        "updates_per_s": sum(each.pairs for each in found.values()) / seconds,
    }
    output.write_json("exhaustion.json", content)
    output.hand_in(of_exhaust(content))
    if output.as_json:
        return
    rows = {f"pairs, {state}": f"{each.pairs:,}" for state, each in found.items()}
    rows |= {"updates per second": f"{content['updates_per_s']:,.0f}"}
    output.terminal.facts(f"{name}: gates against golden model", rows)
    if content["first_difference"] is not None:
        words = ", ".join(f"{key} {value}" for key, value in content["first_difference"].items())
        output.terminal.line(f"DIFFERENT: {words}")
