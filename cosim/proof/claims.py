"""The claims of a proof, and their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from qlif.model.exceptions import DifferenceFound


@dataclass(frozen=True)
class Claim:
    """A claim about a core, and its result.

    Attributes
    ----------
    preset : str
        The configuration.
    claim : str
        In words.
    result : {"proved", "refuted", "unknown"}
        Unknown if the solver timed out.
    bound : int, optional
        Number of clocks or updates from a reset for which it was shown (bounded model checking); None if
        unbounded.
    seconds : float
    counterexample : mapping of str to int, optional
        If refuted, the words of an update in which it doesn't hold.
    run : array of int, (timesteps, neurons), optional
        If refuted, current words from reset on with which it doesn't hold.
    what : str
        If refuted by a run, what is wrong.
    """

    preset: str
    claim: str
    result: str
    bound: int | None
    seconds: float
    counterexample: Mapping[str, int] | None = None
    run: npt.NDArray[Any] | None = None
    what: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return everything by its name, ready for JSON."""
        facts: dict[str, Any] = {
            "preset": self.preset,
            "claim": self.claim,
            "result": self.result,
            "bound": self.bound,
            "seconds": round(self.seconds, 3),
        }
        if self.counterexample is not None:
            facts["counterexample"] = dict(self.counterexample)
        if self.run is not None:
            facts |= {"counterexample": {"currents": self.run.tolist()}, "what": self.what}
        return facts


class Unproved(DifferenceFound):
    """A population isn't proved, so nothing follows from its invariants."""
