"""What a proof says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Claim:
    """A claim about a core, and what became of it.

    Attributes
    ----------
    preset : str
        The configuration.
    claim : str
        In words.
    result : {"proved", "refuted", "unknown"}
        Unknown if the solver's time was over.
    bound : int, optional
        For how many clocks or updates from a reset it was shown; None if without bound.
    seconds : float
    counterexample : mapping of str to int, optional
        If refuted, the words of a case in which it doesn't hold.
    """

    preset: str
    claim: str
    result: str
    bound: int | None
    seconds: float
    counterexample: Mapping[str, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything by its name, ready for JSON."""
        facts = {name: value for name, value in vars(self).items() if name != "counterexample"}
        facts["seconds"] = round(self.seconds, 3)
        if self.counterexample is not None:
            facts["counterexample"] = dict(self.counterexample)
        return facts
