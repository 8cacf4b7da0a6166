"""Spikes between timesteps: what each bit of phase is worth, in interval error, in jitter and in neurons.

A core makes one update per clock and lane, whatever the timestep, so a timestep five times as long is five times
the neurons in real time. How long it may be depends on the error that is allowed: here that of the default, Euler on
a grid of 0.1 ms. A timestep counts if every shorter one passes too; as 32 currents are few, 1000 are asked as well.
"""

import itertools
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import PrecisionWarning
from qlif.model.inputs import stimuli
from qlif.model.metrics.run_errors import mean_intervals, root_mean_square
from qlif.model.metrics.spike_matches import matches
from qlif.model.parameters import Parameters
from qlif.model.plots.themes import Theme
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.studies import heun
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.neuron import NEURON, NOISE_INPUT, usual
from qlif.model.studies.named.reliability import WINDOW_MS
from qlif.model.studies.named.result import Bench, Result
from qlif.model.studies.statistics import mean_and_half_width
from qlif.model.theory import closed_form, exact_flow

Array = npt.NDArray[np.float64]
Times = list[Array]

CURRENTS = np.linspace(16.5, 48.0, 32)
DENSE = np.linspace(16.5, 48.0, 1000)
REFRACTORY_MS = {10.0: 0.5, 30.0: 5.0}
"""By time constant, ms: 5 and 50 steps of 0.1 ms."""
DT_MS = (0.05, 0.1, 0.2, 0.5, 1.0)
BITS = (0, 1, 2, 3, 4)
ARITHMETICS = {"square SQ(5,13)": PRESETS["square-18"], "factored SQ(8,12)": usual("factored", 20, "RND")}
SQUARE = next(iter(ARITHMETICS))
DURATION_MS = 1000.0

REFRACTORY_STEPS = (0, 1, 5, 50)
NOISE_DT_MS = (0.1, 0.2, 0.5)
NEURONS, NOISE_MS, SEEDS = 16, 2000.0, range(1, 6)
TRADE_STEPS = (50, 40, 32, 25, 20, 16, 14, 12, 11, 10, 9, 8, 7, 6, 5, 4)
"""Timesteps of the refractory period of 5 ms: the timesteps of the trade."""
HEUN_NOISE = "frozen noise, Heun's step"
CLOCK_HZ = 100e6
"""Of one lane; neurons in real time go with it."""

_NONE: Row = dict.fromkeys(
    (
        *("part", "arithmetic", "integrator", "phase", "tau_m_ms", "dt_ms", "refractory_steps", "currents"),
        *("rms_interval_error_percent", "jitter_ms", "jitter_half_width_95", "median_difference_ms"),
        *("spikes_kept", "real_time_neurons"),
    )
)


def run(bench: Bench) -> Result:
    """Measure intervals, refractory periods, frozen noise and the trade."""
    rows: list[Row] = []
    for part, progress, measure in (
        ("intervals", 0.0, _intervals),
        ("Heun's step", 0.3, _heun),
        ("refractory periods", 0.5, _refractory),
        ("frozen noise", 0.6, _noise),
        ("neurons in real time", 0.8, _trade),
    ):
        bench.progress(part, progress)
        with warnings.catch_warnings():
            # That a timestep is coarse shows in the errors.
            warnings.simplefilter("ignore", PrecisionWarning)
            rows += [{**_NONE, "part": part, **row} for row in measure()]
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def neuron(tau_m: float, dt: float) -> Parameters:
    """Return a neuron whose refractory period is as near to its usual one as whole timesteps allow, at least one."""
    steps = max(1, round(REFRACTORY_MS[tau_m] / dt))
    return Parameters(n=1, tau_m=tau_m, dt=dt, refrac_length=steps, spike_trace=False)


def _error(one: Parameters, currents: Array, times: Times) -> float:
    """Return the RMS error of mean intervals against the closed form, %."""
    return 100 * root_mean_square(mean_intervals(times) / closed_form.interspike_interval(one, currents) - 1)


def _times(one: Parameters, currents: Array, **choices: object) -> Times:
    """Return the spikes of one neuron for each constant current."""
    inputs = np.broadcast_to(currents, (round(DURATION_MS / one.dt), len(currents)))
    population = QLIFPopulation.of(one.replace(n=len(currents)), **choices)  # type: ignore[arg-type]
    return population.run(inputs, record=()).spike_times


