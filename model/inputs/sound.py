"""Sound files, as libsndfile reads them: WAV in all its kinds, FLAC, Ogg and AIFF."""

import io
import re
import warnings

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, InputWarning
from qlif.model.support.memory import require_memory

SUFFIXES = (".wav", ".flac", ".ogg", ".aiff", ".aif")

_CUT_OFF = re.compile(
    r"^ *(?:data|SSND|riff) *: (?P<declared>\d+) \(should be (?P<found>\d+)\)"
    r"|^\*\*\* Calculated frame count (?P<frames>\d+) does not match value from 'ds64' chunk of (?P<all>\d+)",
    re.MULTILINE,
)
"""What libsndfile's log says of a file that is shorter than it declares; it reads what there is."""

_OPEN_ENDED = 0xFFFFF000
"""A size from here on was written before the length was known, as programs do that write to a pipe."""

_OGG_END = 4


class _InMemory(io.BytesIO):
    """Bytes in which an invalid seek, as a malformed header asks for, raises nothing inside libsndfile."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def decode(data: bytes) -> tuple[npt.NDArray[np.float64], float]:
    """Return the samples of a sound file, ``(frames, channels)``, and its sampling rate in Hz.

    Integer samples are divided by full scale and lie in [-1, 1); float samples are as written.

    Raises
    ------
    InputError
        It isn't a sound file, is cut off, or has no samples; or soundfile isn't installed.

    Warns
    -----
    InputWarning
        An Ogg file has no end mark, so it may be truncated.
    """
    try:
        import soundfile  # late: most runs read no sound
    except (ImportError, OSError) as error:  # OSError: its library isn't there
        raise InputError(f"sound files need the package soundfile: {error}") from None
    try:
        with soundfile.SoundFile(_InMemory(data)) as file:
            frames, channels, rate = file.frames, file.channels, float(file.samplerate)
            require_memory(f"a sound of {frames} frames of {channels} channels", 8 * frames * channels)
            samples = np.asarray(file.read(dtype="float64", always_2d=True))
            kind, log = file.format, file.extra_info
    except InputError:
        raise
    except soundfile.LibsndfileError as error:
        reason = error.error_string.removeprefix("Error : ").rstrip(".")
        raise InputError(f"not a readable sound file: {reason}") from None
    except Exception as error:  # whatever else a malformed header leads to
        raise InputError(f"not a readable sound file: {' '.join(str(error).split())}") from None
    _refuse_cut_off(log)
    if len(samples) != frames:
        raise InputError(f"cut off: it declares {frames} frames, but has {len(samples)}")
    if not len(samples):
        raise InputError("the file has no samples")
    if kind == "OGG" and not data[data.rfind(b"OggS") :][5:6] >= bytes([_OGG_END]):
        warnings.warn("the Ogg file has no end mark: it may be cut off", InputWarning, stacklevel=2)
    return samples, rate


def _refuse_cut_off(log: str) -> None:
    for line in _CUT_OFF.finditer(log):
        if line["frames"]:
            raise InputError(f"cut off: it declares {line['all']} frames, but has {line['frames']}")
        declared, found = int(line["declared"]), int(line["found"])
        if found < declared < _OPEN_ENDED:
            raise InputError(f"cut off: it declares {declared} bytes, but has {found}")
