"""The largest population and the most lanes that a device holds: `qlif synth --fill`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

from qlif.hdl.core import LARGEST_POPULATION, MOST_LANES, Core
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.fit import check_fit
from qlif.hdl.synthesis.synthesise import Progress, synthesise
from qlif.hdl.target import RoutedTarget
from qlif.model.exceptions import InputError
from qlif.model.support.checks import Quantity, whole
from qlif.model.support.journal import Journal, opened
from qlif.model.support.sources import code_of

Facts = Mapping[str, Any]
"""What :meth:`qlif.hdl.synthesis.synthesise.Synthesis.as_dict` gives."""


class Goal(StrEnum):
    """What there is to be as much of as fits."""

    NEURONS = "neurons"
    """Neurons first, then lanes."""
    LANES = "lanes"
    """Lanes first, then neurons."""


@dataclass(frozen=True)
class Size:
    """A size of population: a power of two of neurons on each lane, as what lies in between needs as much memory."""

    neurons: int
    lanes: int

    @property
    def point(self) -> str:
        """Its name in the journal."""
        return f"{self.neurons}x{self.lanes}"

    def order(self, goal: Goal) -> tuple[int, int]:
        """Return what sizes are compared by."""
        match goal:
            case Goal.NEURONS:
                return self.neurons, self.lanes
            case Goal.LANES:
                return self.lanes, self.neurons
            case unknown:
                assert_never(unknown)


@dataclass(frozen=True)
class Filled:
    """The answer to a goal.

    Attributes
    ----------
    goal : Goal
    facts : mapping
        Of the population that fits.
    ran_out : str
        Why the next larger one doesn't: twice the neurons, or twice the lanes. Empty if it fits and is too slow.
    slower : tuple of str
        The larger ones that fit and miss the clock, with what they reach.
    """

    goal: Goal
    facts: Facts
    ran_out: str
    slower: tuple[str, ...]

    @property
    def in_real_time(self) -> int:
        """Number of its neurons that run in real time with a timestep of 0.1 ms."""
        return min(int(self.facts["neurons"]), int(self.facts["neurons_in_real_time"]))

    def as_dict(self) -> dict[str, Any]:
        """Return everything by its name, ready for JSON."""
        return {
            "goal": self.goal,
            "in_real_time": self.in_real_time,
            "ran_out": self.ran_out,
            "slower": list(self.slower),
            "synthesis": dict(self.facts),
        }


SMALLEST = Size(1024, 1)
"""If this one misses the clock, no other is tried."""

CLOCK = Quantity("MHz", minimum=0, open=True)


def sizes(goal: Goal) -> list[Size]:
    """Return every size, the largest first."""
    all_of_them = [
        Size(lanes << rows, lanes)
        for lanes in (1 << exponent for exponent in range(MOST_LANES.bit_length()))
        for rows in range((LARGEST_POPULATION // lanes).bit_length())
    ]
    return sorted(all_of_them, key=lambda size: size.order(goal), reverse=True)


def fill(
    core_of: Callable[[int, int], Core],
    device: RoutedTarget,
    directory: Path,
    *,
    clock_mhz: float | None = None,
    package: str | None = None,
    seeds: int = 1,
    progress: Progress = lambda what, fraction: None,
) -> list[Filled]:
    """Find the largest population and the most lanes that a device holds, at a clock if one is given.

    What can't fit by its multipliers or its bits is passed over, the rest mapped, and what fits placed and routed.
    Each result stands in a journal, ``fill.jsonl``: another run goes on from there.

    Parameters
    ----------
    core_of : callable
        Returns the population of so many neurons on so many lanes.
    device : RoutedTarget
    directory : Path
        Where the journal is, and a folder for each population that is built.
    clock_mhz : float, optional
        What the median Fmax has to reach.
    package : str, optional
        One of the target's.
    seeds : int
        Number of placement seeds.
    progress : callable, optional

    Returns
    -------
    list of Filled
        One for each goal.

    Raises
    ------
    InputError
        Not even the smallest population fits or reaches the clock; or an argument is not allowed, or a tool isn't
        installed.
    SynthesisError
        A tool failed.
    """
    if clock_mhz is not None:
        CLOCK.check("clock", clock_mhz)
    whole("seeds", seeds)
    package = device.package(package)
    smallest = core_of(SMALLEST.neurons, SMALLEST.lanes)
    key = {
        "code": code_of("model", "hdl"),
        "tools": [yowasp.version(module) for module in (yowasp.YOSYS, device.router)],
        "parameters": smallest.words.parameters.as_dict(),
        "arithmetic": smallest.words.arithmetic.as_dict(),
        "core": [dict(smallest.storage), smallest.primitives.variant, smallest.step_bits],
        "streams": [smallest.streams, smallest.feed],
        "target": device.name,
        "package": package,
        "seeds": seeds,
    }
    known = {size.point for size in sizes(Goal.NEURONS)}
    with opened(directory / "fill.jsonl", "fill", key, known.__contains__) as journal:
        search = _Search(core_of, device, directory, package, seeds, progress, journal, clock_mhz)
        if clock_mhz is not None:
            search.require_smallest()
        return [search.largest(goal) for goal in Goal]


@dataclass(frozen=True)
class _Search:
    """Sizes that were tried, and those still to try."""

    core_of: Callable[[int, int], Core]
    device: RoutedTarget
    directory: Path
    package: str
    seeds: int
    progress: Progress
    journal: Journal
    clock_mhz: float | None

    def require_smallest(self) -> None:
        """Refuse a clock that no population reaches."""
        if missed := self._missed(self._tried(SMALLEST)):
            raise InputError(f"no population reaches the clock: {missed}")

    def largest(self, goal: Goal) -> Filled:
        """Return the largest population that fits and reaches the clock."""
        slower, refused = [], {}
        most_lanes = MOST_LANES
        for size in sizes(goal):
            if size.lanes > most_lanes:
                continue
            try:
                facts = self._tried(size)
            except InputError as error:
                refused[size] = str(error)
                continue
            if missed := self._missed(facts):
                slower.append(missed)
                # Fewer neurons on as many lanes are hardly faster.
                most_lanes = max(1, size.lanes // 2)
            else:
                return Filled(goal, facts, _ran_out(goal, size, refused), tuple(slower))
        raise InputError(f"no population fits: {refused[Size(1, 1)]}")

    def _missed(self, facts: Facts) -> str:
        """Return by how much a population misses the clock; empty if it doesn't."""
        reached = facts["fmax_mhz"]["median"]
        if self.clock_mhz is None or reached >= self.clock_mhz:
            return ""
        return (
            f"{facts['neurons']} neurons on {facts['lanes']} lanes reach {reached:g} MHz, "
            f"{self.clock_mhz - reached:.4g} less than {self.clock_mhz:g}"
        )

    def _tried(self, size: Size) -> Facts:
        """Return what a population takes and reaches; InputError says why it doesn't fit."""
        core = self.core_of(size.neurons, size.lanes)
        check_fit(core, self.device)
        found = self.journal.results.get(size.point)
        if found is None:
            try:
                found = self._built(core, size)
            except InputError as error:
                found = {"refused": str(error)}
            self.journal.append(size.point, found)
        if "refused" in found:
            raise InputError(found["refused"])
        facts: Facts = found
        return facts

    def _built(self, core: Core, size: Size) -> dict[str, Any]:
        """Map it, and place and route what fits."""

        def progress(what: str, fraction: float) -> None:
            self.progress(f"{size.neurons} neurons, {size.lanes} lanes: {what}", fraction)

        return synthesise(
            core,
            self.device,
            self.directory / size.point,
            package=self.package,
            seeds=self.seeds,
            progress=progress,
        ).as_dict()


def _ran_out(goal: Goal, size: Size, refused: Mapping[Size, str]) -> str:
    """Return why the next size after one that fits doesn't, from the reasons of those that don't."""
    match goal:
        case Goal.NEURONS:
            if size.neurons == LARGEST_POPULATION:
                return f"a population has at most {LARGEST_POPULATION} neurons"
            return refused.get(Size(2 * size.neurons, size.lanes), "")
        case Goal.LANES:
            if size.lanes == MOST_LANES:
                return f"a population has at most {MOST_LANES} lanes"
            # Not even with a single row.
            return refused.get(Size(2 * size.lanes, 2 * size.lanes), "")
        case unknown:
            assert_never(unknown)
