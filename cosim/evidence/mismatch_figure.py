"""The stretch around the first mismatch: golden model and hardware over each other."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qlif.cosim.evidence.annotate import TIMESTEPS_SHOWN
from qlif.model.plots.themes import Theme, add_legend, handles_of, new_figure, panels_of, styles_of
from qlif.model.recording import Recording

_LABELS = ("golden", "hardware")


def mismatch_figure(
    golden: Recording,
    hardware: Recording,
    currents: npt.NDArray[np.float64],
    neuron: int,
    step: int,
    begin: int = 0,
) -> Callable[[Theme], Figure]:
    """Return what draws potential, spikes and current of a neuron around a timestep.

    Parameters
    ----------
    golden, hardware : Recording
        (timesteps, neurons)
    currents : array of float, (timesteps, neurons)
        In the parameters' unit.
    neuron, step : int
        Whose first mismatch, and when in the recordings.
    begin : int
        The timestep in which the recordings begin.
    """
    first, last = max(0, step - TIMESTEPS_SHOWN), min(len(currents), step + TIMESTEPS_SHOWN + 1)
    steps, where = begin + np.arange(first, last), (slice(first, last), neuron)

    def draw(theme: Theme) -> Figure:
        styles = styles_of(_LABELS, theme)
        figure = new_figure(4.6, theme)
        potential, spikes, current = panels = panels_of(figure, [3.0, 0.9, 1.2], theme)
        for row, (label, run) in enumerate(zip(_LABELS, (golden, hardware), strict=True)):
            assert run.potentials is not None
            potential.plot(steps, run.potentials[where], drawstyle="steps-post", **styles[label])
            color, when = styles[label]["color"], steps[run.spikes[where]]
            spikes.plot(when, [row] * len(when), "|", color=color, markersize=12, markeredgewidth=2)
        current.plot(steps, currents[where], drawstyle="steps-post", color=theme.series[2], linewidth=1.5)
        for axes in panels:
            axes.axvline(begin + step, color=theme.text, linewidth=1.0, dashes=(4, 3), zorder=1)
        spikes.set(ylim=(1.6, -0.6), yticks=(0, 1), yticklabels=_LABELS)
        spikes.set_ylabel("spikes")
        spikes.grid(False)
        potential.set_ylabel(f"neuron {neuron}\nv (mV)")
        current.set_ylabel("I (mV/R)")
        current.set_xlabel(f"timestep; the first mismatch is in timestep {begin + step}")
        current.xaxis.label.set(color=theme.text)
        current.xaxis.set_major_locator(MaxNLocator(integer=True))
        add_legend(figure, handles_of(styles), theme)
        return figure

    return draw
