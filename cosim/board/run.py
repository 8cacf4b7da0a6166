"""A board against the golden model: update by update in lockstep, or by the self-test's signature."""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.port_words import observed
from qlif.cosim.benches.scoreboard import Observed, Scoreboard, Verdict
from qlif.cosim.board.host import Board, LinkError
from qlif.hdl.board.link import Records, State
from qlif.hdl.core import Streams
from qlif.hdl.interface import EVENT_STREAM, Interface
from qlif.hdl.ports import Stream
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan
from qlif.model.support.progress import Progress, unwatched

UNSEEN = {
    Records.UPDATES | Records.EVENTS: ("refractory",),
    Records.UPDATES: ("refractory", EVENT_STREAM),
    Records.EVENTS: ("refractory", "spike", "potential", "trace", "phase"),
}
"""What isn't compared when these records are read."""

LOOK_EVERY_S, STUCK_S, SELDOM = 0.05, 10.0, 12


def records_of(streams: Streams) -> Records:
    """Return the records of the streams that are to be read."""
    updates = Records.UPDATES if streams.has_updates else Records(0)
    return updates | (Records.EVENTS if streams.has_events else Records(0))


def lockstep(
    board: Board,
    interface: Interface,
    currents: npt.NDArray[np.int64],
    *,
    writes: Sequence[ParameterWrite] = (),
    records: Records = Records.UPDATES | Records.EVENTS,
    progress: Progress = unwatched,
) -> Verdict:
    """Run a population on a board from reset, and compare everything that it gives with the golden model.

    Parameters
    ----------
    board : Board
        Just connected.
    interface : Interface
        Its population's.
    currents : array of int, (timesteps, neurons)
        Current words. A timestep is one command; only words that change travel.
    writes : sequence of ParameterWrite
    records : Records
        What is read and compared.
    progress : callable, optional

    Raises
    ------
    LinkError
        The link failed.
    """
    transfers: dict[int, list[list[int]]] = {0: [], 1: []}
    streams = (interface.updates, interface.events)
    held = np.zeros(0, dtype=np.int64)
    for first, last in _stretches(currents, {write.step for write in writes}):
        progress("running the board", first / len(currents))
        _write(board, interface, [write for write in writes if write.step == first])
        now = currents[first]
        changed = range(len(now)) if held.size == 0 else np.flatnonzero(now != held).tolist()
        board.write_currents([(neuron, int(now[neuron])) for neuron in changed])
        held = now
        board.step(last - first)
        # A board gone wrong could send for ever.
        most = 2 * (last - first) * interface.rows + 1
        for record in itertools.islice(_records(board, records), most):
            if record[0] not in transfers:
                raise LinkError(f"the board sent a record of kind {record[0]}, which there isn't")
            transfers[record[0]].append(_fields(streams[record[0]], record))
    progress("comparing", 1.0)
    absent = UNSEEN[records]
    scoreboard = Scoreboard(
        interface.words, currents, writes, step_bits=interface.core.step_bits, absent=absent
    )
    seen = observed(interface, transfers[0], transfers[1], 0)
    if not records & Records.UPDATES:
        seen = _without_updates(seen, currents)
    return scoreboard.compare(seen)


def _stretches(currents: npt.NDArray[np.int64], stops: set[int]) -> Iterator[tuple[int, int]]:
    """Return the timesteps from which to which nothing is written."""
    changes = {int(step) + 1 for step in np.flatnonzero((currents[1:] != currents[:-1]).any(axis=1))}
    yield from itertools.pairwise(sorted({0, len(currents)} | changes | stops))


def _write(board: Board, interface: Interface, writes: Sequence[ParameterWrite]) -> None:
    selects = {parameter.name: parameter for parameter in interface.runtime}
    for write in writes:
        parameter = selects[write.name]
        everyone = range(interface.neurons) if parameter.storage.is_per_neuron else range(1)
        for neuron in everyone if write.neuron is None else [write.neuron]:
            board.write_parameter(parameter.select, neuron, write.word)


