"""Monitors: they take what a stream gives, and watch that it keeps the rules of a valid/ready stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

RISES_WITHIN = 8
"""A valid that rises so many clocks after the ready that was held back had waited for it."""

SURPLUS = 64
"""A stream that gives so many more than it was asked for is wrong by now, and may never end."""


ALIKE = 8
"""If so many events are those of later spikes, in their order, the spike before them has none."""


class Rule(StrEnum):
    """What a stream that a module gives has to keep, between two resets."""

    STABLE = "the payload is stable while valid waits"
    KEPT = "valid isn't withdrawn"
    UNPROMPTED = "valid doesn't wait for ready"
    KNOWN = "no X on a handshake after reset"
    EVENTS = "events come in order, each with its update"


@dataclass(frozen=True)
class Broken:
    """A rule that a stream broke, for the first time.

    Attributes
    ----------
    rule : str
        One of :class:`Rule`.
    stream : str
    clock : int or None
        In which clock since reset; None where the bench keeps none.
    text : str
        All of it, in words.
    """

    rule: str
    stream: str
    clock: int | None
    text: str

    @classmethod
    def of(cls, rule: Rule, stream: str, clock: int | None, what: str) -> "Broken":
        """Return a broken rule, with its clock in the text."""
        when = "" if clock is None else f" in clock {clock}"
        return cls(str(rule), stream, clock, f"{stream}{when}: {what} ({rule})")


class StreamMonitor:
    """Takes the transfers of one stream that a module gives, and watches it.

    Parameters
    ----------
    name : str
        The stream's.
    valid : handle
    payload : mapping of str to handle
        By what they are called in a text.

    Attributes
    ----------
    transfers : list of list of int
        The unsigned words of each.
    clocks : list of int
        When each came.
    broken : list of Broken
        Each rule once.
    shown : bool
        Whether `valid` has been seen without `ready`.
    """

    def __init__(self, name: str, valid: Any, payload: Mapping[str, Any]) -> None:
        self.name = name
        self.valid = valid
        self._names = tuple(payload)
        self._handles = tuple(payload.values())
        self._waiting: list[int] | None = None
        self._prompted: int | None = None
        self.transfers: list[list[int]] = []
        self.clocks: list[int] = []
        self.broken: list[Broken] = []
        self.shown = False

    @property
    def waits(self) -> bool:
        """Whether something is offered that isn't taken yet."""
        return self._waiting is not None

    @property
    def blind(self) -> bool:
        """Whether what the stream says is unknown."""
        return any(broken.rule == Rule.KNOWN for broken in self.broken)

    def sample(self, clock: int, ready: bool) -> bool:
        """Look at the stream as the next rising edge does; return whether it moves.

        Parameters
        ----------
        clock : int
        ready : bool
            Whether it is driven so.
        """
        waiting = self._waiting
        try:
            if not int(self.valid.value):
                if waiting is not None:
                    self._waiting = None
                    self.found(Rule.KEPT, clock, "valid went low before its payload was taken")
                return False
            words = [int(handle.value) for handle in self._handles]
        except ValueError:
            self.found(Rule.KNOWN, clock, f"unresolved bits in {', '.join(self._unresolved())}")
            return False
        if waiting is not None and words != waiting:
            self.found(Rule.STABLE, clock, self._changes(waiting, words))
        if not ready:
            self._waiting, self.shown = words, True
            return False
        self._waiting = None
        if not self.shown:
            self._judge_first(clock)
        self.transfers.append(words)
        self.clocks.append(clock)
        return True

    def glance(self) -> None:
        """See whether `valid` is high although `ready` has been low."""
        self.shown = str(self.valid.value) == "1"

    def forget(self) -> None:
        """Hear of a reset: what waits may go, and clocks are counted anew."""
        self._waiting = self._prompted = None

    def prompt(self, clock: int) -> None:
        """Hear that `ready` is driven although nothing has come while it was held back."""
        if self._prompted is None:
            self._prompted = clock

    def found(self, rule: Rule, clock: int | None, what: str) -> None:
        """Keep a broken rule, if it is the first time."""
        if all(broken.rule != rule for broken in self.broken):
            self.broken.append(Broken.of(rule, self.name, clock, what))

    def _judge_first(self, clock: int) -> None:
        self.shown = True
        if self._prompted is not None and clock - self._prompted < RISES_WITHIN:
            self.found(Rule.UNPROMPTED, clock, f"valid came only after ready rose in clock {self._prompted}")

    def _changes(self, waiting: Sequence[int], words: Sequence[int]) -> str:
        changed = zip(self._names, waiting, words, strict=True)
        return ", ".join(f"{name} went from {old} to {new}" for name, old, new in changed if old != new)

    def _unresolved(self) -> list[str]:
        named = {f"{self.name}_valid": self.valid, **dict(zip(self._names, self._handles, strict=True))}
        return [name for name, handle in named.items() if not handle.value.is_resolvable]


