"""Findings about each fault in a journal, so that a stopped campaign resumes."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from qlif.model.support.journal import Journal, Point

BENCHES, SELF_TEST, PROOF = "benches", "self-test", "proof"
"""Names of findings: where the benches see a fault, how the self-test ends, what the prover says of it."""

_POINT = re.compile(rf"([1-9][0-9]{{0,8}}) ({BENCHES}|{SELF_TEST}|{PROOF})( [^ ]+ s)?")


class Findings:
    """What was found out about each fault.

    Parameters
    ----------
    journal : Journal
        Of the campaign; its points are those of :func:`points`.

    Attributes
    ----------
    of : dict of int to dict
        The findings about each fault, by name.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.of: dict[int, dict[str, Any]] = {}
        for point, finding in journal.results.items():
            number, name, *_ = str(point).split()
            self.of.setdefault(int(number), {})[name] = finding

    def about(self, number: int) -> dict[str, Any]:
        """Return what is known of a fault."""
        return self.of.get(number, {})

    def add(self, name: str, some: Iterable[tuple[int, Any]]) -> None:
        """Keep findings of one name about several faults, all at once."""
        found = {number: (_point(number, name, finding), finding) for number, finding in some}
        self._journal.extend(found.values())
        for number, (point, _) in found.items():
            self.of.setdefault(number, {})[name] = self._journal.results[point]


def _point(number: int, name: str, finding: Any) -> str:
    if name == PROOF and not finding["equivalent"]:
        # What is open may be decided in more time: the later finding then holds.
        return f"{number} {name} {finding['seconds']} s"
    return f"{number} {name}"


def points(count: int | None) -> Callable[[Point], bool]:
    """Return the predicate of a campaign's points, given its number of faults (None: as many as there are)."""

    def known(point: Point) -> bool:
        match = _POINT.fullmatch(str(point))
        return match is not None and (count is None or int(match[1]) <= count)

    return known
