"""The factored form against the square form at equal width of the state word.

In mV a word spends bits on the distance from 0 mV to the neuron's range; seen from the midpoint it doesn't,
and the same word has three fraction bits more. The coordinates cost nothing: they are constants.
"""

import math

from matplotlib.figure import Figure

from qlif.model.plots.themes import Theme
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import LABELS, Line, Panel, line_figure
from qlif.model.studies.named.neuron import CONSTANT_INPUT, CURRENTS, sweep_of_neuron
from qlif.model.studies.named.result import Bench, Result

SWEEP = sweep_of_neuron(
    word_bits="8..22",
    rounding="RND",
    coefficient_bits=18,
    input=CONSTANT_INPUT,
    neurons=len(CURRENTS),
)
_MEASURES = ("rms_interval_error", "mean_lag_steps", "max_lag_steps", "silent_neurons", "rmse_mv")


def run(bench: Bench) -> Result:
    """Sweep the word length in both forms."""
    points = bench.sweep(SWEEP, "forms")
    rows = [
        {
            "form": point["form"],
            "word_bits": point["word_bits"],
            "fraction_bits": point["fraction_bits"],
            **{name: point[f"quantization_{name}"] for name in _MEASURES},
            "euler_rms_interval_error": point["integration_rms_interval_error"],
        }
        for point in points
    ]
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _findings(rows: list[Row]) -> list[str]:
    by = {(row["form"], row["word_bits"]): row for row in rows}
    words = sorted({bits for _, bits in by})
    differences = []
    for bits in words:
        goal = by["factored", bits]["mean_lag_steps"]
        silent = by["factored", bits]["silent_neurons"]
        if goal is None or silent:
            continue
        narrow = [
            b
            for b in words
            if by["square", b]["mean_lag_steps"] is not None
            and by["square", b]["mean_lag_steps"] <= goal
            and not by["square", b]["silent_neurons"]
        ]
        if narrow:
            differences.append((bits, min(narrow)))
    shown = ", ".join(f"{wide} bits factored = {narrow} bits square" for wide, narrow in differences)
    mean = sum(wide - narrow for wide, narrow in differences) / len(differences)
    findings = [f"As small a mean lag: {shown}; {mean:.1f} bits fewer on average."]
    for form in ("factored", "square"):
        group = [row for row in rows if row["form"] == form]
        awake = [row["word_bits"] for row in group if not row["silent_neurons"]]
        findings.append(f"{form} RND: no silent neuron from 17 mV up with {min(awake)} bits or more.")
    return findings


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for name in ("rms_interval_error", "mean_lag_steps"):
        lines = []
        for form in ("factored", "square"):
            group = [row for row in rows if row["form"] == form]
            lines.append(
                Line(f"{form} RND", [row["word_bits"] for row in group], [_shown(row[name]) for row in group])
            )
        if name == "rms_interval_error":
            words = sorted({row["word_bits"] for row in rows})
            level = [rows[0]["euler_rms_interval_error"]] * len(words)
            lines.append(Line("integration error of Euler", words, level, plain=True))
        panels.append(Panel(LABELS[name], lines, logarithmic=True, height=3.0))
    return line_figure(panels, "word length (bits), round to nearest", theme, whole_x=True)


def _shown(value: float | None) -> float:
    return math.nan if value is None else value
