"""What every figure of the project shares: its colours, its axes, and how it becomes a file."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from qlif.model.exceptions import InputError
from qlif.model.support.files import whole_file

WIDTH = 8.0
"""Width of every figure, inches. At :data:`DPI` that is 1600 pixels, meant to be shown at 800."""
DPI = 200
FONT_SIZE = 10.0
FORMATS: dict[str, dict[str, str | None]] = {"png": {"Software": None}, "svg": {"Date": None}}
"""Each format that a figure is written in, with what a file isn't to say of its origin."""


@dataclass(frozen=True)
class Theme:
    """The colours of a figure.

    Attributes
    ----------
    name : str
    background, text, grid : str
        Colours of the paper, of the axes with their texts, and of the lines behind the data.
    series : tuple of str
        The colours of the curves, in order; distinguishable with colour-blind eyes.
    """

    name: str
    background: str
    text: str
    grid: str
    series: tuple[str, ...]


# The palette of Okabe and Ito, Color Universal Design (2008), jfly.uni-koeln.de/color. Its blue is too dark
# for the dark page, and its yellow too light for the white one.
_ORANGE, _SKY, _GREEN, _YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
_BLUE, _VERMILLION, _PURPLE = "#0072B2", "#D55E00", "#CC79A7"

LIGHT = Theme("light", "#FFFFFF", "#1F2328", "#D8DEE4", (_SKY, _VERMILLION, _BLUE, _GREEN, _PURPLE, _ORANGE))
DARK = Theme("dark", "#0D1117", "#E6EDF3", "#30363D", (_GREEN, _ORANGE, _SKY, _PURPLE, _YELLOW, _VERMILLION))


def new_figure(height: float, theme: Theme) -> Figure:
    """Return an empty figure of the common width and of `height` inches, with a canvas of its own."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=theme.background, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes, theme: Theme) -> None:
    """Give axes the theme's colours, a quiet grid, and no frame above and on the right."""
    axes.set_facecolor(theme.background)
    axes.tick_params(colors=theme.text, labelsize=FONT_SIZE - 1)
    # Between decades; black, they couldn't be read on a dark page.
    axes.tick_params(which="minor", labelcolor=theme.text, labelsize=FONT_SIZE - 1)
    axes.xaxis.label.set(color=theme.text, fontsize=FONT_SIZE)
    axes.yaxis.label.set(color=theme.text, fontsize=FONT_SIZE)
    axes.grid(True, color=theme.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_color(theme.text)
        spine.set_visible(side in ("left", "bottom"))


def add_legend(figure: Figure, handles: list[Line2D], theme: Theme, columns: int = 4) -> None:
    """Put a legend above the axes, where it can't cover data."""
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(len(handles), columns),
        frameon=False,
        labelcolor=theme.text,
        fontsize=FONT_SIZE,
        handlelength=3.0,
        labelspacing=0.8,
    )


def panels_of(figure: Figure, heights: list[float], theme: Theme, *, share_y: bool = False) -> list[Axes]:
    """Return axes below each other, styled, with one horizontal axis and the given relative heights."""
    grid = figure.subplots(
        len(heights), 1, sharex=True, sharey=share_y, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    panels: list[Axes] = list(grid[:, 0])
    for axes in panels:
        style_axes(axes, theme)
    figure.align_ylabels(panels)
    return panels


def colors_of(labels: Iterable[str], theme: Theme) -> dict[str, str]:
    """Return one colour per run; a single run has that of the thin line."""
    names = list(labels)
    return dict(zip(names, theme.series if len(names) > 1 else theme.series[1:], strict=False))


def styles_of(labels: Iterable[str], theme: Theme) -> dict[str, dict[str, Any]]:
    """Return line properties by label that leave each of several coinciding lines visible."""
    colors = colors_of(labels, theme)
    kinds: list[dict[str, Any]] = [
        {"linewidth": 6.0, "solid_capstyle": "round"},
        {"linewidth": 1.8},
        {"linewidth": 1.8, "dashes": (3, 3)},
        {"linewidth": 2.8, "dashes": (0.6, 4)},
    ]
    styles: dict[str, dict[str, Any]] = {}
    for order, (label, color) in enumerate(colors.items()):
        kind = kinds[order if len(colors) > 1 else 1]
        styles[label] = {"label": label, "color": color, "zorder": 2 + 0.1 * order, **kind}
    if len(colors) > 1:
        # Mixed with the paper, not transparent: where the line crosses itself it stays even.
        lowest = next(iter(styles.values()))
        lowest["color"] = tuple(0.5 * np.add(to_rgb(lowest["color"]), to_rgb(theme.background)))
    return styles


def handles_of(styles: Mapping[str, dict[str, Any]]) -> list[Line2D]:
    """Return a legend entry for each style."""
    return [Line2D([], [], **style) for style in styles.values()]


def save(make: Callable[[Theme], Figure], directory: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG, each for a light and for a dark page.

    The same figure gives the same bytes each time, whatever the user's own matplotlib settings.
    Each file appears under its name only when it is whole.

    Parameters
    ----------
    make : callable
        Draws the figure in the theme that it is given.
    directory : Path
        Where to; made if it isn't there.
    name : str
        File name without suffix.

    Returns
    -------
    list of Path
        ``name.png``, ``name.svg``, ``name-dark.png`` and ``name-dark.svg`` in `directory`.

    Raises
    ------
    InputError
        `name` isn't a plain file name, or a file can't be written.
    """
    if name in ("", "..") or Path(name).name != name or "\0" in name:
        raise InputError(f"name must be a plain file name, not {name!r}")
    contents: dict[Path, bytes] = {}
    # Matplotlib's own settings, not the user's; and a fixed salt for the identifiers inside an SVG.
    with matplotlib.style.context(["default", {"svg.hashsalt": "qlif"}]):
        layouts: dict[str, list[Bbox]] = {}
        for theme, suffix in ((LIGHT, ""), (DARK, "-dark")):
            for kind, content in drawn(make(theme), layouts).items():
                contents[directory / f"{name}{suffix}.{kind}"] = content
    try:
        for path, content in contents.items():
            with whole_file(path) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise InputError(f"figure {name!r} can't be written to {directory}: {error.strerror}") from None
    return list(contents)


def drawn(figure: Figure, layouts: dict[str, list[Bbox]]) -> dict[str, bytes]:
    """Return a figure as PNG and SVG, by these suffixes.

    Solving a layout takes as long as drawing, so it is done once for figures that differ in colours only: `layouts`
    has where the axes are in each format, and if it is empty it is filled.
    """
    contents = {}
    for kind, metadata in FORMATS.items():
        if kind in layouts:
            figure.set_layout_engine("none")
            for axes, box in zip(figure.axes, layouts[kind], strict=True):
                axes.set_position(box)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=metadata)
        layouts[kind] = [axes.get_position(original=True).frozen() for axes in figure.axes]
        contents[kind] = buffer.getvalue()
    return contents
