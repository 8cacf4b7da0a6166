"""The outcome of each fault in a campaign."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qlif.cosim.mutation.findings import BENCHES, PROOF, SELF_TEST
from qlif.cosim.mutation.mutant import Mutant
from qlif.cosim.mutation.play_selftest import PASSED
from qlif.model.exceptions import DifferenceFound

KILLED, EQUIVALENT, SURVIVED = "killed", "equivalent", "survived"


def is_seen(findings: Mapping[str, Any]) -> bool:
    """Return whether the benches or the self-test see a fault, by what they found."""
    return bool(findings.get(BENCHES)) or findings.get(SELF_TEST, PASSED) != PASSED


@dataclass(frozen=True)
class Outcome:
    """What became of one fault.

    Attributes
    ----------
    mutant : Mutant
    result : {"killed", "equivalent", "survived"}
    by : str
        What saw it: the bench and its port, or else the self-test. Or the proof that it is none; or what that
        proof failed for.
    clock : int, optional
        If a bench saw it, the bench's clock in which it showed.
    self_test : {"passed", "signature", "stuck"}
        What the self-test ended with.
    """

    mutant: Mutant
    result: str
    by: str
    clock: int | None
    self_test: str

    @classmethod
    def of(cls, mutant: Mutant, findings: Mapping[str, Any]) -> "Outcome":
        """Return what follows from all that was found out about a fault.

        Raises
        ------
        DifferenceFound
            What was proved to be no fault is seen as one.
        """
        said = findings[SELF_TEST]
        if not is_seen(findings):
            proof = findings[PROOF]
            result = EQUIVALENT if proof["equivalent"] else SURVIVED
            return cls(mutant, result, proof["by"], None, said)
        by, clock = f"self-test: {said}", None
        if findings[BENCHES]:
            bench, clock, output = findings[BENCHES]
            by = f"{bench}: {output}"
        if findings.get(PROOF, {}).get("equivalent"):
            raise DifferenceFound(f"fault {mutant.number} is proved to be none, and seen by {by}")
        return cls(mutant, KILLED, by, clock, said)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **self.mutant.as_dict(),
            "result": self.result,
            "by": self.by,
            "clock": self.clock,
            "self_test": self.self_test,
        }


@dataclass
class Campaign:
    """The outcomes of a campaign.

    Attributes
    ----------
    preset : str
    seed : int
    self_test_timesteps : int
        How long the self-test was.
    outcomes : list of Outcome
        By number.
    """

    preset: str
    seed: int
    self_test_timesteps: int
    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, result: str) -> int:
        """Return how many faults came to that."""
        return sum(outcome.result == result for outcome in self.outcomes)

    @property
    def killed_by_self_test(self) -> int:
        """How many faults the self-test sees, by itself."""
        return sum(outcome.self_test != PASSED for outcome in self.outcomes)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        counts = {result: self.count(result) for result in (KILLED, EQUIVALENT, SURVIVED)}
        return {
            "preset": self.preset,
            "seed": self.seed,
            "mutants": len(self.outcomes),
            **counts,
            "self_test": {"timesteps": self.self_test_timesteps, "killed": self.killed_by_self_test},
            "list": [outcome.as_dict() for outcome in self.outcomes],
        }

    def by_net(self) -> Iterator[tuple[str, dict[str, int]]]:
        """Give each net with how many of its faults came to what."""
        return _grouped((outcome.mutant.net, outcome.result) for outcome in self.outcomes)

    def by_line(self) -> Iterator[tuple[int, dict[str, int]]]:
        """Give each line of the exported Verilog with how many of its faults came to what."""
        return _grouped((line, outcome.result) for outcome in self.outcomes for line in outcome.mutant.lines)


def _grouped(found: Iterator[tuple[Any, str]]) -> Iterator[tuple[Any, dict[str, int]]]:
    groups: dict[object, dict[str, int]] = {}
    for group, result in found:
        counts = groups.setdefault(group, dict.fromkeys((KILLED, EQUIVALENT, SURVIVED), 0))
        counts[result] += 1
    yield from sorted(groups.items())
