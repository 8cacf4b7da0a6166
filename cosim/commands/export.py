"""``qlif export``: the population, the bare pipeline, or the adapter of somebody else's core, as Verilog."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    MAP_RULES,
    TARGET_RULE,
    UNMAPPED_RULES,
    MapOptions,
    NeuronOptions,
    NeuronsOption,
    OutputOptions,
    SelfTestOption,
    StorageOptions,
    VariantOptions,
)
from qlif.cosim.terminal import progress_bar, say_json

if TYPE_CHECKING:
    from qlif.cosim.configuration import Configuration
    from qlif.hdl.verilog import Export


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What is exported."""

    neurons: NeuronsOption = DEFAULT_NEURONS
    selftest: SelfTestOption = False
    updates: Annotated[
        int | None,
        typer.Option(
            "--updates",
            help="With --selftest: add a top module that checks the signature after this many updates.",
        ),
    ] = None
    seed: Annotated[int, typer.Option("--seed", help="With --selftest: seed of the stimulus.")] = 0
    pipeline: Annotated[
        bool,
        typer.Option("--pipeline", help="Only the pipeline of one update, qlif_neuron, without state."),
    ] = False


@command(
    TARGET_RULE,
    Rule("updates", lambda options: options.selftest, "--selftest"),
    Rule("seed", lambda options: options.selftest, "--selftest"),
    Rule("selftest", lambda options: not options.pipeline, "a population: not --pipeline"),
    Rule("neurons", lambda options: not options.pipeline, "a population: not --pipeline"),
    Rule("lanes", lambda options: not options.pipeline, "a population: not --pipeline"),
    *MAP_RULES,
    *UNMAPPED_RULES,
    Rule("selftest", lambda options: options.map is None, "no --map: qlif selftest --map runs it"),
    Rule("pipeline", lambda options: options.map is None, "no --map"),
    Rule("variant", lambda options: options.map is None, "no --map"),
)
def export(
    neuron: NeuronOptions,
    options: ExportOptions,
    storage: StorageOptions,
    built: VariantOptions,
    foreign: MapOptions,
    output: OutputOptions,
) -> None:
    """Write the population as Verilog, and its interface as JSON.

    With --pipeline that is the pipeline of one update; with --map it is the adapter that gives your own core the
    ports of a population.
    """
    from qlif.cosim import report
    from qlif.hdl.verilog import export_neuron

    built_from = built.primitives()
    neurons = foreign.neurons_or(1 if options.pipeline else options.neurons)
    configuration = storage.of(neuron.settings()).population(neurons)
    if (core_map := foreign.core_map()) is not None:
        from qlif.cosim.mapping.mapped import adapter_export

        exported, _ = adapter_export(core_map, configuration)
    elif options.pipeline:
        exported = export_neuron(configuration.core(built_from=built_from))
    else:
        exported = configuration.export(storage.lanes, built_from)
    if options.selftest:
        exported = _with_self_test(configuration, exported, options, storage.lanes, output)
    verilog, interface = exported.write(output.out)
    if output.as_json:
        say_json({"verilog": str(verilog), "interface_file": str(interface), **exported.interface.to_json()})
        return
    report.print_exact_values(output.terminal, configuration.words.report)
    output.terminal.line(f"{verilog} and {interface} are written.")


def _with_self_test(
    configuration: "Configuration",
    exported: "Export",
    options: ExportOptions,
    lanes: int,
    output: OutputOptions,
) -> "Export":
    """Return the population with its self-test around it; write the top module with the signature."""
    from qlif.cosim.commands.selftest import timesteps_for
    from qlif.hdl.selftest.export import BOARD_MODULE, board_top, export_self_test, with_expected
    from qlif.model.selftest.golden import GoldenSelfTest
    from qlif.model.selftest.plan import SelfTestPlan
    from qlif.model.support.files import write_text

    plan = SelfTestPlan.of(configuration.words, options.seed)
    exported = export_self_test(exported, plan)
    if options.updates is None:
        return exported
    timesteps = timesteps_for(options.updates, None, options.neurons)
    with progress_bar(output.as_json) as progress:
        golden = GoldenSelfTest(configuration.words, plan, lanes)
        signature = golden.advance(timesteps, lambda step: progress("golden model", step / timesteps))
    write_text(output.out / f"{BOARD_MODULE}.v", board_top(timesteps, signature))
    return with_expected(exported, timesteps, signature)
