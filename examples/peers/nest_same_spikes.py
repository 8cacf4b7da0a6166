"""NEST's Izhikevich neuron without adaptation is ours, and gives the same spikes.

    pip install nest-simulator
    python examples/peers/nest_same_spikes.py

With a = b = d = 0 its recovery variable stays 0, which leaves dv/dt = 0.04 v^2 + 5 v + 140 + I: the rest and the
critical potential are the roots of that. `consistent_integration` is the forward Euler step.
"""

import os
import sys

import numpy as np

os.environ.setdefault("PYNEST_QUIET", "1")
import nest

from qlif import QLIFPopulation

NEURONS, TIMESTEPS, DT = 32, 20_000, 0.1

critical, rest = np.roots([0.04, 5.0, 140.0])[np.argsort(-np.roots([0.04, 5.0, 140.0]))]
currents = np.linspace(18.0, 60.0, NEURONS)
ours = QLIFPopulation(
    n=NEURONS, dt=DT, tau_m=10.0, a0=0.4, R=10.0, rest_pot=rest, critical_pot=critical, threshold=30.0,
    reset_pot=-65.0, refrac_length=0,
)  # fmt: skip
recording = ours.run(np.broadcast_to(currents, (TIMESTEPS, NEURONS)), record=["spikes"])

nest.verbosity = nest.VerbosityLevel.ERROR
nest.resolution = DT
theirs = nest.Create(
    "izhikevich",
    NEURONS,
    {
        "a": 0.0,
        "b": 0.0,
        "c": -65.0,
        "d": 0.0,
        "U_m": 0.0,
        "V_m": -65.0,
        "V_th": 30.0,
        "consistent_integration": True,
    },
)
theirs.I_e = currents
recorder = nest.Create("spike_recorder")
nest.Connect(theirs, recorder)
nest.Simulate(TIMESTEPS * DT)

events = recorder.events
spikes = np.zeros((TIMESTEPS, NEURONS), dtype=bool)
spikes[np.rint(events["times"] / DT).astype(int) - 1, events["senders"] - theirs[0].global_id] = True
differing = int((spikes != recording.spikes).sum())
print(
    f"NEST {nest.__version__}: {spikes.sum()} spikes, qlif: {recording.spikes.sum()}, differing: {differing}"
)
sys.exit(differing != 0 or not spikes.any())
