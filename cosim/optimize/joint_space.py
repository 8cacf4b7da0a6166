"""Every format of a neuron at once: the configurations of a joint space, from the cheapest, and which are the same.

Two configurations are the same function if their spikes are, for any input, by the definition of an update
(:mod:`qlif.model.golden.step`): no update of a potential reads the trace or its decay; a parameter word counts by its
value, however many zeros it ends in, since sums and products are exact and roundings see values; and a current by
its fraction bits, once its range holds the inputs. So they have the same errors, and one of them is run.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qlif.cosim.optimize.space import INTEGER_BITS, Candidate, name_of
from qlif.cosim.optimize.trace_error import largest_trace_error
from qlif.cosim.optimize.word_costs import WORD_COSTS, cost_of
from qlif.hdl.core import Core
from qlif.hdl.synthesis.fit import check_fit
from qlif.hdl.target import Target
from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError
from qlif.model.formats import Format
from qlif.model.quantisation import quantise, with_trace
from qlif.model.studies.grid import Point, Sweep
from qlif.model.support.progress import Progress, unwatched
from qlif.model.words import Words

MOST = 2_000_000
"""So many configurations a space may have."""

_LOOK_EVERY = 500


@dataclass(frozen=True)
class JointSpace:
    """The axes of a joint search.

    Attributes
    ----------
    sweep : Sweep
        Form, potential, rounding, random bits, coefficients, phase bits and timestep; neuron and inputs.
    current : tuple of Format
    trace : tuple of Format
        None: that of the form's usual configuration.
    product : tuple of int or None
        How many bits below the potential's LSB the quadratic term keeps before the sum; None is all.
    product_rounding : tuple of str
        How it is rounded to them.
    """

    sweep: Sweep
    current: tuple[Format, ...]
    trace: tuple[Format, ...] = ()
    product: tuple[int | None, ...] = (None,)
    product_rounding: tuple[str, ...] = ("TRN",)

    def __post_init__(self) -> None:
        for axis, signed in ((self.current, True), (self.trace, False)):
            for format in axis:
                if format.signed is not signed:
                    what = "current must be a signed" if signed else "trace must be an unsigned"
                    raise InputError(f"{what} format, not {format}")

    @property
    def size(self) -> int:
        """How many configurations there are, whether or not they can hold the neuron."""
        return len(_points(self.sweep)) * len(list(self.choices())) * max(1, len(self.trace))

    def choices(self) -> Iterator["Choice"]:
        """Give each choice of current and quadratic term."""
        products: list[tuple[int | None, str | None]] = []
        for kept in self.product:
            roundings = self.product_rounding if kept is not None else (None,)
            products += [(kept, rounding) for rounding in roundings]
        for current, (kept, rounding) in itertools.product(self.current, products):
            yield Choice(current, kept, rounding)

    def as_dict(self) -> dict[str, Any]:
        """Return all that results depend on, ready for JSON."""
        return {
            **self.sweep.identity,
            "current": list(map(str, self.current)),
            "trace": list(map(str, self.trace)),
            "product": list(self.product),
            "product_rounding": list(self.product_rounding),
        }


class Choice(NamedTuple):
    """What a configuration adds to a point of the sweep, but for the trace."""

    current: Format
    kept: int | None
    rounding: str | None


@dataclass(frozen=True)
class JointCandidate(Candidate):
    """A configuration of a joint space.

    Attributes
    ----------
    costs : dict of str to float
        By the names of :data:`.WORD_COSTS`.
    function : int
        Those with the same one have the same spikes.
    trace_error : float, optional
        The largest one for any spikes; None where no budget asks for it.
    kept : int, optional
        Of the quadratic term, as in :attr:`JointSpace.product`.
    """

    costs: dict[str, float]
    function: int
    trace_error: float | None
    kept: int | None

    @property
    def family(self) -> tuple[object, ...]:
        """All but the potential's fraction bits."""
        one = self.arithmetic
        return (*super().family, str(one.current), str(one.trace), self.kept, one.product_rounding)


@dataclass(frozen=True)
class Enumerated:
    """A joint space, written out.

    Attributes
    ----------
    candidates : list of JointCandidate
        From the cheapest.
    size : int
        All combinations.
    impossible : int
        Those that can't hold the neuron or an input.
    unfit : int
        Those that the device doesn't hold.
    """

    candidates: list[JointCandidate]
    size: int
    impossible: int
    unfit: int


