"""``qlif export``: the population, the bare pipeline, or the adapter of somebody else's core, as Verilog."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    AXI,
    DEFAULT_NEURONS,
    MAP_RULES,
    STEP_BITS_RULE,
    STREAM,
    TARGET_RULE,
    UNMAPPED_RULES,
    MapOptions,
    NeuronOptions,
    NeuronsOption,
    OutputOptions,
    SelfTestOption,
    StorageOptions,
    StreamOptions,
    VariantOptions,
    with_axi,
)
from qlif.cosim.terminal import progress_bar, say_json
from qlif.model.exceptions import InputError, unknown_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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
            help="With --selftest: add a top module that checks the signature after this many updates; with "
            "--wrapper axi, tell the signature in the driver.",
        ),
    ] = None
    seed: Annotated[
        int, typer.Option("--seed", help="With --selftest or --testbench: seed of the stimulus.")
    ] = 0
    golden: Annotated[
        str | None,
        typer.Option(
            "--golden",
            metavar="LANGUAGES",
            help="Write the golden model too: c (with a DPI-C package), sv, vhdl, or several: c,sv,vhdl.",
        ),
    ] = None
    testbench: Annotated[
        bool,
        typer.Option(
            "--testbench",
            help="Write testbenches that need no Python: vectors in plain Verilog; the golden model by DPI-C; and "
            "assertions to bind.",
        ),
    ] = False
    input: Annotated[
        str | None,
        typer.Option(
            "--input", help="With --testbench: input of the vectors, as of simulate [directed and random]."
        ),
    ] = None
    steps: Annotated[
        int, typer.Option("--steps", help="With --testbench: timesteps of the random or given input.")
    ] = 200
    max_size: Annotated[
        float, typer.Option("--max-size", help="With --testbench: largest size of the vectors, MB.")
    ] = 1000.0
    wrapper: Annotated[
        str,
        typer.Option(
            "--wrapper",
            help="none, or axi: AXI4-Stream and AXI4-Lite around the population, with its registers described for "
            "other tools; with --selftest, registers start it.",
        ),
    ] = "none"
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that this command didn't write.")
    ] = False
    pipeline: Annotated[
        bool,
        typer.Option("--pipeline", help="Only the pipeline of one update, qlif_neuron, without state."),
    ] = False


@command(
    TARGET_RULE,
    STEP_BITS_RULE,
    *(
        Rule(option, condition, requires)
        for option in ("streams", "step_bits", "feed")
        for condition, requires in (
            (lambda options: options.map is None, "no --map"),
            (lambda options: not options.pipeline, "a population: not --pipeline"),
        )
    ),
    Rule("selftest", lambda options: options.streams == "both", "--streams both"),
    Rule("testbench", lambda options: options.streams == "both", "--streams both"),
    Rule("testbench", lambda options: options.feed == STREAM, "--feed stream"),
    Rule("wrapper", lambda options: options.feed == STREAM, "--feed stream"),
    Rule("updates", lambda options: options.selftest, "--selftest"),
    Rule("seed", lambda options: options.selftest or options.testbench, "--selftest or --testbench"),
    Rule("input", lambda options: options.testbench, "--testbench"),
    Rule("steps", lambda options: options.testbench, "--testbench"),
    Rule("max_size", lambda options: options.testbench, "--testbench"),
    Rule("wrapper", lambda options: not options.pipeline, "a population: not --pipeline"),
    Rule("wrapper", lambda options: options.map is None, "no --map"),
    Rule("testbench", lambda options: not options.selftest, "no --selftest: it has its own stimulus"),
    Rule("selftest", lambda options: not options.pipeline, "a population: not --pipeline"),
    Rule("neurons", lambda options: not options.pipeline, "a population: not --pipeline"),
    Rule("lanes", lambda options: not options.pipeline, "a population: not --pipeline"),
    *MAP_RULES,
    *UNMAPPED_RULES,
    Rule("selftest", lambda options: options.map is None, "no --map: qlif selftest --map runs it"),
    Rule("pipeline", lambda options: options.map is None, "no --map"),
    Rule("variant", lambda options: options.map is None, "no --map"),
    Rule("testbench", lambda options: not options.pipeline, "a population: not --pipeline"),
)
def export(
    neuron: NeuronOptions,
    options: ExportOptions,
    storage: StorageOptions,
    built: VariantOptions,
    results: StreamOptions,
    foreign: MapOptions,
    output: OutputOptions,
) -> None:
    """Write the population as Verilog, its interface as JSON, and what other tools begin with beside them.

    With --pipeline that is the pipeline of one update; with --map it is the adapter that gives your own core the
    ports of a population.
    """
    from qlif.cosim.commands import tables
    from qlif.cosim.golden.benches import CORE_FILE
    from qlif.hdl.verilog import export_neuron
    from qlif.model.support.files import write_text

    core_text, built_from = "", built.primitives()
    neurons = foreign.neurons_or(1 if options.pipeline else options.neurons)
    configuration = storage.of(neuron.settings()).population(neurons)
    if (core_map := foreign.core_map()) is not None:
        from qlif.cosim.mapping.mapped import adapter_export

        exported, core_text = adapter_export(core_map, configuration)
    elif options.pipeline:
        exported = export_neuron(configuration.core(built_from=built_from))
    else:
        exported = configuration.export(storage.lanes, built_from, *results.chosen())
    tested = None
    if options.selftest and options.wrapper == AXI:
        # The files beside it tell its signature.
        tested = _with_self_test(configuration, exported, options, output)
    files, refused = _beside(configuration, exported, tested, options, output.out)
    if core_text and options.testbench:
        files[CORE_FILE] = _as_a_file(core_text)
    if not options.force:
        module = (tested or exported).interface.module
        _refuse_foreign(output.out, [*files, f"{module}.v"] if files else [])
    if options.selftest:
        exported = tested or _with_self_test(configuration, exported, options, output)
    verilog, interface = exported.write(output.out)
    for name, text in files.items():
        write_text(output.out / name, text)
    if output.as_json:
        written = {"verilog": str(verilog), "interface_file": str(interface)}
        beside = {"files": [str(output.out / name) for name in files]} if files else {}
        say_json({**written, **beside, **exported.interface.to_json()})
        _refuse_rest(refused)
        return
    tables.print_exact_values(output.terminal, configuration.words.report)
    output.terminal.line(f"{verilog} and {interface} are written.")
    if files:
        output.terminal.line(f"Beside them: {', '.join(files)}.")
    _refuse_rest(refused)


def _beside(
    configuration: "Configuration",
    exported: "Export",
    tested: "Export | None",
    options: ExportOptions,
    out: Path,
) -> tuple[dict[str, str], list[str]]:
    """Return what else is written, by file name; and what can't be, in words.

    `tested` is the self-test that the AXI shell is around, if it is.
    """
    from qlif.cosim.golden import benches, checks
    from qlif.cosim.golden.dpi import DPI_FILE
    from qlif.cosim.golden.languages import Language, golden_files
    from qlif.hdl.ip.package import axi_files, package_files

    interface, core = exported.interface, exported.interface.core
    asked = [] if options.golden is None else [name.strip() for name in options.golden.split(",")]
    for name in asked:
        if name not in list(Language):
            raise InputError(unknown_name("language in --golden", name, list(Language)))
    languages = dict.fromkeys(map(Language, asked))
    files: dict[str, str] = {}
    if options.testbench:
        # The vectors first: they may be too large.
        files |= benches.vector_files(interface, _vectors(configuration, exported, options, out))
        files[checks.CHECKS_FILE] = checks.checks_text(interface)
        languages = dict.fromkeys([Language.C, *languages])
    golden, refused = golden_files(core, languages)
    if options.testbench and DPI_FILE in golden:
        files[benches.DPI_BENCH_FILE] = benches.dpi_bench(interface)
    files |= golden
    if with_axi(options.wrapper):
        files |= axi_files(exported, tested)
    if interface.mapped is None and (tested is not None or not options.selftest):
        vectors = (
            (benches.VECTOR_FILE, benches.CURRENTS_FILE, benches.UPDATES_FILE) if options.testbench else ()
        )
        files |= package_files(tested or exported, files, vectors)
    return files, refused


def _as_a_file(core_text: str) -> str:
    """Return the text of a mapped core without the places of the files that it was made of."""
    text = re.sub(r"(?m)^`line .*\n?", "", core_text)
    return f"// Your core, preprocessed or from VHDL by GHDL. Generated by qlif.\n{text}"


def _vectors(
    configuration: "Configuration", exported: "Export", options: ExportOptions, out: Path
) -> "list[npt.NDArray[np.int64]]":
    """Return the current words of the vectors, case by case.

    Raises
    ------
    InputError
        They would be larger than is allowed, or than the disk of `out` has room for.
    """
    import numpy as np

    from qlif.cosim.benches.inputs import constrained_random, directed
    from qlif.cosim.golden.benches import vector_bytes
    from qlif.model.inputs import stimuli
    from qlif.model.support.checks import whole

    words, interface = configuration.words, exported.interface
    core = interface.core
    steps, seed = whole("steps", options.steps, minimum=1), whole("seed", options.seed, minimum=0)
    if not options.max_size > 0:
        raise InputError(f"max-size must be above 0 MB, not {options.max_size}")

    free = shutil.disk_usage(out).free / 1e6

    def check(timesteps: int) -> None:
        size = vector_bytes(interface, timesteps) / 1e6
        if size > options.max_size:
            raise InputError(
                f"the vectors would have {size:.0f} MB, and --max-size allows {options.max_size:g}"
            )
        if size > free:
            raise InputError(
                f"the vectors would have {size:.0f} MB, and the disk of {out} has {free:.0f} MB left"
            )

    check(steps)
    if options.input is not None:
        given = stimuli.make(
            options.input, timesteps=steps, neurons=core.neurons, dt=words.parameters.dt, seed=seed
        )
        check(len(given))
        return [words.current_words(given)]
    random = constrained_random(words, steps, core.neurons, np.random.default_rng(seed))
    cases = [case for _, case in directed(words, core.neurons)]
    check(steps + sum(map(len, cases)))
    return [*cases, random]


_OURS = (b"enerated by qlif", b"  interface.json\n")
"""What files that this command wrote have in their first lines; the second one is of the checksums."""


def _refuse_foreign(folder: Path, names: list[str]) -> None:
    """Refuse to overwrite files that this command didn't write: theirs say so in their first lines."""
    for name in names:
        path = folder / name
        if path.is_dir():
            raise InputError(f"{path} is a folder: choose another --out")
        if path.exists() and not any(mark in path.read_bytes()[:1000] for mark in _OURS):
            raise InputError(f"{path} wasn't written by qlif export: --force overwrites it")


