"""Mean intervals of 12 bits with stochastic rounding, beside those of 16 bits to nearest.

Under a constant current all intervals of a neuron that rounds to nearest are the same whole number of
timesteps. Stochastic rounding spreads them over neighbouring numbers, and their mean falls between: shorter
than Euler's where its whole number is late by much, longer where it is late by little. That is an error
against Euler and none against the equation, so both are told.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from qlif.model.arithmetic import Arithmetic
from qlif.model.metrics.fi_curve import fi_curve
from qlif.model.parameters import Parameters
from qlif.model.plots.themes import Theme
from qlif.model.presets import PRESETS
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named import isi
from qlif.model.studies.named.neuron import CURRENTS, NEURON, curve_currents
from qlif.model.studies.named.result import Bench, Result
from qlif.model.studies.statistics import mean_and_half_width
from qlif.model.theory import closed_form

WELL_ABOVE_MV = 25.0
"""From here on the last timestep decides; nearer to rheobase, noise prolongs the crawl."""

DURATION_MS = 5000.0
SEEDS = range(1, 11)
NEURONS = {"default neuron, tau_m 10 ms": Parameters(n=1), "tau_m 30 ms": NEURON}

_STOCHASTIC = PRESETS["stochastic-12"]
ARITHMETICS = {
    "factored SQ(8,8) RND": PRESETS["factored-16"],
    "square SQ(6,10) RND": PRESETS["square-16"],
    "midpoint SQ(6,10) RND": isi.MIDPOINT,
    "midpoint SQ(6,6) SR": isi.MIDPOINT.replace(potential="SQ(6,6)", rounding="SR", random_bits=8),
    "square SQ(5,7) RND": _STOCHASTIC.replace(potential="SQ(5,7)", rounding="RND", random_bits=0),
    "square SQ(6,6) SR": _STOCHASTIC.replace(potential="SQ(6,6)"),
    "square SQ(5,7) SR": _STOCHASTIC.replace(potential="SQ(5,7)"),
    "square SQ(4,8) SR": _STOCHASTIC.replace(potential="SQ(4,8)"),
}
"""`factored-16` and `square-16`; the neuron in mV from its midpoint, whose threshold and reset are exact in
any word; and `stochastic-12` with its integer bits varied, and to nearest."""

DRAWN = ("factored SQ(8,8) RND", "square SQ(6,10) RND", "square SQ(5,7) SR")

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """Mean intervals of one arithmetic over some currents, ms: (seeds, currents); inf where it is silent."""

    neuron: str
    currents: str
    label: str
    drives: Array
    euler: Array
    closed: Array
    intervals: Array

    @property
    def fires(self) -> npt.NDArray[np.bool_]:
        """Where it has an interval with every seed: only there it has an error."""
        return np.asarray(np.isfinite(self.intervals).all(axis=0))

    def rms_percent(self, reference: Array) -> tuple[float, float]:
        """Return the RMS relative error over the currents, mean over seeds and half of its 95 % interval."""
        relative = (self.intervals / reference - 1)[:, self.fires]
        return mean_and_half_width([100 * math.sqrt(float(np.mean(one**2))) for one in relative])


def run(bench: Bench) -> Result:
    """Measure every arithmetic on both neurons, over the f-I curve and over the usual 24 currents."""
    measured = []
    cases = [(neuron, label) for neuron in NEURONS for label in ARITHMETICS]
    for number, (neuron, label) in enumerate(cases):
        bench.progress(f"{neuron}, {label}", number / len(cases))
        for name, drives in (("f-I curve", curve_currents(NEURONS[neuron])), ("17 to 80 mV", CURRENTS)):
            measured.append(_measure(neuron, name, drives, label))
    rows = [_row(one, point) for one in measured for point in range(len(one.drives))]
    return Result(rows, lambda theme: _draw(measured, theme), _findings(measured))


def _measure(neuron: str, name: str, drives: Array, label: str) -> Measured:
    parameters = NEURONS[neuron]
    counted = isi.from_midpoint(parameters) if label.startswith("midpoint") else parameters

    def intervals(arithmetic: Arithmetic | None) -> Array:
        return fi_curve(counted, drives, arithmetic=arithmetic, duration_ms=DURATION_MS).mean_isi_ms

    arithmetic = ARITHMETICS[label]
    seeds = SEEDS if arithmetic.random_bits else SEEDS[:1]
    return Measured(
        neuron=neuron,
        currents=name,
        label=label,
        drives=drives,
        euler=intervals(None),
        closed=closed_form.interspike_interval(parameters, drives),
        intervals=np.array([intervals(arithmetic.replace(random_seed=seed)) for seed in seeds]),
    )


def _row(measured: Measured, point: int) -> Row:
    euler, closed = measured.euler[point], measured.closed[point]
    fires = bool(measured.fires[point])
    mean, half_width = mean_and_half_width(measured.intervals[:, point].tolist())
    return {
        "neuron": measured.neuron,
        "currents": measured.currents,
        "arithmetic": measured.label,
        "drive_mv": float(measured.drives[point]),
        "seeds": len(measured.intervals),
        "silent": not fires,
        "quantization_error_percent": 100 * (mean / euler - 1) if fires else None,
        "half_width_95_percent": 100 * half_width / euler if fires else None,
        "error_to_closed_form_percent": 100 * (mean / closed - 1) if fires else None,
        "integration_error_percent": 100 * (euler / closed - 1),
    }


def _findings(measured: list[Measured]) -> list[str]:
    findings = []
    for neuron in NEURONS:
        for currents in ("f-I curve", "17 to 80 mV"):
            group = [one for one in measured if (one.neuron, one.currents) == (neuron, currents)]
            own = group[0].euler / group[0].closed - 1
            findings.append(
                f"{neuron}, {currents}, {len(own)} currents, RMS interval error against float64 Euler "
                f"(against the equation; Euler itself {100 * math.sqrt(float(np.mean(own**2))):.2f} %): "
                f"{'; '.join(_said(one) for one in group)}."
            )
    for one in measured:
        if one.currents == "17 to 80 mV" and one.label == "square SQ(5,7) SR":
            above = one.drives >= WELL_ABOVE_MV
            moved = (one.intervals.mean(axis=0) - one.euler)[above]
            correlation = float(np.corrcoef(moved, (one.euler - one.closed)[above])[0, 1])
            findings.append(
                f"{one.neuron}, {one.label}, from {WELL_ABOVE_MV:g} mV up: where Euler's interval is later, "
                f"this one is earlier than it (correlation {correlation:.2f} over {len(moved)} currents)."
            )
    return findings


def _said(measured: Measured) -> str:
    said = []
    for reference in (measured.euler, measured.closed):
        mean, half_width = measured.rms_percent(reference)
        said.append(f"{mean:.2f}" + (f" +- {half_width:.2f}" if half_width else "") + " %")
    silent = int((~measured.fires).sum())
    return f"{measured.label} {said[0]} ({said[1]})" + (f", {silent} silent" if silent else "")


def _draw(measured: list[Measured], theme: Theme) -> Figure:
    panels = []
    for neuron in NEURONS:
        lines = []
        for one in measured:
            if one.neuron == neuron and one.currents == "f-I curve" and one.label in DRAWN:
                errors = np.where(one.fires, 100 * (one.intervals / one.euler - 1), np.nan)
                widths = [mean_and_half_width(column.tolist())[1] for column in errors.T]
                mean = errors.mean(axis=0)
                spread = (mean - widths, mean + widths)
                lines.append(Line(one.label, one.drives, mean, spread, ~one.fires))
        panels.append(Panel(f"{neuron}\ninterval error against\nfloat64 Euler (%)", lines, height=3.0))
    return line_figure(
        panels, "R·I (mV); bars are 95 % intervals over seeds, crosses on the axis silent neurons", theme
    )
