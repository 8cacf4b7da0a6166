"""How many bits does a neuron need? A short recording through the float reference and through each preset."""

from pathlib import Path

import numpy as np

from qlif import PRESETS, SQ, Arithmetic, QLIFPopulation
from qlif.model.inputs.recordings import load

NEURONS = 8

currents = load(
    Path(__file__).with_name("speech.wav"), neurons=NEURONS, dt=0.1, scale=40, offset=15, gain_spread=0.2
)
reference = QLIFPopulation(n=NEURONS, tau_m=10.0).run(currents)
print(f"{len(currents)} timesteps, {reference.spike_counts().sum()} spikes in float64")


def compare(name: str, arithmetic: Arithmetic) -> None:
    """Print how far a fixed-point neuron is from the float neuron."""
    run = QLIFPopulation(n=NEURONS, arithmetic=arithmetic, tau_m=10.0).run(currents)
    missed = np.abs(run.spike_counts() - reference.spike_counts()).sum()
    error = np.sqrt(np.mean((run.potentials - reference.potentials) ** 2))
    print(f"{name:14} {arithmetic.potential.width:2} bits: {error:.4f} mV RMS, {missed} spikes more or fewer")


for name, arithmetic in PRESETS.items():
    compare(name, arithmetic)
compare("square, 14", PRESETS["square-16"].replace(potential=SQ(6, 8)))
