"""Frames in bytes, and bytes in frames: :mod:`qlif.hdl.board.link` defines them."""

from dataclasses import dataclass
from zlib import crc32

from qlif.hdl.board.link import CRC_BYTES, HEADER_BYTES, MOST_PAYLOAD, SYNC


@dataclass(frozen=True)
class Frame:
    """A frame that is whole."""

    sequence: int
    kind: int
    payload: bytes = b""

    def encoded(self) -> bytes:
        """Return its bytes on the line."""
        body = bytes((len(self.payload), self.sequence, self.kind)) + self.payload
        return SYNC + body + crc32(body).to_bytes(CRC_BYTES, "little")


class FrameReader:
    """Finds the frames in a stream of bytes, whatever else is in it.

    Attributes
    ----------
    damaged : int
        How often what began like a frame wasn't one.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes; return the frames that are whole now."""
        self._bytes += data
        frames: list[Frame] = []
        while True:
            begin = self._bytes.find(SYNC)
            if begin < 0:
                # Its first byte may be the last one here.
                del self._bytes[: len(self._bytes) - self._bytes.endswith(SYNC[:1])]
                return frames
            del self._bytes[:begin]
            length = self._bytes[len(SYNC)] if len(self._bytes) > len(SYNC) else 0
            end = len(SYNC) + HEADER_BYTES + length + CRC_BYTES
            if length <= MOST_PAYLOAD and len(self._bytes) < end:
                return frames
            body = bytes(self._bytes[len(SYNC) : end - CRC_BYTES])
            check = bytes(self._bytes[end - CRC_BYTES : end])
            if length <= MOST_PAYLOAD and crc32(body).to_bytes(CRC_BYTES, "little") == check:
                frames.append(Frame(body[1], body[2], body[HEADER_BYTES:]))
                del self._bytes[:end]
            else:
                self._skip()

    def give_up(self) -> list[Frame]:
        """Wait no longer for the end of what has begun; return the frames that were behind its beginning."""
        if not self._bytes.startswith(SYNC):
            return []
        self._skip()
        return self.feed(b"")

    def _skip(self) -> None:
        """Look for the next frame behind the beginning of this one, of which nothing is certain."""
        self.damaged += 1
        del self._bytes[:1]