def _refuse_rest(refused: list[str]) -> None:
    """Tell what couldn't be written, after all else is."""
    if refused:
        raise InputError("; ".join(refused) + "; the other files are written")


def _with_self_test(
    configuration: "Configuration",
    exported: "Export",
    options: ExportOptions,
    output: OutputOptions,
) -> "Export":
    """Return the population with its self-test around it; write the top module with the signature.

    Inside an AXI shell it is shared, and has no top module.
    """
    from qlif.cosim.commands.selftest import timesteps_for
    from qlif.hdl.selftest.export import BOARD_MODULE, board_top, export_self_test, with_expected
    from qlif.model.selftest.golden import GoldenSelfTest
    from qlif.model.selftest.plan import SelfTestPlan
    from qlif.model.support.files import write_text

    plan = SelfTestPlan.of(configuration.words, options.seed)
    core, is_shared = exported.interface.core, options.wrapper == AXI
    exported = export_self_test(exported, plan, shared=is_shared)
    if options.updates is None:
        return exported
    timesteps = timesteps_for(options.updates, None, options.neurons)
    with progress_bar(output.as_json) as progress:
        golden = GoldenSelfTest(configuration.words, plan, core.lanes, step_bits=core.step_bits)
        signature = golden.advance(timesteps, lambda step: progress("golden model", step / timesteps))
    if not is_shared:
        write_text(output.out / f"{BOARD_MODULE}.v", board_top(timesteps, signature))
    return with_expected(exported, timesteps, signature)
