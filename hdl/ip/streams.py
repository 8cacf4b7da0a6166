"""A population's streams as AXI4-Stream: each word in whole bytes, extended by its sign."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Signal, Value

from qlif.hdl.ports import Port, Stream


@dataclass(frozen=True)
class Packed:
    """One word in TDATA.

    Attributes
    ----------
    port : Port
        The population's.
    lane : int
        Which of its words.
    low : int
        Lowest bit in TDATA.
    bits : int
        Whole bytes.
    """

    port: Port
    lane: int
    low: int
    bits: int


def packing(stream: Stream) -> tuple[Packed, ...]:
    """Return where each word of a stream is in TDATA: port after port, the first lowest, and in it lane after lane.

    The lanes of a single bit stay side by side.
    """
    words: list[Packed] = []
    for port in stream.payload:
        together = port.format.width == 1
        for lane in range(1 if together else port.lanes):
            width = port.width if together else port.format.width
            low = words[-1].low + words[-1].bits if words else 0
            words.append(Packed(port, lane, low, -(-width // 8) * 8))
    return tuple(words)


def data_bits(stream: Stream) -> int:
    """Return the width of TDATA."""
    last = packing(stream)[-1]
    return last.low + last.bits


def packed(stream: Stream, ports: dict[str, Signal]) -> Value:
    """Return TDATA of a stream that the population gives."""
    parts = []
    for word in packing(stream):
        bits = _word(ports[word.port.name], word)
        fill = bits[-1] if word.port.format.signed else 0
        parts.append(Cat(bits, *[fill] * (word.bits - len(bits))))
    return Cat(parts)


def unpacked(stream: Stream, data: Value) -> Value:
    """Return the only port of a stream that the population takes, from TDATA; further bits aren't looked at."""
    return Cat(data[word.low : word.low + word.port.format.width] for word in packing(stream))


def _word(port: Value, word: Packed) -> Value:
    width = word.port.format.width
    return port if width == 1 else port[word.lane * width : (word.lane + 1) * width]
