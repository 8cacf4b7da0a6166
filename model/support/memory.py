"""Whether a run fits the machine's memory, said before it starts."""

import psutil

from qlif.model.exceptions import InputError


def available_bytes() -> int:
    """Return how much memory a new program can have without swapping."""
    return int(psutil.virtual_memory().available)


def require_memory(what: str, needed: int) -> None:
    """Refuse what takes more memory than there is.

    Raises
    ------
    InputError
        With both figures.
    """
    available = available_bytes()
    if needed > available:
        raise InputError(
            f"{what} takes about {_shown(needed)} of memory, but {_shown(available)} are available"
        )


def _shown(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
