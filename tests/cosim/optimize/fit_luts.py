"""Fit the estimate of LUTs to Yosys: ``python tests/cosim/optimize/fit_luts.py``, ten minutes.

Random configurations are mapped to an ECP5. The weights are fitted to some of them and to the cores of
docs/synthesis/figures.csv, whose residuals count double (least squares, none below 0). The rest, drawn with another
seed, says how far off the estimate is.
"""

import csv
import random
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from qlif.cosim.optimize.word_costs import WEIGHTS, features
from qlif.hdl.core import Core
from qlif.hdl.synthesis.fit import check_fit
from qlif.hdl.synthesis.mapping import mapped_netlist
from qlif.hdl.targets.catalogue import target
from qlif.hdl.verilog import export
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.studies.grid import Sweep, base_of

DEVICE = target("ecp5")
FIGURES = Path(__file__).parents[3] / "docs/synthesis/figures.csv"
FITTED, HELD_OUT = ((1, 48), (3, 48)), ((2, 40),)
"""Seeds, and how many configurations of each."""


def drawn(choose):
    """Return a random core of 1024 neurons that the device holds."""
    while True:
        form = choose.choice(["square", "square", "factored"])
        i_bits = choose.choice([4, 5, 6] if form == "square" else [7, 8])
        f_bits = choose.randint(10, 18 if form == "square" else 17) - i_bits
        rounding = choose.choice(["TRN", "RND", "RND_CONV", "SR"])
        changes = {
            "potential": f"SQ({i_bits},{f_bits})",
            "rounding": rounding,
            "random_bits": choose.choice([4, 6, 8, 12]) if rounding == "SR" else 0,
            "coefficient_bits": choose.randint(8, 20),
            "current": f"SQ(8,{choose.randint(3, 12)})",
            "trace": f"UQ(1,{choose.randint(5, 15)})",
            "phase_bits": choose.choice([0, 0, 0, 1, 2, 3]),
        }
        if choose.random() < 0.4:
            changes["product_fraction"] = max(0, f_bits + choose.randint(-2, 6))
            changes["product_rounding"] = choose.choice(["TRN", "RND", "RND_CONV"])
        try:
            neuron = Sweep().neuron(0.1, 30.0, 1024).replace(spike_trace=choose.random() < 0.6)
            core = Core(quantise(neuron, PRESETS[base_of(form)].replace(**changes)))
            check_fit(core, DEVICE)
        except InputError:
            continue
        return core


def measured(draws):
    """Return the features and the LUTs of drawn cores."""
    rows, luts = [], []
    choosing = [choose for seed, count in draws for choose in [random.Random(seed)] * count]
    for core in map(drawn, choosing):
        made = export(core)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "block.v").write_text(made.verilog)
            module = made.interface.module
            netlist = mapped_netlist(Path(folder), DEVICE, module, "block", ["block.v"], core.primitives)
        rows.append(list(features(core.words).values()))
        luts.append(netlist.luts(DEVICE))
    return np.array(rows), np.array(luts, dtype=float)


def tabled():
    """Return names, features and LUTs of the table's cores that the estimate is for."""
    names, rows, luts = [], [], []
    with FIGURES.open() as file:
        for row in csv.DictReader(file):
            # With phases the explicit variant has fewer stages, and so another number of LUTs.
            estimated = row["phase_bits"] == "0" or row["variant"] == "portable"
            if (
                row["lut"]
                and estimated
                and (row["target"], row["lanes"], row["storage"]) == (DEVICE.name, "1", "gates")
            ):
                neuron = Parameters(n=int(row["neurons"]), spike_trace=row["trace"] == "True")
                arithmetic = PRESETS[row["preset"]].replace(phase_bits=int(row["phase_bits"]))
                names.append(
                    f"{row['preset']} {row['variant']}, trace {row['trace']}, {row['phase_bits']} phase bits"
                )
                rows.append(list(features(quantise(neuron, arithmetic)).values()))
                luts.append(float(row["lut"]))
    return names, np.array(rows), np.array(luts)


def main():
    """Fit, and print the weights and how far off they are."""
    rows, luts = measured(FITTED)
    names, known, their_luts = tabled()
    rows, luts = np.vstack([rows, 2 * known]), np.concatenate([luts, 2 * their_luts])
    weights = np.round(nnls(rows, luts)[0], 1)
    for name, weight in zip(WEIGHTS, weights, strict=True):
        print(f"{name}: {weight} (in use: {WEIGHTS[name]})")
    for name, off in zip(names, 100 * (known @ list(WEIGHTS.values()) / their_luts - 1), strict=True):
        print(f"{name}: {off:+.1f} %")
    rows, luts = measured(HELD_OUT)
    off = rows @ list(WEIGHTS.values()) - luts
    estimates = rows @ list(WEIGHTS.values())
    one, other = np.triu_indices(len(luts), 1)
    agree = (estimates[one] - estimates[other]) * (luts[one] - luts[other]) > 0
    print(
        f"held out: RMS {np.sqrt(np.mean(off**2)):.1f} LUTs, at most {np.abs(off).max():.0f}, of "
        f"{luts.mean():.0f} on average; {100 * agree.mean():.0f} % of all pairs in the right order"
    )


if __name__ == "__main__":
    main()
