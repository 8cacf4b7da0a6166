"""How long tools may take on text that may be anybody's: without limits, an endless loop in it is ours."""

import os

from qlif.model.exceptions import InputError, show

BUILD_VARIABLE, SILENT_VARIABLE = "QLIF_BUILD_SECONDS", "QLIF_SILENT_SECONDS"


def build_seconds() -> float:
    """Return how long a build may take: half an hour, if the environment doesn't say otherwise.

    One that takes longer has no end: a file that includes itself, say.
    """
    return _seconds(BUILD_VARIABLE, 1800.0)


def silent_seconds() -> float:
    """Return how long a simulation may go on without progress: ten minutes, if the environment doesn't say otherwise.

    One that takes longer is in a loop in which no time passes, or waits for what never comes.
    """
    return _seconds(SILENT_VARIABLE, 600.0)


def _seconds(variable: str, usual: float) -> float:
    said = os.environ.get(variable, "")
    try:
        seconds = float(said) if said else usual
    except ValueError:
        seconds = float("nan")
    if not 0 < seconds <= 1e6:
        raise InputError(f"{variable} must be above 0 and at most 1e6 seconds, not {show(said)}")
    return seconds