def _phases(arithmetic: Arithmetic) -> Iterable[tuple[str, dict[str, object]]]:
    """Return every phase by its name, with what makes a population of it."""
    for bits in BITS:
        yield f"{bits} bits", {"arithmetic": arithmetic.replace(phase_bits=bits)}


def _exact() -> tuple[str, dict[str, object]]:
    return "exact", {"substep": True}


def _intervals() -> Iterable[Row]:
    for tau_m in REFRACTORY_MS:
        for dt in DT_MS:
            one = neuron(tau_m, dt)
            facts = {
                "tau_m_ms": tau_m,
                "dt_ms": dt,
                "refractory_steps": one.refrac_length,
                "integrator": "Euler",
            }
            cases = [
                (name, *case) for name, arithmetic in ARITHMETICS.items() for case in _phases(arithmetic)
            ]
            for name, phase, choices in [*cases, ("float64", "0 bits", {}), ("float64", *_exact())]:
                error = _error(one, CURRENTS, _times(one, CURRENTS, **choices))
                yield {"arithmetic": name, "phase": phase, **facts, "currents": len(CURRENTS),
                       "rms_interval_error_percent": error}  # fmt: skip


def _heun() -> Iterable[Row]:
    for tau_m in REFRACTORY_MS:
        one = neuron(tau_m, NEURON.dt)
        facts = {
            "tau_m_ms": tau_m,
            "dt_ms": one.dt,
            "refractory_steps": one.refrac_length,
            "integrator": "Heun",
        }
        found = {("float64", "exact"): _times(one, CURRENTS, substep=True, integrator="heun")}
        for bits in BITS:
            words = quantise(one.replace(n=len(CURRENTS)), ARITHMETICS[SQUARE].replace(phase_bits=bits))
            inputs = np.broadcast_to(
                words.current_words(CURRENTS), (round(DURATION_MS / one.dt), len(CURRENTS))
            )
            found[SQUARE, f"{bits} bits"] = heun.spike_times(words, inputs)
        for (name, phase), times in found.items():
            yield {"arithmetic": name, "phase": phase, **facts, "currents": len(CURRENTS),
                   "rms_interval_error_percent": _error(one, CURRENTS, times)}  # fmt: skip


def _refractory() -> Iterable[Row]:
    for steps in REFRACTORY_STEPS:
        one = neuron(10.0, 0.1).replace(refrac_length=steps)
        for phase, choices in [*_phases(ARITHMETICS[SQUARE]), _exact()]:
            yield {"arithmetic": SQUARE if "arithmetic" in choices else "float64", "phase": phase,
                   "integrator": "Euler", "tau_m_ms": one.tau_m, "dt_ms": one.dt, "refractory_steps": steps,
                   "currents": len(CURRENTS),
                   "rms_interval_error_percent": _error(one, CURRENTS, _times(one, CURRENTS, **choices))}  # fmt: skip


def _noisy(one: Parameters) -> Iterable[tuple[Row, Callable[[Array], Times]]]:
    """Return what runs a neuron under noise, with what tells of it: currents over every seed to spikes."""
    for phase, choices in [*_phases(ARITHMETICS[SQUARE]), _exact()]:
        yield (
            {"arithmetic": SQUARE if "arithmetic" in choices else "float64", "phase": phase,
             "integrator": "Euler"},
            partial(_spikes, one, choices),
        )  # fmt: skip


def _noisy_heun(one: Parameters) -> Iterable[tuple[Row, Callable[[Array], Times]]]:
    """Return the same of Heun's step: in words with two bits, and in floats without a phase and with an exact one."""
    words = quantise(one, ARITHMETICS[SQUARE].replace(phase_bits=2))
    names = {"part": HEUN_NOISE, "integrator": "Heun"}
    yield (
        {**names, "arithmetic": SQUARE, "phase": "2 bits"},
        lambda currents: heun.spike_times(words, words.current_words(currents)),
    )
    for phase, substep in (("0 bits", False), ("exact", True)):
        choices = {"substep": substep, "integrator": "heun"}
        yield {**names, "arithmetic": "float64", "phase": phase}, partial(_spikes, one, choices)


def _spikes(one: Parameters, choices: Mapping[str, object], currents: Array) -> Times:
    """Return the spikes of a neuron under each of some currents."""
    population = QLIFPopulation.of(one.replace(n=currents.shape[1]), **choices)  # type: ignore[arg-type]
    return population.run(currents, record=()).spike_times


