"""What of a run goes into a figure: whose lines, from which time, and how many points of them."""

import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show
from qlif.model.support.checks import Quantity, whole

TIME = Quantity("ms", 0.0, open=True)
MOST_RUNS = 4  # that remain visible where they coincide
MOST_POINTS = 2600  # of one line: two for each pixel that it is drawn on
_FEW = 4  # neurons that are shown if none are chosen

Samples = npt.NDArray[Any]
"""Numbers or truth values, one for each timestep, or (timesteps, neurons)."""


def window(timesteps: int, dt: float, window_ms: float | None) -> tuple[Samples, int, str]:
    """Return the times to show, how many they are, and what to say where they aren't all."""
    step = TIME.check("dt", dt)
    kept = timesteps
    if window_ms is not None:
        kept = max(1, round(min(TIME.check("window_ms", window_ms) / step, timesteps)))
    note = f", first {number(kept * step)} of {number(timesteps * step)} ms" if kept < timesteps else ""
    times = np.asarray(np.arange(1, kept + 1) * step, dtype=np.float64)
    return times, kept, note


def _group(points: int) -> int:
    """Return how many points of a line are reduced to their two extremes."""
    return math.ceil(2 * points / MOST_POINTS)


def reduction(points: int) -> str:
    """Return what to say where a line of so many points is reduced."""
    return f", extremes of each {_group(points)} timesteps" if points > MOST_POINTS else ""


def reduced(times: Samples, line: Samples) -> tuple[Samples, Samples]:
    """Return a line as it is, or its lowest and its highest point of each group, in order of time."""
    if len(line) <= MOST_POINTS:
        return times, line
    group = _group(len(line))
    groups = np.pad(line, (0, -len(line) % group), mode="edge").reshape(-1, group)
    pair = np.sort(np.stack([groups.argmin(axis=1), groups.argmax(axis=1)], axis=1), axis=1)
    points = np.minimum(pair + np.arange(len(groups))[:, None] * group, len(line) - 1).ravel()
    return times[points], line[points]


def runs_of(name: str, runs: Mapping[str, npt.ArrayLike]) -> dict[str, Samples]:
    """Return runs of one shape as arrays (timesteps, neurons)."""
    check_labels(name, runs)
    arrays = {label: flat(f"{name} of {label!r}", run) for label, run in runs.items()}
    first = next(iter(arrays))
    for label, array in arrays.items():
        if array.shape != arrays[first].shape:
            raise InputError(
                f"{name} of {label!r} must be {arrays[first].shape[0]} timesteps of "
                f"{arrays[first].shape[1]} neurons like {first!r}, not {array.shape[0]} of {array.shape[1]}"
            )
    return arrays


def check_labels(name: str, runs: Mapping[str, Any]) -> None:
    """Refuse no runs, and more than can be told apart; InputError."""
    if not 1 <= len(runs) <= MOST_RUNS:
        raise InputError(f"{name} must be 1 to {MOST_RUNS} runs, not {len(runs)}: more can't be told apart")


def flat(name: str, value: npt.ArrayLike) -> Samples:
    """Return an array (timesteps, *shape) as (timesteps, neurons)."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{name} must be a regular array, not a ragged one") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must be an array of numbers, not {show(array)}")
    if array.ndim < 2 or array.size == 0:
        raise InputError(f"{name} must be (timesteps, neurons), at least one of each, not {array.shape}")
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        raise InputError(f"{name} must be finite, not {array[~np.isfinite(array)][0]}")
    return array.reshape(len(array), -1)


def thresholds_of(threshold: npt.ArrayLike, population: int) -> Samples:
    """Return the threshold of each neuron in C order, from one for all or one each; InputError otherwise."""
    try:
        array = np.asarray(threshold, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.asarray(np.nan)
    if array.size not in (1, population) or not np.all(np.isfinite(array)):
        raise InputError(
            f"threshold must be one finite number or {population}, not {reprlib.repr(threshold)}"
        )
    return np.broadcast_to(array.ravel(), (population,))


def chosen_neurons(name: str, neurons: Sequence[int] | None, population: int) -> list[int]:
    """Return the indices as they are, or the first few if none are chosen; InputError for one too many."""
    if neurons is None:
        return list(range(min(_FEW, population)))
    chosen = [whole(name, neuron, minimum=0) for neuron in neurons]
    if not chosen or max(chosen) >= population:
        raise InputError(f"{name} must be indices from 0 to {population - 1}, not {show(neurons)}")
    return chosen


def round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... (times any power of ten) that isn't below `value`."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= value)


def number(value: float) -> str:
    """Return a number for a label, with the real minus sign."""
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")
