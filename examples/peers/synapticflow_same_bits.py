"""SynapticFlow's population and ours in its dialect have the same spikes, potentials and traces, to the bit.

pip install synapticflow torch
python examples/peers/synapticflow_same_bits.py
"""

import sys

import numpy as np
import torch
from synapticflow.network.neural_populations import QLIFPopulation as Original

from qlif import QLIFPopulation

NEURONS, TIMESTEPS = 32, 5_000

theirs = Original(n=NEURONS)
ours = QLIFPopulation(n=NEURONS, dialect="synapticflow")
currents = np.random.default_rng(1).normal(20.0, 10.0, (TIMESTEPS, NEURONS)).astype(np.float32)
differing = spikes = 0
for current in currents:
    theirs.forward(torch.from_numpy(current))
    ours.forward(current)
    for name in ("s", "v", "traces"):
        differing += int((getattr(theirs, name).numpy() != getattr(ours, name)).sum())
    spikes += int(ours.s.sum())
print(f"SynapticFlow: {TIMESTEPS * NEURONS} updates, {spikes} spikes, differing values: {differing}")
sys.exit(differing != 0 or not spikes)
