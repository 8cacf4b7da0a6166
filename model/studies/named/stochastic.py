"""Stochastic rounding against rounding to nearest over the word length, over seeds.

Hopkins, Mikaitis, Lester and Furber (Phil. Trans. R. Soc. A 378, 2020) found for the Izhikevich neuron that
stochastic rounding makes 16 bits as good as 32. This is the same question to this neuron, in two measures:
the mean interval, which errors with mean 0 leave alone, and the single spike, which they move.
"""

import math

from matplotlib.figure import Figure

from qlif.model.plots.themes import Theme
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import LABELS, Line, Panel, line_figure
from qlif.model.studies.named.neuron import CONSTANT_INPUT, CURRENTS, sweep_of_neuron
from qlif.model.studies.named.result import Bench, Result
from qlif.model.studies.statistics import mean_and_half_width

SEEDS = 20
SWEEP = sweep_of_neuron(
    word_bits="8..20:2",
    rounding="RND,SR",
    rounding_seed=f"1..{SEEDS}",
    input=CONSTANT_INPUT,
    neurons=len(CURRENTS),
)
_MEASURES = {"interval": "rms_interval_error", "lag": "mean_lag_steps", "silent": "silent_neurons"}


def run(bench: Bench) -> Result:
    """Sweep word lengths and seeds."""
    points = bench.sweep(SWEEP, "stochastic")
    rows = []
    for form, rounding, bits in dict.fromkeys((p["form"], p["rounding"], p["word_bits"]) for p in points):
        group = [p for p in points if (p["form"], p["rounding"], p["word_bits"]) == (form, rounding, bits)]
        row: Row = {"form": form, "rounding": rounding, "word_bits": bits, "seeds": len(group)}
        for name, measure in _MEASURES.items():
            found = [point[f"quantization_{measure}"] for point in group]
            values = [math.nan if value is None else float(value) for value in found]
            mean, half_width = mean_and_half_width(values)
            row |= {f"{name}_mean": None if math.isnan(mean) else mean, f"{name}_half_width_95": half_width}
        rows.append(row)
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for form in ("factored", "square"):
        by = {(row["rounding"], row["word_bits"]): row for row in rows if row["form"] == form}
        words = sorted({bits for _, bits in by})
        for name, what in (("interval", "RMS interval error"), ("lag", "mean spike lag")):
            better = [bits for bits in words if _upper(by["SR", bits], name) < _mean(by["RND", bits], name)]
            saved = []
            for bits in words:
                goal = _upper(by["SR", bits], name)
                wide = [
                    b for b in words if _mean(by["RND", b], name) <= goal and not by["RND", b]["silent_mean"]
                ]
                saved.append(f"{bits} bits SR = {f'{min(wide)} bits' if wide else 'more than 20 bits'} RND")
            findings.append(
                f"{form}, {what}: SR is better beyond its 95 % interval at "
                f"{', '.join(map(str, better)) or 'none'} of {', '.join(map(str, words))} bits. "
                f"As good: {'; '.join(saved)}."
            )
    return findings


def _mean(row: Row, name: str) -> float:
    mean = row[f"{name}_mean"]
    return math.inf if mean is None else float(mean)


def _upper(row: Row, name: str) -> float:
    return _mean(row, name) + float(row[f"{name}_half_width_95"])


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for name in ("interval", "lag"):
        lines = []
        for form in ("factored", "square"):
            for rounding in ("RND", "SR"):
                group = [row for row in rows if (row["form"], row["rounding"]) == (form, rounding)]
                mean = [math.nan if math.isinf(_mean(row, name)) else _mean(row, name) for row in group]
                width = [row[f"{name}_half_width_95"] for row in group]
                low = [a - b for a, b in zip(mean, width, strict=True)]
                high = [a + b for a, b in zip(mean, width, strict=True)]
                lines.append(
                    Line(f"{form} {rounding}", [row["word_bits"] for row in group], mean, (low, high))
                )
        panels.append(Panel(LABELS[_MEASURES[name]], lines, logarithmic=True, height=3.0))
    return line_figure(panels, "word length (bits); bars are 95 % intervals over seeds", theme, whole_x=True)
