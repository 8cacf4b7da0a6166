"""What a board does on a request: :mod:`qlif.hdl.board.link` says what that is."""

from collections.abc import Callable, Mapping
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
        # A word's first byte leads: arguments are shifted in from above, results out below.
        shift = Signal(8 * self._size)
        given = {kind: shift[8 * (self._size - self.layout.request_bytes(kind)) :] for kind in Kind}
        self._connect_arguments(m, given)

        status, in_session, last = Signal(8), Signal(), Signal(8)
        left, results, records = Signal(8), Signal(range(self._size + 1)), Signal(len(Records), init=-1)
        collecting, quiet = Signal(), Signal(QUIET_BITS + 1)
        event_first = records[1] & self.events.valid
        m.d.comb += [
            self.events.ready.eq(collecting | ~records[1]),
            self.updates.ready.eq(collecting & ~event_first | ~records[0]),
        ]
        with m.If(tell.en):
            m.d.sync += length.eq(length + 1)

        def refuse(why: Status) -> None:
            m.d.sync += status.eq(why)
            m.next = "STATUS"

        with m.FSM():
            with m.State("LISTEN"):
                m.d.comb += receiver.valid.eq(self.valid)
                with m.If(receiver.frame):
                    m.d.sync += [at.eq(0), status.eq(Status.DONE), results.eq(0)]
                    is_hello = receiver.kind == Kind.HELLO
                    is_next = in_session & (receiver.sequence == (last + 1)[:8])
                    with m.If(is_hello | is_next):
                        m.d.sync += [in_session.eq(1), last.eq(receiver.sequence), length.eq(0)]
                        m.next = "CHECK"
                    with m.Elif(in_session & (receiver.sequence == last)):
                        m.next = "START"
                    with m.Else():
                        m.d.sync += [in_session.eq(0), length.eq(0)]
                        refuse(Status.NO_SESSION)
            with m.State("CHECK"):
                refuse(Status.MALFORMED)
                with m.Switch(receiver.kind):
                    for kind in Kind:
                        with m.Case(kind):
                            size = self.layout.request_bytes(kind)
                            m.d.sync += left.eq(size)
                            is_many = (
                                receiver.length >= size if kind is Kind.CURRENTS else receiver.length == size
                            )
                            with m.If(is_many):
                                m.d.sync += status.eq(Status.DONE)
                                m.next = "FETCH" if size else "ACT"
            with m.State("FETCH"):
                m.next = "SHIFT"
            with m.State("SHIFT"):
                m.d.sync += [shift.eq(Cat(shift[8:], argument.data)), at.eq(at + 1), left.eq(left - 1)]
                m.next = "FETCH"
                with m.If(left == 1):
                    m.next = "ACT"
            with m.State("ACT"):
                m.next = "STATUS"
                is_busy = (self.state & (State.STEPPING | State.TESTING)).any()
                with m.Switch(receiver.kind):
                    with m.Case(Kind.HELLO):
                        known = Const(int.from_bytes(self.identity, "little"), 8 * IDENTITY_BYTES)
                        m.d.sync += [
                            shift.eq(Cat(given[Kind.HELLO], known)),
                            results.eq(NONCE_BYTES + IDENTITY_BYTES),
                        ]
                    with m.Case(Kind.RESET):
                        m.d.comb += self.reset.eq(1)
                        m.d.sync += records.eq(-1)
                    with m.Case(Kind.CURRENTS):
                        size = self.layout.request_bytes(Kind.CURRENTS)
                        with m.If(is_busy):
                            refuse(Status.BUSY)
                        with m.Elif(self.neuron >= self.core.neurons):
                            refuse(Status.MALFORMED)
                        with m.Else():
                            m.d.comb += self.write_current.eq(1)
                            m.d.sync += left.eq(size)
                            with m.If(receiver.length - at >= size):
                                m.next = "FETCH"
                            with m.Elif(receiver.length != at):
                                refuse(Status.MALFORMED)
                    with m.Case(Kind.STEP):
                        m.d.comb += self.start_steps.eq(~is_busy)
                        with m.If(is_busy):
                            refuse(Status.BUSY)
                    with m.Case(Kind.READ):
                        wanted, most = given[Kind.READ][:8], given[Kind.READ][8:]
                        m.d.sync += [records.eq(wanted), left.eq(most)]
                        with m.If((most > self.layout.most_records) | (wanted >= 1 << len(Records))):
                            m.d.sync += records.eq(records)
                            refuse(Status.MALFORMED)
                    with m.Case(Kind.PARAMETER):
                        self._write_parameter(m, is_busy, refuse)
                    with m.Case(Kind.SELFTEST):
                        m.d.comb += self.start_test.eq(~is_busy)
                        with m.If(is_busy):
                            refuse(Status.BUSY)
                    with m.Case(Kind.RESULT):
                        m.d.sync += [shift.eq(Cat(self.timestep, self.result)), results.eq(RESULT_BYTES)]
            with m.State("STATUS"):
                m.d.comb += [tell.en.eq(1), tell.data.eq(status)]
                m.next = "STATE"
            with m.State("STATE"):
                m.d.comb += [tell.en.eq(1), tell.data.eq(self.state)]
                m.d.sync += quiet.eq(0)
                is_read = (receiver.kind == Kind.READ) & (status == Status.DONE)
                with m.If(is_read):
                    m.next = "COLLECT"
                with m.Elif(results != 0):
                    m.next = "GIVE"
                with m.Else():
                    m.next = "START"
            with m.State("COLLECT"):
                m.d.comb += collecting.eq(left != 0)
                m.d.sync += quiet.eq(quiet + 1)
                with m.If((left == 0) | quiet[-1]):
                    m.next = "START"
                with m.If(collecting & (event_first | records[0] & self.updates.valid)):
                    record = Mux(event_first, self.events.payload, self.updates.payload)
                    m.d.sync += [shift.eq(Cat(event_first, Const(0, 7), record)), left.eq(left - 1)]
                    m.d.sync += results.eq(self.layout.record)
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += [tell.en.eq(1), tell.data.eq(shift[:8])]
                m.d.sync += [shift.eq(shift >> 8), results.eq(results - 1), quiet.eq(0)]
                with m.If(results == 1):
                    m.next = "START"
                    with m.If(receiver.kind == Kind.READ):
                        m.next = "COLLECT"
            with m.State("START"):
                m.d.comb += sender.start.eq(1)
                m.next = "SEND"
            with m.State("SEND"), m.If(sender.done):
                m.next = "LISTEN"
        return m

    @property
    def _size(self) -> int:
        """Bytes of the longest request that is one word, or result."""
        requests = [self.layout.request_bytes(kind) for kind in Kind]
        return max(*requests, self.layout.record, NONCE_BYTES + IDENTITY_BYTES, RESULT_BYTES)

    def _connect_arguments(self, m: Module, given: Mapping[Kind, Value]) -> None:
        """Connect the arguments of whatever is next."""
        bits = 8 * self.layout.neuron
        current, parameter, test = (given[kind] for kind in (Kind.CURRENTS, Kind.PARAMETER, Kind.SELFTEST))
        m.d.comb += [
            self.neuron.eq(current[:bits]),
            self.current.eq(current[bits:]),
            self.timesteps.eq(given[Kind.STEP]),
            self.select.eq(parameter[:8]),
            self.parameter_neuron.eq(parameter[8 : 8 + bits]),
            self.parameter.eq(parameter[8 + bits :]),
            self.test_timesteps.eq(test[:TIMESTEP_BITS]),
            self.stalls.eq(test[TIMESTEP_BITS:][:STALL_RATE_BITS]),
            self.expected.eq(test[TIMESTEP_BITS + STALL_RATE_BITS :]),
        ]

    def _write_parameter(self, m: Module, is_busy: Value, refuse: Callable[[Status], None]) -> None:
        """Offer a parameter write until it is taken: there is nothing under way that could keep it off."""
        unknown = (self.select >= len(self.core.runtime)) | (self.parameter_neuron >= self.core.neurons)
        with m.If(is_busy):
            refuse(Status.BUSY)
        with m.Elif(unknown):
            refuse(Status.MALFORMED)
        with m.Else():
            m.d.comb += self.parameter_valid.eq(1)
            with m.If(~self.parameter_ready):
                m.next = "ACT"