def _records(board: Board, records: Records) -> Iterator[bytes]:
    """Return the records of what was started, to the last one.

    Raises
    ------
    LinkError
        A timestep is under way, and nothing comes of it. (Events may be rare: longer without updates.)
    """
    patience_s = STUCK_S if records & Records.UPDATES else SELDOM * STUCK_S
    over, since = False, time.monotonic()
    while not over:
        found, over = board.read(records)
        yield from found
        if found:
            since = time.monotonic()
        elif not over and time.monotonic() - since > patience_s:
            raise LinkError(f"the board is running a timestep, and has given nothing for {patience_s:g} s")


def _fields(stream: Stream, record: bytes) -> list[int]:
    """Return the words of a record's ports."""
    word, words = int.from_bytes(record[1:], "little"), []
    for port in stream.payload:
        words.append(word & port.mask)
        word >>= port.width
    return words


def _without_updates(seen: Observed, currents: npt.NDArray[np.int64]) -> Observed:
    """Return what was seen with an update for each current, of which nothing is told."""
    timesteps, neurons = currents.shape
    nothing = np.zeros(currents.size, dtype=np.int64)
    told: dict[str, Any] = {
        name: nothing for name in ("spike", "potential", "trace", "phase") if getattr(seen, name) is not None
    }
    return replace(seen, neuron=np.tile(np.arange(neurons), timesteps), **told)


@dataclass(frozen=True)
class FreeRun:
    """A self-test on a board.

    Attributes
    ----------
    timesteps : int
    expected, got : int
        The golden model's signature, and the board's.
    says : State
        What the board shows on its LEDs.
    wrong_from : int, optional
        The first timestep in which something is wrong.
    """

    timesteps: int
    expected: int
    got: int
    says: State
    wrong_from: int | None = None

    @property
    def passed(self) -> bool:
        """Whether host and board both found the golden model's signature."""
        return self.got == self.expected and bool(self.says & State.PASSED)


def free_running(
    board: Board,
    interface: Interface,
    plan: SelfTestPlan,
    timesteps: int,
    *,
    stalls: int = 0,
    progress: Progress = unwatched,
) -> FreeRun:
    """Run the self-test on a board, and compare the signature; bisect to the first wrong timestep.

    Parameters
    ----------
    board : Board
    interface : Interface
        Its population's.
    plan : SelfTestPlan
        The stimulus in the board.
    timesteps : int
    stalls : int
        In how many of 256 clocks each stream pauses.
    progress : callable, optional

    Raises
    ------
    LinkError
        The link failed, or the self-test doesn't get on.
    """

    def signature(count: int) -> int:
        golden = GoldenSelfTest(interface.words, plan, interface.lanes, step_bits=interface.core.step_bits)
        return golden.advance(count, lambda step: progress("golden model", step / count))

    def run(count: int, expected: int) -> FreeRun:
        board.start_self_test(count, stalls, expected)
        reached, since = -1, time.monotonic()
        while True:
            state, timestep, got = board.result()
            if not state & State.TESTING:
                return FreeRun(count, expected, got, state)
            if timestep != reached:
                reached, since = timestep, time.monotonic()
            elif time.monotonic() - since > STUCK_S:
                raise LinkError(f"the self-test has been at timestep {timestep} of {count} for {STUCK_S:g} s")
            progress("running the board", timestep / count)
            time.sleep(LOOK_EVERY_S)

    whole = run(timesteps, signature(timesteps))
    if whole.got == whole.expected:
        return whole
    right, wrong = 0, timesteps
    while wrong - right > 1:
        middle = (right + wrong) // 2
        part = run(middle, signature(middle))
        right, wrong = (middle, wrong) if part.got == part.expected else (right, middle)
    return replace(whole, wrong_from=wrong - 1)
