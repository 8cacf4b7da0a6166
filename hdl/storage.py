"""Where the hardware stores a parameter word: in the gates, in a register, or one per neuron in a memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from qlif.model.exceptions import InputError, unknown_name
from qlif.model.formats import Format
from qlif.model.words import Words


class Storage(StrEnum):
    """How changeable a parameter is, from the cheapest to the most expensive."""

    GATES = "gates"
    """Constant: synthesis folds it into the logic."""
    REGISTER = "register"
    """One value for the population, written at run time."""
    MEMORY = "memory"
    """One value per neuron, written at run time."""

    @property
    def is_writable(self) -> bool:
        """Whether it can be written at run time."""
        match self:
            case Storage.GATES:
                return False
            case Storage.REGISTER | Storage.MEMORY:
                return True
            case unknown:
                assert_never(unknown)

    @property
    def is_per_neuron(self) -> bool:
        """Whether each neuron has its own value."""
        match self:
            case Storage.GATES | Storage.REGISTER:
                return False
            case Storage.MEMORY:
                return True
            case unknown:
                assert_never(unknown)


@dataclass(frozen=True)
class RuntimeParameter:
    """A parameter word that can be written while the hardware runs.

    Attributes
    ----------
    name : str
        As in ``words.constants``.
    select : int
        Its number on the parameter port.
    storage : Storage
    format : Format
    """

    name: str
    select: int
    storage: Storage
    format: Format


def place(words: Words, storage: Mapping[str, str]) -> dict[str, Storage]:
    """Return the storage of every parameter word; those that `storage` doesn't name are in the gates.

    Raises
    ------
    InputError
        A name or a storage is unknown, or a parameter with one value per neuron isn't in a memory.
    """
    check_storage(words, storage)
    placed = {name: Storage(storage.get(name, Storage.GATES)) for name in words.constants}
    check_storage(words, placed)
    return placed


def check_storage(words: Words, storage: Mapping[str, Any]) -> None:
    """Refuse what no hardware can have.

    Raises
    ------
    InputError
        A name or a storage is unknown, or a parameter with one value per neuron would be in one register.
    """
    for name, kind in storage.items():
        if name not in words.constants:
            raise InputError(unknown_name("parameter word", name, words.constants))
        if not isinstance(kind, str) or kind not in list(Storage):
            raise InputError(f"{name}: {unknown_name('storage', str(kind), [str(one) for one in Storage])}")
        stored = Storage(kind)
        if not stored.is_per_neuron and not isinstance(words.constants[name].word, int):
            where = "has one register for it" if stored.is_writable else "has it in its gates"
            raise InputError(
                f"{words.what_varies(name)} must be one value for all neurons: the hardware {where}"
            )
