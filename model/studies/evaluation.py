"""One point of a sweep: the golden model compared with Euler, and Euler with the exact solution.

Three errors have columns of their own. ``quantization_...`` is the fixed-point run against float64 Euler with the
same timestep and the same input; ``truncation_...`` is that Euler run against the exact map of one timestep, with
spikes on the same grid (:mod:`qlif.model.theory.stepped`); ``grid_...`` is that map against the membrane equation
solved without a timestep (:mod:`qlif.model.theory.exact_flow`). ``integration_...`` is the last two in one: Euler
against the equation. These don't depend on the arithmetic, and are computed once for all points that share a
timestep, a neuron, an input, and whether spikes fall between timesteps: with phases, Euler and the map keep what is
left of a timestep too, without rounding it.
"""

import functools
import json
import math
import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.metrics.catalogue import METRICS, Pair
from qlif.model.metrics.spike_distances import spike_distances
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.recording import Recording
from qlif.model.studies.grid import Point, Sweep
from qlif.model.theory import exact_flow, stepped
from qlif.model.theory.exact_flow import ExactRun
from qlif.model.theory.stepped import Remainder, Step

Row = dict[str, Any]
"""One line of the table: text, numbers, and None where there is none."""

EVALUATED, IMPOSSIBLE = "evaluated", "impossible"

PARTS = ("truncation", "grid", "integration")
"""Of the error of float64 Euler: the integrator's, the spike grid's, and both together."""

DISTANCES = ("victor_purpura", "van_rossum", "isi_distance", "spike_distance")


def columns(distances: bool) -> tuple[str, ...]:
    """Return the columns of the table, in order."""
    measured = [f"quantization_{metric.name}" for metric in METRICS]
    integrated = [f"{part}_{metric.name}" for part in PARTS for metric in METRICS if metric.integration]
    if distances:
        measured += [f"quantization_{name}" for name in DISTANCES]
        integrated += [f"integration_{name}" for name in DISTANCES]
    return (
        *Point.__dataclass_fields__,
        "state_bits",
        "status",
        "reason",
        "timesteps",
        "spikes",
        "spikes_euler",
        "spikes_exact",
        "lowest_mv",
        "updates_at_lowest_word",
        *measured,
        *integrated,
    )


def evaluate(sweep: Sweep, point: Point) -> Row:
    """Run a point and return its row, with every column of the sweep's table.

    Where the choices don't go together, such as a threshold outside the format, the row says so.
    """
    row: Row = {**dict.fromkeys(columns(sweep.distances)), **asdict(point), "status": EVALUATED}
    with warnings.catch_warnings():
        # That a timestep is coarse shows in the integration error.
        warnings.simplefilter("ignore", PrecisionWarning)
        settings = json.dumps(sweep.as_dict(), sort_keys=True)
        reference = _reference(settings, point.input, point.dt_ms, point.tau_m_ms, point.phase_bits > 0)
        try:
            population = QLIFPopulation.of(reference.parameters, sweep.arithmetic_of(point))
            golden = population.run(reference.currents, record=("potentials",))
        except InputError as error:
            return {**row, "status": IMPOSSIBLE, "reason": str(error)}
    row |= reference.row
    row |= _state(golden)
    row |= _prefixed("quantization", _quantization(reference, golden, sweep.distances))
    return {name: _plain(value) for name, value in row.items()}


@dataclass(frozen=True, eq=False)
class _Reference:
    """What all arithmetics under one input are compared with."""

    parameters: Parameters
    currents: npt.NDArray[np.float64]
    euler: Recording
    times: list[npt.NDArray[np.float64]]
    row: Row


# As many as fit in memory without being asked about: one is 25 MB at 64 neurons and 20,000 timesteps.
@functools.lru_cache(maxsize=8)
def _reference(settings: str, text: str, dt: float, tau_m: float, phases: bool) -> _Reference:
    sweep = Sweep.of(json.loads(settings))
    parameters, currents, euler = sweep.euler(text, dt, tau_m, phases)
    assert euler.potentials is not None
    exact = exact_flow.solve(parameters, currents)
    on_grid = stepped.solve(parameters, currents, Step.EXACT, Remainder.LONGER if phases else Remainder.LOST)
    times = euler.spike_times
    duration = len(currents) * dt
    row: Row = {
        "timesteps": len(currents),
        "spikes_euler": int(euler.spikes.sum()),
        "spikes_exact": sum(len(one) for one in exact.spike_times),
    }
    stepped_euler = ExactRun(times, euler.potentials)
    runs = {
        "truncation": (on_grid, stepped_euler),
        "grid": (exact, on_grid),
        "integration": (exact, stepped_euler),
    }
    for part, (expected, found) in runs.items():
        pair = Pair(expected.spike_times, found.spike_times, expected.potentials, found.potentials, dt)
        row |= _prefixed(part, {metric.name: metric.of(pair) for metric in METRICS if metric.integration})
    if sweep.distances:
        row |= _prefixed("integration", _distances(exact.spike_times, times, duration))
    return _Reference(parameters, currents, euler, times, row)


def _quantization(reference: _Reference, golden: Recording, distances: bool) -> Row:
    assert golden.potentials is not None and reference.euler.potentials is not None
    times = golden.spike_times
    pair = Pair(reference.times, times, reference.euler.potentials, golden.potentials, golden.dt)
    return {
        **{metric.name: metric.of(pair) for metric in METRICS},
        **(_distances(reference.times, times, golden.timesteps * golden.dt) if distances else {}),
    }


def _distances(
    expected: list[npt.NDArray[np.float64]], found: list[npt.NDArray[np.float64]], duration: float
) -> Row:
    inside = [np.minimum(one, duration) for one in found]
    distance = spike_distances([np.minimum(one, duration) for one in expected], inside, duration_ms=duration)
    return dict(zip(DISTANCES, vars(distance).values(), strict=True))


def _state(golden: Recording) -> Row:
    """Return what the state words are and where they went."""
    words = golden.words
    assert words is not None and golden.potential_words is not None and golden.potentials is not None
    lowest = words.arithmetic.potential.min_word
    return {
        "state_bits": words.state_bits,
        "spikes": int(golden.spikes.sum()),
        "lowest_mv": golden.potentials.min(),
        "updates_at_lowest_word": int((golden.potential_words == lowest).sum()),
    }


def _prefixed(prefix: str, values: Row) -> Row:
    return {f"{prefix}_{name}": value for name, value in values.items()}


def _plain(value: object) -> object:
    """Return Python's own number; None for nan, which JSON has no word for."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
