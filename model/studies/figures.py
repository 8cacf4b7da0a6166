"""The figure that all studies share: lines with points, spreads and silent points, in panels."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator

from qlif.model.arithmetic import Form
from qlif.model.exceptions import InputError
from qlif.model.metrics.catalogue import METRICS
from qlif.model.plots.themes import Theme, add_legend, new_figure, panels_of
from qlif.model.rounding import Rounding

_STYLES: Mapping[tuple[str, str], tuple[int, str]] = MappingProxyType(
    {
        ("factored", "RND"): (0, "o"),
        ("square", "RND"): (1, "s"),
        ("factored", "SR"): (2, "D"),
        ("square", "SR"): (3, "P"),
        ("factored", "TRN"): (4, "v"),
        ("square", "TRN"): (5, "^"),
        ("factored", "RND_CONV"): (0, "h"),
        ("square", "RND_CONV"): (1, "p"),
    }
)
"""Colour and marker of each form with each rounding, in every figure of every study. (Rounding half to even has the
colours of half up, from which it hardly ever differs.)"""

_MARKERS = ("<", ">", "X", "d", "*", "8")
"""Of lines that are something else."""

ZERO = "0, on a logarithmic axis"
LONGEST_OF_THREE = 27
"""Letters of the longest entry of a legend in three columns."""

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
        Lines of one label have one colour in all panels, and one entry in the legend. A form and a rounding in it, as
        in ``square SQ(5,13) RND``, have their own style in all studies; a form alone is rounded to nearest.
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

    On a logarithmic axis, 0 is a hollow marker at its lower end.
    """

    y_label: str
    lines: Sequence[Line]
    logarithmic: bool = False
    height: float = 2.4


def styles_of(labels: Sequence[str], theme: Theme) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each label.

    Raises
    ------
    InputError
        There are more labels than colours.
    """
    if len(labels) > len(theme.series):
        raise InputError(f"a figure shows {len(theme.series)} lines, not {len(labels)}")
    taken: dict[str, tuple[int, str]] = {}
    for label in labels:
        style = _STYLES.get(_kind(label))
        # A second line of one form and rounding has to be told from the first.
        if style is not None and style[0] not in [color for color, _ in taken.values()]:
            taken[label] = style
    free = [color for color in range(len(theme.series)) if color not in [one for one, _ in taken.values()]]
    rest = [label for label in labels if label not in taken]
    taken |= {label: (color, _MARKERS[color]) for label, color in zip(rest, free, strict=False)}
    return {label: (theme.series[color], marker) for label, (color, marker) in taken.items()}


def _kind(label: str) -> tuple[str, str]:
    """Return the form and the rounding that a label names; empty texts where it names none."""
    words = label.split()
    form = next((word for word in words if word in list(Form)), "")
    return form, next((word for word in words if word in list(Rounding)), "RND" if form else "")


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
    styles = styles_of(labels, theme)
    heights = [panel.height for panel in panels]
    figure = new_figure(0.9 + sum(heights), theme)
    handles: dict[str, Line2D] = {}
    for axes, panel in zip(panels_of(figure, heights, theme), panels, strict=True):
        dashes = itertools.cycle([(6, 3), (2, 2), (6, 2, 1, 2)])
        for line in panel.lines:
            style = _properties(line, styles, labels, theme)
            if line.plain:
                style["dashes"] = next(dashes)
            _draw_line(axes, panel, line, style, handles)
        if panel.logarithmic:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(_FewDecades(axes.get_ylim))
        elif all(np.nanmin(np.asarray(line.y, dtype=np.float64), initial=0) >= 0 for line in panel.lines):
            axes.set_ylim(bottom=0)
        axes.set_ylabel(panel.y_label)
        if logarithmic_x:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(_FewDecades(axes.get_xlim))
        elif whole_x:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.axes[-1].set_xlabel(x_label)
    # As many columns as the longest entry leaves room for.
    columns = 3 if max(map(len, handles)) <= LONGEST_OF_THREE else 2
    add_legend(figure, list(handles.values()), theme, columns=columns)
    return figure


def _least(panel: Panel) -> float:
    """Return the least value above 0 of a panel's lines."""
    values = np.concatenate([np.ravel(np.asarray(line.y, dtype=np.float64)) for line in panel.lines])
    return float(np.min(values[values > 0], initial=np.inf))


class _FewDecades(Formatter):
    """Labels 2 and 5 of a decade where the axis has hardly a whole one."""

    def __init__(self, limits: Callable[[], tuple[float, float]]) -> None:
        self._limits = limits

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the label of a minor tick."""
        low, high = self._limits()
        digit = f"{value:.0e}"[0]
        return f"{value:g}" if high / low < 15 and digit in "25" else ""


def _properties(
    line: Line, styles: Mapping[str, tuple[str, str]], labels: Sequence[str], theme: Theme
) -> dict[str, Any]:
    """Return the properties of a line; later ones are thinner, so that each shows behind the next.

    References, thin and dashed, are before all of them.
    """
    if line.plain:
        return {"label": line.label, "color": theme.text, "linewidth": 1.2, "zorder": 5}
    color, marker = styles[line.label]
    order = labels.index(line.label)
    style: dict[str, Any] = {"label": line.label, "color": color, "marker": marker, "zorder": 3 + order / 10}
    width = 3.0 - 0.4 * order if line.joined else 0
    return style | {"markersize": 8.0 - 0.7 * order, "linewidth": width}


def _draw_line(
    axes: Axes, panel: Panel, line: Line, style: dict[str, Any], handles: dict[str, Line2D]
) -> None:
    """Draw a line with its bars, its zeros and its silent points."""
    x, y = np.asarray(line.x, dtype=np.float64), np.asarray(line.y, dtype=np.float64)
    zero = panel.logarithmic & (y <= 0)
    (handle,) = axes.plot(x, np.where(zero, np.nan, y), **style)
    handles.setdefault(line.label, handle)
    on_axis: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "linestyle": "none", "clip_on": False}
    if np.any(zero) and not line.plain:
        hollow = {"markerfacecolor": "none", "markeredgecolor": style["color"], "markeredgewidth": 1.4}
        same = {name: style[name] for name in ("marker", "markersize", "zorder")}
        axes.plot(x[zero], np.zeros(zero.sum()), **on_axis, **hollow, **same)
        handles.setdefault(
            ZERO,
            Line2D(
                [], [], linestyle="none", marker="o", color=axes.xaxis.label.get_color(), fillstyle="none"
            ),
        ).set_label(ZERO)
    if line.spread is not None:
        low, high = (np.asarray(end, dtype=np.float64) for end in line.spread)
        if panel.logarithmic:
            # A bar that reaches 0 goes to the least that is drawn; one that is 0 has no place.
            low, high = np.where(low > 0, low, _least(panel)), np.where(high > 0, high, np.nan)
        axes.vlines(x, low, high, color=style["color"], linewidth=1.2, zorder=2.5)
    if line.silent is not None and np.any(line.silent):
        at = x[np.asarray(line.silent, dtype=np.bool_)]
        # Those of earlier lines are larger and thicker, so that each shows behind the next.
        size = style.get("markersize", 5)
        cross = {"marker": "x", "markersize": max(3.5 * size - 12, 4), "markeredgewidth": max(size - 3.5, 1)}
        cross["zorder"] = 1 + style["zorder"]
        axes.plot(at, np.zeros(len(at)), color=style["color"], **on_axis, **cross)
