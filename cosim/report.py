"""Results for people and machines: tables, JSON and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.cosimulation import Cosimulation
from qlif.cosim.mapping.speed import in_clocks
from qlif.cosim.software_run import Simulation
from qlif.cosim.terminal import Terminal
from qlif.hdl.synthesis.fill import Filled
from qlif.hdl.synthesis.synthesise import Synthesis
from qlif.model.exceptions import InputError, apart
from qlif.model.metrics.fi_curve import FICurve, fi_currents, fi_curve
from qlif.model.parameters import PER_NEURON
from qlif.model.plots import figures
from qlif.model.plots.themes import save
from qlif.model.recording import Recording
from qlif.model.support.files import whole_file
from qlif.model.theory import closed_form
from qlif.model.words import ExactValue, Words

SHOWN_NEURONS = 3
SHOWN_MS = 200.0
"""How many neurons, and how much time, a picture shows."""


def simulation_facts(simulation: Simulation) -> dict[str, Any]:
    """Return what golden model and float neuron did, ready for JSON."""
    golden, lag, error = simulation.golden, simulation.lag, simulation.error
    return {
        "timesteps": golden.timesteps,
        "neurons": int(golden.spikes[0].size),
        "dt_ms": golden.dt,
        "spikes_golden": int(golden.spikes.sum()),
        "spikes_float": int(simulation.floating.spikes.sum()),
        "spikes_missing": lag.missing,
        "spikes_extra": lag.extra,
        "silent_neurons": lag.silent_neurons,
        "spurious_neurons": lag.spurious_neurons,
        "max_spike_lag_steps": lag.max_lag_steps,
        "mean_lag_steps_by_spike": lag.lag_by_index.mean_steps.tolist(),
        "max_lag_steps_by_spike": lag.lag_by_index.max_steps.tolist(),
        "rmse_mv": error.rmse_mv,
        "max_error_mv": error.max_mv,
        "mean_rate_hz": float(golden.firing_rates().mean()),
        "parameters": simulation.words.parameters.as_dict(),
        "arithmetic": simulation.words.arithmetic.as_dict(),
        "exact": [line.as_dict() for line in simulation.words.report],
    }


def cosimulation_facts(run: Cosimulation) -> dict[str, Any]:
    """Return the verdict of a co-simulation, ready for JSON."""
    first = run.verdict.first
    return {
        "updates": run.verdict.updates,
        "mismatches": run.verdict.mismatches,
        "first_mismatch": None if first is None else vars(first),
        "broken_rules": [vars(broken) for broken in run.verdict.broken],
        **simulation_facts(run.software),
        "cycles": run.cycles,
        "latency": run.latency,
        **_speed_facts(run),
        "side_by_side_updates": None if run.side_by_side is None else run.side_by_side[0],
        "side_by_side_failure": None if run.side_by_side is None else run.side_by_side[1],
        "thorough_tests": None if run.thorough is None else run.thorough[0],
        "thorough_failed": None if run.thorough is None else run.thorough[1],
        "log": str(run.log),
        "waves": None if run.waves is None else str(run.waves),
        "wave_files": [str(path) for path in run.wave_files],
    }


def _speed_facts(run: Cosimulation) -> dict[str, Any]:
    """Return what isn't compared, and the speed of a core behind an adapter."""
    mapped, speed = run.mapped, run.speed
    if mapped is None or speed is None:
        return {"not_compared": [], "speed": None, "speed_failures": []}
    return {
        "not_compared": list(mapped.absent),
        "speed": speed.as_dict(),
        "speed_failures": list(speed.failures(mapped)),
    }


def speed_rows(run: Cosimulation) -> dict[str, str]:
    """Return the rows about a core behind an adapter."""
    if run.mapped is None or run.speed is None:
        return {}
    return {
        "latency, measured": in_clocks(run.speed.latency),
        "initiation interval, measured": in_clocks(run.speed.interval),
        "not compared, as the core doesn't tell it": ", ".join(run.mapped.absent) or "nothing",
        **({} if run.mapped.resets else {"reset": "none: it goes on from where it is"}),
    }


