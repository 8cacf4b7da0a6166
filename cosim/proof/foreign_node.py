"""Somebody else's core between two clocks, as the proof from ``[state]`` follows it, and how the proof can end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from qlif.cosim.proof.idle import Golden
from qlif.cosim.proof.integers import Integer
from qlif.cosim.proof.solver import Term
from qlif.model.exceptions import InputError


class Refuted(Exception):
    """A core isn't the golden model: what differs, and in which update."""

    def __init__(self, what: str, values: Mapping[str, int]) -> None:
        super().__init__(what)
        self.what, self.values = what, values


class NoInvariant(InputError):
    """The table of a map isn't what registers hold between two updates."""


@dataclass(frozen=True)
class Owed:
    """An update that isn't over.

    Attributes
    ----------
    spike : Term
    words : mapping of str to Integer
        The words of its neuron's state after it.
    step, neuron : Term
        Its timestep and its neuron's number.
    shown, told : bool
        Whether it was taken, and its event.
    offered, announced : bool
        Whether it is offered, and its event, so that they must stay.
    """

    spike: Term
    words: Mapping[str, Integer]
    step: Term
    neuron: Term
    shown: bool = False
    told: bool = False
    offered: bool = False
    announced: bool = False


@dataclass(frozen=True)
class Node:
    """A core between two clocks.

    Attributes
    ----------
    states : mapping of int to Term
    golden : Golden
        The state after all updates that were begun.
    owed : tuple of Owed
        The oldest first.
    path : tuple of Term
        Conditions under which it comes here.
    """

    states: Mapping[int, Term]
    golden: Golden
    owed: tuple[Owed, ...] = ()
    path: tuple[Term, ...] = ()


class Shown(NamedTuple):
    """What a core shows in a clock; `row` is an update's neuron and `phase` an event's, if it tells them."""

    update: Term
    event: Term
    words: Mapping[str, Term]
    row: Term | None
    step: Term
    neuron: Term
    phase: Term | None = None
