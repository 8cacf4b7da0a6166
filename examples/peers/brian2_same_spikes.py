"""Brian2's neuron and ours give the same spikes, under frozen noise.

    pip install brian2        # 2.9 needs numpy below 2.3
    python examples/peers/brian2_same_spikes.py

Our refractory period counts the timesteps after that of the spike, Brian2's begins with it: hence the one more.
"""

import sys

import brian2
import numpy as np
from brian2 import NeuronGroup, SpikeMonitor, TimedArray, ms, run

from qlif import QLIFPopulation

NEURONS, TIMESTEPS = 32, 10_000

ours = QLIFPopulation(n=NEURONS, tau_m=30.0, refrac_length=20)
currents = np.random.default_rng(1).normal(20.0, 40.0, (TIMESTEPS, NEURONS))
recording = ours.run(currents, record=["spikes"])

brian2.prefs.codegen.target = "numpy"
brian2.defaultclock.dt = ours.dt * ms
current = TimedArray(currents, dt=ours.dt * ms)
theirs = NeuronGroup(
    NEURONS,
    "dv/dt = (a0 * (v - rest_pot) * (v - critical_pot) + current(t, i)) / tau_m : 1 (unless refractory)",
    threshold="v >= threshold",
    reset="v = reset_pot",
    refractory=(ours.refrac_length + 1) * ours.dt * ms,
    method="euler",
    namespace={
        **{
            name: getattr(ours, name) for name in ("a0", "rest_pot", "critical_pot", "threshold", "reset_pot")
        },
        "tau_m": ours.tau_m * ms,
        "current": current,
    },
)
theirs.v = ours.reset_pot
monitor = SpikeMonitor(theirs)
run(TIMESTEPS * ours.dt * ms)

spikes = np.zeros((TIMESTEPS, NEURONS), dtype=bool)
spikes[np.rint(monitor.t / ms / ours.dt).astype(int), monitor.i] = True
differing = int((spikes != recording.spikes).sum())
print(
    f"Brian2 {brian2.__version__}: {spikes.sum()} spikes, qlif: {recording.spikes.sum()}, differing: {differing}"
)
sys.exit(differing != 0 or not spikes.any())
