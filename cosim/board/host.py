"""The host's end: requests that are carried out once, whatever the line does to them."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from secrets import token_bytes

from qlif.cosim.board.framing import Frame, FrameReader
from qlif.cosim.board.port import Port
from qlif.hdl.board.link import (
    ANSWER,
    IDENTITY_BYTES,
    MOST_PAYLOAD,
    NONCE_BYTES,
    Kind,
    Layout,
    Records,
    State,
    Status,
)
from qlif.model.exceptions import InputError, ToolError

FIRST_WAIT_S, GROWTH, LONGEST_WAIT_S = 0.2, 1.25, 1.0
"""How long an answer is waited for, and longer each time; a USB bridge may sit on it for 16 ms."""
HELLO_S, PATIENCE_S = 4.0, 12.0
"""So long nothing but silence and damage is borne, at the beginning and later."""
MOST_BYTES = 1 << 16
"""More bytes without an answer among them come from something that isn't our board."""
FIRST_SIZE = 32
"""Bytes of payload at first; as long as nothing is lost they become more."""


class LinkError(ToolError):
    """The link failed for good; nothing that it gave is wrong, but there is no more."""


@dataclass(frozen=True)
class Answer:
    """What the board said."""

    state: State
    payload: bytes


class Link:
    """Requests and answers over a port.

    Parameters
    ----------
    port : Port

    Attributes
    ----------
    size : int
        Bytes of payload that a frame should have: small on a bad line, where long ones are lost.
    repeated : int
        Requests that were sent again.
    damaged : int
        What began like a frame and wasn't one.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._reader = FrameReader()
        self._sequence = token_bytes(1)[0]
        self._wait_s = FIRST_WAIT_S
        self.size = FIRST_SIZE
        self.repeated = 0

    @property
    def damaged(self) -> int:
        """What began like a frame and wasn't one."""
        return self._reader.damaged

    def hello(self) -> bytes:
        """Begin a session; return the board's identification.

        Raises
        ------
        LinkError
            Nothing answers.
        """
        nonce = token_bytes(NONCE_BYTES)
        answer = self.request(Kind.HELLO, nonce, HELLO_S)
        return answer.payload[NONCE_BYTES : NONCE_BYTES + IDENTITY_BYTES]

    def request(self, kind: Kind, payload: bytes = b"", patience_s: float = PATIENCE_S) -> Answer:
        """Have a request carried out, once; return the answer.

        Raises
        ------
        LinkError
            No answer came through, or the board refuses.
        """
        self._sequence = (self._sequence + 1) % 256
        frame = Frame(self._sequence, kind, payload)
        waited, wait_s, seen = 0.0, self._wait_s, 0
        while waited < patience_s and seen < MOST_BYTES:
            if waited:
                self.repeated += 1
                self.size = max(FIRST_SIZE // 2, self.size // 2)
            begun = time.monotonic()
            self._port.write(frame.encoded())
            answer, count = self._answer_to(frame, wait_s)
            took = time.monotonic() - begun
            if answer is not None:
                # A slow board, a simulated one say, is given more time.
                self._wait_s = max(FIRST_WAIT_S, 3 * took)
                if not waited:
                    self.size = min(MOST_PAYLOAD, self.size + self.size // 4)
                return self._judged(kind, answer)
            waited, seen = waited + max(wait_s, took), seen + count
            wait_s = max(wait_s, min(LONGEST_WAIT_S, wait_s * GROWTH))
        if seen == 0:
            raise LinkError(
                f"the board doesn't answer: nothing came in {waited:.0f} s (is it programmed, is this its port?)"
            )
        raise LinkError(f"no whole answer to {kind.name} in {waited:.0f} s, in which {seen} bytes came")

    def _answer_to(self, request: Frame, wait_s: float) -> tuple[bytes | None, int]:
        """Wait for the answer; return its payload if it came, and how many bytes came."""
        count, end = 0, time.monotonic() + 4 * wait_s
        while count < MOST_BYTES and time.monotonic() < end and (data := self._port.read(wait_s)):
            count += len(data)
            if (found := self._among(self._reader.feed(data), request)) is not None:
                return found, count
        return self._among(self._reader.give_up(), request), count

    def _among(self, frames: Iterable[Frame], request: Frame) -> bytes | None:
        """Return the payload of the frame that answers; others are of requests before."""
        for frame in frames:
            if (frame.sequence, frame.kind) != (request.sequence, request.kind | ANSWER):
                continue
            if request.kind == Kind.HELLO and frame.payload[2 : 2 + NONCE_BYTES] != request.payload:
                continue
            return frame.payload
        return None

    def _judged(self, kind: Kind, payload: bytes) -> Answer:
        if len(payload) < 2 or payload[0] not in set(Status):
            raise LinkError(
                f"the board answers {kind.name} with what isn't of this link: {payload[:8].hex()}"
            )
        status = Status(payload[0])
        if status is Status.NO_SESSION:
            raise LinkError(
                "the board knows nothing of this session: it was restarted, or another host uses it"
            )
        if status is not Status.DONE:
            raise LinkError(f"the board refuses {kind.name}: {status.name.lower()}")
        return Answer(State(payload[1]), payload[2:])


class Board:
    """A population on a board.

    Parameters
    ----------
    link : Link
    layout : Layout
        Of its words.
    identity : bytes
        Of the configuration that it must hold.

    Raises
    ------
    InputError
        It holds another one.
    LinkError
        It doesn't answer.
    """

    def __init__(self, link: Link, layout: Layout, identity: bytes) -> None:
        self.link, self.layout = link, layout
        found = link.hello()
        if found != identity:
            raise InputError(
                f"the board holds another configuration: its identification is {found.hex()}, "
                f"this configuration's is {identity.hex()}"
            )
        self.reset()

    def reset(self) -> None:
        """Put every neuron into its initial state, at timestep 0; the currents stay."""
        self.link.request(Kind.RESET)

    def write_currents(self, words: Sequence[tuple[int, int]]) -> None:
        """Write current words, each of a neuron, which holds it."""
        layout = self.layout
        mask = (1 << 8 * layout.current) - 1
        entries = [
            neuron.to_bytes(layout.neuron, "little") + (word & mask).to_bytes(layout.current, "little")
            for neuron, word in words
        ]
        while entries:
            count = max(1, self.link.size // layout.request_bytes(Kind.CURRENTS))
            self.link.request(Kind.CURRENTS, b"".join(entries[:count]))
            del entries[:count]

    def step(self, timesteps: int) -> None:
        """Start so many timesteps."""
        self.link.request(Kind.STEP, timesteps.to_bytes(4, "little"))

    def read(self, records: Records) -> tuple[list[bytes], bool]:
        """Return the next records, and whether there are no more until another step."""
        most = max(1, min(self.layout.most_records, self.link.size // self.layout.record))
        answer = self.link.request(Kind.READ, bytes((records, most)))
        size = self.layout.record
        found = [answer.payload[at : at + size] for at in range(0, len(answer.payload), size)]
        return found, not found and not answer.state & State.STEPPING

    def write_parameter(self, select: int, neuron: int, word: int) -> None:
        """Write a parameter word; `neuron` counts if each has its own."""
        layout = self.layout
        mask = (1 << 8 * layout.parameter) - 1
        place = bytes((select,)) + neuron.to_bytes(layout.neuron, "little")
        self.link.request(Kind.PARAMETER, place + (word & mask).to_bytes(layout.parameter, "little"))

    def start_self_test(self, timesteps: int, stalls: int, signature: int) -> None:
        """Start the self-test; the board compares with the signature itself."""
        numbers = timesteps.to_bytes(4, "little") + bytes((stalls,)) + signature.to_bytes(16, "little")
        self.link.request(Kind.SELFTEST, numbers)

    def result(self) -> tuple[State, int, int]:
        """Return what the board is doing; the self-test's timesteps so far, and their signature."""
        answer = self.link.request(Kind.RESULT)
        timesteps, signature = (
            int.from_bytes(part, "little") for part in (answer.payload[:4], answer.payload[4:20])
        )
        return answer.state, timesteps, signature
