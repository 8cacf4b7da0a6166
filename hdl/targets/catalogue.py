"""The FPGA families: a new one is a file beside this one, and a line in :data:`TARGETS`."""

from types import MappingProxyType
from typing import Any, assert_never

from qlif.hdl.primitives import PORTABLE, Primitives, Variant
from qlif.hdl.target import Target
from qlif.hdl.targets.ecp5 import ECP5
from qlif.hdl.targets.up5k import UP5K
from qlif.model.exceptions import InputError, unknown_name

TARGETS = MappingProxyType(
    {
        "ecp5": ECP5,
        "up5k": UP5K,
    }
)
"""Every target, by its name."""

DEFAULT_TARGET = "ecp5"


def target(name: Any) -> Target:
    """Return the target of a name.

    Raises
    ------
    InputError
        There is none; the text names the nearest one.
    """
    if name not in TARGETS:
        raise InputError(unknown_name("target", str(name), TARGETS))
    return TARGETS[name]


def variant_of(name: str) -> Variant:
    """Return the variant of a name; InputError if there is none."""
    if name not in list(Variant):
        raise InputError(unknown_name("variant", name, Variant))
    return Variant(name)


def primitives(variant: str, target_name: str) -> Primitives:
    """Return what a core for a target is built from.

    Raises
    ------
    InputError
        The variant is unknown, or there is none for the target.
    """
    match variant_of(variant):
        case Variant.PORTABLE:
            return PORTABLE
        case Variant.EXPLICIT:
            return target(target_name).explicit
        case unknown:
            assert_never(unknown)
