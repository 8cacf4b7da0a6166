"""``qlif cosim``: the hardware against the golden model."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    FOREIGN_RULES,
    OWN_STREAMS_RULES,
    OWN_VARIANT_RULE,
    STEP_BITS_RULE,
    TARGET_RULE,
    UNMAPPED_RULES,
    EvidenceOptions,
    ForeignOptions,
    InputOptions,
    StallsOption,
    StorageOptions,
    StreamOptions,
    VariantOptions,
    WrittenNeuronOptions,
    is_random,
    probability,
)
from qlif.cosim.terminal import progress_bar
from qlif.model.exceptions import InputError, apart

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qlif.cosim.configuration import Configuration
    from qlif.cosim.cosimulation import Cosimulation
    from qlif.cosim.simulator.find import Simulator
    from qlif.hdl.verilog import Export

BYTES_PER_UPDATE = 400
"""Bytes per update that models, testbench and comparison keep, in both processes."""


@dataclass(frozen=True, kw_only=True)
class CosimOptions:
    """How the hardware is run, and what counts as a failure."""

    simulator: Annotated[
        str, typer.Option("--simulator", help="One of {simulators}; with a --map of VHDL, also ghdl.")
    ] = "verilator"
    waves: Annotated[
        bool, typer.Option("--waves", help="Record waveforms, with the golden model beside the hardware.")
    ] = False
    stalls: StallsOption = 0.0
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also run the directed, random, stall and reset tests.")
    ] = False
    gates: Annotated[
        str | None,
        typer.Option(
            "--gates",
            help="Simulate the gate-level netlist that Yosys makes for this FPGA family, with the vendor's cells; "
            "and, with --feed stream, hundreds of instances of it side by side: {targets}.",
        ),
    ] = None
    max_lag_steps: Annotated[
        int | None,
        typer.Option("--max-lag-steps", help="Fail if a spike lags the float neuron's by more timesteps."),
    ] = None
    max_rmse: Annotated[
        float | None,
        typer.Option("--max-rmse", help="Fail if the potential's RMSE to the float neuron is larger, mV."),
    ] = None

    def check(self) -> None:
        """Refuse numbers outside their range."""
        probability("--stalls", self.stalls)
        for name, limit in (("--max-lag-steps", self.max_lag_steps), ("--max-rmse", self.max_rmse)):
            if limit is not None and not limit >= 0:
                raise InputError(f"{name} must be 0 or more, not {limit}")


@dataclass(frozen=True, kw_only=True)
class CosimOutput(EvidenceOptions):
    """Where results go, with the switching activity."""

    saif: Annotated[
        Path | None,
        typer.Option(
            "--saif", help="Write how often each bit switches as SAIF, for tools that estimate power."
        ),
    ] = None

    @property
    def evidence_files(self) -> dict[str, Path]:
        """The files that are asked for, by their options."""
        return super().evidence_files | ({} if self.saif is None else {"--saif": self.saif})


@command(
    TARGET_RULE,
    *FOREIGN_RULES,
    *UNMAPPED_RULES,
    OWN_VARIANT_RULE,
    STEP_BITS_RULE,
    *OWN_STREAMS_RULES,
    Rule(
        "gates",
        lambda options: options.map is None,
        "no --map: name a netlist of yours, with its cells' models, in the map's sources instead",
    ),
    Rule("waves", lambda options: options.streams != "events", "updates: not --streams events"),
    Rule("saif", lambda options: options.simulator == "verilator", "--simulator verilator"),
    Rule("saif", lambda options: not options.waves, "a run of its own, without --waves"),
    Rule(
        "seed",
        lambda options: options.thorough or options.stalls > 0 or is_random(options.input),
        "a random --input, --stalls or --thorough",
    ),
)
def cosim(
    neuron: WrittenNeuronOptions,
    source: InputOptions,
    storage: StorageOptions,
    built: VariantOptions,
    results: StreamOptions,
    foreign: ForeignOptions,
    options: CosimOptions,
    output: CosimOutput,
) -> None:
    """Check the simulated hardware against the golden model.

    The float neuron runs beside both.

    The exit code is 1 if one update differs from the golden model in one bit.
    """
    from qlif.cosim.evidence.gather import of_cosim
    from qlif.cosim.mapping.sources import is_vhdl
    from qlif.cosim.simulator.find import find

    options.check()
    built_from = built.primitives(options.gates)
    core_map = foreign.core_map()
    simulator = find(options.simulator, vhdl=core_map is not None and is_vhdl(core_map.sources))
    if options.simulator == "ghdl" and (options.waves or options.gates):
        raise InputError("--waves and --gates require --simulator verilator or icarus, not ghdl")
    source = replace(source, neurons=foreign.neurons_or(source.neurons))
    configuration, currents = source.prepare(storage.of(neuron.settings()), BYTES_PER_UPDATE)
    if foreign.file is None:
        export = configuration.export(storage.lanes, built_from, *results.chosen())
    else:
        export = foreign.export(configuration, storage.lanes)
    with progress_bar(output.as_json) as progress:
        run = _run(
            configuration, currents, simulator, export, source.seed, foreign, options, output, progress
        )
        progress("drawing", 0.9)
        facts = {
            "preset": configuration.name,
            "variant": built_from.variant,
            "target": built_from.target,
            "gates": options.gates,
            "verilog": None if foreign.verilog is None else str(foreign.verilog),
            "map": None if foreign.map is None else str(foreign.map),
            **foreign.origin(export.verilog, [simulator.name])[0],
            "simulator": simulator.name,
            "simulator_version": simulator.version,
            "input": source.input,
            "seed": source.seed,
            "saif": None if output.saif is None else str(output.saif),
            "lanes": storage.lanes,
            "feed": results.feed,
        }
        facts |= _results(configuration, run, currents, options, output)
    output.write_json("result.json", facts)
    output.hand_in(of_cosim(facts, output.out))
    if not output.as_json:
        _show(configuration, run, facts, output)
    if facts["failures"]:
        raise typer.Exit(1)


def _run(
    configuration: "Configuration",
    currents: "npt.NDArray[np.float64]",
    simulator: "Simulator",
    export: "Export",
    seed: int,
    foreign: ForeignOptions,
    options: CosimOptions,
    output: CosimOutput,
    progress: Any,
) -> "Cosimulation":
    """Run the hardware; Verilog of the user's that doesn't build is invalid input."""
    from qlif.cosim.cosimulation import cosimulate

    with foreign.builds():
        return cosimulate(
            configuration,
            currents,
            simulator,
            output.out,
            seed=seed,
            waves=options.waves,
            saif=output.saif,
            stalls=options.stalls,
            thorough=options.thorough,
            export=export,
            core_map=foreign.core_map(),
            gates=options.gates,
            progress=progress,
        )


def _results(
    configuration: "Configuration",
    run: "Cosimulation",
    currents: "npt.NDArray[np.float64]",
    options: CosimOptions,
    output: CosimOutput,
) -> dict[str, Any]:
    """Plot and save the runs; return the results."""
    from qlif.cosim import run_facts, run_pictures

    software = run.software
    runs = {
        "float64 Euler": software.floating,
        f"golden, {configuration.name}": software.golden,
        "hardware": run.hardware,
    }
    pictures = run_pictures.draw_mismatch(output.out, run, currents)
    pictures += run_pictures.draw_run(output.out, runs, currents, software.words)
    run_facts.save_recording(output.out / "recording.npz", currents, runs)
    facts = {
        "storage": configuration.storage,
        "writes": list(configuration.writes),
        **run_facts.cosimulation_facts(run),
    }
    return {
        **facts,
        "failures": _failures(facts, options),
        "limits": _limits(facts, options),
        "pictures": [str(path) for path in pictures],
    }


def _show(
    configuration: "Configuration", run: "Cosimulation", facts: dict[str, Any], output: CosimOutput
) -> None:
    from qlif.cosim import run_facts
    from qlif.cosim.commands import tables
    from qlif.cosim.foreign_views import origin_rows

    terminal = output.terminal
    tables.print_exact_values(terminal, run.software.words.report)
    rows = {
        "simulator": facts["simulator_version"],
        **({} if facts["target"] is None else {"explicit variant for": facts["target"]}),
        **({} if facts["gates"] is None else {"netlist for": facts["gates"]}),
        **origin_rows(facts),
        "updates compared": facts["updates"],
        "bit mismatches against the golden model": facts["mismatches"],
        "clocks": facts["cycles"],
        **run_facts.speed_rows(run),
        **run_facts.comparison_rows(facts),
    }
    if configuration.writes:
        rows["parameter writes (the float neuron has none)"] = len(configuration.writes)
    if facts["side_by_side_updates"] is not None:
        rows["updates compared in instances side by side"] = f"{facts['side_by_side_updates']:,}"
    if run.thorough is not None:
        rows["further tests passed"] = f"{run.thorough[0] - run.thorough[1]} of {run.thorough[0]}"
    terminal.facts(f"{configuration.name} on {facts['input']}, seed {facts['seed']}", rows)
    for failure in facts["failures"]:
        terminal.line(f"FAILED: {failure}")
    terminal.line(f"Verilog, pictures, recording and result.json are in {output.out}/")


def _failures(facts: dict[str, Any], options: CosimOptions) -> list[str]:
    """Return, in words, each check that failed."""
    failures = []
    hint = facts["waves"] or "none, run again with --waves"
    for broken in facts["broken_rules"]:
        failures.append(f"broken rule: {broken['text']}. Log: {facts['log']}. Waves: {hint}")
    if facts["mismatches"]:
        failures.append(
            f"{facts['mismatches']} mismatches; the first: {facts['first_mismatch']['text']}. "
            f"Log: {facts['log']}. Waves: {hint}"
        )
    if facts["thorough_failed"]:
        failures.append(f"{facts['thorough_failed']} further tests failed; see thorough/simulation.log")
    if facts["side_by_side_failure"]:
        failures.append(f"instances of the netlist side by side: {facts['side_by_side_failure']}")
    failures += facts["speed_failures"]
    failures += [text for text in _limits(facts, options).values() if text]
    return failures


def _limits(facts: dict[str, Any], options: CosimOptions) -> dict[str, str]:
    """Return, for each limit that is asked for, what is wrong; nothing if it is kept."""
    limits = {}
    lag, most = facts["max_spike_lag_steps"], options.max_lag_steps
    if most is not None:
        limits["spike lag"] = f"the largest spike lag is {lag} steps, above {most}" if lag > most else ""
    if options.max_rmse is not None:
        found, allowed = apart(facts["rmse_mv"], options.max_rmse)
        above = f"the potential's RMSE is {found} mV, above {allowed}"
        limits["potential RMSE"] = above if facts["rmse_mv"] > options.max_rmse else ""
    return limits
