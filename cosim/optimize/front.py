"""The Pareto front: the least error for each cost."""

import math
from pathlib import Path

from matplotlib.figure import Figure

from qlif.cosim.optimize.budget import MEASURES, PER_NEURON, Budget
from qlif.cosim.optimize.outcome import Outcome, error, front
from qlif.cosim.optimize.search import Search
from qlif.model.plots.themes import Theme, save
from qlif.model.studies.figures import Line, Panel, line_figure

_COST_LABELS = {
    "state-bits": "state (bits per neuron)",
    "real-time": "LUT per neuron in real time",
    "area": "area (LUT, with DSP and RAM by their share of the device)",
}


def draw_front(directory: Path, search: Search, budget: Budget) -> list[Path]:
    """Draw every candidate's error against its cost, with the front and the budget; return the files."""
    limits = budget.limits
    single = next(iter(limits)) if len(limits) == 1 else None
    label = MEASURES[single] if single else "largest share of the budget"
    if budget.at < 1 and not limits.keys().isdisjoint(PER_NEURON):
        label += f"\nof {100 * budget.at:g} % of the neurons"
    limit = limits[single] if single else 1.0
    known = [one for one in search.outcomes if math.isfinite(one.cost(search.cost))]
    members = front(known, search.cost, budget)
    lines = [_line("Pareto front", members, search.cost, budget, plain=True)]
    for form, rounding in sorted({one.candidate.kind for one in known}):
        group = [one for one in known if one.candidate.kind == (form, rounding)]
        lines.append(_line(f"{form} {rounding}", group, search.cost, budget))
    costs = [one.cost(search.cost) for one in known]
    lines.append(Line("budget", [min(costs), max(costs)], [limit, limit], plain=True))
    panel = Panel(label, lines, logarithmic=True, height=4.2)

    def draw(theme: Theme) -> Figure:
        return line_figure([panel], _COST_LABELS[search.cost], theme, whole_x=search.cost == "state-bits")

    return save(draw, directory, "front")


def _line(label: str, outcomes: list[Outcome], cost: str, budget: Budget, *, plain: bool = False) -> Line:
    errors = [error(one.errors, budget) for one in outcomes]
    shown = [value if math.isfinite(value) else math.nan for value in errors]
    return Line(label, [one.cost(cost) for one in outcomes], shown, plain=plain, joined=plain)
