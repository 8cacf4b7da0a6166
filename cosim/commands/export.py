"""``qlif export``: the population as Verilog."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    TARGET_RULE,
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


@command(
    TARGET_RULE,
    Rule("updates", lambda options: options.selftest, "--selftest"),
    Rule("seed", lambda options: options.selftest, "--selftest"),
)
def export(
    neuron: NeuronOptions,
    options: ExportOptions,
    storage: StorageOptions,
    built: VariantOptions,
    output: OutputOptions,
) -> None:
    """Write the population as Verilog, and its interface as JSON."""
    from qlif.cosim import report

    built_from = built.primitives()
    configuration = storage.of(neuron.settings()).population(options.neurons)
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
