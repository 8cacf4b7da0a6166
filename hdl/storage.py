"""Where a parameter lives in the hardware: in the gates, in a register, or one per neuron in a memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from qlif.model.exceptions import InputError, unknown_name
from qlif.model.formats import UQ, Format
from qlif.model.words import Words


class Depth(StrEnum):
    """How changeable a parameter is, from the cheapest to the dearest."""

    GATES = "gates"
    """Constant: synthesis folds it into the logic."""
    REGISTER = "register"
    """One value for the population, written at run time."""
    MEMORY = "memory"
    """One value per neuron, written at run time."""


@dataclass(frozen=True)
class RuntimeConstant:
    """A parameter word that can be written while the hardware runs.

    Attributes
    ----------
    name : str
        As in ``words.constants``.
    select : int
        Its number on the parameter port.
    depth : Depth
    format : Format
    """

    name: str
    select: int
    depth: Depth
    format: Format


def place(words: Words, depths: Mapping[str, str]) -> dict[str, Depth]:
    """Return the depth of every parameter word; those that `depths` doesn't name are in the gates.

    Raises
    ------
    InputError
        A name or a depth is unknown, or a parameter with one value per neuron isn't in a memory.
    """
    check_depths(words, depths)
    placed = {name: Depth(depths.get(name, Depth.GATES)) for name in words.constants}
    check_depths(words, placed)
    return placed


def check_depths(words: Words, depths: Mapping[str, Any]) -> None:
    """Refuse depths that no hardware can have.

    Raises
    ------
    InputError
        A name or a depth is unknown, or a parameter with one value per neuron would be in one register.
    """
    for name, depth in depths.items():
        if name not in words.constants:
            raise InputError(unknown_name("parameter word", name, words.constants))
        if not isinstance(depth, str) or depth not in list(Depth):
            raise InputError(f"{name}: {unknown_name('depth', str(depth), [str(one) for one in Depth])}")
        if depth != Depth.MEMORY and not isinstance(words.constants[name].word, int):
            where = "has it in its gates" if depth == Depth.GATES else "has one register for it"
            raise InputError(
                f"{words.what_varies(name)} must be one value for all neurons: the hardware {where}"
            )


def runtime_constants(words: Words, placed: Mapping[str, Depth]) -> tuple[RuntimeConstant, ...]:
    """Return the parameters that can be written, numbered in the order of ``words.constants``."""
    changeable = [name for name, depth in placed.items() if depth is not Depth.GATES]
    return tuple(
        RuntimeConstant(name, select, placed[name], words.constants[name].format)
        for select, name in enumerate(changeable)
    )


def select_format(constants: tuple[RuntimeConstant, ...]) -> Format:
    """Return the format of the port that says which parameter is written."""
    return UQ(max(1, (len(constants) - 1).bit_length()), 0)


def word_width(constants: tuple[RuntimeConstant, ...]) -> int:
    """Return the width of the port that carries the word: that of the widest parameter."""
    return max(constant.format.width for constant in constants)
