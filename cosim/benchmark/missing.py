"""A library that may not be installed."""

import importlib
from typing import Any


class Missing(Exception):
    """A contender can't run here; the text says why, in one line."""


def library(module: str, package: str) -> Any:
    """Return a module, or say which package to install.

    Raises
    ------
    Missing
        It isn't installed, or it doesn't work with what is.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise Missing(f"{package} isn't installed") from None
    except Exception as error:  # whatever goes wrong inside somebody else's package
        first = str(error).strip().splitlines() or [""]
        raise Missing(f"{package} can't be imported: {type(error).__name__}: {first[0]}") from None
