"""Spike lag that grows with the spike index: what constants rounded down do, and constants to nearest.

Users of SpiNNaker (van Albada et al., Frontiers in Neuroscience 12, 2018) found spikes that came later with
each spike, from constants of 15 fraction bits that a compiler had rounded down. Here the state has 24
fraction bits, so that only the constants act: the gain ``a0 dt / tau_m`` and the drive ``R dt / tau_m``,
both 0.005.
"""

import math

import numpy as np
from matplotlib.figure import Figure

from qlif.model.golden.neurons import ParameterWrite
from qlif.model.metrics import run_errors
from qlif.model.parameters import Parameters
from qlif.model.plots.themes import Theme
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.result import Bench, Result

SPIKES = 30
TIMESTEPS = 30_000
DRIVES = np.linspace(16.5, 30.0, 24)
ARITHMETIC = PRESETS["wide-32"]
PARAMETERS = Parameters(n=len(DRIVES), tau_m=20.0, refrac_length=50)

CASES: tuple[tuple[str, int, bool], ...] = (
    ("15 fraction bits, down", 15, True),
    ("15 fraction bits, nearest", 15, False),
    ("12-bit mantissa, nearest", 12 + 7, False),
    ("16-bit mantissa, nearest", 16 + 7, False),
)
"""Label, fraction bits of gain and drive, rounded down or not. 0.005 has seven zeros before its first bit,
which a mantissa with an exponent doesn't store."""


def run(bench: Bench) -> Result:
    """Run each choice of constants, and take the lag behind float64 Euler by spike index."""
    currents = np.broadcast_to(DRIVES, (TIMESTEPS, len(DRIVES)))
    euler = QLIFPopulation.of(PARAMETERS).run(currents, record=()).spikes
    rows: list[Row] = []
    for number, (label, fraction, down) in enumerate(CASES):
        bench.progress(label, number / len(CASES))
        writes, error = _constants(fraction, down)
        population = QLIFPopulation.of(PARAMETERS, ARITHMETIC)
        spikes = population.run(currents, record=(), writes=writes).spikes
        lag = run_errors.spike_lag(euler, spikes)
        # Of the neurons that have all the spikes only, so that each entry is over the same ones.
        signed = np.array([one[:SPIKES] for one in lag.lags if len(one) >= SPIKES]) * PARAMETERS.dt
        for index in range(SPIKES):
            rows.append(
                {
                    "constants": label,
                    "relative_error_of_gain": error,
                    "spike": index + 1,
                    "neurons": len(signed),
                    "mean_lag_ms": float(signed[:, index].mean()),
                    "latest_ms": float(signed[:, index].max()),
                    "earliest_ms": float(signed[:, index].min()),
                }
            )
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _constants(fraction: int, down: bool) -> tuple[list[ParameterWrite], float]:
    """Return the writes that put rounded constants in place, and the relative error of the gain."""
    words = quantise(PARAMETERS, ARITHMETIC)
    exact = float(PARAMETERS.gain)
    writes = []
    for name in ("gain", "drive"):
        scaled = math.ldexp(exact, fraction)
        value = math.ldexp(math.floor(scaled) if down else round(scaled), -fraction)
        word = int(words.constants[name].format.words(value))
        writes.append(ParameterWrite(0, name, word))
    return writes, float(words.constants["gain"].format.values(writes[0].word)) / exact - 1


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for label, *_ in CASES:
        group = [row for row in rows if row["constants"] == label]
        first, last = group[0], group[-1]
        findings.append(
            f"{label}: the gain is {100 * first['relative_error_of_gain']:+.3f} % off; mean lag "
            f"{first['mean_lag_ms']:.2f} ms at spike 1 and {last['mean_lag_ms']:.2f} ms at spike {SPIKES}, "
            f"from {last['earliest_ms']:.1f} to {last['latest_ms']:.1f} ms."
        )
    return findings


def _draw(rows: list[Row], theme: Theme) -> Figure:
    lines = []
    for label, *_ in CASES:
        group = [row for row in rows if row["constants"] == label]
        at = [row["spike"] for row in group]
        ends = ([row["earliest_ms"] for row in group], [row["latest_ms"] for row in group])
        lines.append(Line(label, at, [row["mean_lag_ms"] for row in group], ends))
    panel = Panel("lag behind float64 Euler (ms):\nmean, earliest and latest", lines, height=4.0)
    return line_figure([panel], "spike index", theme, whole_x=True)
