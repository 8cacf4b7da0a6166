"""What a run found, as JSON and as the rows of a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.cosimulation import Cosimulation
from qlif.cosim.mapping.speed import in_clocks
from qlif.cosim.software_run import Simulation
from qlif.model.metrics.fi_curve import FICurve
from qlif.model.support.files import whole_file


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
