"""Does the narrowest word depend on which currents are tried? The same question on 40 grids of 24 currents.

Each grid has one current from each of 24 strata from 17 to 80 mV. A word passes on a grid if none of the first 20
spikes of any of its neurons is more than a timestep off; the narrowest one that does is what a search by 24 currents
finds. Beside it: all currents of all grids together, from which width on no wider word fails, and every current word
of the format from 17 to 80 mV, which is no sample at all.
"""

from collections import Counter

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from qlif.model.arithmetic import Arithmetic
from qlif.model.formats import SQ
from qlif.model.inputs import stimuli
from qlif.model.metrics.first_spikes import first_spikes, largest_lags
from qlif.model.plots.themes import Theme
from qlif.model.population import QLIFPopulation
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.studies import every_current
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.grid import base_of
from qlif.model.studies.named.neuron import NEURON
from qlif.model.studies.named.result import Bench, Result

GRIDS, STRATA = 40, 24
LOW_MV, HIGH_MV = 17.0, 80.0
TIMESTEPS, SPIKES, MOST_LAG = 20_000, 20, 1.0
BITS = range(12, 25)
INTEGER_BITS = {"factored": (7, 8), "square": (4, 5, 6)}
CURRENT = "SQ(8,10)"
EXAMPLE = "SQ(4,13)"
"""What a search over one even grid of 24 currents found."""


def run(bench: Bench) -> Result:
    """Try every split of every word on all grids at once."""
    text = f"stratified:low={LOW_MV},high={HIGH_MV}"
    drives = np.concatenate(
        [stimuli.make(text, timesteps=1, neurons=STRATA, dt=NEURON.dt, seed=seed)[0] for seed in range(GRIDS)]
    )
    many = NEURON.replace(n=len(drives), spike_trace=False)
    inputs = np.broadcast_to(drives, (TIMESTEPS, len(drives)))
    euler = first_spikes(QLIFPopulation.of(many).run(inputs, record=()), SPIKES)
    cases = [
        (form, i_bits, bits) for form, splits in INTEGER_BITS.items() for i_bits in splits for bits in BITS
    ]
    rows: list[Row] = []
    for number, (form, i_bits, bits) in enumerate(cases):
        bench.progress(f"{form}, {bits} bits", number / len(cases))
        arithmetic = PRESETS[base_of(form)].replace(
            potential=SQ(i_bits, bits - i_bits), rounding="RND", random_bits=0, current=CURRENT
        )
        run = QLIFPopulation.of(many, arithmetic).run(inputs, record=())
        lags = largest_lags(euler, first_spikes(run, SPIKES))
        failing = lags.reshape(GRIDS, STRATA) > MOST_LAG
        rows.append(
            {
                "form": form,
                "format": str(arithmetic.potential),
                "word_bits": bits,
                "grids": GRIDS,
                "grids_failed": int(failing.any(axis=1).sum()),
                "failing_grids": " ".join(map(str, np.flatnonzero(failing.any(axis=1)))),
                "currents": len(drives),
                "currents_within": int((~failing).sum()),
                **_every(arithmetic),
            }
        )
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _every(arithmetic: Arithmetic) -> Row:
    """Return what becomes of every current word in the range."""
    words = every_current.every_word(NEURON, arithmetic, LOW_MV, HIGH_MV)
    currents = quantise(NEURON, arithmetic).currents(words)
    euler = every_current.of_euler(NEURON, currents, TIMESTEPS, SPIKES)
    lags = largest_lags(euler, every_current.of_arithmetic(NEURON, arithmetic, words, TIMESTEPS, SPIKES))
    return {
        "every_current": len(words),
        "every_within": int((lags <= MOST_LAG).sum()),
        "every_largest_lag": float(lags.max()),
    }


def narrowest(rows: list[Row], form: str) -> npt.NDArray[np.int64]:
    """Return the narrowest word that passes on each grid; one more than the widest where none does."""
    found = np.full(GRIDS, BITS[-1] + 1)
    for row in rows:
        if row["form"] == form:
            passing = np.ones(GRIDS, dtype=np.bool_)
            passing[[int(grid) for grid in row["failing_grids"].split()]] = False
            found = np.where(passing, np.minimum(found, row["word_bits"]), found)
    return found


def lasting(rows: list[Row], form: str, share: float) -> int | None:
    """Return the width from which on every word has a split that keeps so large a share of every current."""
    width = None
    for bits in reversed(BITS):
        shares = [
            row["every_within"] / row["every_current"]
            for row in rows
            if (row["form"], row["word_bits"]) == (form, bits)
        ]
        if max(shares) < share:
            break
        width = bits
    return width


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    found = {form: narrowest(rows, form) for form in INTEGER_BITS}
    for form, bits in found.items():
        counts = Counter(bits.tolist())
        shown = ", ".join(f"{count} x {width}" for width, count in sorted(counts.items()))
        findings.append(
            f"{form} RND, narrowest word by grid: {bits.min()} to {bits.max()} bits, mode "
            f"{counts.most_common(1)[0][0]} ({shown}; {BITS[-1] + 1} is none)."
        )
    apart = found["factored"] - found["square"]
    counts = Counter(apart.tolist())
    shown = ", ".join(f"{count} x {width}" for width, count in sorted(counts.items()))
    findings.append(
        f"The square form is {apart.min()} to {apart.max()} bits narrower, mode {counts.most_common(1)[0][0]} "
        f"({shown})."
    )
    for row in rows:
        if (row["form"], row["format"]) == ("square", EXAMPLE):
            findings.append(
                f"square {EXAMPLE} fails on {row['grids_failed']} of {GRIDS} grids; {row['currents_within']} of "
                f"{row['currents']} currents are within, and {row['every_within']} of the {row['every_current']} "
                f"current words from {LOW_MV:g} to {HIGH_MV:g} mV, with a lag of {row['every_largest_lag']:g} "
                "timesteps at most."
            )
    for form in INTEGER_BITS:
        widths = {share: lasting(rows, form, share) for share in (0.95, 0.99, 0.999, 1.0)}
        shown = ", ".join(f"{100 * share:g} % {bits or 'none'}" for share, bits in widths.items())
        findings.append(f"{form} RND, width from which on a share of every current is within: {shown}.")
    return findings


def _draw(rows: list[Row], theme: Theme) -> Figure:
    grids, every = [], []
    for form in INTEGER_BITS:
        best = [[row for row in rows if (row["form"], row["word_bits"]) == (form, bits)] for bits in BITS]
        failed = [100 * min(row["grids_failed"] for row in group) / GRIDS for group in best]
        outside = [
            100 * min(1 - row["every_within"] / row["every_current"] for row in group) for group in best
        ]
        grids.append(Line(f"{form} RND", list(BITS), failed))
        every.append(Line(f"{form} RND", list(BITS), outside))
    panels = [
        Panel(f"grids of {STRATA} currents\nthat fail (%)", grids, height=3.0),
        Panel("every current:\noutside the budget (%)", every, logarithmic=True, height=3.0),
    ]
    return line_figure(panels, "word length (bits), the best split of each", theme, whole_x=True)
