"""Reliability under frozen noise: how precisely a spike's time is kept, by word length.

Mainen and Sejnowski (Science 268, 1995) gave a neuron the same noise again and again, and measured how
precisely its spikes came back. Here each trial is one arithmetic, or one seed of stochastic rounding, under
the same noise as float64 Euler. A spike is kept if the trial has one within 2 ms; jitter is the spread of
the times of those. All of it is repeated with other noise: a figure of one noise alone may be a lucky one.
"""

import math

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from qlif.model.arithmetic import Form
from qlif.model.inputs import stimuli
from qlif.model.metrics.run_errors import root_mean_square
from qlif.model.metrics.spike_distances import spike_distances
from qlif.model.metrics.spike_matches import matches
from qlif.model.plots.themes import Theme
from qlif.model.population import QLIFPopulation
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.neuron import NEURON, NOISE_INPUT, usual
from qlif.model.studies.named.result import Bench, Result

BITS = range(8, 21, 2)
NEURONS, TIMESTEPS, SEEDS = 16, 20_000, range(1, 6)
NOISE_SEEDS = range(1, 5)
MEASURES = (
    "spikes_kept",
    "spikes_of_its_own",
    "jitter_ms",
    "mean_shift_ms",
    "victor_purpura",
    "spike_distance",
)
WINDOW_MS = 2.0

Times = list[npt.NDArray[np.float64]]


def run(bench: Bench) -> Result:
    """Run every trial under the same noise."""
    parameters = NEURON.replace(n=NEURONS)
    noises = [
        stimuli.make(NOISE_INPUT, timesteps=TIMESTEPS, neurons=NEURONS, dt=NEURON.dt, seed=seed)
        for seed in NOISE_SEEDS
    ]
    eulers = [QLIFPopulation.of(parameters).run(currents, record=()).spike_times for currents in noises]
    cases = [(form, rounding, bits) for form in Form for rounding in ("RND", "SR") for bits in BITS]
    rows: list[Row] = []
    for number, (form, rounding, bits) in enumerate(cases):
        bench.progress(f"{form} {rounding}, {bits} bits", number / len(cases))
        seeds = SEEDS if rounding == "SR" else [1]
        measured = []
        for currents, euler in zip(noises, eulers, strict=True):
            populations = [QLIFPopulation.of(parameters, usual(form, bits, rounding, seed)) for seed in seeds]
            measured.append(
                _measure(euler, [one.run(currents, record=()).spike_times for one in populations])
            )
        rows.append(
            {
                "form": str(form),
                "rounding": rounding,
                "word_bits": bits,
                "noises": len(noises),
                "trials": len(noises) * len(seeds),
                **_spread(measured),
            }
        )
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _spread(measured: list[Row]) -> Row:
    """Return the mean of each measure over the noises, and its ends; None where it isn't there for all of them."""
    row: Row = {}
    for name in MEASURES:
        values = [one[name] for one in measured]
        known = all(value is not None for value in values)
        row |= {name: float(np.mean(values)) if known else None}
        row |= {f"{name}_{end.__name__}": end(values) if known else None for end in (min, max)}
    return row


def _measure(euler: Times, trials: list[Times]) -> Row:
    """Compare the trials under one noise."""
    kept = found = expected = 0
    differences = []
    for trial in trials:
        for reference, times in zip(euler, trial, strict=True):
            matched = matches(reference, times, WINDOW_MS)
            kept += len(matched)
            differences.append(matched)
            expected, found = expected + len(reference), found + len(times)
    together = np.concatenate(differences)
    distances = [spike_distances(euler, trial, duration_ms=TIMESTEPS * NEURON.dt) for trial in trials]
    return {
        "spikes_kept": kept / expected,
        "spikes_of_its_own": (found - kept) / found if found else None,
        "jitter_ms": root_mean_square(together) if len(together) else None,
        "mean_shift_ms": float(together.mean()) if len(together) else None,
        "victor_purpura": float(np.mean([one.victor_purpura for one in distances])),
        "spike_distance": float(np.mean([one.spike for one in distances])),
    }


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for form in Form:
        for rounding in ("RND", "SR"):
            group = [row for row in rows if (row["form"], row["rounding"]) == (form, rounding)]
            shown = "; ".join(f"{row['word_bits']} bits {_kept(row)}" for row in group)
            findings.append(
                f"{form} {rounding}, spikes kept and their jitter, mean and ends over {len(NOISE_SEEDS)} noises: "
                f"{shown}."
            )
    return findings


def _kept(row: Row) -> str:
    low, high = (100 * row[f"spikes_kept_{end}"] for end in ("min", "max"))
    shown = f"{100 * row['spikes_kept']:.1f} ({low:.1f} to {high:.1f}) %"
    if row["jitter_ms"] is None:
        return shown
    return f"{shown}, {row['jitter_ms']:.3f} ({row['jitter_ms_min']:.3f} to {row['jitter_ms_max']:.3f}) ms"


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for name, label, logarithmic in (
        ("spikes_kept", "spikes kept\n(of Euler's)", False),
        ("jitter_ms", "jitter (ms)", True),
        ("victor_purpura", "Victor-Purpura\ndistance per neuron", True),
    ):
        lines = []
        for form in Form:
            for rounding in ("RND", "SR"):
                group = [row for row in rows if (row["form"], row["rounding"]) == (form, rounding)]
                values, low, high = (
                    [math.nan if row[f"{name}{end}"] is None else row[f"{name}{end}"] for row in group]
                    for end in ("", "_min", "_max")
                )
                bits = [row["word_bits"] for row in group]
                lines.append(Line(f"{form} {rounding}", bits, values, (low, high)))
        panels.append(Panel(label, lines, logarithmic=logarithmic))
    label = f"word length (bits); bars go from the least to the most of {len(NOISE_SEEDS)} noises"
    return line_figure(panels, label, theme, whole_x=True)
