"""Libraries that are installed with an extra only."""

import importlib
import importlib.util
import warnings
from typing import Any

from qlif.model.exceptions import InputError


def optional(module: str, extra: str) -> Any:
    """Return a module that an extra installs.

    Raises
    ------
    InputError
        It can't be imported; the text says which extra has it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what other libraries' imports complain of
            return importlib.import_module(module)
    except ImportError as error:
        raise missing(error.name or module, extra) from None


def missing(module: str, extra: str) -> InputError:
    """Return the error for a module that isn't there."""
    name = module.partition(".")[0].replace("_", "-")
    return InputError(f"{name} is not installed: pip install 'qlif[{extra}]'")


def require(extra: str, *modules: str) -> None:
    """Refuse to begin what would fail in the middle for want of a module.

    Raises
    ------
    InputError
        One of an extra's modules isn't installed.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise missing(module, extra)
