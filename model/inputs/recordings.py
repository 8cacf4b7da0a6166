"""Recorded input currents: NumPy arrays, tables of numbers, and sound files."""

import hashlib
import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.inputs import sound, table
from qlif.model.inputs.resampling import resampled
from qlif.model.support.checks import Quantity, allocate, gains, number_from, whole

SUFFIXES = (".npy", ".csv", *sound.SUFFIXES)
"""The file types that :func:`load` reads."""

RESAMPLINGS = ("average", "linear", "none")
"""The ways from samples to timesteps: see :func:`load`."""

_ANY = Quantity()
_MILLIVOLT = Quantity("mV")
_SPREAD = Quantity(minimum=0, maximum=1)
_RATE = Quantity("Hz", minimum=0, open=True)
_TIMESTEP = Quantity("ms", minimum=0, open=True)


def load(
    path: str | os.PathLike[str],
    *,
    neurons: int | None = None,
    dt: float,
    scale: float = 1.0,
    offset: float = 0.0,
    gain_spread: float = 0.0,
    rate: float | None = None,
    resample: str | None = None,
) -> npt.NDArray[np.float64]:
    """Read a recording as input currents, ``offset + scale * gain * sample``.

    ``.npy``
        Real numbers, ``(samples, channels)``, or ``(samples,)`` for one channel. Nothing pickled is read.
    ``.csv``
        One sample a line, one column a channel: see :func:`qlif.model.inputs.table.decode`.
    ``.wav``, ``.flac``, ``.ogg``, ``.aiff``, ``.aif``
        Sound. Full scale is 1, so `scale` is the current in mV at full scale.

    A channel is a neuron. A single channel drives all `neurons`, with gains from ``1 - gain_spread`` for
    the first to ``1 + gain_spread`` for the last, evenly spaced; otherwise the gain is 1.

    A recording with a sampling rate is resampled to the timestep in one of three ways:

    ``"average"``
        The default. A sample holds until the next one, and a timestep gets the mean of the samples
        over its duration, weighted by their overlap. The charge is kept, a recording that is faster
        than the timesteps is block-averaged (which damps what would alias), and one at
        exactly ``1000 / dt`` Hz is unchanged.
    ``"linear"``
        Straight lines between the samples, read at the start of each timestep. Smoother for a slow
        recording; a fast one aliases.
    ``"none"``
        One sample is one timestep, whatever the rate.

    A remainder shorter than a timestep is dropped.

    Parameters
    ----------
    path : path
        The file; its suffix gives its type, in upper or lower case.
    neurons : int, optional
        Number of neurons; that of the channels if not given.
    dt : float
        Timestep, ms, > 0.
    scale : float
        Current for a sample of 1, mV.
    offset : float
        Current for a sample of 0, mV.
    gain_spread : float
        Between 0 and 1; needs a recording of one channel.
    rate : float, optional
        Sampling rate of a ``.npy`` or ``.csv``, Hz, > 0. If not given, one sample is one timestep.
        A sound file has its own.
    resample : str, optional
        One of :data:`RESAMPLINGS`; needs a sampling rate.

    Returns
    -------
    array of float64, shape ``(timesteps, neurons)``
        Currents ``R I``, mV.

    Raises
    ------
    InputError
        An option is outside its range or doesn't go with the file type, the file can't be read or
        decoded, a sample isn't finite, or the channels don't match `neurons`.
    """
    file = Path(path)
    suffix = _known_suffix(file)
    asked = None if neurons is None else whole("neurons", neurons)
    timestep = _TIMESTEP.check("dt", dt)
    slope, level = _ANY.check("scale", scale), _MILLIVOLT.check("offset", offset)
    spread = _SPREAD.check("gain_spread", gain_spread)
    frequency = None if rate is None else _RATE.check("rate", rate)
    if resample is not None and resample not in RESAMPLINGS:
        raise InputError(unknown_name("resample", str(resample), RESAMPLINGS))
    if suffix in sound.SUFFIXES and rate is not None:
        raise InputError(f"rate can't be given for a {suffix} file, which has its own, not {show(rate)}")
    if suffix not in sound.SUFFIXES and rate is None and resample is not None:
        raise InputError(
            f"resample needs rate, the sampling rate in Hz, for a {suffix} file, not {show(resample)} alone"
        )
    data = _read(file)
    try:
        if suffix in sound.SUFFIXES:
            samples, frequency = sound.decode(data)
        else:
            samples = _decode_npy(data) if suffix == ".npy" else table.decode(data)
        _refuse_non_finite(samples)
        fanned = _gains_of(samples.shape[1], asked, spread)
        if frequency is not None and resample != "none":
            samples = resampled(samples, frequency, timestep, linear=resample == "linear")
        currents = allocate(len(samples), len(fanned))
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(samples, slope * fanned, out=currents)
            currents += level
        if not np.all(np.isfinite(currents)):
            raise InputError(f"scale {slope} and offset {level} mV give currents that aren't finite")
    except InputError as error:
        raise InputError(f"{_named(file)}: {error}") from None
    return currents


