"""The figures that a study of the neuron shows: potentials, rasters, inputs and f-I curves.

Each function returns a figure with a canvas of its own and touches no state outside it;
:func:`save` writes one for light and dark pages. A timestep k is drawn at its end, ``(k + 1) * dt``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from qlif.model.exceptions import InputError
from qlif.model.metrics.fi_curve import FICurve
from qlif.model.plots.data import (
    TIME,
    Samples,
    check_labels,
    chosen_neurons,
    flat,
    number,
    reduced,
    reduction,
    round_up,
    runs_of,
    thresholds_of,
    window,
)
from qlif.model.plots.themes import (
    DARK,
    FONT_SIZE,
    LIGHT,
    Theme,
    add_legend,
    colors_of,
    handles_of,
    new_figure,
    panels_of,
    save,
    styles_of,
)
from qlif.model.theory import closed_form

__all__ = ["DARK", "LIGHT", "Theme", "fi_figure", "input_figure", "potential_figure", "raster_figure", "save"]

_MOST_MARKS = 600  # of one row of an SVG; more become an image inside it
_ROW = 8.0  # height of a row of spike marks, points


def potential_figure(
    curves: Mapping[str, npt.ArrayLike],
    *,
    dt: float,
    threshold: npt.ArrayLike,
    spikes: Mapping[str, npt.ArrayLike] | None = None,
    neurons: Sequence[int] | None = None,
    window_ms: float | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """Draw the potentials of chosen neurons, several runs over each other.

    Runs that coincide all remain visible: the first is wide and pale, the second a thin line on
    it, the third dashed and the fourth dotted on top.

    Parameters
    ----------
    curves : mapping of label to array_like, (timesteps, *shape)
        One to four runs, from the one drawn at the bottom to the one on top; potentials in mV.
    dt : float
        Timestep, ms.
    threshold : float or array_like of the population's shape
        Drawn as a dashed line, mV.
    spikes : mapping of label to array_like of bool, (timesteps, *shape), optional
        Spikes of some of the runs: a row of ticks above the panel for each.
    neurons : sequence of int, optional
        Indices in C order, one panel for each; the first four if not given.
    window_ms : float, optional
        Show this much from the start, ms; everything if not given. A line of more than 2600 points
        is reduced to the extremes of equal groups of timesteps. The time axis says both.
    theme : Theme

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Shapes differ, a label or an index isn't known, or a value can't be drawn.
    """
    runs = runs_of("curves", curves)
    colors, styles = colors_of(runs, theme), styles_of(runs, theme)
    timesteps, population = next(iter(runs.values())).shape
    thresholds = thresholds_of(threshold, population)
    marks = {} if not spikes else runs_of("spikes", spikes)
    for label, record in marks.items():
        if label not in runs:
            raise InputError(f"spikes must be of the curves {', '.join(runs)}, not of {label!r}")
        if record.shape != (timesteps, population):
            raise InputError(
                f"spikes of {label!r} must be {timesteps} timesteps of {population} neurons like the curves, "
                f"not {record.shape[0]} of {record.shape[1]}"
            )
    chosen = chosen_neurons("neurons", neurons, population)
    times, kept, note = window(timesteps, dt, window_ms)

    figure = new_figure(0.9 + (1.7 + _ROW * len(marks) / 72) * len(chosen), theme)
    panels = panels_of(figure, [1.0] * len(chosen), theme)
    for axes, neuron in zip(panels, chosen, strict=True):
        for label, run in runs.items():
            axes.plot(*reduced(times, run[:kept, neuron]), **styles[label])
        level = thresholds[neuron]
        axes.axhline(level, color=theme.text, linewidth=1.0, dashes=(6, 3), zorder=1)
        axes.annotate(
            f"threshold\n{number(level)} mV",
            (1.0, level),
            xycoords=axes.get_yaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=theme.text,
            fontsize=FONT_SIZE - 1,
        )
        seen = {label: times[marks[label][:kept, neuron] != 0] for label in runs if label in marks}
        _spike_rows(figure, axes, seen, colors, theme)
        axes.set_ylabel(f"neuron {neuron}\nv (mV)")
    _time_axis(panels, times, note + reduction(kept))
    add_legend(figure, handles_of(styles), theme)
    return figure


def _spike_rows(
    figure: Figure,
    axes: Axes,
    spikes: Mapping[str, npt.NDArray[np.float64]],
    colors: Mapping[str, str],
    theme: Theme,
) -> None:
    """Draw a row of ticks above a panel for each run, at its times of spikes, ms."""
    # The first run's row is the highest, as it is the first in the legend.
    for row, (label, at) in enumerate(reversed(list(spikes.items()))):
        above = ScaledTranslation(0, (row + 0.75) * _ROW / 72, figure.dpi_scale_trans)
        if not len(at):
            # An empty line above the panel takes part in the layout, and squeezes it to nothing.
            continue
        axes.plot(
            at,
            np.ones(len(at)),
            linestyle="none",
            marker="|",
            markersize=_ROW - 2,
            markeredgewidth=1.3,
            color=colors[label],
            transform=axes.get_xaxis_transform() + above,
            clip_on=False,
            rasterized=len(at) > _MOST_MARKS,
            label=f"spikes of {label}",
        )
    if spikes:
        axes.annotate(
            "spikes",
            (0.0, 1.0),
            xycoords="axes fraction",
            xytext=(-4, (len(spikes) + 0.5) * _ROW / 2),
            textcoords="offset points",
            ha="right",
            va="center",
            color=theme.text,
            fontsize=FONT_SIZE - 1,
        )


def raster_figure(
    rasters: Mapping[str, npt.ArrayLike],
    *,
    dt: float,
    window_ms: float | None = None,
    bin_ms: float | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """Draw who spiked when, one panel per run, and the population's firing rate below.

    Parameters
    ----------
    rasters : mapping of label to array_like of bool, (timesteps, *shape)
        One to four runs.
    dt : float
        Timestep, ms.
    window_ms : float, optional
        Show this much from the start, ms; everything if not given.
    bin_ms : float, optional
        Bin of the firing rate, ms, rounded to whole timesteps; a round number if not given.
    theme : Theme

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Shapes differ, or a value can't be drawn.
    """
    runs = runs_of("rasters", rasters)
    colors, styles = colors_of(runs, theme), styles_of(runs, theme)
    timesteps, population = next(iter(runs.values())).shape
    times, kept, note = window(timesteps, dt, window_ms)
    width = round_up(times[-1] / 80) if bin_ms is None else TIME.check("bin_ms", bin_ms)
    bin_steps = max(1, round(min(width / dt, kept)))
    edges = np.append(np.arange(0, kept, bin_steps), kept)

    raster_height = min(3.0, max(1.2, 0.06 * population))
    heights = [raster_height] * len(runs) + [1.2]
    figure = new_figure(0.9 + sum(heights), theme)
    panels = panels_of(figure, heights, theme)
    for axes, (label, run) in zip(panels[:-1], runs.items(), strict=True):
        steps, neurons = np.nonzero(run[:kept])
        size = min(10.0, max(1.0, 0.75 * raster_height * 72 / population))
        axes.plot(
            times[steps],
            neurons,
            linestyle="none",
            marker="|",
            markersize=size,
            markeredgewidth=1.0,
            color=colors[label],
            rasterized=len(steps) > _MOST_MARKS,
            label=label,
        )
        axes.set_ylim(-0.8, population - 0.2)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        axes.set_ylabel(f"{label}\nneuron")
        axes.grid(False)
    highest = 1.0
    for label, run in runs.items():
        spikes = np.add.reduceat((run[:kept] != 0).sum(axis=1), edges[:-1])
        rate = spikes / (np.diff(edges) * dt * 1e-3 * population)
        highest = max(highest, 1.1 * rate.max())
        panels[-1].plot(edges * dt, np.append(rate, rate[-1]), drawstyle="steps-post", **styles[label])
    panels[-1].set_ylim(0, highest)
    panels[-1].set_ylabel(f"mean rate (Hz)\nin {number(bin_steps * dt)} ms bins")
    _time_axis(panels, times, note)
    if len(runs) > 1:
        add_legend(figure, handles_of(styles), theme)
    return figure


def input_figure(
    currents: npt.ArrayLike,
    *,
    dt: float,
    neurons: Sequence[int] | None = None,
    window_ms: float | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """Draw the input of chosen neurons and the mean over all.

    Parameters
    ----------
    currents : array_like, (timesteps, *shape)
        Inputs, mV per unit of ``R``.
    dt : float
        Timestep, ms.
    neurons : sequence of int, optional
        Indices in C order; the first four if not given.
    window_ms : float, optional
        Show this much from the start, ms; everything if not given. Long lines are reduced as in
        :func:`potential_figure`.
    theme : Theme

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        An index isn't known, or a value can't be drawn.
    """
    inputs = flat("currents", currents)
    timesteps, population = inputs.shape
    chosen = chosen_neurons("neurons", neurons, population)
    times, kept, note = window(timesteps, dt, window_ms)
    lines = {f"neuron {neuron}": inputs[:kept, neuron] for neuron in chosen}
    if population > 1:
        lines[f"mean of {population}"] = inputs[:kept].mean(axis=1)

    figure = new_figure(0.5 + 1.1 * len(lines), theme)
    panels = panels_of(figure, [1.0] * len(lines), theme, share_y=True)
    for axes, (label, line) in zip(panels, lines.items(), strict=True):
        color = theme.series[2 if label.startswith("neuron") else 1]
        axes.plot(*reduced(times, line), color=color, linewidth=1.2, label=label)
        axes.set_ylabel(f"{label}\nI (mV/R)")
    _time_axis(panels, times, note + reduction(kept))
    return figure


def fi_figure(curves: Mapping[str, FICurve], *, theme: Theme = LIGHT) -> Figure:
    """Draw firing rates against constant inputs: the closed form as a line, simulations as markers.

    Points where a simulated neuron is silent though it should fire are crossed out on the axis.

    Parameters
    ----------
    curves : mapping of label to FICurve
        One to four simulations of the same neuron.
    theme : Theme

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There are no or too many curves, or they are of different neurons.
    """
    check_labels("curves", curves)
    first = next(iter(curves.values()))
    drives = np.concatenate([curve.drives_mv for curve in curves.values()])
    low, high, rheobase = drives.min(), drives.max(), first.rheobase_mv
    # The rate rises vertically at rheobase, where the grid is therefore the finest.
    grid = np.linspace(low, high, 400)
    fine = rheobase + (high - rheobase) * np.linspace(0, 1, 200) ** 4 if high > rheobase else grid
    grid = np.unique(np.clip(np.append(grid, fine), low, high))
    closed = [
        closed_form.firing_rate(c.parameters, grid / float(np.squeeze(c.parameters.R)))
        for c in curves.values()
    ]
    for label, rates in zip(curves, closed, strict=True):
        if not np.array_equal(rates, closed[0]):
            raise InputError(
                f"curves must be of one neuron, but {label!r} has other parameters than the first"
            )

    figure = new_figure(4.4, theme)
    (axes,) = panels_of(figure, [1.0], theme)
    axes.plot(grid, closed[0], color=theme.text, linewidth=1.4, label="closed form")
    axes.axvline(
        rheobase, color=theme.text, linewidth=1.0, dashes=(2, 2), label=f"rheobase {number(rheobase)} mV"
    )
    colors = colors_of(curves, theme)
    # Large and open below, small and full on top, so that coinciding points remain visible.
    shapes = (("o", 10.0, "none"), ("D", 5.0, "full"), ("+", 14.0, "full"), ("s", 14.0, "none"))
    for (label, curve), (marker, size, fill) in zip(curves.items(), shapes, strict=False):
        kind: dict[str, Any] = {"linestyle": "none", "color": colors[label], "clip_on": False, "zorder": 3}
        fires = ~curve.silent
        axes.plot(
            curve.drives_mv[fires],
            curve.rates_hz[fires],
            marker=marker,
            markersize=size,
            fillstyle=fill,
            markeredgewidth=1.5,
            label=label,
            **kind,
        )
        if curve.silent.any():
            axes.plot(
                curve.drives_mv[curve.silent],
                curve.rates_hz[curve.silent],
                marker="x",
                markersize=size + 2,
                markeredgewidth=2.4,
                label=f"{label}, silent",
                **kind,
            )
    axes.set_ylim(bottom=0)
    axes.set_xlabel("R·I (mV)")
    axes.set_ylabel("firing rate (Hz)")
    add_legend(figure, list(axes.lines), theme, columns=3)
    return figure


def _time_axis(panels: list[Axes], times: Samples, note: str) -> None:
    panels[0].set_xlim(0, times[-1])
    panels[-1].set_xlabel(f"time (ms){note}")
