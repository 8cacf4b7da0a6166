"""A recording in one file: numpy's ``.npz``, with the exact parameters as JSON beside the arrays."""

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError, show
from qlif.model.parameters import Parameters
from qlif.model.quantisation import quantise
from qlif.model.support.files import whole_file
from qlif.model.words import Words

if TYPE_CHECKING:
    from qlif.model.recording import Recording

KIND, VERSION = "qlif-recording", 1
"""What the header says. A new version is one that this one can't read rightly."""

_ARRAYS = "potentials", "traces", "phases"
_WORDS = "potential_words", "trace_words", "phase_words"


def save(recording: "Recording", path: Path) -> None:
    """Write a recording as a whole file."""
    words, parameters = recording.words, recording.parameters
    header = {
        "kind": KIND,
        "version": VERSION,
        "dt_ms": recording.dt,
        "shape": recording.shape,
        "parameters": None if parameters is None else parameters.as_dict(),
        "arithmetic": None if words is None else words.arithmetic.as_dict(),
        "words": None if words is None else _plain(words),
    }
    # Of a fixed-point run the words; what they are in mV follows from them.
    found = {name: getattr(recording, name) for name in (_WORDS if words else _ARRAYS)}
    arrays: dict[str, Any] = {name: array for name, array in found.items() if array is not None}
    with whole_file(path) as temporary, temporary.open("wb") as file:
        text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        np.savez_compressed(file, header=text, spike_bits=recording.spike_bits, **arrays)


def load(path: Path) -> "Recording":
    """Read a recording.

    Raises
    ------
    InputError
        The file isn't one, is damaged, or was saved by a newer version; or its parameters give other words today.
    """
    from qlif.model.recording import Recording

    header, arrays = _read(path)
    try:
        parameters = None if header["parameters"] is None else Parameters(**header["parameters"])
        words = None
        if header["arithmetic"] is not None and parameters is not None:
            words = quantise(parameters, Arithmetic(**header["arithmetic"]))
            if _plain(words) != header["words"]:
                raise InputError(
                    f"{path}: its parameters have other words today: another version of qlif saved it"
                )
        shape = tuple(int(length) for length in header["shape"])
        bits = arrays["spike_bits"]
        potentials, traces, phases = map(arrays.get, _ARRAYS)
        potential_words, trace_words, phase_words = map(arrays.get, _WORDS)
        start, given = (header["dt_ms"], bits, shape), (words, potential_words, trace_words, parameters)
        return Recording.of_bits(*start, potentials, traces, *given, phases, phase_words)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is a damaged recording: {type(error).__name__}: {error}") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return a file's header and arrays."""
    try:
        # Opened here, since numpy leaves a damaged file open.
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(bytes(arrays["header"]))
    except FileNotFoundError:
        raise InputError(f"there is no {path}") from None
    except (OSError, KeyError, ValueError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} must be a recording that was saved, not {type(error).__name__}: {error}"
        ) from None
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise InputError(f"{path} must be a recording that was saved; its header is another")
    version = header.get("version")
    if version != VERSION:
        raise InputError(
            f"{path} must be a recording of version {VERSION}, not {show(version)}: use a newer qlif"
        )
    return header, arrays


def _plain(words: Words) -> dict[str, object]:
    """Return the parameter words as JSON gives them back."""
    return {
        name: word.tolist() if isinstance(word, np.ndarray) else int(word)
        for name, word in words.values.items()
    }
