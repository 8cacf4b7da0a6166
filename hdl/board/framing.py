"""Frames in gates: :mod:`qlif.hdl.board.link` defines them."""

from typing import Any

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out

from qlif.hdl.board.link import ANSWER, CRC_BYTES, HEADER_BYTES, MOST_PAYLOAD, SYNC

GAP_BITS = 16
"""After so many clocks without a byte, as a power of two, a frame isn't gone on with."""
PLACE_BITS = 8
"""Of a byte's place in a payload."""


class FrameReceiver(wiring.Component):
    """Finds frames among bytes, and checks them.

    Attributes
    ----------
    data : In, 8 bits
    valid : In
        A byte is there.
    write, place : Out
        A byte of a payload, which may prove damaged, is at `data`.
    frame : Out
        For one clock: a frame was whole, and its payload is the one that was written last.
    length, sequence, kind : Out
        What it said.
    """

    data: Value
    valid: Value
    write: Value
    place: Value
    frame: Value
    length: Value
    sequence: Value
    kind: Value

    def __init__(self) -> None:
        said = {name: Out(8) for name in ("length", "sequence", "kind")}
        inputs = {"data": In(8), "valid": In(1)}
        super().__init__({**inputs, "write": Out(1), "place": Out(PLACE_BITS), "frame": Out(1), **said})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        m.submodules.crc = crc = CRC32_ETHERNET().create()
        gap, left, header = (
            Signal(GAP_BITS + 1),
            Signal(range(MOST_PAYLOAD + CRC_BYTES + 1)),
            Signal(range(HEADER_BYTES)),
        )
        m.d.comb += crc.data.eq(self.data)
        m.d.sync += gap.eq(Mux(self.valid, 0, gap + 1))
        is_late = gap[-1]
        with m.FSM():
            with m.State("SYNC"), m.If(self.valid & (self.data == SYNC[0])):
                m.next = "SYNC 2"
            with m.State("SYNC 2"):
                m.d.comb += crc.start.eq(1)
                m.d.sync += header.eq(0)
                with m.If(self.valid):
                    with m.If(self.data == SYNC[1]):
                        m.next = "HEADER"
                    with m.Elif(self.data != SYNC[0]):
                        m.next = "SYNC"
                with m.If(is_late):
                    m.next = "SYNC"
            with m.State("HEADER"):
                m.d.comb += crc.valid.eq(self.valid)
                with m.If(self.valid):
                    m.d.sync += [
                        self.kind.eq(self.data),
                        self.sequence.eq(self.kind),
                        self.length.eq(self.sequence),
                    ]
                    m.d.sync += [header.eq(header + 1), self.place.eq(0)]
                    with m.If(header == HEADER_BYTES - 1):
                        m.d.sync += left.eq(self.sequence + CRC_BYTES)
                        m.next = "BODY"
                    with m.If((header == 0) & (self.data > MOST_PAYLOAD)):
                        m.next = "SYNC"
                with m.If(is_late):
                    m.next = "SYNC"
            with m.State("BODY"):
                m.d.comb += [crc.valid.eq(self.valid), self.write.eq(self.valid)]
                with m.If(self.valid):
                    m.d.sync += [left.eq(left - 1), self.place.eq(self.place + 1)]
                    with m.If(left == 1):
                        m.next = "CHECK"
                with m.If(is_late):
                    m.next = "SYNC"
            with m.State("CHECK"):
                m.d.comb += self.frame.eq(crc.match_detected)
                m.next = "SYNC"
        return m


class FrameSender(wiring.Component):
    """Sends a frame whose payload is in a memory.

    Attributes
    ----------
    start : In
        Sends one; the rest of the inputs stay until `done`.
    length, sequence, kind : In
        Of the request that it answers.
    place : Out
    data : In
        The payload's byte at `place`, a clock later.
    bytes : Out, stream of 8 bits
    done : Out
        For one clock: the last byte was taken.
    """

    start: Value
    length: Value
    sequence: Value
    kind: Value
    place: Value
    data: Value
    bytes: Any
    done: Value

    def __init__(self) -> None:
        said = {name: In(8) for name in ("length", "sequence", "kind", "data")}
        outputs = {"place": Out(PLACE_BITS), "bytes": Out(stream.Signature(8)), "done": Out(1)}
        super().__init__({"start": In(1), **said, **outputs})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        m.submodules.crc = crc = CRC32_ETHERNET().create()
        head = Array([*(Const(byte, 8) for byte in SYNC), self.length, self.sequence, self.kind | ANSWER])
        at, taken = Signal(range(len(head))), Signal()
        m.d.comb += [taken.eq(self.bytes.valid & self.bytes.ready), crc.data.eq(self.bytes.payload)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += crc.start.eq(1)
                m.d.sync += [at.eq(0), self.place.eq(0)]
                with m.If(self.start):
                    m.next = "HEAD"
            with m.State("HEAD"):
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(head[at])]
                m.d.comb += crc.valid.eq(taken & (at >= len(SYNC)))
                with m.If(taken):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at == len(head) - 1):
                        m.d.sync += at.eq(0)
                        m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "PAYLOAD"
            with m.State("PAYLOAD"):
                # Every answer has a payload.
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(self.data), crc.valid.eq(taken)]
                with m.If(taken):
                    m.d.sync += self.place.eq(self.place + 1)
                    m.next = "FETCH"
                    with m.If(self.place == self.length - 1):
                        m.next = "CRC"
            with m.State("CRC"):
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(crc.crc.word_select(at[:2], 8))]
                with m.If(taken):
                    m.d.sync += at.eq(at + 1)
                    with m.If(at == CRC_BYTES - 1):
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
        return m
