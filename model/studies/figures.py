"""The figure that all studies share: lines with points, spreads and silent points, in panels."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from qlif.model.exceptions import InputError
from qlif.model.metrics.catalogue import METRICS
from qlif.model.plots.themes import Theme, add_legend, new_figure, panels_of

_MARKERS = ("o", "D", "s", "^", "v", "P")

LABELS: Mapping[str, str] = MappingProxyType(
    {metric.name: metric.label for metric in METRICS if metric.label}
)
"""Of axes for the errors that are drawn."""


@dataclass(frozen=True, eq=False)
class Line:
    """One series of a panel.

    Parameters
    ----------
    label : str
        Lines of one label have one colour in all panels, and one entry in the legend.
    x, y : array_like, (points,)
        nan in `y` is a gap.
    spread : tuple of array_like, optional
        Lower and upper end of a bar at each point.
    silent : array_like of bool, optional
        Points to cross out on the horizontal axis.
    plain : bool
        A reference: a thin dashed line in the text's colour, without points.
    joined : bool
        A line connects the points.
    """

    label: str
    x: npt.ArrayLike
    y: npt.ArrayLike
    spread: tuple[npt.ArrayLike, npt.ArrayLike] | None = None
    silent: npt.ArrayLike | None = None
    plain: bool = False
    joined: bool = True


@dataclass(frozen=True, eq=False)
class Panel:
    """Axes of a figure: what they measure, with its unit, and the lines in them.

    A logarithmic axis that has to show 0 is linear below a value.
    """

    y_label: str
    lines: Sequence[Line]
    logarithmic: bool = False
    height: float = 2.4
    linear_below: float | None = None


def line_figure(
    panels: Sequence[Panel], x_label: str, theme: Theme, *, whole_x: bool = False, logarithmic_x: bool = False
) -> Figure:
    """Draw panels below each other over one horizontal axis.

    Parameters
    ----------
    panels : sequence of Panel
    x_label : str
        With its unit.
    theme : Theme
    whole_x : bool
        Ticks are whole numbers, such as bits.
    logarithmic_x : bool

    Raises
    ------
    InputError
        There are more labels than colours.
    """
    labels = list(dict.fromkeys(line.label for panel in panels for line in panel.lines if not line.plain))
    if len(labels) > len(theme.series):
        raise InputError(f"a figure shows {len(theme.series)} lines, not {len(labels)}")
    colors, markers = dict(zip(labels, theme.series, strict=False)), dict(zip(labels, _MARKERS, strict=False))
    heights = [panel.height for panel in panels]
    figure = new_figure(0.9 + sum(heights), theme)
    handles: dict[str, Line2D] = {}
    for axes, panel in zip(panels_of(figure, heights, theme), panels, strict=True):
        dashes = itertools.cycle([(6, 3), (2, 2), (6, 2, 1, 2)])
        for line in panel.lines:
            style: dict[str, Any] = {"label": line.label}
            if line.plain:
                style |= {"color": theme.text, "linewidth": 1.2, "dashes": next(dashes), "zorder": 2}
            else:
                style |= {"color": colors[line.label], "marker": markers[line.label], "markersize": 5}
                style |= {"linewidth": 1.6 if line.joined else 0, "zorder": 3}
            x, y = np.asarray(line.x, dtype=np.float64), np.asarray(line.y, dtype=np.float64)
            if panel.logarithmic and panel.linear_below is None:
                y = np.where(y > 0, y, np.nan)  # 0 has no place on such an axis
            (handle,) = axes.plot(x, y, **style)
            handles.setdefault(line.label, handle)
            if line.spread is not None:
                low, high = (np.asarray(end, dtype=np.float64) for end in line.spread)
                axes.vlines(x, low, high, color=style["color"], linewidth=1.2, zorder=2.5)
            if line.silent is not None and np.any(line.silent):
                at = x[np.asarray(line.silent, dtype=np.bool_)]
                cross: dict[str, Any] = {"marker": "x", "markersize": 8, "markeredgewidth": 2}
                cross |= {"linestyle": "none", "color": style["color"], "clip_on": False, "zorder": 4}
                axes.plot(at, np.zeros(len(at)), transform=axes.get_xaxis_transform(), **cross)
        if panel.logarithmic:
            if panel.linear_below is None:
                axes.set_yscale("log")
            else:
                axes.set_yscale("symlog", linthresh=panel.linear_below)
                axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        elif all(np.nanmin(np.asarray(line.y, dtype=np.float64), initial=0) >= 0 for line in panel.lines):
            axes.set_ylim(bottom=0)
        axes.set_ylabel(panel.y_label)
        if logarithmic_x:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        elif whole_x:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.axes[-1].set_xlabel(x_label)
    add_legend(figure, list(handles.values()), theme, columns=3)
    return figure
