"""Effective parameters: what fitting them to an input brings without a gate more.

They are fitted to noise of some seeds and judged on noise of others, and on noise that is stronger and more regular.
"""

import itertools
import warnings
from collections.abc import Iterable

from matplotlib.figure import Figure

from qlif.model.exceptions import PrecisionWarning
from qlif.model.parameters import Parameters
from qlif.model.plots.themes import Theme
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.studies.effective_parameters import FITTED, fit_effective, jitter
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.neuron import NOISE_INPUT
from qlif.model.studies.named.reliability import WINDOW_MS
from qlif.model.studies.named.result import Bench, Result
from qlif.model.studies.named.substep import NEURONS, NOISE_DT_MS, REFRACTORY_MS, neuron, noise
from qlif.model.studies.statistics import mean_and_half_width
from qlif.model.theory import exact_flow

FITTED_TO = range(101, 111)
"""Seeds of the noise that parameters are fitted to."""
JUDGED_ON = range(1, 21)
"""Seeds of the noise that they are judged on: a few late spikes make most of the jitter of one."""
OTHER_INPUT = "ou:mean=24,sd=6,tau=10"
INPUTS = {"noise of the fit": NOISE_INPUT, "other noise": OTHER_INPUT}
EVALUATIONS = 360
GIVEN, EFFECTIVE = "given", "effective"


def run(bench: Bench) -> Result:
    """Fit and judge at each time constant and timestep."""
    cases = list(itertools.product(REFRACTORY_MS, NOISE_DT_MS))
    rows: list[Row] = []
    for number, (tau_m, dt) in enumerate(cases):
        bench.progress(f"tau_m {tau_m:g} ms, dt {dt:g} ms", number / len(cases))
        with warnings.catch_warnings():
            # That a timestep is coarse shows in the errors.
            warnings.simplefilter("ignore", PrecisionWarning)
            rows += _case(neuron(tau_m, dt))
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _case(one: Parameters) -> Iterable[Row]:
    """Give the rows of one neuron: without phases, with two bits, and with fitted parameters too."""
    grid = PRESETS["square-18"]
    phases = grid.replace(phase_bits=2)
    effective = fit_effective(
        one, phases, noise(one, NOISE_INPUT, FITTED_TO), evaluations=EVALUATIONS
    ).parameters
    for name, text in INPUTS.items():
        currents = noise(one, text, JUDGED_ON)
        references = exact_flow.solve(one.replace(n=currents.shape[1]), currents).spike_times
        base = None
        for kind, parameters, arithmetic in (
            (GIVEN, one, grid),
            (GIVEN, one, phases),
            (EFFECTIVE, effective, phases),
        ):
            population = QLIFPopulation.of(parameters.replace(n=currents.shape[1]), arithmetic)
            times = population.run(currents, record=()).spike_times
            of_seed = [
                jitter(references[first : first + NEURONS], times[first : first + NEURONS], WINDOW_MS)[0]
                for first in range(0, len(times), NEURONS)
            ]
            mean, half_width = mean_and_half_width(of_seed)
            base = mean if base is None else base
            yield {
                "tau_m_ms": one.tau_m,
                "dt_ms": one.dt,
                "input": name,
                "phase": f"{arithmetic.phase_bits} bits",
                "parameters": kind,
                "jitter_ms": mean,
                "jitter_half_width_95": half_width,
                "share_of_jitter": mean / base,
                "spikes_kept": jitter(references, times, WINDOW_MS)[1],
                **{each: float(getattr(parameters, each)) for each in FITTED},
            }


def _findings(rows: list[Row]) -> list[str]:
    return [
        f"tau_m {row['tau_m_ms']:g} ms, dt {row['dt_ms']:g} ms, {row['input']}, {row['phase']}, {row['parameters']} "
        f"parameters: jitter {row['jitter_ms']:.3f} ms ({row['share_of_jitter']:.2f} of that without phases), "
        f"{100 * row['spikes_kept']:.1f} % of the spikes kept."
        for row in rows
    ]


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for tau_m, name in itertools.product(REFRACTORY_MS, INPUTS):
        of_panel = [row for row in rows if row["tau_m_ms"] == tau_m and row["input"] == name]
        cases = dict.fromkeys((row["phase"], row["parameters"]) for row in of_panel)
        lines = [_line(of_panel, *case) for case in cases]
        panels.append(Panel(f"tau_m {tau_m:g} ms\n{name}\njitter (ms)", lines, logarithmic=True, height=2.0))
    return line_figure(panels, "timestep (ms)", theme, logarithmic_x=True)


def _line(rows: list[Row], phase: str, parameters: str) -> Line:
    group = [row for row in rows if (row["phase"], row["parameters"]) == (phase, parameters)]
    label = f"{phase} of phase, {parameters} parameters"
    return Line(label, [row["dt_ms"] for row in group], [row["jitter_ms"] for row in group])
