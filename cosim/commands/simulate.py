"""``qlif simulate``: golden model and float neuron."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import InputOptions, OutputOptions, WrittenNeuronOptions, is_random
from qlif.cosim.terminal import progress_bar

BYTES_PER_UPDATE = 80
"""What a run keeps of each update, measured: spikes, potentials and traces of both models."""


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """What is drawn besides."""

    fi_curve: Annotated[bool, typer.Option("--fi-curve", help="Also simulate and plot the f-I curve.")] = (
        False
    )


@command(Rule("seed", lambda options: is_random(options.input), "a random --input"))
def simulate(
    neuron: WrittenNeuronOptions, source: InputOptions, options: SimulateOptions, output: OutputOptions
) -> None:
    """Run an input through the golden model and the float neuron."""
    from qlif.cosim import run_facts, run_pictures
    from qlif.cosim.commands import tables
    from qlif.cosim.software_run import simulate as run_models

    configuration, currents = source.prepare(neuron.settings(), BYTES_PER_UPDATE)
    with progress_bar(output.as_json) as progress:
        progress("running the models", 0.0)
        simulation = run_models(configuration, currents)
        progress("drawing", 0.9)
        facts: dict[str, Any] = {
            "preset": configuration.name,
            "input": source.input,
            "seed": source.seed,
            **run_facts.simulation_facts(simulation),
        }
        runs = {"float64 Euler": simulation.floating, f"golden, {configuration.name}": simulation.golden}
        pictures = run_pictures.draw_run(output.out, runs, currents, simulation.words)
        if options.fi_curve:
            progress("f-I curve", 0.95)
            more, curves = run_pictures.draw_fi_curve(output.out, simulation.words, configuration.name)
            pictures += more
            facts["fi_curve"] = run_facts.fi_facts(curves)
    facts["pictures"] = [str(path) for path in pictures]
    run_facts.save_recording(output.out / "recording.npz", currents, runs)
    output.write_json("result.json", facts)
    if output.as_json:
        return
    terminal = output.terminal
    tables.print_exact_values(terminal, simulation.words.report)
    terminal.facts(f"{configuration.name} on {source.input}", run_facts.comparison_rows(facts))
    terminal.line(f"Pictures, recording and result.json are in {output.out}/")
