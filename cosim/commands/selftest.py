"""``qlif selftest``: millions of updates with stimulus and signature in gates, without Python in the loop."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import command
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    FOREIGN_RULES,
    OWN_FEED_RULE,
    OWN_VARIANT_RULE,
    STREAM,
    TARGET_RULE,
    UNMAPPED_RULES,
    EvidenceOptions,
    FeedOption,
    ForeignOptions,
    NeuronsOption,
    StallsOption,
    StorageOptions,
    VariantOptions,
    WrittenNeuronOptions,
    chosen_feed,
    probability,
)
from qlif.cosim.terminal import progress_bar
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from qlif.cosim.selftest.run import SelfTestRun

DEFAULT_UPDATES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class SelfTestOptions:
    """How long it runs, and with which stimulus."""

    neurons: NeuronsOption = DEFAULT_NEURONS
    updates: Annotated[
        int | None,
        typer.Option(
            "--updates", help=f"Number of updates, rounded up to whole timesteps [{DEFAULT_UPDATES}]."
        ),
    ] = None
    steps: Annotated[
        int | None, typer.Option("--steps", help="Number of timesteps, instead of --updates.")
    ] = None
    seed: Annotated[int, typer.Option("--seed", help="Seed of the stimulus.")] = 0
    stalls: StallsOption = 0.0
    feed: FeedOption = STREAM
    resumable: Annotated[
        bool,
        typer.Option(
            "--resumable",
            help="Keep hardware and golden model in --out/checkpoints, segment by segment: the same command goes on "
            "from there.",
        ),
    ] = False


@command(TARGET_RULE, *FOREIGN_RULES, *UNMAPPED_RULES, OWN_VARIANT_RULE, OWN_FEED_RULE)
def selftest(
    neuron: WrittenNeuronOptions,
    options: SelfTestOptions,
    storage: StorageOptions,
    built: VariantOptions,
    foreign: ForeignOptions,
    output: EvidenceOptions,
) -> None:
    """Check the hardware over millions of updates, without Python.

    Stimulus (an LFSR) and signature (a MISR) are gates around the population, which Verilator compiles;
    --verilog puts them around yours. The golden model has the same signature. On a difference the first wrong
    update is found, and the exit code is 1.
    """
    from qlif.cosim.evidence.gather import of_selftest
    from qlif.cosim.selftest.run import facts, self_test
    from qlif.cosim.simulator.find import find
    from qlif.hdl.selftest.export import SELF_TEST_MODULE

    probability("--stalls", options.stalls)
    built_from, feed = built.primitives(), chosen_feed(options.feed)
    neurons = foreign.neurons_or(options.neurons)
    configuration = storage.of(neuron.settings()).population(neurons)
    timesteps = timesteps_for(options.updates, options.steps, neurons)
    simulator = find("verilator")
    if foreign.file is None:
        export = configuration.export(storage.lanes, built_from, feed=feed)
    else:
        export = foreign.export(configuration, storage.lanes)
        if re.search(rf"\bmodule\s+\\?{SELF_TEST_MODULE}\b", export.verilog):
            raise InputError(f"{foreign.file}: the name {SELF_TEST_MODULE} is the self-test's own")
    with progress_bar(output.as_json) as progress, foreign.builds():
        run = self_test(
            configuration,
            timesteps,
            simulator,
            output.out,
            seed=options.seed,
            stalls=options.stalls,
            export=export,
            resumable=options.resumable,
            progress=progress,
        )
    content = {
        "preset": configuration.name,
        "verilog": None if foreign.verilog is None else str(foreign.verilog),
        "map": None if foreign.map is None else str(foreign.map),
        **foreign.origin(export.verilog, [simulator.name])[0],
        # The signature has no refractory counters.
        "not_compared": list(dict.fromkeys((*export.interface.absent, "refractory"))),
        "simulator": simulator.name,
        "simulator_version": simulator.version,
        "seed": options.seed,
        "stalls": options.stalls,
        "feed": options.feed,
        "variant": export.interface.core.primitives.variant,
        **facts(run),
    }
    output.write_json("result.json", content)
    output.hand_in(of_selftest(content, "" if run.passed else _failure(run), run.words.report))
    if not output.as_json:
        _show(content, configuration.name, run, output)
    if not run.passed:
        raise typer.Exit(1)


def timesteps_for(updates: int | None, steps: int | None, neurons: int) -> int:
    """Return how many timesteps a self-test has: as many as are asked for, or as the updates fill.

    Raises
    ------
    InputError
        Both are given, or there are none or too many.
    """
    from qlif.model.selftest.plan import LARGEST_TIMESTEPS
    from qlif.model.support.checks import whole

    if updates is not None and steps is not None:
        raise InputError("--updates and --steps must not be given together: updates = steps * neurons")
    if steps is None:
        steps = -(-whole("--updates", DEFAULT_UPDATES if updates is None else updates) // neurons)
    if not 1 <= steps <= LARGEST_TIMESTEPS:
        raise InputError(f"the self-test must have 1 to {LARGEST_TIMESTEPS} timesteps, not {steps}")
    return steps


def _show(content: dict[str, Any], name: str, run: "SelfTestRun", output: EvidenceOptions) -> None:
    from qlif.cosim.foreign_views import origin_rows

    rows = {
        "simulator": content["simulator_version"],
        **origin_rows(content),
        "neurons": run.words.parameters.n,
        "updates": f"{run.updates:,}",
        "clocks": f"{run.clocks:,}",
        "not compared": ", ".join(content["not_compared"]),
        "signature of the hardware": content["signature"],
        "signature of the golden model": content["expected_signature"],
        "seconds to build": f"{run.seconds['build']:.1f}",
        "hardware, updates per second": f"{content['updates_per_s']:,.0f}",
        "golden model, updates per second": f"{content['golden_updates_per_s']:,.0f}",
    }
    terminal = output.terminal
    terminal.facts(f"self-test of {name}, seed {content['seed']}", rows)
    if not run.passed:
        terminal.line(f"FAILED: {_failure(run)}")
    terminal.line(f"Verilog and result.json are in {output.out}/")


def _failure(run: "SelfTestRun") -> str:
    """Return in words what is wrong."""
    what = "the hardware stopped giving updates" if run.stuck else "the signatures differ"
    assert run.between is not None and run.verdict is not None
    where = f"{what} between timesteps {run.between[0]} and {run.between[1]}"
    if run.verdict.first is None:
        return f"{where}, but every update and event there is right: the self-test itself is faulty"
    first = f"the first: {run.verdict.first.text}"
    return f"{where}; {run.verdict.mismatches} mismatches there; {first}. Waves: {run.waves}"
