"""The command ``qlif``: parse, call one library function, print.

Exit codes: 0 good, 1 a mismatch or a failed check was found, 2 bad usage or input.
"""

import dataclasses
import importlib.metadata
import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from qlif.cosim import results, simulators
from qlif.cosim.configuration import Configuration, Settings
from qlif.cosim.cosimulation import cosimulate
from qlif.cosim.simulation import simulate as run_models
from qlif.hdl.depths import Depth
from qlif.hdl.export import export_population
from qlif.hdl.synthesis import SynthesisError, synthesise
from qlif.hdl.targets import TARGETS
from qlif.model import stimuli
from qlif.model.errors import InputError, PrecisionWarning
from qlif.model.files import whole_file, write_text
from qlif.model.presets import PRESETS
from qlif.model.words import quantise

DEFAULT_NEURONS = 64
DEFAULT_STEPS = 2000
PRESET_NAMES = ", ".join(PRESETS)

WORD_NAMES = (
    "threshold, reset, refractory, decay, trace_spike, lower_bound, bias, rest, critical, gain, drive"
)

app = typer.Typer(
    name="qlif",
    help="Quadratic leaky integrate-and-fire neurons: float reference, golden fixed-point model, hardware.",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

PresetOption = Annotated[
    str | None, typer.Option("--preset", help=f"Hardware configuration: {PRESET_NAMES}.")
]
ParamsOption = Annotated[
    Path | None,
    typer.Option("--params", help="TOML file with tables [parameters] and [arithmetic]; may name a preset."),
]
NeuronsOption = Annotated[
    int | None,
    typer.Option("--neurons", help=f"Number of neurons [{DEFAULT_NEURONS}, or a file's channels]."),
]
StepsOption = Annotated[
    int | None, typer.Option("--steps", help=f"Number of timesteps [{DEFAULT_STEPS}, or a whole file].")
]
InputOption = Annotated[
    str,
    typer.Option(
        "--input",
        help=f"{', '.join(stimuli.STIMULI)}, or a .npy, .csv or .wav file; with options as in "
        "ou:mean=18,sd=6 or speech.wav:scale=40,offset=12,gain_spread=0.3 (a recording is "
        "scale * sample + offset, in mV). `qlif inputs` lists them.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of all that is random.")]
OutOption = Annotated[Path, typer.Option("--out", help="Directory for results and pictures.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


LanesOption = Annotated[int, typer.Option("--lanes", help="Pipelines side by side, a power of two.")]
RegisterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--register", help=f"Parameter word in a register, written at run time ({WORD_NAMES}). Repeatable."
    ),
]
MemoryOption = Annotated[
    list[str] | None,
    typer.Option("--memory", help="Parameter word with one value per neuron in a memory."),
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"qlif {importlib.metadata.version('qlif')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


@app.command(epilog="Example: qlif simulate --preset square-16 --input constant:amplitude=20 --fi-curve")
def simulate(
    preset: PresetOption = None,
    params: ParamsOption = None,
    neurons: NeuronsOption = None,
    steps: StepsOption = None,
    input: InputOption = "ou",
    seed: SeedOption = 0,
    fi_curve: Annotated[
        bool, typer.Option("--fi-curve", help="Simulate and draw the f-I curve too.")
    ] = False,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Run an input through the fixed-point golden model and the float neuron."""
    configuration, currents = _prepare(preset, params, neurons, steps, input, seed)
    with _progress(as_json) as progress:
        progress("running the models", 0.0)
        simulation = run_models(configuration, currents)
        progress("drawing", 0.9)
        facts = {
            "preset": configuration.name,
            "input": input,
            "seed": seed,
            **results.simulation_facts(simulation),
        }
        runs = {"float64 Euler": simulation.floating, f"golden, {configuration.name}": simulation.golden}
        pictures = results.draw_run(out, runs, currents, simulation.words)
        if fi_curve:
            progress("f-I curve", 0.95)
            more, curves = results.draw_fi_curve(out, simulation.words, configuration.name)
            pictures += more
            facts["fi_curve"] = results.fi_facts(curves)
    facts["pictures"] = [str(path) for path in pictures]
    _save_recording(out / "recording.npz", currents, runs)
    write_text(out / "result.json", json.dumps(facts, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(facts))
        return
    console = Console()
    results.print_exact_values(console, simulation.words.report)
    results.print_facts(console, f"{configuration.name} on {input}", _comparison_rows(facts))
    console.print(f"Pictures, recording and result.json are in {out}/", highlight=False)


@app.command(epilog="Example: qlif cosim --preset square-18 --neurons 64 --steps 2000 --input ou --seed 1")
def cosim(
    preset: PresetOption = None,
    params: ParamsOption = None,
    neurons: NeuronsOption = None,
    steps: StepsOption = None,
    input: InputOption = "ou",
    seed: SeedOption = 0,
    simulator: Annotated[
        str, typer.Option("--simulator", help=f"One of {', '.join(simulators.SIMULATORS)}.")
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
    gates: Annotated[
        str | None,
        typer.Option(
            "--gates",
            help=f"Simulate the netlist that Yosys makes for {' or '.join(TARGETS)}, of the vendor's cells.",
        ),
    ] = None,
    max_lag_steps: Annotated[
        int | None, typer.Option("--max-lag-steps", help="Fail if a spike lags the float neuron's by more.")
    ] = None,
    max_rmse: Annotated[
        float | None,
        typer.Option("--max-rmse", help="Fail if the potential's RMSE to the float neuron is above, mV."),
    ] = None,
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
    found = simulators.find(simulator)
    configuration, currents = _prepare(preset, params, neurons, steps, input, seed)
    configuration = _with_depths(configuration, register, memory)
    with _progress(as_json) as progress:
        run = cosimulate(
            configuration,
            currents,
            found,
            out,
            seed=seed,
            waves=waves,
            stalls=stalls,
            thorough=thorough,
            lanes=lanes,
            gates=gates,
            progress=progress,
        )
        progress("drawing", 0.9)
        facts = {
            "preset": configuration.name,
            "gates": gates,
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
    _save_recording(out / "recording.npz", currents, runs)
    write_text(out / "result.json", json.dumps(facts, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        console = Console()
        results.print_exact_values(console, software.words.report)
        rows = {
            "simulator": found.version,
            **({} if gates is None else {"netlist for": gates}),
            "updates compared": facts["updates"],
            "bit mismatches against the golden model": facts["mismatches"],
            "clocks": facts["cycles"],
            **_comparison_rows(facts),
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


@app.command(epilog="Example: qlif export --preset square-18 --neurons 1024 --out rtl")
def export(
    preset: PresetOption = None,
    params: ParamsOption = None,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons.")] = DEFAULT_NEURONS,
    lanes: LanesOption = 1,
    register: RegisterOption = None,
    memory: MemoryOption = None,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Write the population as Verilog, with a description of its interface."""
    configuration = _with_depths(Settings.read(preset, params).population(neurons), register, memory)
    words = quantise(configuration.parameters, configuration.arithmetic)
    exported = export_population(words, neurons, configuration.name, lanes, configuration.depths)
    verilog, interface = out / f"{exported.interface['module']}.v", out / "interface.json"
    write_text(verilog, exported.verilog)
    write_text(interface, json.dumps(exported.interface, indent=2) + "\n")
    if as_json:
        typer.echo(
            json.dumps({"verilog": str(verilog), "interface_file": str(interface), **exported.interface})
        )
        return
    console = Console()
    results.print_exact_values(console, words.report)
    console.print(f"{verilog} and {interface} are written.", highlight=False)


@app.command(epilog="Example: qlif synth --preset square-18 --target ecp5 --neurons 1024 --seeds 5")
def synth(
    preset: PresetOption = None,
    params: ParamsOption = None,
    target: Annotated[str, typer.Option("--target", help=f"One of {', '.join(TARGETS)}.")] = "ecp5",
    package: Annotated[str | None, typer.Option("--package", help="Package of the device.")] = None,
    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons.")] = 1024,
    lanes: LanesOption = 1,
    register: RegisterOption = None,
    memory: MemoryOption = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Placements; the median clock counts.")] = 5,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Synthesise, place and route a population; report resources and the fastest clock."""
    configuration = _with_depths(Settings.read(preset, params).population(neurons), register, memory)
    words = quantise(configuration.parameters, configuration.arithmetic)
    with _progress(as_json) as progress:
        synthesis = synthesise(
            words,
            neurons,
            out / "synthesis",
            preset=configuration.name,
            target_name=target,
            package=package,
            lanes=lanes,
            depths=configuration.depths,
            seeds=seeds,
            progress=progress,
        )
    facts = {**synthesis.as_dict(), "depths": configuration.depths}
    write_text(out / "synthesis.json", json.dumps(facts, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(facts))
        return
    results.print_synthesis(Console(), synthesis)


@app.command()
def inputs() -> None:
    """List the inputs and their options."""
    for name in stimuli.STIMULI:
        typer.echo(stimuli.summary(name))
    typer.echo(
        "FILE.npy, FILE.csv, FILE.wav: scale=1.0 (mV per unit), offset=0.0 (mV), gain_spread=0.0 (0 to 1), "
        "rate (Hz, not with .wav), resample=average (average, linear, none)"
    )


def _prepare(
    preset: str | None, params: Path | None, neurons: int | None, steps: int | None, input: str, seed: int
) -> tuple[Configuration, npt.NDArray[np.float64]]:
    """Return the configuration and its input, the size taken from a recording where it isn't given."""
    settings = Settings.read(preset, params)
    if not stimuli.is_recording(input):
        neurons = DEFAULT_NEURONS if neurons is None else neurons
        steps = DEFAULT_STEPS if steps is None else steps
    currents = stimuli.make(input, timesteps=steps, neurons=neurons, dt=settings.dt, seed=seed)
    return settings.population(currents.shape[1]), currents


def _with_depths(
    configuration: Configuration, register: list[str] | None, memory: list[str] | None
) -> Configuration:
    """Return the configuration with the command line's depths over the file's."""
    depths = dict(configuration.depths)
    depths |= dict.fromkeys(register or (), str(Depth.REGISTER))
    depths |= dict.fromkeys(memory or (), str(Depth.MEMORY))
    return dataclasses.replace(configuration, depths=depths)


def _comparison_rows(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "spikes, golden model": facts["spikes_golden"],
        "spikes, float64 Euler": facts["spikes_float"],
        "largest spike lag behind float": f"{facts['max_spike_lag_steps']} steps of {facts['dt_ms']} ms",
        "potential RMSE to float": f"{facts['rmse_mv']:.4g} mV (largest {facts['max_error_mv']:.4g})",
        "mean firing rate": f"{facts['mean_rate_hz']:.4g} Hz",
    }


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


def _save_recording(path: Path, currents: npt.NDArray[np.float64], runs: dict[str, Any]) -> None:
    """Write every run's spikes and potentials, and what was put in, into one file."""
    arrays: dict[str, Any] = {"currents": currents}
    for label, run in runs.items():
        key = label.split(",")[0].split(" ")[0]
        arrays |= {f"spikes_{key}": run.spikes, f"potentials_{key}": run.potentials}
        if run.potential_words is not None:
            arrays |= {f"potential_words_{key}": run.potential_words, f"trace_words_{key}": run.trace_words}
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    """Show what goes on, on a terminal; give the function that is told."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, fraction: bar.update(task, description=what, completed=fraction)


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    typer.echo(f"warning: {message}", err=True)


def main() -> None:
    """Run the command; the console script's entry point."""
    warnings.simplefilter("always", PrecisionWarning)
    warnings.showwarning = _show_warning
    try:
        app()
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        typer.echo(f"error: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        sys.exit(2)
    except MemoryError:
        typer.echo("error: not enough memory for that many neurons and steps", err=True)
        sys.exit(2)
    except (simulators.SimulationError, SynthesisError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
