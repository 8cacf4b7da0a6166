"""Inter-spike intervals of five arithmetics against the closed form, beside the values noted before.

The noted arithmetic called midpoint has the potential in mV, seen from the midpoint of rest and critical
potential. Here it is the factored form of a neuron whose potentials are shifted by the midpoint; the square
form differs from it by the scale of its words.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from qlif.model.arithmetic import Arithmetic
from qlif.model.formats import SQ
from qlif.model.metrics.fi_curve import fi_curve
from qlif.model.parameters import Parameters
from qlif.model.plots.themes import Theme
from qlif.model.presets import PRESETS
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.neuron import NEURON
from qlif.model.studies.named.result import Bench, Result
from qlif.model.studies.statistics import mean_and_half_width
from qlif.model.theory import closed_form

CURRENTS = np.array([16.5, 17.0, 20.0, 30.0])
DURATION_MS = 5000.0
SEEDS = range(1, 11)

_FACTORED = PRESETS["factored-16"]
MIDPOINT = _FACTORED.replace(potential=SQ(6, 10))
_STOCHASTIC = {"rounding": "SR", "random_bits": 8}


def from_midpoint(neuron: Parameters) -> Parameters:
    """Return a neuron whose potentials count from the midpoint of rest and critical potential."""
    midpoint = (neuron.rest_pot + neuron.critical_pot) / 2
    names = ("rest_pot", "critical_pot", "reset_pot", "threshold")
    return neuron.replace(**{name: getattr(neuron, name) - midpoint for name in names})


CASES: tuple[tuple[str, Parameters, Arithmetic | None, Sequence[float]], ...] = (
    ("float64 Euler", NEURON, None, (0.09, 0.06, 0.14, 0.57)),
    ("SQ(8,8) factored TRN", NEURON, _FACTORED.replace(rounding="TRN"), (math.inf, math.inf, 10.1, 2.6)),
    ("SQ(8,8) factored RND", NEURON, _FACTORED, (math.inf, 1.2, 1.1, 0.57)),
    ("SQ(8,8) factored SR", NEURON, _FACTORED.replace(**_STOCHASTIC), (-0.01, 0.18, 0.21, 0.38)),
    ("SQ(6,10) midpoint RND", from_midpoint(NEURON), MIDPOINT, (-1.4, 0.87, 0.14, 0.57)),
    (
        "SQ(6,10) midpoint SR",
        from_midpoint(NEURON),
        MIDPOINT.replace(**_STOCHASTIC),
        (0.06, 0.14, 0.20, 0.55),
    ),
)
"""Label, neuron, arithmetic, and the noted interval errors in percent; inf where it was silent."""


def run(bench: Bench) -> Result:
    """Measure every case, stochastic ones over seeds."""
    closed = closed_form.interspike_interval(NEURON, CURRENTS)
    euler = fi_curve(NEURON, CURRENTS, duration_ms=DURATION_MS).mean_isi_ms
    rows: list[Row] = []
    for number, (label, neuron, arithmetic, noted) in enumerate(CASES):
        bench.progress(label, number / len(CASES))
        chosen = [arithmetic]
        if arithmetic is not None and arithmetic.random_bits:
            chosen = [arithmetic.replace(random_seed=seed) for seed in SEEDS]
        intervals = [
            fi_curve(neuron, CURRENTS, arithmetic=one, duration_ms=DURATION_MS).mean_isi_ms for one in chosen
        ]
        for point, current in enumerate(CURRENTS):
            errors = [100 * (interval[point] / closed[point] - 1) for interval in intervals]
            rows.append(_row(label, float(current), errors, euler[point] / closed[point], noted[point]))
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _row(label: str, current: float, errors: list[float], euler: float, noted: float) -> Row:
    error, half_width = mean_and_half_width(errors)
    fires = math.isfinite(error)
    noted_silent = math.isinf(noted)
    if noted_silent or not fires:
        agrees = noted_silent and not fires
    else:
        # The noted figure's own rounding, and that of a mean over seeds: its single run was one of them.
        spread = half_width * math.sqrt(len(errors)) if len(errors) > 1 else 0.0
        agrees = abs(error - noted) <= 0.005 * (10 if noted >= 1 or noted <= -1 else 1) * 1.01 + spread
    return {
        "arithmetic": label,
        "drive_mv": current,
        "interval_error_percent": error if fires else None,
        "half_width_95_percent": half_width if fires and len(errors) > 1 else None,
        "of_that_quantization_percent": error - 100 * (euler - 1) if fires else None,
        "silent": not fires,
        "noted_percent": None if noted_silent else noted,
        "agrees": agrees,
    }


def _findings(rows: list[Row]) -> list[str]:
    different = [row for row in rows if not row["agrees"]]
    findings = [
        f"{len(rows) - len(different)} of {len(rows)} values are those noted before, within their rounding."
    ]
    for row in different:
        now = "silent" if row["silent"] else f"{row['interval_error_percent']:.3f} %"
        noted = "silent" if row["noted_percent"] is None else f"{row['noted_percent']:g} %"
        findings.append(f"{row['arithmetic']} at {row['drive_mv']:g} mV: {now} here, noted was {noted}.")
    return findings


def _draw(rows: list[Row], theme: Theme) -> Figure:
    lines = []
    for label, *_ in CASES:
        of_case = [row for row in rows if row["arithmetic"] == label]
        error = [math.nan if row["silent"] else row["interval_error_percent"] for row in of_case]
        width = [row["half_width_95_percent"] or 0.0 for row in of_case]
        spread = (np.subtract(error, width), np.add(error, width))
        silent = [row["silent"] for row in of_case]
        lines.append(Line(label, [row["drive_mv"] for row in of_case], error, spread, silent))
    panel = Panel("error of the inter-spike\ninterval (%)", lines, height=4.0)
    return line_figure(
        [panel], "R·I (mV); bars are 95 % intervals over seeds, crosses on the axis silent neurons", theme
    )
