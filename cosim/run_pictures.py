"""The pictures of a run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qlif.cosim.cosimulation import Cosimulation
from qlif.model.exceptions import InputError, apart
from qlif.model.metrics.fi_curve import FICurve, fi_currents, fi_curve
from qlif.model.parameters import PER_NEURON
from qlif.model.plots import figures
from qlif.model.plots.themes import save
from qlif.model.recording import Recording
from qlif.model.theory import closed_form
from qlif.model.words import Words

SHOWN_NEURONS = 3
SHOWN_MS = 200.0
"""How many neurons, and how much time, a picture shows."""


def representative(currents: npt.NDArray[np.float64], count: int) -> list[int]:
    """Return as many neurons as are shown, from the lowest to the highest mean current, evenly by rank."""
    order = np.argsort(currents.mean(axis=0), kind="stable")
    ranks = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [int(order[rank]) for rank in ranks]


def draw_run(
    directory: Path, runs: Mapping[str, Recording], currents: npt.NDArray[np.float64], words: Words
) -> list[Path]:
    """Draw potentials over each other, rasters and the input; return the files."""
    dt = words.parameters.dt
    neurons = representative(currents, SHOWN_NEURONS)
    window = min(SHOWN_MS, len(currents) * dt)
    potentials = {label: run.potentials for label, run in runs.items() if run.potentials is not None}
    spikes = {label: run.spikes for label, run in runs.items()}
    files = save(
        lambda theme: figures.potential_figure(
            potentials,
            dt=dt,
            threshold=words.parameters.threshold,
            spikes=spikes,
            neurons=neurons,
            window_ms=window,
            theme=theme,
        ),
        directory,
        "potential",
    )
    files += save(lambda theme: figures.raster_figure(spikes, dt=dt, theme=theme), directory, "raster")
    files += save(
        lambda theme: figures.input_figure(currents, dt=dt, neurons=neurons, window_ms=window, theme=theme),
        directory,
        "input",
    )
    return files


def draw_mismatch(directory: Path, run: Cosimulation, currents: npt.NDArray[np.float64]) -> list[Path]:
    """Draw the stretch around the first mismatch; return the files, none if there is no mismatch."""
    first = run.verdict.first
    if first is None:
        return []
    from qlif.cosim.evidence.mismatch_figure import mismatch_figure

    golden = run.software.golden
    draw = mismatch_figure(golden, run.hardware, currents, first.neuron, first.step)
    return save(draw, directory, "first-mismatch")


def draw_fi_curve(directory: Path, words: Words, name: str) -> tuple[list[Path], dict[str, FICurve]]:
    """Draw the f-I curve of the golden model and of float Euler; return the files and the curves."""
    parameters = words.parameters
    if any(isinstance(getattr(parameters, key), np.ndarray) for key in PER_NEURON):
        raise InputError("the f-I curve is of one neuron: every parameter must be one value for all")
    parameters = parameters.replace(n=1)
    highest = float(words.currents(words.arithmetic.current.max_word))
    currents = fi_currents(parameters)
    currents = currents[currents <= highest]
    if not len(currents):
        rheobase, most = apart(float(closed_form.rheobase(parameters)), highest)
        raise InputError(
            f"the f-I curve starts near rheobase, {rheobase}, but {words.arithmetic.current} holds currents up "
            f"to {most}"
        )
    curves = {
        "float64 Euler": fi_curve(parameters, currents),
        f"golden, {name}": fi_curve(parameters, currents, arithmetic=words.arithmetic),
    }
    return save(lambda theme: figures.fi_figure(curves, theme=theme), directory, "fi-curve"), curves
