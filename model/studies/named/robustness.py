"""Does the narrowest word depend on which currents are tried? The same question on 40 grids of 24 currents.

Each grid has one current from each of 24 strata from 17 to 80 mV. A word passes on a grid if none of the first 20
spikes of any of its neurons is more than a timestep off; the narrowest one that does is what a search by 24 currents
finds. Beside it: all currents of all grids together, from which width on no wider word fails, and every current word
of the format from 17 to 80 mV, which is no sample at all.

Last, the question of a search: from which width on is a share of many drawn currents within? On 20 draws of them.
"""

import functools
from collections import Counter

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from qlif.model.arithmetic import Arithmetic
from qlif.model.formats import SQ, Format
from qlif.model.inputs import stimuli
from qlif.model.metrics.first_spikes import Reals, largest_lags
from qlif.model.plots.themes import Theme
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
REDRAWS = 20
QUESTIONS = ((256, 0.95), (256, 0.99))
"""Drawn currents, and the share of them that has to be within."""
TIMESTEPS, SPIKES, MOST_LAG = 20_000, 20, 1.0
BITS = range(12, 25)
INTEGER_BITS = {"factored": (7, 8), "square": (4, 5, 6)}
CURRENT = "SQ(8,10)"
EXAMPLE = "SQ(4,13)"
"""What a search over one even grid of 24 currents found."""


def run(bench: Bench) -> Result:
    """Try every split of every word on all grids at once."""
    drives = _drawn(STRATA, GRIDS)
    sizes = {size: _drawn(size, REDRAWS) for size, _ in QUESTIONS}
    cases = [
        (form, i_bits, bits) for form, splits in INTEGER_BITS.items() for i_bits in splits for bits in BITS
    ]
    rows: list[Row] = []
    for number, (form, i_bits, bits) in enumerate(cases):
        bench.progress(f"{form}, {bits} bits", number / len(cases))
        arithmetic = PRESETS[base_of(form)].replace(
            potential=SQ(i_bits, bits - i_bits), rounding="RND", random_bits=0, current=CURRENT
        )
        failing = _lags(arithmetic, drives).reshape(GRIDS, STRATA) > MOST_LAG
        within = {
            size: (_lags(arithmetic, drawn) <= MOST_LAG).reshape(REDRAWS, size).mean(axis=1)
            for size, drawn in sizes.items()
        }
        rows.append(
            {
                "form": form,
                "format": str(arithmetic.potential),
                "word_bits": bits,
                "grids": GRIDS,
                "grids_failed": int(failing.any(axis=1).sum()),
                "failing_grids": " ".join(map(str, np.flatnonzero(failing.any(axis=1)))),
                **{
                    column(size, share): " ".join(map(str, np.flatnonzero(within[size] < share)))
                    for size, share in QUESTIONS
                },
                "currents": len(drives),
                "currents_within": int((~failing).sum()),
                **_every(arithmetic),
            }
        )
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def column(size: int, share: float) -> str:
    """Return the name of the column of the draws on which a word fails."""
    return f"failing_draws_of_{size}_at_{100 * share:g}"


def _drawn(neurons: int, times: int) -> Reals:
    """Return stratified currents, drawn so many times."""
    text = f"stratified:low={LOW_MV},high={HIGH_MV}"
    drawn = [
        stimuli.make(text, timesteps=1, neurons=neurons, dt=NEURON.dt, seed=seed) for seed in range(times)
    ]
    return np.concatenate([one[0] for one in drawn])


def _lags(arithmetic: Arithmetic, drives: Reals) -> Reals:
    """Return the largest lag behind Euler under each drive, timesteps."""
    words = quantise(NEURON.replace(n=len(drives)), arithmetic).current_words(drives)
    found = every_current.of_arithmetic(NEURON, arithmetic, words.astype(np.int64), TIMESTEPS, SPIKES)
    return largest_lags(_euler(drives.tobytes()), found)


