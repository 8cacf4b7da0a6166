"""What a campaign found, counted by place, net and source line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import SliceNetlist
from qlif.cosim.faults.places import Kind, Place
from qlif.cosim.faults.watch import DISORDER, ILLEGAL, Outcome, outcomes_of, updates_of
from qlif.hdl import probes
from qlif.hdl.interface import Interface

OUTCOMES = tuple(Outcome)
SEEN = "seen by the self-test"
_COUNT = len(OUTCOMES)


@dataclass(eq=False)
class Counts:
    """How often each place's upset ended in each outcome.

    Attributes
    ----------
    outcomes : array of int64, (places, outcomes)
    latest : array of int64, (places,)
        After how many updates the last wrong transfer of a recovered one came, at most.
    disorder, illegal : array of int64, (places,)
        How often a number was wrong, or a potential not below threshold.
    """

    outcomes: npt.NDArray[np.int64]
    latest: npt.NDArray[np.int64]
    disorder: npt.NDArray[np.int64]
    illegal: npt.NDArray[np.int64]

    @classmethod
    def none(cls, places: int) -> "Counts":
        """Return zeros."""
        rest = np.zeros((3, places), dtype=np.int64)
        return cls(np.zeros((places, _COUNT), dtype=np.int64), *rest)

    @classmethod
    def of(cls, verdicts: npt.NDArray[np.uint32]) -> "Counts":
        """Count verdicts, (clocks, places)."""
        outcomes, places = outcomes_of(verdicts), verdicts.shape[1]
        found = np.bincount((outcomes + _COUNT * np.arange(places)).ravel(), minlength=_COUNT * places)
        recovered = np.where(outcomes == Outcome.RECOVERED, updates_of(verdicts), 0)
        return cls(
            found.reshape(places, _COUNT),
            recovered.max(axis=0),
            (verdicts & DISORDER > 0).sum(axis=0),
            (verdicts & ILLEGAL > 0).sum(axis=0),
        )

    def as_list(self) -> list[Any]:
        """Return it for JSON."""
        return [self.outcomes.tolist(), self.latest.tolist(), self.disorder.tolist(), self.illegal.tolist()]

    def add(self, other: list[Any]) -> None:
        """Add what :meth:`as_list` gave of other clocks."""
        outcomes, latest, disorder, illegal = other
        self.outcomes += np.asarray(outcomes)
        self.latest = np.maximum(self.latest, latest)
        self.disorder += np.asarray(disorder)
        self.illegal += np.asarray(illegal)


@dataclass(frozen=True, eq=False)
class Faults:
    """The outcomes of a campaign.

    Attributes
    ----------
    interface : Interface
    netlist : SliceNetlist
    places : tuple of Place
        Registers and memory bits that were upset.
    upset : Counts
        Of them.
    nets : tuple of Place
        That were held.
    stuck : array of uint32, (nets, 2)
        Verdicts on each at 0 and at 1.
    """

    interface: Interface
    netlist: SliceNetlist
    places: tuple[Place, ...]
    upset: Counts
    nets: tuple[Place, ...]
    stuck: npt.NDArray[np.uint32]

    def counts(self) -> Iterator[tuple[Place, npt.NDArray[np.int64]]]:
        """Give each place, and how often its faults ended in each outcome."""
        yield from zip(self.places, self.upset.outcomes, strict=True)
        for place, verdicts in zip(self.nets, self.stuck, strict=True):
            yield place, np.bincount(outcomes_of(verdicts), minlength=_COUNT)

    def total(self, kind: Kind) -> dict[str, int]:
        """Return how many faults of a kind ended in each outcome, and how many the self-test sees."""
        return _named(counts for place, counts in self.counts() if place.kind is kind)

    def by_net(self) -> dict[tuple[str, str], dict[str, int]]:
        """Return the same by kind and net."""
        return _grouped((((place.kind.value, place.net), counts) for place, counts in self.counts()))

    def by_line(self) -> dict[int, dict[str, int]]:
        """Return the same by line of the exported Verilog."""
        found = _grouped((line, counts) for place, counts in self.counts() for line in place.lines)
        return dict(sorted(found.items()))

    @property
    def broken(self) -> list[tuple[Place, str]]:
        """Upsets of neurons' states that did what is proved not to happen, and what that was."""
        found = []
        for number, place in enumerate(self.places):
            if place.kind is not Kind.MEMORIES or not probes.is_state(place.net):
                continue
            counts = self.upset.outcomes[number]
            if counts[Outcome.LOST] or counts[Outcome.DOUBLED] or counts[Outcome.HUNG]:
                found.append((place, "a transfer was lost, doubled, or never came"))
            elif self.upset.disorder[number]:
                found.append((place, "an update or event had a wrong number"))
            elif self.upset.illegal[number]:
                found.append((place, "an update left a potential that isn't below threshold"))
        return found

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give a row of a table for each place."""
        latest = [*self.upset.latest.tolist(), *[None] * len(self.nets)]
        for (place, counts), updates in zip(self.counts(), latest, strict=True):
            row: dict[str, Any] = {"kind": place.kind.value, "net": place.net, "bit": place.bit}
            row["lines"] = " ".join(map(str, place.lines))
            yield row | _named([counts]) | {"recovered after updates, at most": updates}


def _named(counts: Iterable[npt.NDArray[np.int64]]) -> dict[str, int]:
    total = sum(counts, np.zeros(_COUNT, dtype=np.int64))
    found = {outcome.name.lower(): int(total[outcome]) for outcome in OUTCOMES}
    return found | {SEEN: sum(int(total[outcome]) for outcome in OUTCOMES if outcome.seen)}


def _grouped(found: Iterable[tuple[Any, npt.NDArray[np.int64]]]) -> dict[Any, dict[str, int]]:
    groups: dict[object, npt.NDArray[np.int64]] = {}
    for group, counts in found:
        groups[group] = groups.get(group, np.zeros(_COUNT, dtype=np.int64)) + counts
    return {group: _named([counts]) for group, counts in groups.items()}
