"""The claims of a proof, and their results."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

import numpy.typing as npt

from qlif.cosim.proof.choices import Choice
from qlif.model.exceptions import DifferenceFound


class Method(StrEnum):
    """How a claim is proved."""

    INDUCTION = "induction"
    """For any number of updates: from any state that can be, one step leads to another one."""
    BOUNDED = "bounded"
    """For all runs of some length after a reset."""
    COMPARISON = "comparison"
    """Of texts, not of what they do."""


class Undecided(Exception):
    """It isn't known whether a claim holds: the text says why."""


def timed_out(seconds: float, part: str = "") -> str:
    """Return why a claim is unknown that the solver had no time for."""
    return f"the solver timed out ({seconds:g} s){f' on: {part}' if part else ''}"


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
        Unknown if the solver timed out, or for the reason in `why`.
    bound : int, optional
        Number of clocks or updates from a reset for which it was shown (bounded model checking); None if
        unbounded.
    seconds : float
    counterexample : mapping of str to int, optional
        If refuted, the words of an update in which it doesn't hold.
    run : array of int, (timesteps, neurons), optional
        If refuted, current words from reset on with which it doesn't hold.
    what : str
        If refuted by a run, or from a state, what is wrong.
    unit : str
        What `bound` counts.
    under : str
        Without a bound, of what it is claimed; with one, how the handshakes are.
    why : str
        If unknown, the reason.
    texts : str
        If texts are compared, which.
    choices : tuple of Choice
        If refuted, what the solver chose that a simulator may not.
    of_golden : tuple of str
        Which words before the update of a counterexample are the golden model's, as no register holds them.
    """

    preset: str
    claim: str
    result: str
    bound: int | None
    seconds: float
    counterexample: Mapping[str, int] | None = None
    run: npt.NDArray[Any] | None = None
    what: str = ""
    unit: str = "timesteps"
    under: str = ""
    why: str = ""
    texts: str = ""
    choices: tuple[Choice, ...] = ()
    of_golden: tuple[str, ...] = ()

    @property
    def method(self) -> Method:
        """How it is proved."""
        if self.texts:
            return Method.COMPARISON
        return Method.INDUCTION if self.bound is None else Method.BOUNDED

    @property
    def covers(self) -> str:
        """What its result is about."""
        match self.method:
            case Method.INDUCTION:
                return f"{self.under or 'all states and inputs'} (induction)"
            case Method.BOUNDED:
                return f"bounded: {self.bound} {self.unit} from reset" + (
                    f", {self.under}" if self.under else ""
                )
            case Method.COMPARISON:
                return f"{self.texts} (comparison)"
            case never:
                assert_never(never)

    def as_dict(self) -> dict[str, Any]:
        """Return everything by its name, ready for JSON."""
        facts: dict[str, Any] = {
            "preset": self.preset,
            "claim": self.claim,
            "result": self.result,
            "bound": self.bound,
            "seconds": round(self.seconds, 3),
            "method": str(self.method),
            "covers": self.covers,
        }
        if self.why:
            facts["why"] = self.why
        if self.counterexample is not None:
            facts["counterexample"] = dict(self.counterexample)
        if self.what:
            facts["what"] = self.what
        if self.of_golden:
            facts["of_golden"] = list(self.of_golden)
        if self.run is not None:
            facts["counterexample"] = {"currents": self.run.tolist()}
        return facts


class Unproved(DifferenceFound):
    """A population isn't proved, so nothing follows from its invariants."""
