"""What several commands share: their options, their input, their progress bar."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from qlif.cosim.configuration import Configuration, Settings
from qlif.hdl.storage import Depth
from qlif.hdl.targets.catalogue import TARGETS
from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli
from qlif.model.presets import PRESETS
from qlif.model.support.memory import require_memory

DEFAULT_NEURONS = 64
DEFAULT_STEPS = 2000
FEW_NEURONS = 16
FEW_STEP_BITS = 8
"""Width of an event's timestep where a run of the benches is to get through all carries of its counter."""
PRESET_NAMES = ", ".join(PRESETS)

WORD_NAMES = (
    "threshold, reset, refractory, decay, trace_spike, lower_bound, bias, rest, critical, gain, drive"
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
SelfTestOption = Annotated[
    bool, typer.Option("--selftest", help="With stimulus and signature in gates around it.")
]
RegisterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--register", help=f"Parameter word in a register, written at run time ({WORD_NAMES}). Repeatable."
    ),
]
TargetOption = Annotated[str, typer.Option("--target", help=f"One of {', '.join(TARGETS)}.")]
VariantOption = Annotated[
    str,
    typer.Option(
        "--variant",
        help="portable: multipliers and block RAMs are inferred; explicit: the target's own are "
        "instantiated, with all their registers.",
    ),
]
MemoryOption = Annotated[
    list[str] | None,
    typer.Option("--memory", help="Parameter word with one value per neuron in a memory."),
]

VerilogOption = Annotated[
    Path | None,
    typer.Option(
        "--verilog", help="Verilog of your own with the ports of the exported module, in place of it."
    ),
]


BenchUpdatesOption = Annotated[
    int, typer.Option("--updates", help="How many updates the random benches play.")
]


def _above_zero(seconds: float) -> float:
    if not seconds > 0:
        raise InputError(f"--timeout must be above 0, not {seconds}")
    return seconds


TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout", help="Seconds that the solver may take for one question.", callback=_above_zero
    ),
]


def read_verilog(file: Path) -> str:
    """Return a Verilog file's text.

    Raises
    ------
    InputError
        It can't be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} must be Verilog in UTF-8") from None


def prepare(
    preset: str | None,
    params: Path | None,
    neurons: int | None,
    steps: int | None,
    input: str,
    seed: int,
    bytes_per_update: int,
) -> tuple[Configuration, npt.NDArray[np.float64]]:
    """Return the configuration and its input, the size taken from a recording where it isn't given.

    A run that takes more memory than there is, with so many bytes for each update, is refused before.
    """
    settings = Settings.read(preset, params)
    if not stimuli.is_recording(input):
        neurons = DEFAULT_NEURONS if neurons is None else neurons
        steps = DEFAULT_STEPS if steps is None else steps
    if steps is not None and neurons is not None:
        require_memory(f"a run of {steps} steps of {neurons} neurons", steps * neurons * bytes_per_update)
    currents = stimuli.make(input, timesteps=steps, neurons=neurons, dt=settings.dt, seed=seed)
    return settings.population(currents.shape[1]), currents


def with_depths(
    configuration: Configuration, register: list[str] | None, memory: list[str] | None
) -> Configuration:
    """Return the configuration with the command line's depths over the file's."""
    depths = dict(configuration.depths)
    depths |= dict.fromkeys(register or (), str(Depth.REGISTER))
    depths |= dict.fromkeys(memory or (), str(Depth.MEMORY))
    return dataclasses.replace(configuration, depths=depths)


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Any]:
    """Show what goes on, on a terminal; give the function that is told."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, fraction: bar.update(task, description=what, completed=fraction)
