"""Whether a run fits the machine's memory, said before it starts."""

import os
from pathlib import Path

from qlif.model.exceptions import InputError

_MEMINFO = Path("/proc/meminfo")


def available_bytes() -> int | None:
    """Return how much memory a new program can have without swapping; None where the system doesn't say."""
    try:
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def require_memory(what: str, needed: int) -> None:
    """Refuse what takes more memory than there is.

    Raises
    ------
    InputError
        With both figures.
    """
    available = available_bytes()
    if available is not None and needed > available:
        raise InputError(
            f"{what} takes about {_shown(needed)} of memory, but {_shown(available)} are available"
        )


def _shown(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