def noise(one: Parameters, text: str, seeds: Iterable[int]) -> Array:
    """Return the currents of all neurons under an input, for each seed, side by side."""
    steps = round(NOISE_MS / one.dt)
    return np.concatenate(
        [stimuli.make(text, timesteps=steps, neurons=NEURONS, dt=one.dt, seed=seed) for seed in seeds], axis=1
    )


def _noise() -> Iterable[Row]:
    for tau_m, dt in itertools.product(REFRACTORY_MS, NOISE_DT_MS):
        one = neuron(tau_m, dt)
        currents = noise(one, NOISE_INPUT, SEEDS)
        references = exact_flow.solve(one.replace(n=currents.shape[1]), currents).spike_times
        for facts, spikes in (*_noisy(one), *_noisy_heun(one)):
            of_neuron = [matches(*pair, WINDOW_MS) for pair in zip(references, spikes(currents), strict=True)]
            differences = [
                np.concatenate(of_neuron[first : first + NEURONS])
                for first in range(0, len(of_neuron), NEURONS)
            ]
            mean, half_width = mean_and_half_width([root_mean_square(each) for each in differences])
            yield {
                **facts,
                "tau_m_ms": tau_m,
                "dt_ms": dt,
                "refractory_steps": one.refrac_length,
                "jitter_ms": mean,
                "jitter_half_width_95": half_width,
                "median_difference_ms": float(np.median(np.abs(np.concatenate(differences)))),
                "spikes_kept": sum(map(len, differences)) / sum(map(len, references)),
            }


def _trade() -> Iterable[Row]:
    for currents in (CURRENTS, DENSE):
        for steps in TRADE_STEPS:
            for bits in BITS:
                yield {"arithmetic": SQUARE, **_trade_row(ARITHMETICS[SQUARE], bits, steps, currents)}


def _trade_row(arithmetic: Arithmetic, bits: int, steps: int, currents: Array) -> Row:
    """Return the error with so many bits of phase, at a timestep of which so many are the refractory period."""
    one = neuron(30.0, REFRACTORY_MS[30.0] / steps)
    times = _times(one, currents, arithmetic=arithmetic.replace(phase_bits=bits))
    return {
        "phase": f"{bits} bits",
        "integrator": "Euler",
        "tau_m_ms": one.tau_m,
        "dt_ms": one.dt,
        "refractory_steps": steps,
        "currents": len(currents),
        "rms_interval_error_percent": _error(one, currents, times),
        "real_time_neurons": round(CLOCK_HZ * one.dt / 1000),
    }


def times_in_real_time(arithmetic: Arithmetic, bits: int, currents: Array) -> float:
    """Return how many times the neurons in real time phases are worth, at an error no worse than without.

    Parameters
    ----------
    arithmetic : Arithmetic
        Without phases: the default that is compared with is this one on the shortest timestep.
    bits : int
        Of the phase.
    currents : array of float
        Constant ones, mV, over which the error is the RMS.
    """
    with warnings.catch_warnings():
        # That a timestep is coarse shows in the errors.
        warnings.simplefilter("ignore", PrecisionWarning)
        base = _trade_row(arithmetic, 0, TRADE_STEPS[0], currents)
        rows = [_trade_row(arithmetic, bits, steps, currents) for steps in TRADE_STEPS]
    best = longest(rows, f"{bits} bits", base["rms_interval_error_percent"])
    return 0.0 if best is None else float(best["dt_ms"] / base["dt_ms"])


def longest(rows: list[Row], phase: str, goal: float) -> Row | None:
    """Return the row of the longest timestep up to which all have at most an error; None if there is none."""
    found = None
    for row in sorted((row for row in rows if row["phase"] == phase), key=lambda row: row["dt_ms"]):
        if row["rms_interval_error_percent"] > goal:
            break
        found = row
    return found


def _of(rows: list[Row], part: str, **wanted: object) -> list[Row]:
    return [
        row
        for row in rows
        if row["part"] == part and all(row[name] == value for name, value in wanted.items())
    ]


def trade(rows: list[Row], currents: int) -> tuple[list[Row], Row]:
    """Return the trade's rows over so many currents, and that of the default: no phase, the shortest timestep."""
    group = _of(rows, "neurons in real time", currents=currents)
    return group, min((row for row in group if row["phase"] == "0 bits"), key=lambda row: row["dt_ms"])


