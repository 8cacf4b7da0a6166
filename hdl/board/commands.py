"""What a board does on a request: :mod:`qlif.hdl.board.link` says what that is."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.board.framing import PLACE_BITS, FrameReceiver, FrameSender
from qlif.hdl.board.link import (
    IDENTITY_BYTES,
    MOST_PAYLOAD,
    NONCE_BYTES,
    Kind,
    Layout,
    Records,
    State,
    Status,
)
from qlif.hdl.core import Core
from qlif.hdl.ports import STALL_RATE_BITS
from qlif.model.selftest.plan import SIGNATURE_BITS, TIMESTEP_BITS

QUIET_BITS = 10
"""After so many clocks without a result, as a power of two, READ takes what there is: longer than an update takes."""
HEAD_BYTES = 2
"""Of each answer: its status and its state."""
RESULT_BYTES = 4 + 16


class Commands(wiring.Component):
    """Takes requests as bytes, has them carried out, and answers as bytes.

    Parameters
    ----------
    core : Core
        The population.
    layout : Layout
        Of its words.
    identity : bytes
        That it tells.
    update_width, event_width : int
        Bits of the payloads of its streams.

    Attributes
    ----------
    data, valid : In
        A byte from the host.
    bytes : Out, stream of 8 bits
        To the host.
    reset : Out
        Resets the population, its currents' timesteps and its self-test.
    neuron, word, timesteps : Out
        Arguments of what is next.
    write_current, start_steps : Out
    select, parameter_valid : Out
    parameter_ready : In
        A write of a parameter.
    start_test, stalls, signature : Out
        Starts the self-test, whose signature is to be compared; they are there for one clock.
    timestep, result : In
        What the self-test has reached, and with which signature.
    state : In
        Bits of :class:`State`.
    updates, events : In, streams
        What the population gives.
    """

    data: Value
    valid: Value
    bytes: Any
    reset: Value
    neuron: Value
    word: Value
    timesteps: Value
    write_current: Value
    start_steps: Value
    select: Value
    parameter_valid: Value
    parameter_ready: Value
    start_test: Value
    stalls: Value
    signature: Value
    timestep: Value
    result: Value
    state: Value
    updates: Any
    events: Any

    def __init__(
        self, core: Core, layout: Layout, identity: bytes, update_width: int, event_width: int
    ) -> None:
        self.core, self.layout, self.identity = core, layout, identity
        strobes = ("reset", "write_current", "start_steps", "parameter_valid", "start_test")
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "bytes": Out(stream.Signature(8)),
                **{name: Out(1) for name in strobes},
                "parameter_ready": In(1),
                "neuron": Out(8 * layout.neuron),
                "word": Out(8 * max(layout.current, layout.parameter)),
                "timesteps": Out(TIMESTEP_BITS),
                "select": Out(8),
                "stalls": Out(STALL_RATE_BITS),
                "signature": Out(2 * SIGNATURE_BITS),
                "timestep": In(TIMESTEP_BITS),
                "result": In(2 * SIGNATURE_BITS),
                "state": In(len(State)),
                "updates": In(stream.Signature(update_width)),
                "events": In(stream.Signature(event_width)),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the gates."""
        m = Module()
        m.submodules.receiver = receiver = FrameReceiver()
        m.submodules.sender = sender = FrameSender()
        m.submodules.request = request = memory.Memory(shape=8, depth=1 << PLACE_BITS, init=[])
        m.submodules.answer = answer = memory.Memory(shape=8, depth=1 << PLACE_BITS, init=[])
        argument, came = request.read_port(), request.write_port()
        told, tell = answer.read_port(), answer.write_port()
        at, length = Signal(PLACE_BITS), Signal(PLACE_BITS)
        m.d.comb += [
            receiver.data.eq(self.data),
            came.addr.eq(receiver.place),
            came.data.eq(self.data),
            came.en.eq(receiver.write),
            argument.addr.eq(at),
            tell.addr.eq(length),
            told.addr.eq(sender.place),
            sender.data.eq(told.data),
            sender.length.eq(length),
            sender.sequence.eq(receiver.sequence),
            sender.kind.eq(receiver.kind),
        ]
        wiring.connect(m, sender.bytes, wiring.flipped(self.bytes))
        self._arguments(m, self._data())
        self._run(m, receiver, sender, argument.data, tell, at, length)
        return m

    def _data(self) -> Signal:
        """Return the shift register through which arguments come and results go; a word's first byte leads."""
        requests = [self.layout.request_bytes(kind) for kind in Kind]
        self._size = max(*requests, self.layout.record, NONCE_BYTES + IDENTITY_BYTES, RESULT_BYTES)
        self._shift = Signal(8 * self._size)
        return self._shift

    def _given(self, kind: Kind) -> Value:
        """Return the arguments of a request, once they are shifted in."""
        return self._shift[8 * (self._size - self.layout.request_bytes(kind)) :]

    def _arguments(self, m: Module, shift: Signal) -> None:
        """Connect the arguments of whatever is next."""
        neuron = 8 * self.layout.neuron
        current, parameter = self._given(Kind.CURRENTS), self._given(Kind.PARAMETER)
        test = self._given(Kind.SELFTEST)
        m.d.comb += [
            self.neuron.eq(current[:neuron]),
            self.word.eq(current[neuron:]),
            self.timesteps.eq(self._given(Kind.STEP)),
            self.select.eq(parameter[:8]),
            self.stalls.eq(test[32:40]),
            self.signature.eq(test[40:]),
        ]
