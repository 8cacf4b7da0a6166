"""Somebody else's core under the testbenches: here ours with one constant changed, which they must notice."""

import re
from pathlib import Path

from qlif.cosim import Settings, cosimulate, find, foreign_population
from qlif.model.inputs import stimuli

OUT = Path("check-my-rtl")
NEURONS, TIMESTEPS = 8, 300

configuration = Settings.read("tiny-8").population(NEURONS)
reset = configuration.words.constants["reset"].word & 0xFF
mine = configuration.export().verilog.replace("qlif_population", "my_population")
mine, changed = re.subn(rf"(spiking \? 8'h){reset:02x}\b", rf"\g<1>{reset ^ 1:02x}", mine)
print(f"{changed} place changed: the reset potential is one LSB off")

core = foreign_population(configuration, mine, "my_population")
currents = stimuli.make("ou:mean=25", timesteps=TIMESTEPS, neurons=NEURONS, dt=0.1, seed=1)
run = cosimulate(configuration, currents, find("verilator"), OUT, export=core)
print(f"{run.verdict.mismatches} updates differ")
if run.verdict.first is not None:
    print(run.verdict.first.text)
if not run.verdict.mismatches:
    raise SystemExit("the testbench missed the fault")
