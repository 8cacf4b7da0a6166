"""The potential's RMSE over the word length beside measures of spikes: which of them can be trusted alone.

A spike that slips by one timestep costs as much RMSE as the whole reset, so the RMSE counts slipped spikes
more than it measures potentials, and one bit more can make it worse.
"""

import itertools
import math

from matplotlib.figure import Figure

from qlif.model.plots.themes import Theme
from qlif.model.studies.evaluation import DISTANCES, Row
from qlif.model.studies.figures import LABELS, Line, Panel, line_figure
from qlif.model.studies.named.neuron import NOISE_INPUT, sweep_of_neuron
from qlif.model.studies.named.result import Bench, Result

SWEEP = sweep_of_neuron(
    word_bits="10..22",
    rounding="RND",
    coefficient_bits=18,
    input=NOISE_INPUT,
    neurons=16,
    input_seed=1,
    distances=True,
)
_DRAWN = {
    "rmse_mv": LABELS["rmse_mv"],
    "mean_lag_steps": LABELS["mean_lag_steps"],
    "victor_purpura": "Victor-Purpura\ndistance",
    "spike_distance": "SPIKE-distance",
}

_RANKED = ("rmse_mv", "mean_lag_steps", *DISTANCES)


def run(bench: Bench) -> Result:
    """Sweep the word length under frozen noise, in every measure."""
    points = bench.sweep(SWEEP, "potential-error")
    names = ("rmse_mv", "nrmse", "mae_mv", "max_error_mv", "mean_lag_steps", "missing_spikes", "extra_spikes")
    rows = [
        {
            "form": point["form"],
            "word_bits": point["word_bits"],
            **{name: point[f"quantization_{name}"] for name in (*names, *DISTANCES)},
        }
        for point in points
    ]
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for form in ("factored", "square"):
        group = [row for row in rows if row["form"] == form]
        for name in _RANKED:
            pairs = [
                (wide["word_bits"], wide[name] / narrow[name] - 1)
                for narrow, wide in itertools.pairwise(group)
                if narrow[name] and wide[name] is not None and wide[name] > narrow[name]
            ]
            shown = ", ".join(f"+{100 * rise:.0f} % at {bits} bits" for bits, rise in pairs)
            findings.append(
                f"{form}, {name}: grows with one bit more {len(pairs)} of {len(group) - 1} times"
                f"{f' ({shown})' if shown else ''}."
            )
    return findings


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for name, label in _DRAWN.items():
        lines = []
        for form in ("factored", "square"):
            group = [row for row in rows if row["form"] == form]
            lines.append(
                Line(f"{form} RND", [row["word_bits"] for row in group], [_shown(row[name]) for row in group])
            )
        panels.append(Panel(label, lines, logarithmic=True, height=1.9))
    return line_figure(panels, "word length (bits), round to nearest", theme, whole_x=True)


def _shown(value: float | None) -> float:
    return math.nan if value is None else value
