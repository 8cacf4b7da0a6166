"""What the error of a timestep is made of: the integrator's truncation, the spike grid, and quantization.

Euler's step and the exact map of one timestep, each on the grid and with what is left of a timestep kept: the exact
map on the grid has the grid's error alone, and Euler that loses nothing has its truncation alone. Heun's step is
between them. What is left of a timestep is a step of its own here, which is more exact than a longer one.
"""

import numpy as np
from matplotlib.figure import Figure

from qlif.model.metrics.run_errors import mean_intervals, root_mean_square
from qlif.model.parameters import Parameters
from qlif.model.plots.themes import Theme
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.neuron import curve_currents
from qlif.model.studies.named.result import Bench, Result
from qlif.model.theory import closed_form, stepped
from qlif.model.theory.stepped import Remainder, Step

DURATION_MS = 1000.0
DT_MS = (0.1, 0.2, 0.5, 1.0)
REFRACTORY_STEPS = {10.0: (5, 2, 1, 1), 30.0: (50, 25, 10, 5)}
"""By time constant, ms, for each timestep."""
CASES = [(step, remainder) for step in Step for remainder in Remainder]
QUANTIZATION = "quantization"
PRESET = "square-18"

_DRAWN = {
    "spike grid": (Step.EXACT, Remainder.LOST),
    "truncation": (Step.EULER, Remainder.OWN),
    "both: Euler on the grid": (Step.EULER, Remainder.LOST),
}


def run(bench: Bench) -> Result:
    """Measure every integrator's mean intervals over the currents of the f-I curve."""
    rows: list[Row] = []
    cases = [
        (Parameters(n=1, tau_m=tau_m, dt=dt, refrac_length=length, spike_trace=False))
        for tau_m, lengths in REFRACTORY_STEPS.items()
        for dt, length in zip(DT_MS, lengths, strict=True)
    ]
    for number, neuron in enumerate(cases):
        bench.progress(f"tau_m {neuron.tau_m:g} ms, dt {neuron.dt:g} ms", number / len(cases))
        rows += _measure(neuron)
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _measure(one: Parameters) -> list[Row]:
    drives = curve_currents(one)
    neuron = one.replace(n=len(drives))
    inputs = np.broadcast_to(drives, (round(DURATION_MS / one.dt), len(drives)))
    closed = closed_form.interspike_interval(one, drives)
    facts = {
        "tau_m_ms": one.tau_m,
        "dt_ms": one.dt,
        "refractory_steps": one.refrac_length,
        "currents": len(drives),
    }
    intervals = {case: mean_intervals(stepped.solve(neuron, inputs, *case).spike_times) for case in CASES}
    rows = [
        {
            **facts,
            "step": str(step),
            "remainder": str(remainder),
            "error": 100 * root_mean_square(found / closed - 1),
        }
        for (step, remainder), found in intervals.items()
    ]
    fixed = mean_intervals(QLIFPopulation.of(neuron, PRESETS[PRESET]).run(inputs, record=()).spike_times)
    euler = intervals[Step.EULER, Remainder.LOST]
    quantized = 100 * root_mean_square(fixed / euler - 1)
    return [*rows, {**facts, "step": PRESET, "remainder": QUANTIZATION, "error": quantized}]


def _of(rows: list[Row], tau_m: float, step: str, remainder: str) -> list[Row]:
    wanted = (tau_m, step, remainder)
    return [row for row in rows if (row["tau_m_ms"], row["step"], row["remainder"]) == wanted]


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for tau_m, dt in dict.fromkeys((row["tau_m_ms"], row["dt_ms"]) for row in rows):
        group = [row for row in rows if (row["tau_m_ms"], row["dt_ms"]) == (tau_m, dt)]
        shown = ", ".join(f"{row['step']} ({row['remainder']}) {row['error']:.4f}" for row in group)
        findings.append(
            f"tau_m {tau_m:g} ms, dt {dt:g} ms, {group[0]['refractory_steps']} refractory steps, RMS interval error "
            f"over {group[0]['currents']} currents (%), by what is left of a timestep: {shown}."
        )
    return findings


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for tau_m in REFRACTORY_STEPS:
        series = {label: _of(rows, tau_m, *case) for label, case in _DRAWN.items()}
        series[f"quantization, {PRESET}"] = _of(rows, tau_m, PRESET, QUANTIZATION)
        lines = [
            Line(label, [row["dt_ms"] for row in group], [row["error"] for row in group])
            for label, group in series.items()
        ]
        panels.append(
            Panel(f"tau_m {tau_m:g} ms\nRMS interval error (%)", lines, logarithmic=True, height=3.0)
        )
    return line_figure(panels, "timestep (ms)", theme, logarithmic_x=True)
