"""From which square format on rounding matters less than the timestep, and which range is left to it.

At each current of the f-I curve from 16.5 mV up, the interval of the fixed-point neuron may be at most as
far from that of float64 Euler as Euler's is from the closed form. That error of Euler's is mostly the spike grid, so
rounding is also held against either part alone: the grid (the exact map of one timestep, spikes on timesteps) and
the truncation (Euler that loses nothing of a timestep). Under a constant current all intervals
are whole numbers of timesteps, so a difference is one slipped timestep or more; and where Euler happens to
be almost right, a single one is too many. Any word slips at some currents: the dense grid says how rarely.

An integer bit less is a fraction bit more, and half the range. Strong inhibition holds the potential where
the quadratic term balances it, and a format that doesn't reach so far saturates. The timestep never carries
the potential past that balance: its map grows with the potential over each of these formats.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from qlif.model.arithmetic import Arithmetic
from qlif.model.formats import SQ
from qlif.model.metrics.fi_curve import fi_curve
from qlif.model.metrics.run_errors import mean_intervals
from qlif.model.parameters import Parameters
from qlif.model.plots.themes import Theme
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.studies.evaluation import Row
from qlif.model.studies.figures import Line, Panel, line_figure
from qlif.model.studies.named.neuron import LOWEST_MV, NEURON, curve_currents
from qlif.model.studies.named.result import Bench, Result
from qlif.model.theory import closed_form, stepped
from qlif.model.theory.stepped import Remainder, Step
from qlif.model.words import Words

DENSE = np.linspace(LOWEST_MV, 48.0, 1000)
DURATION_MS = 500.0
BITS = range(14, 23)
INTEGER_BITS = (6, 5, 4)
DEFAULT, SLOW = "default neuron, tau_m 10 ms", "tau_m 30 ms"
NEURONS = {
    "tau_m 5 ms": Parameters(n=1, tau_m=5.0),
    DEFAULT: Parameters(n=1),
    "tau_m 15 ms": Parameters(n=1, tau_m=15.0),
    "tau_m 20 ms": Parameters(n=1, tau_m=20.0),
    SLOW: NEURON,
}
BASE = PRESETS["square-18"]
"""Everything but the format of the potential."""


def run(bench: Bench) -> Result:
    """Hold every square format's intervals against Euler's."""
    rows: list[Row] = []
    cases = [(label, i_bits, bits) for label in NEURONS for i_bits in INTEGER_BITS for bits in BITS]
    known: dict[tuple[str, int], Row] = {}
    for number, (label, i_bits, bits) in enumerate(cases):
        bench.progress(f"{label}, {bits} bits", number / len(cases))
        if (label, bits - i_bits) not in known:
            known[label, bits - i_bits] = _measure(NEURONS[label], bits - i_bits)
        # Constant currents keep the potential inside the range of each format: only the fraction bits count.
        facts = known[label, bits - i_bits]
        form = SQ(i_bits, bits - i_bits)
        room = _room(quantise(NEURONS[label], BASE.replace(potential=form)))
        rows.append({"neuron": label, "word_bits": bits, "format": str(form), **facts, **room})
    return Result(rows, lambda theme: _draw(rows, theme), _findings(rows))


def _measure(neuron: Parameters, fraction: int) -> Row:
    currents = curve_currents(neuron)
    arithmetic = BASE.replace(potential=SQ(max(INTEGER_BITS), fraction))
    few, many = _Errors.of(neuron, arithmetic, currents), _Errors.of(neuron, arithmetic, DENSE)
    failing = currents[few.larger_than("integration")]
    return {
        "currents": len(currents),
        "failing": len(failing),
        "failing_mv": " ".join(f"{current:.4g}" for current in failing),
        "largest_difference_steps": float(few.quantization.max() / neuron.dt),
        "failing_of_1000": int(many.larger_than("integration").sum()),
        "above_grid_of_1000": int(many.larger_than("grid").sum()),
        "above_truncation_of_1000": int(many.larger_than("truncation").sum()),
    }


def _room(words: Words) -> Row:
    """Return the range of the potential, and the constant drive below which it is stuck at the lowest word.

    The latter is None where no current word reaches so low.
    """
    neuron, form = words.parameters, words.arithmetic.potential
    lowest, highest = words.potentials([form.min_word, form.max_word])
    balance = -neuron.a0 * (lowest - neuron.rest_pot) * (lowest - neuron.critical_pot)
    weakest = neuron.R * words.currents(words.arithmetic.current.min_word)
    return {
        "lowest_mv": float(lowest),
        "highest_mv": float(highest),
        "saturates_below_mv": float(balance) if balance > weakest else None,
    }


Array = npt.NDArray[np.float64]


@functools.lru_cache(maxsize=2 * len(NEURONS))
def _of_timestep(neuron: Parameters, currents: bytes) -> dict[str, Array]:
    """Return Euler's intervals and by how much each error of its timestep changes them, ms."""
    drives = np.frombuffer(currents)
    closed = closed_form.interspike_interval(neuron, drives)
    euler = fi_curve(neuron, drives, duration_ms=DURATION_MS).mean_isi_ms
    inputs = np.broadcast_to(drives, (round(DURATION_MS / neuron.dt), len(drives)))
    parts = {"grid": (Step.EXACT, Remainder.LOST), "truncation": (Step.EULER, Remainder.OWN)}
    errors = {
        name: np.abs(
            mean_intervals(stepped.solve(neuron.replace(n=len(drives)), inputs, *case).spike_times) - closed
        )
        for name, case in parts.items()
    }
    return {"euler": euler, "integration": np.abs(euler - closed), **errors}


