"""What a board does on a request: :mod:`qlif.hdl.board.link` says what that is."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl.board.framing import PLACE_BITS, FrameReceiver, FrameSender
from qlif.hdl.board.link import (
    IDENTITY_BYTES,
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
    write_current, neuron, current : Out
        Writes a current.
    start_steps, timesteps : Out
        Starts timesteps.
    parameter_valid, select, parameter_neuron, parameter : Out
    parameter_ready : In
        A write of a parameter.
    start_test, test_timesteps, stalls, expected : Out
        Starts the self-test, whose signature is to be compared.
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
    write_current: Value
    neuron: Value
    current: Value
    start_steps: Value
    timesteps: Value
    parameter_valid: Value
    parameter_ready: Value
    select: Value
    parameter_neuron: Value
    parameter: Value
    start_test: Value
    test_timesteps: Value
    stalls: Value
    expected: Value
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
                "current": Out(8 * layout.current),
                "timesteps": Out(TIMESTEP_BITS),
                "select": Out(8),
                "parameter_neuron": Out(8 * layout.neuron),
                "parameter": Out(8 * layout.parameter),
                "test_timesteps": Out(TIMESTEP_BITS),
                "stalls": Out(STALL_RATE_BITS),
                "expected": Out(2 * SIGNATURE_BITS),
                "timestep": In(TIMESTEP_BITS),
                "result": In(2 * SIGNATURE_BITS),
                "state": In(len(State)),
                "updates": In(stream.Signature(update_width)),
                "events": In(stream.Signature(event_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the gates: one request at a time, heard, carried out, answered."""
        m = Module()
        m.submodules.receiver = receiver = self._receiver = FrameReceiver()
        m.submodules.sender = sender = self._sender = FrameSender()
        request: Any = memory.Memory(shape=8, depth=1 << PLACE_BITS, init=[])
        answer: Any = memory.Memory(shape=8, depth=1 << PLACE_BITS, init=[])
        m.submodules.request, m.submodules.answer = request, answer
        argument, came = request.read_port(), request.write_port()
        told, tell = answer.read_port(), answer.write_port()
        self._at, self._length, self._status = Signal(PLACE_BITS), Signal(PLACE_BITS), Signal(8)
        self._left, self._results = Signal(8), Signal(range(self._size + 1))
        # A word's first byte leads: arguments are shifted in from above, results out below.
        self._shift = Signal(8 * self._size)
        m.d.comb += [
            receiver.data.eq(self.data),
            came.addr.eq(receiver.place),
            came.data.eq(self.data),
            came.en.eq(receiver.write),
            argument.addr.eq(self._at),
            tell.addr.eq(self._length),
            told.addr.eq(sender.place),
            sender.data.eq(told.data),
            sender.length.eq(self._length),
            sender.sequence.eq(receiver.sequence),
            sender.kind.eq(receiver.kind),
        ]
        with m.If(tell.en):
            m.d.sync += self._length.eq(self._length + 1)
        wiring.connect(m, sender.bytes, wiring.flipped(self.bytes))
        self._connect_arguments(m)
        records = Signal(len(Records), init=-1)
        with m.FSM():
            self._listen(m)
            self._take_arguments(m, argument.data)
            with m.State("ACT"):
                self._act(m, records)
            self._answer(m, tell)
            self._collect(m, records)
        # What nobody asked for is thrown away.
        for place, results in enumerate((self.updates, self.events)):
            with m.If(~records[place]):
                m.d.comb += results.ready.eq(1)
        return m

    def _listen(self, m: Module) -> None:
        """Wait for a request; tell a new one from one that was answered, and from one that isn't due."""
        receiver, in_session, last = self._receiver, Signal(), Signal(8)
        is_hello = receiver.kind == Kind.HELLO
        is_next = in_session & (receiver.sequence == (last + 1)[:8])
        with m.State("LISTEN"):
            m.d.comb += receiver.valid.eq(self.valid)
            with m.If(receiver.frame):
                m.d.sync += [self._at.eq(0), self._status.eq(Status.DONE), self._results.eq(0)]
                with m.If(is_hello | is_next):
                    m.d.sync += [in_session.eq(1), last.eq(receiver.sequence), self._length.eq(0)]
                    m.next = "CHECK"
                with m.Elif(in_session & (receiver.sequence == last)):
                    m.next = "START"
                with m.Else():
                    m.d.sync += [in_session.eq(0), self._length.eq(0)]
                    self._refuse(m, Status.NO_SESSION)

    def _take_arguments(self, m: Module, byte: Value) -> None:
        """Check the length of a request, and shift its arguments in."""
        length = self._receiver.length
        with m.State("CHECK"):
            self._refuse(m, Status.MALFORMED)
            with m.Switch(self._receiver.kind):
                for kind in Kind:
                    with m.Case(kind):
                        size = self.layout.request_bytes(kind)
                        m.d.sync += self._left.eq(size)
                        with m.If(length >= size if kind is Kind.CURRENTS else length == size):
                            m.d.sync += self._status.eq(Status.DONE)
                            m.next = "FETCH" if size else "ACT"
        with m.State("FETCH"):
            m.next = "SHIFT"
        with m.State("SHIFT"):
            m.d.sync += [
                self._shift.eq(Cat(self._shift[8:], byte)),
                self._at.eq(self._at + 1),
                self._left.eq(self._left - 1),
            ]
            m.next = "FETCH"
            with m.If(self._left == 1):
                m.next = "ACT"

    def _act(self, m: Module, records: Signal) -> None:
        """Carry a request out."""
        m.next = "STATUS"
        is_busy = (self.state & (State.STEPPING | State.TESTING)).any()
        with m.Switch(self._receiver.kind):
            with m.Case(Kind.HELLO):
                identity = Const(int.from_bytes(self.identity, "little"), 8 * IDENTITY_BYTES)
                self._give(m, Cat(self._given(Kind.HELLO), identity), NONCE_BYTES + IDENTITY_BYTES)
            with m.Case(Kind.RESET):
                m.d.comb += self.reset.eq(1)
                m.d.sync += records.eq(-1)
            with m.Case(Kind.CURRENTS):
                self._write_current(m, is_busy)
            with m.Case(Kind.STEP):
                m.d.comb += self.start_steps.eq(~is_busy)
                with m.If(is_busy):
                    self._refuse(m, Status.BUSY)
            with m.Case(Kind.READ):
                wanted, most = self._given(Kind.READ)[:8], self._given(Kind.READ)[8:]
                with m.If((most > self.layout.most_records) | (wanted >= 1 << len(Records))):
                    self._refuse(m, Status.MALFORMED)
                with m.Else():
                    m.d.sync += [records.eq(wanted), self._left.eq(most)]
            with m.Case(Kind.PARAMETER):
                self._write_parameter(m, is_busy)
            with m.Case(Kind.SELFTEST):
                m.d.comb += self.start_test.eq(~is_busy)
                with m.If(is_busy):
                    self._refuse(m, Status.BUSY)
            with m.Case(Kind.RESULT):
                self._give(m, Cat(self.timestep, self.result), RESULT_BYTES)

    def _write_current(self, m: Module, is_busy: Value) -> None:
        """Write one of the currents of a request, and go on with the next."""
        size, rest = self.layout.request_bytes(Kind.CURRENTS), self._receiver.length - self._at
        with m.If(is_busy):
            self._refuse(m, Status.BUSY)
        with m.Elif(self.neuron >= self.core.neurons):
            self._refuse(m, Status.MALFORMED)
        with m.Else():
            m.d.comb += self.write_current.eq(1)
            m.d.sync += self._left.eq(size)
            with m.If(rest >= size):
                m.next = "FETCH"
            with m.Elif(rest != 0):
                self._refuse(m, Status.MALFORMED)

    def _write_parameter(self, m: Module, is_busy: Value) -> None:
        """Offer a parameter write until it is taken: there is nothing under way that could keep it off."""
        unknown = (self.select >= len(self.core.runtime)) | (self.parameter_neuron >= self.core.neurons)
        with m.If(is_busy):
            self._refuse(m, Status.BUSY)
        with m.Elif(unknown):
            self._refuse(m, Status.MALFORMED)
        with m.Else():
            m.d.comb += self.parameter_valid.eq(1)
            with m.If(~self.parameter_ready):
                m.next = "ACT"

    def _answer(self, m: Module, tell: Any) -> None:
        """Write the answer into its memory, and send it: now, and whenever its request is repeated."""
        is_read = (self._receiver.kind == Kind.READ) & (self._status == Status.DONE)
        with m.State("STATUS"):
            m.d.comb += [tell.en.eq(1), tell.data.eq(self._status)]
            m.next = "STATE"
        with m.State("STATE"):
            m.d.comb += [tell.en.eq(1), tell.data.eq(self.state)]
            m.next = "START"
            with m.If(is_read):
                m.next = "COLLECT"
            with m.Elif(self._results != 0):
                m.next = "GIVE"
        with m.State("GIVE"):
            m.d.comb += [tell.en.eq(1), tell.data.eq(self._shift[:8])]
            m.d.sync += [self._shift.eq(self._shift >> 8), self._results.eq(self._results - 1)]
            with m.If(self._results == 1):
                m.next = "START"
                with m.If(is_read):
                    m.next = "COLLECT"
        with m.State("START"):
            m.d.comb += self._sender.start.eq(1)
            m.next = "SEND"
        with m.State("SEND"), m.If(self._sender.done):
            m.next = "LISTEN"

    def _collect(self, m: Module, records: Value) -> None:
        """Take a result; none if there has been none for a while, or enough were taken."""
        quiet = Signal(QUIET_BITS + 1)
        m.d.sync += quiet.eq(0)
        is_event = records[1] & self.events.valid
        with m.State("COLLECT"):
            m.d.sync += quiet.eq(quiet + 1)
            with m.If((self._left == 0) | quiet[-1]):
                m.next = "START"
            with m.Elif(is_event | (records[0] & self.updates.valid)):
                m.d.comb += [self.events.ready.eq(is_event), self.updates.ready.eq(~is_event)]
                record = Mux(is_event, self.events.payload, self.updates.payload)
                self._give(m, Cat(is_event, Const(0, 7), record), self.layout.record)
                m.d.sync += self._left.eq(self._left - 1)
                m.next = "GIVE"

    def _give(self, m: Module, result: Value, size: int) -> None:
        m.d.sync += [self._shift.eq(result), self._results.eq(size)]

    def _refuse(self, m: Module, why: Status) -> None:
        m.d.sync += self._status.eq(why)
        m.next = "STATUS"

    @property
    def _size(self) -> int:
        """Bytes of the longest request that is one word, or result."""
        requests = [self.layout.request_bytes(kind) for kind in Kind]
        return max(*requests, self.layout.record, NONCE_BYTES + IDENTITY_BYTES, RESULT_BYTES)

    def _given(self, kind: Kind) -> Value:
        """Return the arguments of a request, once they are shifted in."""
        return self._shift[8 * (self._size - self.layout.request_bytes(kind)) :]

    def _connect_arguments(self, m: Module) -> None:
        """Connect the arguments of whatever is next."""
        bits = 8 * self.layout.neuron
        current, parameter, test = map(self._given, (Kind.CURRENTS, Kind.PARAMETER, Kind.SELFTEST))
        m.d.comb += [
            self.neuron.eq(current[:bits]),
            self.current.eq(current[bits:]),
            self.timesteps.eq(self._given(Kind.STEP)),
            self.select.eq(parameter[:8]),
            self.parameter_neuron.eq(parameter[8 : 8 + bits]),
            self.parameter.eq(parameter[8 + bits :]),
            self.test_timesteps.eq(test[:TIMESTEP_BITS]),
            self.stalls.eq(test[TIMESTEP_BITS:][:STALL_RATE_BITS]),
            self.expected.eq(test[TIMESTEP_BITS + STALL_RATE_BITS :]),
        ]
