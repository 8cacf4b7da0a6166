"""Record what QLIFPopulation of synapticflow computes, for tests that run without torch.

Needs the packages torch (2.13 was used) and synapticflow 0.0.7. From the checkout:

    python tests/model/record_synapticflow.py

writes synapticflow_recorded.npz next to this file. The tests read CASES from here and the recorded
states from there, so record again after a change to CASES.
"""

from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_name("synapticflow_recorded.npz")
STATES = ("s", "v", "refrac_count", "traces")


def numbers(timestep, neurons=3, low=0.0, high=60.0):
    """Scattered numbers that are the same on every machine."""
    return [low + (high - low) * ((7919 * timestep + 104729 * j) % 1009) / 1009 for j in range(neurons)]


def spoilt(timestep):
    """Input that is sometimes not finite, one kind for each neuron."""
    current = np.array(numbers(timestep, 4), dtype=np.float32)
    if timestep >= 40:
        current[(timestep - 40) % 4] = (np.nan, np.inf, -np.inf, 3e38)[(timestep - 40) % 4]
    return current


def kinds(timestep):
    """A different type of input in every timestep."""
    values = numbers(timestep)
    whole = [round(value) for value in values]
    return (
        values,
        whole,
        np.array(values),
        np.array(values, dtype=np.float32),
        np.array(whole, dtype=np.uint8),
        np.array(whole, dtype=np.int16),
        [value > 30 for value in values],
        values[0],
        whole[0],
        np.float64(values[0]),
        [np.float64(values[0]), 20, 30],
        np.array(values[:1]),
    )[timestep % 12]


def plane(timestep):
    return np.array(numbers(timestep, 6)).reshape(2, 3)


# Name: timesteps, keywords, input of each timestep.
CASES = {
    "defaults": (240, {"n": 3}, lambda t: numbers(t, high=120)),
    "defaults, constant input": (200, {"n": 3}, lambda t: [10, 17, 30]),
    "refractory 1 ms": (80, {"n": 3, "refrac_length": 1}, lambda t: numbers(t, high=300)),
    "refractory 2.5 ms": (100, {"n": 3, "refrac_length": 2.5}, lambda t: numbers(t, high=300)),
    "no refractory period": (40, {"n": 3, "refrac_length": 0}, lambda t: numbers(t, high=300)),
    "dt is ignored": (80, {"n": 3, "dt": 0.5, "refrac_length": 1}, lambda t: numbers(t, high=300)),
    "additive trace": (
        100,
        {"n": 3, "additive_spike_trace": True, "trace_scale": 0.3, "refrac_length": 1},
        lambda t: numbers(t, high=300),
    ),
    "additive trace, scales in float64": (
        100,
        {
            "n": 3,
            "additive_spike_trace": True,
            "trace_scale": np.array([0.1, -0.7, 1 / 3]),
            "refrac_length": 1,
        },
        lambda t: numbers(t, high=300),
    ),
    "replacing trace ignores its scale": (
        60,
        {"n": 3, "trace_scale": 7.0, "refrac_length": 1},
        lambda t: numbers(t, high=300),
    ),
    "no trace": (60, {"n": 3, "spike_trace": False, "refrac_length": 1}, lambda t: numbers(t, high=300)),
    "lower bound": (80, {"n": 3, "lower_bound": -62.3}, lambda t: numbers(t, low=-90, high=200)),
    "lower bound above reset": (40, {"n": 3, "lower_bound": -60}, lambda t: numbers(t, low=-90, high=200)),
    "negative input": (80, {"n": 3}, lambda t: numbers(t, low=-200, high=0)),
    "one value per neuron": (
        200,
        {
            "n": 3,
            "a0": [0.5, 1.0, 1.7],
            "threshold": [-52.5, -50.1, -48],
            "rest_pot": [-62, -63.3, -65],
            "critical_pot": [-54.4, -54, -53],
            "tau_s": [7, 35, 38.1],
            "R": [0.7, 1.1, 3],
            "refrac_length": 1,
        },
        numbers,
    ),
    "resistance in float64": (100, {"n": 3, "R": np.array([0.7, 1.1, 3]), "refrac_length": 1}, kinds),
    "resistance in whole numbers": (100, {"n": 3, "R": 3, "refrac_length": 1}, kinds),
    "resistance in uint8": (
        100,
        {"n": 3, "R": np.array([2, 9, 3], dtype=np.uint8), "refrac_length": 1},
        kinds,
    ),
    "every type of input": (240, {"n": 3, "refrac_length": 1}, kinds),
    "input that is not finite": (80, {"n": 4, "refrac_length": 1}, spoilt),
    "reset above threshold": (60, {"n": 3, "reset_pot": -51.0, "refrac_length": 1}, numbers),
    "two axes": (100, {"shape": (2, 3), "tau_s": [5, 9.5, 40], "refrac_length": 1}, plane),
    "two axes, broadcast input": (100, {"n": 6, "shape": (2, 3), "refrac_length": 1}, kinds),
    "ignored keywords": (
        40,
        {
            "n": 3,
            "sum_input": True,
            "is_inhibitory": True,
            "learning": False,
            "colour": "red",
            "refrac_length": 1,
        },
        lambda t: numbers(t, high=300),
    ),
}

TIME_CONSTANTS = [*range(1, 201), *(0.05 * 1.0075**power for power in range(1600))]
"""Their trace decays are recorded: the nearest float32 isn't always what torch computes."""


def main():
    import torch
    from synapticflow.network.neural_populations import QLIFPopulation

    recorded = {}
    for name, (timesteps, keywords, current) in CASES.items():
        population = QLIFPopulation(**keywords)
        rows = {state: [] for state in STATES}
        for timestep in range(timesteps):
            population(torch.tensor(current(timestep)))
            for state in STATES:
                value = getattr(population, state, torch.zeros(population.v.shape))
                rows[state].append(value.numpy().copy())
        recorded.update({f"{name}/{state}": np.stack(rows[state]) for state in STATES})
    many = QLIFPopulation(n=len(TIME_CONSTANTS), tau_s=TIME_CONSTANTS)
    recorded["trace_decay"] = many.trace_decay.numpy()
    np.savez_compressed(RECORDED, **recorded)


if __name__ == "__main__":
    main()