def enumerated(
    space: JointSpace, cost: str, device: Target, *, traces: bool, progress: Progress = unwatched
) -> Enumerated:
    """Write out a space, from the cheapest by a cost.

    Of several that cost the same, the one with the fewest bits comes first, then the first in the order of the axes.

    Raises
    ------
    InputError
        It has more than :data:`MOST` configurations.
    """
    sweep, size = space.sweep, space.size
    if size > MOST:
        raise InputError(f"a joint space must have at most {MOST:,} configurations, not {size:,}")
    (tau_m,) = sweep.tau_m_ms
    neurons = {dt: sweep.neuron(dt, tau_m, 1) for dt in sweep.dt_ms}
    extremes = {dt: _extremes(sweep, dt) for dt in sweep.dt_ms}
    functions: dict[tuple[object, ...], int] = {}
    found: list[JointCandidate] = []
    left_out = Counter[str]()
    traces_of = space.trace or (None,)
    for number, (point, choice) in enumerate(itertools.product(_points(sweep), space.choices())):
        first = number * len(traces_of)
        if number % _LOOK_EVERY == 0:
            progress(f"{first:,} of {size:,} configurations costed", first / size)
        try:
            words = quantise(neurons[point.dt_ms], _arithmetic(sweep, point, choice))
            words.current_words(extremes[point.dt_ms])
        except InputError:
            left_out["impossible"] += len(traces_of)
            continue
        function = functions.setdefault(function_of(words, point.dt_ms), len(functions))
        for index, trace in enumerate(traces_of, first):
            try:
                core = Core(words if trace is None else with_trace(words, trace))  # refuses what has no gates
            except InputError:
                left_out["impossible"] += 1
                continue
            if cost != "bits" and not _fits(core, device):
                left_out["unfit"] += 1
                continue
            found.append(_candidate(space, point, choice, core, device, cost, index, function, traces))
    found.sort(key=lambda one: one.order)
    return Enumerated(found, size, left_out["impossible"], left_out["unfit"])


def _fits(core: Core, device: Target) -> bool:
    try:
        check_fit(core, device)
    except InputError:
        return False
    return True


def _candidate(
    space: JointSpace,
    point: Point,
    choice: Choice,
    core: Core,
    device: Target,
    cost: str,
    index: int,
    function: int,
    traces: bool,
) -> JointCandidate:
    """Return a configuration that the device holds, with its costs."""
    words = core.words
    costs = {name: cost_of(name, core, device) for name in WORD_COSTS}
    return JointCandidate(
        index,
        _name(point, words.arithmetic, len(space.sweep.dt_ms) > 1),
        words.arithmetic,
        point.dt_ms,
        words.state_bits,
        (costs[cost], costs["bits"], index),
        costs=costs,
        function=function,
        trace_error=largest_trace_error(words) if traces else None,
        kept=choice.kept,
    )


def function_of(words: Words, dt: float) -> tuple[Any, ...]:
    """Return what the spikes of a neuron follow from, for any input that its current format holds."""
    one = words.arithmetic
    unread = ("trace", "trace_overflow", "coefficient_bits", "current")
    choices = [(name, value) for name, value in one.as_dict().items() if name not in unread]
    read = [
        (name, constant.value)
        for name, constant in words.constants.items()
        if name not in ("decay", "trace_spike")
    ]
    return dt, one.current.f_bits, *choices, *read


def _points(sweep: Sweep) -> list[Point]:
    """Return the points of a sweep, once for all inputs, whose integer bits make sense."""
    return [
        point
        for point in sweep.points()[:: len(sweep.input)]
        if point.word_bits - point.fraction_bits in INTEGER_BITS[point.form]
    ]


def _extremes(sweep: Sweep, dt: float) -> Any:
    """Return the lowest and the highest current of all inputs."""
    (tau_m,) = sweep.tau_m_ms
    currents = [sweep.neurons_under(text, dt, tau_m)[1] for text in sweep.input]
    return np.array([min(map(np.min, currents)), max(map(np.max, currents))])


def _arithmetic(sweep: Sweep, point: Point, choice: Choice) -> Arithmetic:
    """Return the arithmetic of a configuration; InputError if its choices don't go together."""
    changes: dict[str, Any] = {"current": choice.current}
    if choice.kept is not None:
        changes["product_fraction"] = point.fraction_bits + choice.kept
        changes["product_rounding"] = choice.rounding
    return sweep.arithmetic_of(point).replace(**changes)


def _name(point: Point, arithmetic: Arithmetic, several: bool) -> str:
    product = ""
    if arithmetic.product_fraction is not None:
        product = f", product to {arithmetic.product_fraction} {arithmetic.product_rounding}"
    return f"{name_of(point, several)}, current {arithmetic.current}{product}, trace {arithmetic.trace}"