def print_exact_values(terminal: Terminal, report: tuple[ExactValue, ...]) -> None:
    """Print the exact value of each parameter after rounding."""
    rows = []
    for line in report:
        word = line.stored.rpartition(" = ")[2].replace(" in ", " ")
        asked, exact = f"{line.asked:.8g}", f"{line.exact:.9g}"
        rows.append((line.name, asked, exact, line.unit, f"{line.relative_error:.0e}", word))
    terminal.table(
        ("parameter", "asked for", "exact", "unit", "error", "word"),
        rows,
        "Parameters as the hardware has them",
        align="lrrlrl",
        wrap=False,
    )


def comparison_rows(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the rows that compare a run with the float neuron's."""
    return {
        "spikes, golden model": facts["spikes_golden"],
        "spikes, float64 Euler": facts["spikes_float"],
        "neurons silent / spurious against float": f"{facts['silent_neurons']} / {facts['spurious_neurons']}",
        "largest spike lag behind float": f"{facts['max_spike_lag_steps']} steps of {facts['dt_ms']} ms",
        "potential RMSE to float": f"{facts['rmse_mv']:.4g} mV (largest {facts['max_error_mv']:.4g})",
        "mean firing rate": f"{facts['mean_rate_hz']:.4g} Hz",
    }


def save_recording(path: Path, currents: npt.NDArray[np.float64], runs: dict[str, Any]) -> None:
    """Write every run's spikes and potentials, and the input, into one file."""
    arrays: dict[str, Any] = {"currents": currents}
    for label, run in runs.items():
        key = label.split(",")[0].split(" ")[0]
        arrays |= {f"spikes_{key}": run.spikes, f"potentials_{key}": run.potentials}
        if run.potential_words is not None:
            arrays |= {f"potential_words_{key}": run.potential_words, f"trace_words_{key}": run.trace_words}
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def representative(currents: npt.NDArray[np.float64], count: int) -> list[int]:
    """Return as many neurons as are shown, from the lowest to the highest mean current, evenly by rank."""
    order = np.argsort(currents.mean(axis=0), kind="stable")
    ranks = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [int(order[rank]) for rank in ranks]


def draw_run(
    directory: Path, runs: Mapping[str, Recording], currents: npt.NDArray[np.float64], words: Words
) -> list[Path]:
    """Draw potentials over each other, rasters and the input; return the files."""
    dt = words.parameters.dt
    neurons = representative(currents, SHOWN_NEURONS)
    window = min(SHOWN_MS, len(currents) * dt)
    potentials = {label: run.potentials for label, run in runs.items() if run.potentials is not None}
    spikes = {label: run.spikes for label, run in runs.items()}
    files = save(
        lambda theme: figures.potential_figure(
            potentials,
            dt=dt,
            threshold=words.parameters.threshold,
            spikes=spikes,
            neurons=neurons,
            window_ms=window,
            theme=theme,
        ),
        directory,
        "potential",
    )
    files += save(lambda theme: figures.raster_figure(spikes, dt=dt, theme=theme), directory, "raster")
    files += save(
        lambda theme: figures.input_figure(currents, dt=dt, neurons=neurons, window_ms=window, theme=theme),
        directory,
        "input",
    )
    return files


def draw_mismatch(directory: Path, run: Cosimulation, currents: npt.NDArray[np.float64]) -> list[Path]:
    """Draw the stretch around the first mismatch; return the files, none if there is no mismatch."""
    first = run.verdict.first
    if first is None:
        return []
    from qlif.cosim.evidence.mismatch_figure import mismatch_figure

    golden = run.software.golden
    draw = mismatch_figure(golden, run.hardware, currents, first.neuron, first.step)
    return save(draw, directory, "first-mismatch")


def draw_fi_curve(directory: Path, words: Words, name: str) -> tuple[list[Path], dict[str, FICurve]]:
    """Draw the f-I curve of the golden model and of float Euler; return the files and the curves."""
    parameters = words.parameters
    if any(isinstance(getattr(parameters, key), np.ndarray) for key in PER_NEURON):
        raise InputError("the f-I curve is of one neuron: every parameter must be one value for all")
    parameters = parameters.replace(n=1)
    highest = float(words.currents(words.arithmetic.current.max_word))
    currents = fi_currents(parameters)
    currents = currents[currents <= highest]
    if not len(currents):
        rheobase, most = apart(float(closed_form.rheobase(parameters)), highest)
        raise InputError(
            f"the f-I curve starts near rheobase, {rheobase}, but {words.arithmetic.current} holds currents up "
            f"to {most}"
        )
    curves = {
        "float64 Euler": fi_curve(parameters, currents),
        f"golden, {name}": fi_curve(parameters, currents, arithmetic=words.arithmetic),
    }
    return save(lambda theme: figures.fi_figure(curves, theme=theme), directory, "fi-curve"), curves


def fi_facts(curves: Mapping[str, FICurve]) -> dict[str, Any]:
    """Return f-I curves, ready for JSON."""
    return {
        label: {
            "current": curve.currents.tolist(),
            "rate_hz": curve.rates_hz.tolist(),
            "closed_form_hz": curve.closed_form_hz.tolist(),
            "silent": curve.silent.tolist(),
        }
        for label, curve in curves.items()
    }


def print_synthesis(terminal: Terminal, synthesis: Synthesis) -> None:
    """Print a population's resources and Fmax."""
    speed: dict[str, object] = {}
    if (fmax := synthesis.fmax_mhz) is not None and synthesis.updates_per_s is not None:
        clock = f"{fmax.median} MHz [{fmax.min}..{fmax.max}], empty device, register to register"
        speed = {
            f"fastest clock, median of {synthesis.seeds} placements": clock,
            "updates per second": f"{synthesis.updates_per_s / 1e6:.1f} million",
            "neurons in real time at dt = 0.1 ms": synthesis.neurons_in_real_time,
        }
    device = " ".join(filter(None, (synthesis.device, synthesis.package)))
    terminal.facts(
        f"{synthesis.preset} on {device}, {synthesis.variant}",
        {
            "neurons, lanes": f"{synthesis.neurons:,}, {synthesis.lanes}",
            "LUT": synthesis.lut,
            **{f"LUT of the {part}, by itself": luts for part, luts in synthesis.lut_parts.items() if luts},
            "flip-flops": synthesis.ff,
            "DSP": synthesis.dsp,
            "block RAM": synthesis.ram,
            **speed,
            "latency": f"{synthesis.latency} clocks",
        },
    )
    for note in synthesis.notes:
        terminal.line(f"Note: {note}")


def print_filled(terminal: Terminal, filled: Sequence[Filled]) -> None:
    """Print the largest populations that a device holds, and why there are none that are larger."""
    terminal.table(
        ("most", "neurons", "lanes", "MHz", "M updates/s", "real time at 0.1 ms", "LUT", "DSP", "block RAM"),
        [
            (
                one.goal,
                f"{one.facts['neurons']:,}",
                one.facts["lanes"],
                f"{one.facts['fmax_mhz']['median']:g}",
                f"{one.facts['updates_per_s'] / 1e6:,.1f}",
                f"{one.in_real_time:,}",
                f"{one.facts['lut']:,}",
                one.facts["dsp"],
                one.facts["ram"],
            )
            for one in filled
        ],
        title=f"{filled[0].facts['preset']} on {filled[0].facts['device']}, {filled[0].facts['variant']}",
        align="lrrrrrrrr",
    )
    for one in filled:
        for reason in (one.ran_out, *one.slower):
            if reason:
                terminal.line(f"No more {one.goal}: {reason}")
        for note in one.facts["notes"]:
            terminal.line(f"Note on the most {one.goal}: {note}")