class AbsentStream(StreamMonitor):
    """Stands in for a stream that the module doesn't have.

    In place of updates it has one transfer, the neuron's number alone, for each row of currents that was taken.

    Parameters
    ----------
    name : str
    rows, lanes : int
        Of the population.
    latency : int
        Clocks from a current to its update.
    """

    def __init__(self, name: str, rows: int, lanes: int, latency: int) -> None:
        super().__init__(name, None, {})
        self._rows, self._lanes, self._latency = rows, lanes, latency
        self.shown = True

    def sample(self, clock: int, ready: bool) -> bool:
        """See nothing move."""
        return False

    def follow(self, taken: int, clock: int) -> None:
        """Have as many transfers as rows were taken; those that one command starts follow each other."""
        for place, row in enumerate(range(len(self.transfers), taken)):
            self.transfers.append([row % self._rows * self._lanes])
            self.clocks.append(clock + self._latency + place)


def no_event(neuron: int | str, step: int | str) -> str:
    """Return what every bench and proof says of a spike whose event never came."""
    return f"the spike of neuron {neuron} in timestep {step} has no event"


def first_difference(spikes: Sequence[tuple[int, ...]], events: Sequence[tuple[int, ...]]) -> int | None:
    """Return the first place at which an event isn't that of the spike there; None if there is none."""
    longest = max(len(spikes), len(events))
    return next((at for at in range(longest) if spikes[at : at + 1] != events[at : at + 1]), None)


def is_lost(
    spikes: Sequence[tuple[int, ...]], events: Sequence[tuple[int, ...]], place: int, last: int
) -> bool:
    """Return whether the spike at a place, the first that differs, has no event: a later one's came, or none.

    Otherwise the event in its place is a wrong one.

    Parameters
    ----------
    spikes, events : sequence of (timestep, neuron)
        In their order.
    place : int
    last : int
        The last timestep that the spikes are of: there may be events of later ones.
    """
    came = events[place : place + ALIKE]
    if not came or place >= len(spikes):
        return place < len(spikes)
    # Each is that of a spike behind that of the one before; then come those of later timesteps.
    later = iter(spikes[place + 1 :])
    theirs = next((at for at, event in enumerate(came) if event not in later), len(came))
    return all(step > last for step, *_ in came[theirs:])


def judge_events(
    spikes: Sequence[tuple[int, ...]],
    events: Sequence[tuple[int, ...]],
    clocks: Sequence[int] | None = None,
    steps: Sequence[int] | None = None,
    last: int | None = None,
) -> list[Broken]:
    """Return the first event that isn't that of the next update with a spike, if there is one.

    Parameters
    ----------
    spikes : sequence of (timestep, neuron) or (timestep, neuron, phase)
        The updates that spiked, in their order.
    events : sequence of (timestep, neuron)
        As they came.
    clocks : sequence of int, optional
        When each event came.
    steps : sequence of int, optional
        Of each spike, the timestep that is told; that which an event shows may have wrapped.
    last : int, optional
        The last timestep of the updates; that of the last spike if not given.
    """
    place = first_difference(spikes, events)
    if place is None:
        return []
    if is_lost(
        spikes, events, place, max((step for step, *_ in spikes), default=0) if last is None else last
    ):
        step, neuron, *_ = spikes[place]
        what = no_event(neuron, step if steps is None else steps[place])
        return [Broken.of(Rule.EVENTS, "events", None, what)]
    what = f"event {place} says {_spike(events[place])}, "
    if place < len(spikes):
        what += f"the next update with a spike was that of {_spike(spikes[place])}"
    else:
        what += "no update has such a spike"
    return [Broken.of(Rule.EVENTS, "events", clocks[place] if clocks else None, what)]


def _spike(told: tuple[int, ...]) -> str:
    step, neuron, *phase = told
    return f"neuron {neuron} in timestep {step}" + "".join(f" with phase {word}" for word in phase)