@functools.lru_cache(maxsize=8)
def _euler(currents: bytes) -> Reals:
    """Return Euler's first spikes under each of some currents, which most words share."""
    return every_current.of_euler(NEURON, np.frombuffer(currents), TIMESTEPS, SPIKES)


def _every(arithmetic: Arithmetic) -> Row:
    """Return what becomes of every current word in the range."""
    words = every_current.every_word(NEURON, arithmetic, LOW_MV, HIGH_MV)
    currents = quantise(NEURON, arithmetic).currents(words)
    lags = largest_lags(
        _euler(currents.tobytes()), every_current.of_arithmetic(NEURON, arithmetic, words, TIMESTEPS, SPIKES)
    )
    return {
        "every_current": len(words),
        "every_within": int((lags <= MOST_LAG).sum()),
        "every_largest_lag": float(lags.max()),
    }


def narrowest(rows: list[Row], form: str) -> npt.NDArray[np.int64]:
    """Return the narrowest word that passes on each grid; one more than the widest where none does."""
    passing = _passing(rows, form, "failing_grids", GRIDS)
    return _least({bits: np.any(list(each.values()), axis=0) for bits, each in passing.items()}, GRIDS)


def from_which_on(rows: list[Row], form: str, size: int, share: float) -> npt.NDArray[np.int64]:
    """Return from which width on all words of one range pass on each redraw; one more than the widest if none."""
    passing = _passing(rows, form, column(size, share), REDRAWS)
    so_far = {i_bits: np.ones(REDRAWS, dtype=np.bool_) for i_bits in INTEGER_BITS[form]}
    for bits in reversed(BITS):
        for i_bits, passes in passing[bits].items():
            so_far[i_bits] = passing[bits][i_bits] = so_far[i_bits] & passes
    return _least({bits: np.any(list(each.values()), axis=0) for bits, each in passing.items()}, REDRAWS)


def _passing(
    rows: list[Row], form: str, column: str, count: int
) -> dict[int, dict[int, npt.NDArray[np.bool_]]]:
    """Return on which grids a word passes, by its width and its integer bits."""
    found: dict[int, dict[int, npt.NDArray[np.bool_]]] = {bits: {} for bits in BITS}
    for row in rows:
        if row["form"] == form:
            passes = np.ones(count, dtype=np.bool_)
            passes[[int(grid) for grid in row[column].split()]] = False
            found[row["word_bits"]][Format.parse(row["format"]).i_bits] = passes
    return found


def _least(passing: dict[int, npt.NDArray[np.bool_]], count: int) -> npt.NDArray[np.int64]:
    """Return the narrowest width that passes on each grid."""
    least = np.full(count, BITS[-1] + 1)
    for bits, passes in passing.items():
        least = np.where(passes, np.minimum(least, bits), least)
    return least


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
    findings += _apart(found)
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
        for size, share in QUESTIONS:
            drawn = from_which_on(rows, form, size, share)
            counts = Counter(drawn.tolist())
            middle = counts.most_common(1)[0][0]
            near = 100 * float(np.mean(np.abs(drawn - middle) <= 1))
            shown = ", ".join(f"{count} x {width}" for width, count in sorted(counts.items()))
            findings.append(
                f"{form} RND, from which width on {100 * share:g} % of {size} drawn currents are within: {shown} on "
                f"{REDRAWS} draws; {near:g} % of them within one bit of {middle}."
            )
    return findings


def _apart(found: dict[str, npt.NDArray[np.int64]]) -> list[str]:
    apart = found["factored"] - found["square"]
    counts = Counter(apart.tolist())
    shown = ", ".join(f"{count} x {width}" for width, count in sorted(counts.items()))
    return [
        f"The square form is {apart.min()} to {apart.max()} bits narrower, mode {counts.most_common(1)[0][0]} "
        f"({shown})."
    ]


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
