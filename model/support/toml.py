"""TOML files, read in one way."""

import tomllib
from pathlib import Path
from typing import Any

from qlif.model.exceptions import InputError


def read_toml(file: Path) -> dict[str, Any]:
    """Return a file's content.

    Raises
    ------
    InputError
        It can't be read, or isn't TOML in UTF-8.
    """
    try:
        # A byte order mark, as some editors write it, is no part of the text.
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} must be a TOML file in UTF-8") from None
    except RecursionError:
        raise InputError(f"{file} must be a TOML file of fewer levels: it is nested too deep") from None
    except ValueError as error:  # what tomllib says, and Python of a whole number of thousands of digits
        raise InputError(f"{file} must be a TOML file: {error}") from None


def value_of(text: str) -> Any:
    """Return what a text spells as a value of TOML: a number, true, a list; anything else is a text."""
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    # More than one line would set more than one value.
    return found["value"] if list(found) == ["value"] else text
