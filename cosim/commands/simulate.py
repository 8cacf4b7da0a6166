"""``qlif simulate``: the golden model beside the float neuron."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from qlif.cosim import report as results
from qlif.cosim.commands.options import (
    InputOption,
    JsonOption,
    NeuronsOption,
    OutOption,
    ParamsOption,
    PresetOption,
    SeedOption,
    StepsOption,
    prepare,
    progress_bar,
)
from qlif.cosim.software_run import simulate as run_models
from qlif.model.support.files import write_text

BYTES_PER_UPDATE = 80
"""What a run keeps of each update, measured: spikes, potentials and traces of both models."""


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
    configuration, currents = prepare(preset, params, neurons, steps, input, seed, BYTES_PER_UPDATE)
    with progress_bar(as_json) as progress:
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
    results.save_recording(out / "recording.npz", currents, runs)
    write_text(out / "result.json", json.dumps(facts, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(facts))
        return
    console = Console()
    results.print_exact_values(console, simulation.words.report)
    results.print_facts(console, f"{configuration.name} on {input}", results.comparison_rows(facts))
    console.print(f"Pictures, recording and result.json are in {out}/", highlight=False)
