"""From a neuron in mV to Verilog that is checked: export a population, then simulate it against the golden model."""

from pathlib import Path

from qlif.cosim import Settings, cosimulate, find
from qlif.model.inputs import stimuli

OUT = Path("export-and-simulate")
NEURONS, TIMESTEPS = 16, 200

configuration = Settings.read("square-16").population(NEURONS)
made = configuration.export()
verilog, interface = made.write(OUT)
print(f"{verilog} and {interface}: latency {made.interface.latency} clocks")

currents = stimuli.make("ou", timesteps=TIMESTEPS, neurons=NEURONS, dt=configuration.parameters.dt, seed=1)
run = cosimulate(configuration, currents, find("verilator"), OUT, export=made)
print(
    f"{currents.size} updates in {run.cycles} clocks, {run.verdict.mismatches} differ from the golden model"
)
if run.verdict.mismatches:
    raise SystemExit(1)
