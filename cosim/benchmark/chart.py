"""All contenders as bars over a logarithmic axis."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from qlif.cosim.benchmark import golden
from qlif.cosim.benchmark.cosimulation import BLOCKS, PER_CYCLE, SELF_TEST, SLICED, SLICED_NETLIST, STALLED
from qlif.cosim.benchmark.measure import Measured
from qlif.model.plots.themes import FONT_SIZE, Theme, add_legend, new_figure, style_axes

OURS = {*golden.OURS, SELF_TEST, BLOCKS, PER_CYCLE, SLICED, STALLED, SLICED_NETLIST}
_BAR = 0.24  # height of a bar with its gap, inches


def speed_figure(measured: Measured, theme: Theme) -> Figure:
    """Draw the median of each contender, the fastest first; one panel for each number of neurons."""
    sizes = list(dict.fromkeys(n for _, n in measured.speeds))
    groups = {
        n: sorted(
            ((name, measured.median(name, n) or 0.0) for name, size in measured.speeds if size == n),
            key=lambda entry: entry[1],
        )
        for n in sizes
    }
    heights = [_BAR * (len(group) + 1) for group in groups.values()]
    figure = new_figure(0.9 + sum(heights) + 0.35 * len(groups), theme)
    grid = figure.subplots(len(groups), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})
    slowest = min(group[0][1] for group in groups.values())
    fastest = max(group[-1][1] for group in groups.values())
    for axes, (n, group) in zip(grid[:, 0], groups.items(), strict=True):
        style_axes(axes, theme)
        for place, (name, speed) in enumerate(group):
            color = theme.series[1] if name in OURS else theme.series[0]
            axes.barh(place, speed, height=0.72, color=color)
            axes.annotate(
                f"{speed / 1e6:,.3g}" if speed < 1e9 else f"{speed / 1e6:,.0f}",
                (speed, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                color=theme.text,
                fontsize=FONT_SIZE - 2,
            )
        axes.set_yticks(range(len(group)), [name for name, _ in group], fontsize=FONT_SIZE - 2)
        axes.set_ylim(-0.6, len(group) - 0.4)
        axes.grid(False, axis="y")
        axes.set_title(f"{n:,} neurons", loc="left", color=theme.text, fontsize=FONT_SIZE)
    bottom = grid[-1, 0]
    bottom.set_xscale("log")
    bottom.set_xlim(slowest / 3, fastest * 6)
    bottom.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e6:g}"))
    bottom.xaxis.set_minor_formatter(NullFormatter())
    bottom.set_xlabel("million updates per second, logarithmic")
    kinds = {"qlif": theme.series[1], "yardsticks and others": theme.series[0]}
    handles = [Line2D([], [], color=color, linewidth=8, label=name) for name, color in kinds.items()]
    add_legend(figure, handles, theme)
    return figure
