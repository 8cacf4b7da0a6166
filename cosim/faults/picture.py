"""What becomes of upsets, drawn along the pipeline."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from qlif.cosim.faults.findings import OUTCOMES, Faults
from qlif.cosim.faults.places import Kind, stages
from qlif.cosim.faults.watch import Outcome
from qlif.model.plots.themes import FONT_SIZE, Theme, new_figure, style_axes

_SHARES = (
    ("masked or latent", (Outcome.MASKED, Outcome.LATENT)),
    ("delayed", (Outcome.DELAYED,)),
    ("recovered", (Outcome.RECOVERED,)),
    ("wrong data", (Outcome.WRONG,)),
    ("lost or doubled", (Outcome.LOST, Outcome.DOUBLED)),
    ("hung", (Outcome.HUNG,)),
)


def faults_figure(faults: Faults) -> Callable[[Theme], Figure]:
    """Return what draws the shares of the outcomes of upsets: stage by stage, of control, and of each memory."""
    groups = _groups(faults)
    shares = np.array([counts / max(1, counts.sum()) for counts in groups.values()])

    def draw(theme: Theme) -> Figure:
        figure = new_figure(3.6, theme)
        axes = figure.subplots()
        style_axes(axes, theme)
        axes.grid(False, axis="x")
        below = np.zeros(len(groups))
        handles = []
        for number, (label, outcomes) in enumerate(_SHARES):
            color = theme.grid if number == 0 else theme.series[number - 1]
            share = 100 * shares[:, [OUTCOMES.index(each) for each in outcomes]].sum(axis=1)
            axes.bar(range(len(groups)), share, 0.86, below, color=color)
            below += share
            handles.append(Patch(color=color, label=label))
        axes.set(ylim=(0, 100), xticks=range(len(groups)))
        axes.set_xticklabels(
            groups, rotation=35 if len(groups) > 8 else 0, ha="right" if len(groups) > 8 else "center"
        )
        axes.set_ylabel("upsets (%)")
        axes.set_xlabel("registers after a current was accepted; control; memories")
        figure.legend(
            handles=handles,
            loc="outside upper center",
            ncols=3,
            frameon=False,
            labelcolor=theme.text,
            fontsize=FONT_SIZE,
        )
        return figure

    return draw


def _groups(faults: Faults) -> dict[str, npt.NDArray[np.int64]]:
    """Return the counts by stage, then of control, then by memory."""
    stage = stages(faults.netlist, faults.interface.latency)
    found: dict[tuple[int, str], npt.NDArray[np.int64]] = {}
    last = max(stage.values(), default=0)
    for place, counts in zip(faults.places, faults.upset.outcomes, strict=True):
        if place.kind is Kind.MEMORIES:
            group = (last + 2, place.net.rpartition(".")[2])
        elif place.number in stage:
            group = (stage[place.number], str(stage[place.number]))
        else:
            group = (last + 1, "control")
        found[group] = found.get(group, 0) + counts
    return {name: counts for (_, name), counts in sorted(found.items())}
