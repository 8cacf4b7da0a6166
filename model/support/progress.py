"""How long work tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with what goes on and the fraction of it that is done."""


def unwatched(what: str, fraction: float) -> None:
    """Tell nobody."""
