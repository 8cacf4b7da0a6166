"""The dead zone of rounding: how far above rheobase a neuron stays silent, by word length.

Just above rheobase the potential crawls past its slowest point by less than the rounding lets through. To
nearest, an increment below half an LSB is lost: the neuron is silent up to ``R I = a0 h^2 + (tau_m /
dt) LSB / 2``; truncated, up to a whole LSB. Stochastic rounding lets it through on
average, down to the last of its random bits: with r of them, below ``2^-r`` LSB nothing
carries.
"""

import math

import numpy as np
from matplotlib.figure import Figure

from qlif.model.arithmetic import Form
from qlif.model.metrics.effective_rheobase import effective_rheobase
from qlif.model.metrics.fi_curve import FICurve, fi_curve
from qlif.model.plots.themes import Theme
from qlif.model.quantisation import quantise
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.neuron import NEURON, RANDOM_BITS, usual
from qlif.model.studies.named.result import Bench, Result
from qlif.model.theory import closed_form

BITS = (8, 10, 12, 14, 16, 18)
CURRENTS = np.linspace(15.0, 60.0, 46)
ROUNDINGS = ("TRN", "RND", "SR")
DURATION_MS = 1000.0


def run(bench: Bench) -> Result:
    """Simulate f-I curves, and find where each neuron begins to fire."""
    rows: list[Row] = []
    curves: dict[tuple[str, str, int], FICurve] = {}
    cases = [(form, rounding, bits) for form in Form for rounding in ROUNDINGS for bits in BITS]
    for number, (form, rounding, bits) in enumerate(cases):
        bench.progress(f"{form} {rounding}, {bits} bits", number / len(cases))
        arithmetic = usual(form, bits, rounding)
        curve = fi_curve(NEURON, CURRENTS, arithmetic=arithmetic, duration_ms=DURATION_MS)
        curves[form, rounding, bits] = curve
        found = effective_rheobase(NEURON, arithmetic)
        place = arithmetic.potential.resolution / float(quantise(NEURON, arithmetic).scale)
        lost = {"TRN": 1.0, "RND": 0.5, "SR": 2.0**-RANDOM_BITS}[rounding] * place
        predicted = curve.rheobase_mv + lost * NEURON.tau_m / NEURON.dt
        silent = CURRENTS[curve.silent]
        rows.append(
            {
                "form": str(form),
                "rounding": rounding,
                "word_bits": bits,
                "last_place_mv": place,
                "effective_rheobase_mv": found if math.isfinite(found) else None,
                "predicted_rheobase_mv": predicted,
                "silent_points": len(silent),
                "silent_up_to_mv": float(silent.max()) if len(silent) else None,
            }
        )
    return Result(rows, lambda theme: _draw(curves, theme), _findings(rows))


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for form in Form:
        for rounding in ROUNDINGS:
            group = [row for row in rows if row["form"] == form and row["rounding"] == rounding]
            shown = ", ".join(f"{row['word_bits']} bits: {_silence(row)}" for row in group)
            findings.append(f"{form} {rounding}, effective rheobase (the equation's is 16 mV): {shown}.")
    known = [row for row in rows if row["effective_rheobase_mv"] is not None]
    worst = max(abs(row["effective_rheobase_mv"] / row["predicted_rheobase_mv"] - 1) for row in known)
    findings.append(
        "Rheobase moves by (tau_m / dt) times the lost increment: one LSB (TRN), half of it (RND), "
        f"1/256 of it (SR, 8 random bits). That is at most {100 * worst:.2f} % off wherever a neuron fires."
    )
    return findings


def _silence(row: Row) -> str:
    found = row["effective_rheobase_mv"]
    return "never fires" if found is None else f"{found:.2f} mV"


def _draw(curves: dict[tuple[str, str, int], FICurve], theme: Theme) -> Figure:
    panels = []
    for form, rounding in (("factored", "RND"), ("square", "RND"), ("factored", "SR")):
        closed = closed_form.firing_rate(NEURON, CURRENTS)
        lines = [Line("closed form", CURRENTS, closed, plain=True)]
        for bits in BITS:
            curve = curves[form, rounding, bits]
            lines.append(Line(f"{bits} bits", CURRENTS, curve.rates_hz, silent=curve.silent))
        panels.append(Panel(f"{form} {rounding}\nfiring rate (Hz)", lines))
    return line_figure(panels, "R·I (mV); a cross on the axis is a silent neuron", theme)
