"""The potential's RMSE over the word length beside measures of spikes: which of them can be trusted alone.

A spike that slips by one timestep costs as much RMSE as the whole reset, so the RMSE counts slipped spikes
more than it measures potentials, and one bit more can make it worse. Whether it does is a matter of the noise, so
there are several.
"""

import itertools
import math
from dataclasses import replace

import numpy as np
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
    distances=True,
)
NOISE_SEEDS = range(1, 5)
_DRAWN = {
    "rmse_mv": LABELS["rmse_mv"],
    "mean_lag_steps": LABELS["mean_lag_steps"],
    "victor_purpura": "Victor-Purpura\ndistance",
    "spike_distance": "SPIKE-distance",
}

_RANKED = ("rmse_mv", "mean_lag_steps", *DISTANCES)


def run(bench: Bench) -> Result:
    """Sweep the word length under frozen noise, in every measure."""
    names = ("rmse_mv", "nrmse", "mae_mv", "max_error_mv", "mean_lag_steps", "missing_spikes", "extra_spikes")
    rows = [
        {
            "noise": seed,
            "form": point["form"],
            "word_bits": point["word_bits"],
            **{name: point[f"quantization_{name}"] for name in (*names, *DISTANCES)},
        }
        for seed in NOISE_SEEDS
        for point in bench.sweep(replace(SWEEP, input_seed=seed), f"noise-{seed}")
    ]
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for form in ("factored", "square"):
        for name in _RANKED:
            pairs = [pair for seed in NOISE_SEEDS for pair in itertools.pairwise(_of(rows, form, noise=seed))]
            rises = [
                (wide[name] / narrow[name] - 1, wide["word_bits"], wide["noise"])
                for narrow, wide in pairs
                if narrow[name] and wide[name] is not None and wide[name] > narrow[name]
            ]
            most = ""
            if rises:
                rise, bits, noise = max(rises)
                noises = len({one[2] for one in rises})
                most = (
                    f", under {noises} of the {len(NOISE_SEEDS)} noises, by {100 * rise:.0f} % at most "
                    f"(at {bits} bits, noise {noise})"
                )
            findings.append(
                f"{form}, {name}: grows with one bit more {len(rises)} of {len(pairs)} times{most}."
            )
    return findings


def _of(rows: list[Row], form: str, **wanted: int) -> list[Row]:
    return [row for row in rows if row["form"] == form and all(row[name] == wanted[name] for name in wanted)]


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for name, label in _DRAWN.items():
        lines = []
        for form in ("factored", "square"):
            bits = sorted({row["word_bits"] for row in rows})
            values = np.array([[_shown(row[name]) for row in _of(rows, form, word_bits=one)] for one in bits])
            ends = values.min(axis=1), values.max(axis=1)
            lines.append(Line(f"{form} RND", bits, values.mean(axis=1), ends))
        panels.append(Panel(label, lines, logarithmic=True, height=1.9))
    x_label = f"word length (bits), round to nearest; bars go from the least to the most of {len(NOISE_SEEDS)} noises"
    return line_figure(panels, x_label, theme, whole_x=True)


def _shown(value: float | None) -> float:
    return math.nan if value is None else value