@dataclass(frozen=True, eq=False)
class _Errors:
    """By how much rounding, and the timestep, change the interval at each current, ms."""

    quantization: Array
    of_timestep: dict[str, Array]

    @classmethod
    def of(cls, neuron: Parameters, arithmetic: Arithmetic, currents: Array) -> "_Errors":
        known = _of_timestep(neuron, currents.tobytes())
        fixed = fi_curve(neuron, currents, arithmetic=arithmetic, duration_ms=DURATION_MS).mean_isi_ms
        return cls(np.abs(fixed - known["euler"]), known)

    def larger_than(self, part: str) -> npt.NDArray[np.bool_]:
        """Return where rounding is the larger error."""
        # Means of whole steps have float's last places.
        return np.asarray(self.quantization > self.of_timestep[part] + 1e-9)


def _findings(rows: list[Row]) -> list[str]:
    findings = []
    for label in NEURONS:
        of_neuron = [row for row in rows if row["neuron"] == label]
        preset = next(row for row in of_neuron if row["format"] == str(BASE.potential))
        where = f" ({preset['failing_mv']} mV)" if preset["failing"] else ""
        findings.append(
            f"{label}, square-18 as it is, {preset['format']}: rounding is the larger error at "
            f"{preset['failing']} of {preset['currents']} currents{where}, at {preset['failing_of_1000']} "
            f"of 1000 on a dense grid; larger than the spike grid's error alone at {preset['above_grid_of_1000']}, "
            f"than the truncation alone at {preset['above_truncation_of_1000']} of them. "
            f"It holds {preset['lowest_mv']:.1f} to {preset['highest_mv']:.1f} mV."
        )
        for i_bits in INTEGER_BITS:
            group = _with_integer_bits(of_neuron, i_bits)
            last_failing = max((row["word_bits"] for row in group if row["failing"]), default=0)
            good = [row for row in group if row["word_bits"] > last_failing]
            if good:
                first = f"never the larger error from {good[0]['word_bits']} bits, {good[0]['format']} on"
                first += f"; there {good[0]['failing_of_1000']} of 1000"
            else:
                first = f"the larger error somewhere even at {last_failing} bits"
            below = group[0]["saturates_below_mv"]
            room = "no current saturates it" if below is None else f"saturates under less than {below:.0f} mV"
            findings.append(f"{label}, {i_bits} integer bits: {first}; {room}.")
    return findings


def _with_integer_bits(rows: list[Row], i_bits: int) -> list[Row]:
    return [row for row in rows if row["format"].startswith(f"SQ({i_bits},")]


def _draw(rows: list[Row], theme: Theme) -> Figure:
    panels = []
    for label in (DEFAULT, SLOW):
        lines = []
        for i_bits in INTEGER_BITS:
            group = _with_integer_bits([row for row in rows if row["neuron"] == label], i_bits)
            share = [row["failing_of_1000"] / 10 for row in group]
            lines.append(Line(f"{i_bits} integer bits", [row["word_bits"] for row in group], share))
        panels.append(Panel(f"{label}\ncurrents where rounding is\nthe larger error (%)", lines, height=2.8))
    return line_figure(panels, "word length of the square form (bits), round to nearest", theme, whole_x=True)
