"""Sound files: RIFF/WAVE with linear PCM or IEEE float samples, decoded to floats.

The standard library's ``wave`` refuses float samples, which scientific tools write by default.
Sources of the layout: Microsoft and IBM, *Multimedia Programming Interface and Data Specifications
1.0* (1991), for the chunks and PCM; Microsoft's documentation of ``WAVEFORMATEXTENSIBLE`` for the rest.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError

PCM = 0x0001
IEEE_FLOAT = 0x0003
EXTENSIBLE = 0xFFFE

_SUBFORMAT_TAIL = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")
"""What follows the format tag in the GUID of a ``WAVE_FORMAT_EXTENSIBLE`` file."""

_NAMES = {
    0x0002: "Microsoft ADPCM",
    0x0006: "A-law",
    0x0007: "mu-law",
    0x0011: "IMA ADPCM",
    0x0031: "GSM 6.10",
    0x0055: "MP3",
}


@dataclass(frozen=True)
class Sound:
    """What a sound file holds.

    Parameters
    ----------
    rate : int
        Frames per second, Hz.
    samples : array of float64, shape ``(frames, channels)``
        Integer samples are divided by full scale and lie in [-1, 1); float samples are as written.
    """

    rate: int
    samples: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Format:
    tag: int
    channels: int
    rate: int
    frame_bytes: int
    bits: int


def decode(data: bytes) -> Sound:
    """Decode the bytes of a WAVE file.

    PCM of 8 (unsigned), 16, 24 or 32 bits and IEEE float of 32 or 64 bits are read, plain or as
    ``WAVE_FORMAT_EXTENSIBLE``. Chunks other than the format and the samples are passed over.

    Raises
    ------
    InputError
        It isn't a WAVE file, the encoding is another one (the text gives its format tag), the file
        is truncated, or there are no samples.
    """
    if data[:4] in (b"RIFX", b"RF64"):
        raise InputError(f"the container {data[:4].decode()} isn't supported, only RIFF")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise InputError("not a RIFF/WAVE file")
    form: _Format | None = None
    for name, start, size in _chunks(data):
        if name == b"fmt ":
            form = _parse_format(_whole_chunk(data, name, start, size))
        elif name == b"data":
            if form is None:
                raise InputError("the samples come before the format")
            return Sound(form.rate, _parse_samples(_whole_chunk(data, name, start, size), form))
    raise InputError("the file has no format" if form is None else "the file has no samples")


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, the first byte and the declared size of each chunk."""
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        yield name, position + 8, size
        position += 8 + size + size % 2  # a chunk of odd size is padded with one byte


def _whole_chunk(data: bytes, name: bytes, start: int, size: int) -> bytes:
    body = data[start : start + size]
    if len(body) < size:
        raise InputError(
            f"truncated: its {name.decode().strip()!r} chunk should have {size} bytes, but has {len(body)}"
        )
    return body


def _parse_format(body: bytes) -> _Format:
    if len(body) < 16:
        raise InputError(f"the format must have at least 16 bytes, not {len(body)}")
    tag, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE:
        if len(body) < 40:
            raise InputError(f"an extensible format must have at least 40 bytes, not {len(body)}")
        if body[26:40] != _SUBFORMAT_TAIL:
            raise InputError(f"the subformat {body[24:40].hex()} isn't supported, only PCM and IEEE float")
        # The samples are left-justified in their container, so the number of valid bits isn't needed.
        (tag,) = struct.unpack_from("<H", body, 24)
    if tag not in (PCM, IEEE_FLOAT):
        known = f" ({_NAMES[tag]})" if tag in _NAMES else ""
        raise InputError(
            f"the encoding with format tag 0x{tag:04X}{known} isn't supported, "
            "only PCM (0x0001) and IEEE float (0x0003)"
        )
    allowed, kind = ((8, 16, 24, 32), "PCM") if tag == PCM else ((32, 64), "IEEE float")
    if bits not in allowed:
        widths = ", ".join(map(str, allowed[:-1])) + f" or {allowed[-1]}"
        raise InputError(f"{kind} samples must have {widths} bits, not {bits}")
    if channels == 0:
        raise InputError("the number of channels must be 1 or more, not 0")
    if rate == 0:
        raise InputError("the sampling rate must be greater than 0 Hz, not 0")
    if frame_bytes != channels * bits // 8:
        raise InputError(
            f"a frame of {channels} channels of {bits} bits must have {channels * bits // 8} bytes, "
            f"not {frame_bytes}"
        )
    return _Format(tag, channels, rate, frame_bytes, bits)


def _parse_samples(body: bytes, form: _Format) -> npt.NDArray[np.float64]:
    if not body:
        raise InputError("the file has no samples")
    if len(body) % form.frame_bytes:
        raise InputError(
            f"truncated: {len(body)} bytes of samples aren't whole frames of {form.frame_bytes} bytes"
        )
    if form.tag == IEEE_FLOAT:
        samples = np.frombuffer(body, "<f4" if form.bits == 32 else "<f8").astype(np.float64)
    elif form.bits == 8:
        samples = (np.frombuffer(body, np.uint8).astype(np.float64) - 128) / 128
    elif form.bits == 24:
        # Each sample becomes the upper three bytes of a 32-bit word, which puts the sign in its place.
        words = np.zeros((len(body) // 3, 4), np.uint8)
        words[:, 1:] = np.frombuffer(body, np.uint8).reshape(-1, 3)
        samples = words.view("<i4").ravel() / 2.0**31
    else:
        samples = np.frombuffer(body, f"<i{form.bits // 8}") / 2.0 ** (form.bits - 1)
    return samples.reshape(-1, form.channels)
