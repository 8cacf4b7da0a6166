"""The scoreboard: compares updates and events with the golden model as they come."""

import logging
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from cocotb.triggers import RisingEdge

from qlif.cosim.agents.agent import Agent
from qlif.cosim.agents.reference import Expected, Reference
from qlif.cosim.agents.sinks import Sink
from qlif.cosim.agents.sources import Source
from qlif.cosim.agents.streams import CurrentStream, EventStream, ParameterStream, UpdateStream
from qlif.cosim.agents.transactions import Event, Update, Write
from qlif.cosim.benches.monitors import SURPLUS, no_event
from qlif.cosim.benches.scoreboard import Mismatch, Verdict
from qlif.model.exceptions import DifferenceFound, InputError, unknown_name
from qlif.model.words import Words

UPDATES, EVENTS = "updates", "events"


@dataclass
class _Awaited:
    """What the golden model says is still to come on one stream.

    Attributes
    ----------
    kind : str
    waiting : deque of Expected
    last : Expected, optional
        The latest that came.
    came : int
        How many did.
    """

    kind: str
    waiting: deque[Expected] = field(default_factory=deque)
    last: Expected | None = None
    came: int = 0


class Scoreboard:
    """Compares what a core gives with the golden model of the same neurons.

    Watch agents with it, or call :meth:`current`, :meth:`write`, :meth:`update`, :meth:`event` and :meth:`reset` with
    transactions in the order in which they move: an update after its current.

    Parameters
    ----------
    words : Words
        The neurons, from :func:`qlif.model.quantisation.quantise`.
    reference : Reference, optional
        The golden model as it was left, for a core without a reset; just out of reset if not given.
    expects : collection of {"updates", "events"}, optional
        What the core gives. Required if the scoreboard watches no agent; else what is watched.
    step_bits : int, optional
        Width of an event's timestep, which wraps; that of the agent that is watched if not given.
    in_flight : int
        So many currents may wait for their updates; with more, the oldest update counts as missing.
    fail_fast : bool
        Whether to fail the test at the first mismatch, not only in :meth:`check`.
    name : str
        In the log and in errors.

    Attributes
    ----------
    reference : Reference
    log : Logger

    Raises
    ------
    InputError
        `expects` has something else.
    """

    def __init__(
        self,
        words: Words,
        *,
        reference: Reference | None = None,
        expects: Collection[str] | None = None,
        step_bits: int | None = None,
        in_flight: int = 1 << 16,
        fail_fast: bool = False,
        name: str = "scoreboard",
    ) -> None:
        for one in expects or ():
            if one not in (UPDATES, EVENTS):
                raise InputError(unknown_name("entry of expects", one, (UPDATES, EVENTS)))
        self.words, self.reference = words, reference or Reference(words)
        self.name, self.log = name, logging.getLogger(f"cocotb.{name}")
        self._in_flight, self._fail_fast, self._step_bits = in_flight, fail_fast, step_bits
        self._expects = None if expects is None else frozenset(expects)
        self._awaited = {kind: _Awaited(kind) for kind in (UPDATES, EVENTS)}
        self._agents: list[Agent[Any]] = []
        self._mismatches = self._moves = 0
        self._first: Mismatch | None = None
        self._newest: Expected | None = None
        self._shown: dict[int, tuple[int, Update]] = {}

    def watch(self, *agents: Agent[Any]) -> None:
        """Compare what moves on the streams of agents.

        Raises
        ------
        InputError
            The agent's neurons are others, or its stream is watched already.
        """
        for agent in agents:
            if not _are_same(agent.words, self.words):
                raise InputError(f"the {agent.name} are of other neurons than the scoreboard")
            if agent.stream in [each.stream for each in self._agents]:
                raise InputError(f"the {self.name} watches the {agent.name} already")
            agent.on_reset(self.reset)
            self._agents.append(agent)
            match agent:
                case CurrentStream():
                    agent.subscribe(self.current)
                case ParameterStream():
                    agent.subscribe(self.write)
                case UpdateStream():
                    agent.subscribe(self.update)
                case EventStream():
                    agent.subscribe(self.event)
                    self._step_bits = self._step_bits or agent.step_bits
                case _:
                    raise InputError(f"the scoreboard can't watch {type(agent).__name__}")
            if isinstance(agent, Sink):
                agent.hold_back(self._awaited[agent.name].waiting.__len__, lambda: self.outstanding)

    @property
    def expects(self) -> frozenset[str]:
        """What is compared; InputError if that isn't known."""
        if self._expects is not None:
            return self._expects
        watched = {agent.name for agent in self._agents} & {UPDATES, EVENTS}
        if not watched:
            raise InputError(
                f"the {self.name} watches neither updates nor events: give expects, or watch an agent of them"
            )
        return frozenset(watched)

    @property
    def outstanding(self) -> int:
        """How many updates and events are still to come."""
        return sum(len(self._awaited[kind].waiting) for kind in self.expects)

    def current(self, word: int) -> None:
        """Take the next neuron's current: its update is due."""
        self._moves += 1
        expected = self._newest = self.reference.current(word)
        self._await(self._awaited[UPDATES], expected)
        if expected.spike:
            self._await(self._awaited[EVENTS], expected)

    def write(self, write: Write) -> None:
        """Take a parameter write: it is for the updates of the currents to come."""
        self._moves += 1
        self.reference.write(write)

    def update(self, update: Update) -> None:
        """Compare an update with the golden model's next."""
        expected = self._next(self._awaited[UPDATES])
        if expected is None:
            self._found(self._awaited[UPDATES].last, "an update more than currents follows")
            return
        golden_update = vars(expected.update)
        for name, got in vars(update).items():
            golden = golden_update[name]
            if got is not None and got != golden:
                self._found(expected, name, golden, got)
                return
        self._shown[expected.neuron] = expected.number, update

    def event(self, event: Event) -> None:
        """Compare an event with that of the golden model's next spike."""
        expected = self._next(self._awaited[EVENTS])
        if expected is None:
            self._found(self._newest, "an event without a spike")
            return
        step = expected.timestep
        if self._step_bits is not None:
            step &= (1 << self._step_bits) - 1
        neuron = expected.neuron if event.neuron is None else event.neuron
        told = step if event.step is None else event.step
        if (told, neuron) != (step, expected.neuron):
            distance = (told - step) * self.words.parameters.n + neuron - expected.neuron
            self._found(expected, "event (as an update number)", expected.number, expected.number + distance)
        elif event.phase not in (None, expected.after.phase):
            self._found(expected, "phase of the event", expected.after.phase, event.phase)

    def reset(self) -> None:
        """Begin again: what is in flight won't come. What was found stays."""
        self.reference.reset()
        self._newest = None
        self._shown.clear()
        for awaited in self._awaited.values():
            awaited.waiting.clear()
            awaited.last = None

    async def settle(self, clocks: int = 2000) -> None:
        """Wait until everything that was sent is taken and all that is due has come.

        Then wait a little for what shouldn't come. Give up when nothing has moved for so many clocks; :meth:`check`
        says what is missing.

        Raises
        ------
        InputError
            No agent is watched, so there is no clock.
        """
        if not self._agents:
            raise InputError(f"the {self.name} watches no agent, so it has no clock to wait for")
        rising, still = RisingEdge(self._agents[0].clock), 0
        while still < clocks:
            before = self._moves
            await rising
            still = 0 if self._moves != before else still + 1
            if still > SURPLUS and not self.outstanding and not self._unsent:
                return

    def verdict(self) -> Verdict:
        """Return what was compared and found so far; what is still to come counts as missing."""
        mismatches, first = self._mismatches, self._first
        for kind in sorted(self.expects, reverse=True):
            waiting = self._awaited[kind].waiting
            mismatches += len(waiting)
            if first is None and waiting:
                first = self._mismatch(waiting[0], _missing(kind, waiting[0]))
        broken = tuple(rule for agent in self._agents for rule in agent.broken)
        return Verdict(self._awaited[UPDATES].came, mismatches, first, broken)

    def check(self, case: str | None = None) -> Verdict:
        """Return the verdict if all is well.

        Parameters
        ----------
        case : str, optional
            What the run is called in an error.

        Raises
        ------
        DifferenceFound
            There is a mismatch, something is missing or was never taken, a rule of a handshake was broken, or nothing
            was compared.
        """
        case = case or self.name
        verdict = self.verdict()
        verdict.judge(case)
        for agent in self._unsent:
            raise DifferenceFound(f"{case}: {agent.count()} transfers of {agent.name} were never taken")
        counts = {kind: self._awaited[kind].came for kind in sorted(self.expects, reverse=True)}
        if not any(counts.values()):
            raise DifferenceFound(f"{case}: nothing was compared: no update or event came")
        told = " and ".join(f"{count} {kind}" for kind, count in counts.items())
        self.log.info("%s: %s are those of the golden model", case, told)
        return verdict

    @property
    def _unsent(self) -> list[Source[Any]]:
        return [agent for agent in self._agents if isinstance(agent, Source) and not agent.idle()]

    def _await(self, awaited: _Awaited, expected: Expected) -> None:
        awaited.waiting.append(expected)
        if len(awaited.waiting) > self._in_flight:
            lost = awaited.waiting.popleft()
            if awaited.kind in self.expects:
                self._found(lost, _missing(awaited.kind, lost))

    def _next(self, awaited: _Awaited) -> Expected | None:
        awaited.came += 1
        if not awaited.waiting:
            return None
        self._moves += 1
        awaited.last = awaited.waiting.popleft()
        return awaited.last

    def _found(
        self, where: Expected | None, what: str, expected: int | None = None, got: int | None = None
    ) -> None:
        """Count a mismatch; keep and log the first."""
        self._mismatches += 1
        if self._first is None:
            self._first = self._mismatch(where, what, expected, got)
            self.log.error("%s", self._first.text)
        if self._fail_fast:
            Verdict(self._awaited[UPDATES].came, self._mismatches, self._first).judge(self.name)

    def _mismatch(
        self, where: Expected | None, what: str, expected: int | None = None, got: int | None = None
    ) -> Mismatch:
        if where is None:
            text = f"{what}, and no current has come since reset"
            return Mismatch(0, 0, 0, what, 0, self.reference.state(0).potential, expected, got, text)
        # What the hardware showed of the neuron a timestep before, if nothing came in between.
        number, shown = self._shown.get(where.neuron, (-1, Update()))
        told = shown if number == where.number - self.words.parameters.n else Update()
        before = {name: getattr(told, name) for name in ("potential", "refractory")}
        golden = {name for name, word in before.items() if word is None}
        return Mismatch.of(
            self.words,
            where.number,
            where.neuron,
            where.timestep,
            what,
            where.current,
            where.before.potential if before["potential"] is None else before["potential"],
            where.before.refractory if before["refractory"] is None else before["refractory"],
            expected,
            got,
            golden,
        )


def _missing(kind: str, expected: Expected) -> str:
    """Return what is said of an update or an event that never came."""
    return no_event(expected.neuron, expected.timestep) if kind == EVENTS else f"{kind[:-1]} is missing"


def _are_same(one: Words, other: Words) -> bool:
    """Return whether two configurations have the same neurons."""

    def content(words: Words) -> tuple[Any, ...]:
        return words.parameters.as_dict(), words.arithmetic.as_dict()

    return one is other or content(one) == content(other)