def content(path: str) -> str:
    """Return a digest of a recording's bytes; InputError if it can't be read."""
    return hashlib.sha256(_read(Path(path))).hexdigest()


def options_from(path: str, texts: dict[str, str]) -> dict[str, Any]:
    """Return the options of :func:`load` from their spelling, as far as the type of `path` has them.

    Raises
    ------
    InputError
        The file type or an option isn't known, or a number can't be read.
    """
    suffix = _known_suffix(Path(path))
    known = ["scale", "offset", "gain_spread", "resample"] + ["rate"] * (suffix not in sound.SUFFIXES)
    for name in texts:
        if name not in known:
            raise InputError(unknown_name(f"option of a {suffix} file", name, known))
    return {name: text if name == "resample" else number_from(name, text) for name, text in texts.items()}


def summary() -> str:
    """Return the options of a recording with defaults and ranges in one line, for a help text."""
    files = ", ".join(f"FILE{suffix}" for suffix in SUFFIXES)
    return (
        f"{files}: scale=1.0 (mV per unit), offset=0.0 (mV), gain_spread=0.0 (from 0 to 1), "
        f"rate (Hz, not with sound), resample=average ({', '.join(RESAMPLINGS)})"
    )


def _named(file: Path) -> str:
    return repr(str(file))  # quoted, so that a line break in a name doesn't break the error


def _known_suffix(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"input file {_named(file)} must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        )
    return suffix


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise InputError(f"input file {_named(file)} doesn't exist") from None
    except IsADirectoryError:
        raise InputError(f"input file {_named(file)} is a directory") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"input file {_named(file)} can't be read: {reason}") from None
    except MemoryError:
        raise InputError(f"input file {_named(file)} doesn't fit in memory") from None


def _decode_npy(data: bytes) -> npt.NDArray[np.float64]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # a header is Python's syntax, so a malformed one fails in many ways
        reason = " ".join(str(error).split()) or "the header can't be read"
        raise InputError(f"not a readable .npy file: {reason}") from None
    if array.dtype.kind not in "iuf":
        raise InputError(f"the samples must be real numbers, not of type {array.dtype}")
    if array.ndim not in (1, 2):
        raise InputError(f"the array must be of shape (samples, channels) or (samples,), not {array.shape}")
    if array.size == 0:
        raise InputError(f"the file has no samples: its shape is {array.shape}")
    with np.errstate(over="ignore"):  # a longdouble outside of float64 is refused as infinite
        return array.reshape(len(array), -1).astype(np.float64)


def _refuse_non_finite(samples: npt.NDArray[np.float64]) -> None:
    wrong = np.argwhere(~np.isfinite(samples))
    if len(wrong):
        row, column = wrong[0]
        raise InputError(
            f"sample {row + 1} of channel {column + 1} (counted from 1) must be finite, "
            f"not {samples[row, column]}"
        )


def _gains_of(channels: int, neurons: int | None, spread: float) -> npt.NDArray[np.float64]:
    """Return one gain per neuron, shape ``(neurons,)``."""
    if channels == 1:
        return gains(1 if neurons is None else neurons, spread)
    if spread:
        raise InputError(f"gain_spread {spread} needs a recording of one channel, not of {channels}")
    if neurons not in (None, channels):
        raise InputError(
            f"the recording has {channels} channels, but {neurons} neurons were asked for; "
            "only a single channel can be given to any number"
        )
    return np.ones(channels)
