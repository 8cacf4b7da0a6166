"""What a command found, in the one form that every report is made from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Status(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    """There is no verdict: a solver timed out, or a tool failed."""
    EXCLUDED = "excluded"
    """It doesn't count, for the reason in its text: proved to be unreachable, or to be no fault."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes
    ----------
    name : str
    status : Status
    text : str
        What is wrong, or why it is excluded.
    group : str
        What it belongs to; JUnit calls that its class.
    seconds : float
    """

    name: str
    status: Status
    text: str = ""
    group: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, name: str, passed: bool, text: str = "", group: str = "", seconds: float = 0.0) -> "Check":
        """Return a check that is decided; its text says what is wrong."""
        status = Status.PASSED if passed else Status.FAILED
        return cls(name, status, "" if passed else text, group, seconds)


@dataclass(frozen=True)
class Table:
    """A table of a report."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a command found.

    Attributes
    ----------
    command : str
        As it is typed, without ``qlif``.
    subject : str
        What was checked: a preset, or a study.
    covers : str
        What the verdict covers, and what it doesn't, in words.
    checks : sequence of Check
        Each that counts; all of them make the verdict.
    facts : mapping of str to anything
        Names and values for a reader.
    tables : sequence of Table
    pictures : sequence of Path
        SVG files; beside ``NAME.svg`` may be ``NAME-dark.svg``.
    notes : sequence of str
        Findings in words.
    """

    command: str
    subject: str
    covers: str
    checks: Sequence[Check]
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    pictures: Sequence[Path] = ()
    notes: Sequence[str] = ()

    def count(self, status: Status) -> int:
        """Return how many checks ended so."""
        return sum(check.status is status for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether nothing failed and nothing is open."""
        return not any(self.wrong)

    @property
    def wrong(self) -> Iterable[Check]:
        """The checks that failed or are undecided."""
        return [check for check in self.checks if check.status in (Status.FAILED, Status.UNDECIDED)]
