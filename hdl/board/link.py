"""The link between a host and a board, defined once for the gates and for the host.

The host asks, the board answers. Both send frames over a UART with eight data bits, no parity and one stop bit::

    D5 2A | length | sequence | kind | payload (`length` bytes) | CRC-32 of everything from `length` on

The CRC is that of Ethernet and zlib, its lowest byte first; numbers are little-endian. An answer has its request's
sequence number and its kind with the highest bit set; its payload begins with a :class:`Status` and a byte of
:class:`State` bits.

A board does nothing on a frame that is damaged. It carries out each request once: one with the sequence number
behind the last gets carried out, one with the same number gets the same answer again, any other ends the session.
So the host repeats its request until an answer is whole. HELLO begins a session, with any sequence number; its nonce
tells the answer from those of sessions before.

Results flow only as far as the host asks for them: READ says how many records it takes. What isn't read stays in
the population's queue, which holds up the currents.

    ========= ============================================ =================================
    kind      payload of the request                       of the answer, behind its state
    ========= ============================================ =================================
    HELLO     nonce (8)                                    nonce (8), identification (16)
    RESET
    CURRENTS  neuron, current word; as often as there is
              room
    STEP      timesteps (4)
    READ      :class:`Records` (1), how many at most (1)   records
    PARAMETER select (1), neuron, word
    SELFTEST  timesteps (4), stalls (1), signature (16)
    RESULT                                                 timesteps (4), signature (16)
    ========= ============================================ =================================

A record is a byte, 0 for an update and 1 for an event, and the stream's payload, its first port lowest.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import assert_never

from qlif.hdl.interface import Interface

VERSION = 1
"""Of this definition; part of the identification."""

SYNC = b"\xd5\x2a"
HEADER_BYTES = 3
CRC_BYTES = 4
MOST_PAYLOAD = 240
ANSWER = 0x80
"""The bit of a kind that marks an answer."""

NONCE_BYTES = 8
IDENTITY_BYTES = 16


class Kind(IntEnum):
    """What a frame asks for."""

    HELLO = 1
    RESET = 2
    CURRENTS = 3
    STEP = 4
    READ = 5
    PARAMETER = 6
    SELFTEST = 7
    RESULT = 8


class Status(IntEnum):
    """What became of a request."""

    DONE = 0
    BUSY = 1
    """Timesteps or a self-test are under way."""
    MALFORMED = 2
    """There is no such kind, or its payload isn't allowed."""
    NO_SESSION = 3
    """A sequence number that wasn't due; the board may have been restarted."""


class State(IntFlag):
    """What the board is doing, and what its self-test found."""

    STEPPING = 1
    TESTING = 2
    PASSED = 4
    FAILED = 8


class Records(IntFlag):
    """The streams that READ gives; the other one is thrown away."""

    UPDATES = 1
    EVENTS = 2


def in_bytes(width: int) -> int:
    """Return how many bytes hold so many bits."""
    return -(-width // 8)


@dataclass(frozen=True)
class Layout:
    """How many bytes a population's words have in a frame.

    Attributes
    ----------
    neuron, current, parameter : int
        A neuron's number, a current word, a parameter's word (0 if none can be written).
    record : int
        A record, its tag included.
    """

    neuron: int
    current: int
    parameter: int
    record: int

    @classmethod
    def of(cls, interface: Interface) -> "Layout":
        """Return those of a population."""
        core = interface.core
        widest = max(interface.updates.width, interface.events.width)
        return cls(
            in_bytes(core.neuron_bits),
            in_bytes(core.words.arithmetic.current.width),
            in_bytes(core.word_format.width) if core.runtime else 0,
            1 + in_bytes(widest),
        )

    @property
    def most_records(self) -> int:
        """How many records one answer holds."""
        return (MOST_PAYLOAD - 2) // self.record

    def request_bytes(self, kind: Kind) -> int:
        """Return the length of a request's payload; of CURRENTS, of one entry."""
        match kind:
            case Kind.HELLO:
                return NONCE_BYTES
            case Kind.RESET | Kind.RESULT:
                return 0
            case Kind.CURRENTS:
                return self.neuron + self.current
            case Kind.STEP:
                return 4
            case Kind.READ:
                return 2
            case Kind.PARAMETER:
                return 1 + self.neuron + self.parameter
            case Kind.SELFTEST:
                return 4 + 1 + 16
            case never:
                assert_never(never)


def identity(interface: Interface, seed: int) -> bytes:
    """Return what tells a board's configuration from others: a hash of all that its answers depend on.

    Parameters
    ----------
    interface : Interface
        The population's.
    seed : int
        Of the self-test's stimulus.
    """
    content = interface.to_json()
    parts = ("neurons", "lanes", "step_bits", "ports", "runtime", "arithmetic", "parameters", "constants")
    told = {"link": VERSION, "seed": seed, **{name: content[name] for name in parts}}
    text = json.dumps(told, sort_keys=True)
    return hashlib.sha256(text.encode()).digest()[:IDENTITY_BYTES]
