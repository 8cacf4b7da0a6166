"""The search space of configurations, and the cost of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from qlif.hdl.core import Core
from qlif.hdl.synthesis.fit import check_fit
from qlif.hdl.synthesis.synthesise import Synthesis, synthesise
from qlif.hdl.targets.catalogue import target
from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError
from qlif.model.quantisation import quantise
from qlif.model.studies.grid import Point, Sweep

FIGURES = ("lut", "ff", "dsp", "ram")
PRICE = (*FIGURES, "fmax_mhz", "area")
"""The synthesis results of a candidate."""

COSTS = ("state-bits", "area", "real-time")
"""``real-time`` is LUTs for each neuron that one lane serves in real time at the clock that placement reaches."""

INTEGER_BITS: Mapping[str, range] = MappingProxyType({"factored": range(7, 9), "square": range(4, 7)})
"""Integer bits that are tried: the fewest hold the default neuron, the most leave room for inhibition."""


@dataclass(frozen=True)
class Candidate:
    """A configuration of the space that can hold the neuron.

    Attributes
    ----------
    index : int
        Its place in the space.
    name : str
        As in ``square SQ(6,12) RND, 16-bit coefficients``.
    arithmetic : Arithmetic
    dt_ms : float
        Timestep.
    state_bits : int
        Bits that a neuron keeps from one timestep to the next.
    order : tuple
        By this the space is searched: state bits first, then what else costs gates, then the shorter timestep last.
    """

    index: int
    name: str
    arithmetic: Arithmetic
    dt_ms: float
    state_bits: int
    order: tuple[float, ...]

    @property
    def kind(self) -> tuple[str, str]:
        """Its form and its rounding."""
        return str(self.arithmetic.form), str(self.arithmetic.rounding)

    @property
    def family(self) -> tuple[object, ...]:
        """All but its fraction bits: what is the same in narrower and wider words of the same range."""
        one = self.arithmetic
        return (
            *self.kind,
            one.potential.i_bits,
            one.coefficient_bits,
            one.random_bits,
            one.phase_bits,
            self.dt_ms,
        )


def candidates(sweep: Sweep, every_split: bool = False) -> tuple[list[Candidate], int]:
    """Return the candidates of a space, from the cheapest by state bits; and how many can't hold the neuron.

    Parameters
    ----------
    sweep : Sweep
        Its axes; one time constant, and one seed, which isn't part of a configuration.
    every_split : bool
        With integer bits other than :data:`INTEGER_BITS` too.
    """
    found, impossible = [], 0
    (tau_m,) = sweep.tau_m_ms
    # A point of the grid for each input; the configurations are those of the first.
    for point in sweep.points()[:: len(sweep.input)]:
        if not every_split and point.word_bits - point.fraction_bits not in INTEGER_BITS[point.form]:
            continue
        try:
            words = quantise(sweep.neuron(point.dt_ms, tau_m, 1), sweep.arithmetic_of(point))
        except InputError:
            impossible += 1
            continue
        Core(words)  # refuses what there are no gates for
        order = (
            words.state_bits,
            int(point.form == "factored"),  # three multiplications more
            point.coefficient_bits,
            point.random_bits,
            ("TRN", "RND", "RND_CONV", "SR").index(point.rounding),
            -point.fraction_bits,
            -point.dt_ms,
        )
        name = name_of(point, several=len(sweep.dt_ms) > 1)
        found.append(Candidate(point.index, name, words.arithmetic, point.dt_ms, words.state_bits, order))
    return sorted(found, key=lambda candidate: candidate.order), impossible


def area(synthesis: Synthesis) -> float:
    """Return LUT + DSP + RAM in one number: in LUTs, the others by their share of the device.

    The ECP5-85 has 83,640 LUTs, 156 multipliers and 208 block RAMs: a multiplier counts as 536 LUTs,
    a RAM as 402.
    """
    device = target(synthesis.target)
    # A device without multipliers builds products of LUTs, which are counted.
    per_multiplier = device.device_luts / max(1, device.multipliers)
    per_memory = device.device_luts / device.memories
    return synthesis.lut + synthesis.dsp * per_multiplier + synthesis.ram * per_memory


def synthesised(
    candidate: Candidate, sweep: Sweep, neurons: int, target_name: str, directory: Path
) -> dict[str, Any]:
    """Return what a population of a candidate takes on a device, ready for JSON.

    Where it doesn't fit the device there are no figures, but a reason.
    """
    (tau_m,) = sweep.tau_m_ms
    words = quantise(sweep.neuron(candidate.dt_ms, tau_m, neurons), candidate.arithmetic)
    name = f"candidate-{candidate.index}"
    core, device = Core(words, name=name), target(target_name)
    try:
        check_fit(core, device)
    except InputError as error:
        return {**dict.fromkeys(PRICE), "reason": str(error)}
    found = synthesise(core, device, directory / f"synthesis-{candidate.index}", seeds=1)
    facts = {figure: getattr(found, figure) for figure in FIGURES}
    fmax = None if found.fmax_mhz is None else found.fmax_mhz.median
    return {**facts, "fmax_mhz": fmax, "area": area(found), "reason": None}


def name_of(point: Point, several: bool) -> str:
    """Return the name of a configuration; with its timestep where there are several."""
    i_bits = point.word_bits - point.fraction_bits
    random = f", {point.random_bits} random bits" if point.random_bits else ""
    phase = f", {point.phase_bits} phase bits" if point.phase_bits else ""
    timestep = f", dt {point.dt_ms:g} ms" if several else ""
    return (
        f"{point.form} SQ({i_bits},{point.fraction_bits}) {point.rounding}{random}, "
        f"{point.coefficient_bits}-bit coefficients{phase}{timestep}"
    )
