"""The results of a search: the configuration as a file, its Verilog, and a co-simulation of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from qlif.cosim.configuration import Configuration, Settings
from qlif.cosim.cosimulation import Cosimulation, cosimulate
from qlif.cosim.optimize.space import Candidate
from qlif.cosim.simulator.find import Simulator
from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import ToolError
from qlif.model.inputs import stimuli
from qlif.model.parameters import Parameters
from qlif.model.studies.grid import Sweep, base_of
from qlif.model.support.files import write_text
from qlif.model.support.progress import Progress

NAME = "optimized"
"""Of the configuration, where a preset's name stands otherwise."""


def deliver(
    best: Candidate,
    sweep: Sweep,
    comment: str,
    out: Path,
    simulator: Simulator,
    neurons: int,
    timesteps: int,
    progress: Progress,
) -> tuple[list[Path], dict[str, int]]:
    """Write the result of a search, export and co-simulate it.

    Returns the files, and how many updates were compared with how many mismatches.
    """
    progress("exporting", 0.9)
    preset = out / "optimized.toml"
    write_preset(preset, sweep, best.arithmetic, best.dt_ms, comment)
    files = [preset, *export(preset, out / "rtl", neurons)]
    runs = check(preset, sweep, simulator, out / "cosim", timesteps, progress)
    return files, {
        "cosimulated_updates": sum(run.verdict.updates for run in runs),
        "mismatches": sum(run.verdict.mismatches for run in runs),
    }


def write_preset(path: Path, sweep: Sweep, arithmetic: Arithmetic, dt: float, comment: str) -> None:
    """Write a configuration as a TOML file for ``--params``, and make sure that it reads back as it is."""
    (tau_m,) = sweep.tau_m_ms
    neuron = sweep.neuron(dt, tau_m, 1)
    default = Parameters(n=1).as_dict()
    physical = {name: value for name, value in neuron.as_dict().items() if value != default[name]}
    lines = [*(f"# {line}" for line in comment.splitlines()), f'preset = "{base_of(arithmetic.form)}"', ""]
    lines += ["[parameters]", *(f"{name} = {_toml(value)}" for name, value in physical.items()), ""]
    choices = {name: value for name, value in arithmetic.as_dict().items() if value is not None}
    lines += ["[arithmetic]", *(f"{name} = {_toml(value)}" for name, value in choices.items()), ""]
    write_text(path, "\n".join(lines))
    read = Settings.read(None, path)
    if read.arithmetic != arithmetic or read.population(1).parameters.as_dict() != neuron.as_dict():
        raise ToolError(f"{path} doesn't read back as the configuration that was found")


def export(path: Path, directory: Path, neurons: int) -> list[Path]:
    """Export the configuration of a file as Verilog; return the files."""
    return [*_named(Settings.read(None, path), neurons).export().write(directory)]


def check(
    path: Path, sweep: Sweep, simulator: Simulator, directory: Path, timesteps: int, progress: Progress
) -> list[Cosimulation]:
    """Co-simulate the configuration of a file on each input of a study."""
    runs = []
    settings = Settings.read(None, path)
    for number, text in enumerate(sweep.input):
        currents = stimuli.make(
            text, timesteps=timesteps, neurons=sweep.neurons, dt=settings.dt, seed=sweep.input_seed
        )
        configuration = _named(settings, currents.shape[1])
        runs.append(
            cosimulate(configuration, currents, simulator, directory / f"input-{number}", progress=progress)
        )
    return runs


def _named(settings: Settings, neurons: int) -> Configuration:
    return replace(settings.population(neurons), name=NAME)


def _toml(value: Any) -> str:
    # JSON's texts, numbers and truth values are TOML's too.
    return json.dumps(value)
