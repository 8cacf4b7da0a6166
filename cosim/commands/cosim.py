"""``qlif cosim``: the hardware against the golden model."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qlif.cosim import report as results
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    InputOption,
    JsonOption,
    LanesOption,
    MemoryOption,
    NeuronsOption,
    OutOption,
    ParamsOption,
    PresetOption,
    RegisterOption,
    SeedOption,
    StepsOption,
    VariantOption,
    VerilogOption,
    prepare,
    progress_bar,
    read_verilog,
    with_depths,
)
from qlif.cosim.commands.selftest import DEFAULT_UPDATES, refuse, run_self_test, timesteps_for
from qlif.cosim.configuration import Settings
from qlif.cosim.cosimulation import cosimulate
from qlif.cosim.foreign import foreign_population
from qlif.cosim.simulator import design
from qlif.hdl.export import POPULATION_MODULE
from qlif.hdl.targets.catalogue import TARGETS, primitives
from qlif.model.exceptions import InputError
from qlif.model.support.files import write_text

DEFAULT_INPUT = "ou"
DEFAULT_TARGET = "ecp5"
BYTES_PER_UPDATE = 400
"""What the models, the bench and the comparison keep of each update, both processes together."""


def cosim(
    preset: PresetOption = None,
    params: ParamsOption = None,
    neurons: NeuronsOption = None,
    steps: StepsOption = None,
    input: InputOption = DEFAULT_INPUT,
    seed: SeedOption = 0,
    simulator: Annotated[
        str, typer.Option("--simulator", help=f"One of {', '.join(design.SIMULATORS)}.")
    ] = "verilator",
    waves: Annotated[bool, typer.Option("--waves", help="Leave waveforms behind.")] = False,
    stalls: Annotated[
        float,
        typer.Option("--stalls", help="Probability per clock that a stream pauses, on each of the three."),
    ] = 0.0,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Run the directed, random, stall and reset tests as well.")
    ] = False,
    lanes: LanesOption = 1,
    register: RegisterOption = None,
    memory: MemoryOption = None,
    variant: VariantOption = "portable",
    target: Annotated[
        str | None, typer.Option("--target", help="Of the explicit variant [that of --gates, or ecp5].")
    ] = None,
    gates: Annotated[
        str | None,
        typer.Option(
            "--gates",
            help=f"Simulate the netlist that Yosys makes for {' or '.join(TARGETS)}, of the vendor's cells.",
        ),
    ] = None,
    selftest: Annotated[
        bool,
        typer.Option(
            "--selftest",
            help="Stimulus and signature in gates, without Python: millions of updates, no --input.",
        ),
    ] = False,
    updates: Annotated[
        int | None,
        typer.Option("--updates", help=f"Updates of the self-test, rounded up [{DEFAULT_UPDATES}]."),
    ] = None,
    max_lag_steps: Annotated[
        int | None, typer.Option("--max-lag-steps", help="Fail if a spike lags the float neuron's by more.")
    ] = None,
    max_rmse: Annotated[
        float | None,
        typer.Option("--max-rmse", help="Fail if the potential's RMSE to the float neuron is above, mV."),
    ] = None,
    verilog: VerilogOption = None,
    module: Annotated[str, typer.Option("--module", help="With --verilog: its module.")] = POPULATION_MODULE,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Hold the hardware, simulated as Verilog, against the golden model and the float neuron.

    The exit code is 1 if one update differs from the golden model in one bit.
    """
    if not 0 <= stalls < 1:
        raise InputError(f"--stalls must be a probability from 0 to below 1, not {stalls}")
    for name, limit in (("--max-lag-steps", max_lag_steps), ("--max-rmse", max_rmse)):
        if limit is not None and not limit >= 0:
            raise InputError(f"{name} must be 0 or more, not {limit}")
    built_from = primitives(variant, target or gates or DEFAULT_TARGET)
    if target is not None and built_from.target is None:
        raise InputError("--target belongs to --variant explicit: the portable variant is for any")
    if selftest:
        refuse(
            {
                "--waves": waves,
                "--thorough": thorough,
                "--gates": gates,
                "--max-lag-steps": max_lag_steps,
                "--max-rmse": max_rmse,
                "--input": None if input == DEFAULT_INPUT else input,
            }
        )
        neurons = DEFAULT_NEURONS if neurons is None else neurons
        configuration = with_depths(Settings.read(preset, params).population(neurons), register, memory)
        timesteps = timesteps_for(updates, steps, neurons)
        export = configuration.export(lanes, built_from)
        run_self_test(
            configuration, timesteps, export, simulator, out, seed=seed, stalls=stalls, as_json=as_json
        )
        return
    if updates is not None:
        raise InputError("--updates belongs to --selftest; else the run has --steps times --neurons updates")
    found = design.find(simulator)
    configuration, currents = prepare(preset, params, neurons, steps, input, seed, BYTES_PER_UPDATE)
    configuration = with_depths(configuration, register, memory)
    if verilog is None:
        export = configuration.export(lanes, built_from)
    elif built_from.target is None:
        export = foreign_population(configuration, read_verilog(verilog), module, lanes)
    else:
        raise InputError("--variant must be portable with --verilog, not explicit")
    with progress_bar(as_json) as progress:
        run = cosimulate(
            configuration,
            currents,
            found,
            out,
            seed=seed,
            waves=waves,
            stalls=stalls,
            thorough=thorough,
            export=export,
            gates=gates,
            progress=progress,
        )
        progress("drawing", 0.9)
        facts = {
            "preset": configuration.name,
            "variant": built_from.variant,
            "target": built_from.target,
            "gates": gates,
            "verilog": None if verilog is None else str(verilog),
            "simulator": found.name,
            "simulator_version": found.version,
            "input": input,
            "seed": seed,
            "lanes": lanes,
            "depths": configuration.depths,
            "writes": list(configuration.writes),
            **results.cosimulation_facts(run),
        }
        software = run.software
        runs = {
            "float64 Euler": software.floating,
            f"golden, {configuration.name}": software.golden,
            "hardware": run.hardware,
        }
        pictures = results.draw_run(out, runs, currents, software.words)
    failures = _failures(facts, max_lag_steps, max_rmse)
    facts |= {"failures": failures, "pictures": [str(path) for path in pictures]}
    results.save_recording(out / "recording.npz", currents, runs)
    write_text(out / "result.json", json.dumps(facts, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        console = Console()
        results.print_exact_values(console, software.words.report)
        rows = {
            "simulator": found.version,
            **({} if built_from.target is None else {"explicit variant for": built_from.target}),
            **({} if gates is None else {"netlist for": gates}),
            "updates compared": facts["updates"],
            "bit mismatches against the golden model": facts["mismatches"],
            "clocks": facts["cycles"],
            **results.comparison_rows(facts),
        }
        if configuration.writes:
            rows["parameter writes (the float neuron has none)"] = len(configuration.writes)
        if run.thorough is not None:
            rows["further tests passed"] = f"{run.thorough[0] - run.thorough[1]} of {run.thorough[0]}"
        results.print_facts(console, f"{configuration.name} on {input}, seed {seed}", rows)
        for failure in failures:
            console.print(f"FAILED: {failure}", highlight=False, soft_wrap=True)
        console.print(f"Verilog, pictures, recording and result.json are in {out}/", highlight=False)
    if failures:
        raise typer.Exit(1)


def _failures(facts: dict[str, Any], max_lag_steps: int | None, max_rmse: float | None) -> list[str]:
    """Return, in words, each check that failed."""
    failures = []
    if facts["mismatches"]:
        hint = facts["waves"] or "none, run again with --waves"
        failures.append(
            f"{facts['mismatches']} mismatches; the first: {facts['first_mismatch']['text']}. "
            f"Log: {facts['log']}. Waves: {hint}"
        )
    if facts["thorough_failed"]:
        failures.append(f"{facts['thorough_failed']} of the further tests; see thorough/simulation.log")
    if max_lag_steps is not None and facts["max_spike_lag_steps"] > max_lag_steps:
        failures.append(
            f"the largest spike lag is {facts['max_spike_lag_steps']} steps, above {max_lag_steps}"
        )
    if max_rmse is not None and facts["rmse_mv"] > max_rmse:
        failures.append(f"the potential's RMSE is {facts['rmse_mv']:.4g} mV, above {max_rmse}")
    return failures