def _findings(rows: list[Row]) -> list[str]:
    errors, jitter, median = "rms_interval_error_percent", "jitter_ms", "median_difference_ms"
    return [
        *_of_cases(rows, "intervals", errors, 3, "RMS interval error (%)"),
        *_of_cases(rows, "Heun's step", errors, 4, "RMS interval error (%), Heun's step"),
        *_of_cases(rows, "refractory periods", errors, 3, "RMS interval error (%)"),
        *_of_cases(rows, "frozen noise", jitter, 4, "RMS jitter against the exact flow (ms)"),
        *_of_cases(rows, "frozen noise", median, 4, "Median difference from the exact flow (ms)"),
        *_of_trade(rows),
        *_of_cases(rows, HEUN_NOISE, jitter, 4, "RMS jitter against the exact flow (ms), Heun's step"),
        *_of_cases(rows, HEUN_NOISE, median, 4, "Median difference from the exact flow (ms), Heun's step"),
    ]


def _of_cases(rows: list[Row], part: str, column: str, digits: int, what: str) -> Iterable[str]:
    """Give a line for each time constant, timestep and refractory period of a part."""
    by_case = dict.fromkeys((r["tau_m_ms"], r["dt_ms"], r["refractory_steps"]) for r in _of(rows, part))
    for tau_m, dt, steps in by_case:
        of_case = _of(rows, part, tau_m_ms=tau_m, dt_ms=dt, refractory_steps=steps)
        shown = ", ".join(f"{r['arithmetic']} {r['phase']} {r[column]:.{digits}f}" for r in of_case)
        yield f"{what}, tau_m {tau_m:g} ms, dt {dt:g} ms, {steps} refractory steps: {shown}."


def _of_trade(rows: list[Row]) -> Iterable[str]:
    """Give a line for each number of currents and of bits with which the timestep may be longer."""
    for currents in (len(CURRENTS), len(DENSE)):
        group, base = trade(rows, currents)
        goal = base["rms_interval_error_percent"]
        for bits in BITS[1:]:
            best = longest(group, f"{bits} bits", goal)
            if best is not None:
                yield (
                    f"Real time over {currents} currents, {bits} bits: at dt {best['dt_ms']:.4g} ms "
                    f"{best['rms_interval_error_percent']:.3f} %, no worse than {goal:.3f} % of the default at "
                    f"{base['dt_ms']:g} ms: {best['real_time_neurons'] / base['real_time_neurons']:.2f} times the "
                    "neurons per lane."
                )


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for tau_m in REFRACTORY_MS:
        lines = [_line(_of(rows, "intervals", arithmetic=SQUARE, tau_m_ms=tau_m), bits) for bits in BITS]
        panels.append(
            Panel(f"tau_m {tau_m:g} ms\nRMS interval error (%)", lines, logarithmic=True, height=2.6)
        )
    group, base = trade(rows, len(DENSE))
    goal = base["rms_interval_error_percent"]
    ends = [_thousands(row) for row in (group[0], group[-1])]
    lines = [
        *(_line(group, bits) for bits in BITS),
        Line("error of the default", ends, [goal, goal], plain=True),
    ]
    panels.append(
        Panel("tau_m 30 ms, 1000 currents\nRMS interval error (%)", lines, logarithmic=True, height=2.6)
    )
    default = _of(rows, "frozen noise", tau_m_ms=min(REFRACTORY_MS))
    lines = [_line(default, bits, "jitter_ms") for bits in BITS]
    panels.append(
        Panel(
            f"tau_m {min(REFRACTORY_MS):g} ms, frozen noise\njitter (ms)", lines, logarithmic=True, height=2.2
        )
    )
    label = "timestep (ms x 100) = thousand neurons in real time per lane at 100 MHz"
    return line_figure(panels, label, theme, logarithmic_x=True)


def _thousands(row: Row) -> float:
    return float(CLOCK_HZ * row["dt_ms"] / 1e6)


def _line(rows: list[Row], bits: int, column: str = "rms_interval_error_percent") -> Line:
    group = [row for row in rows if row["phase"] == f"{bits} bits"]
    return Line(f"{bits} bits", [_thousands(row) for row in group], [row[column] for row in group])
