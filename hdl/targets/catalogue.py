"""The FPGA families: a new one is a file beside this one, and a line in :data:`TARGETS`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, assert_never

from qlif.hdl.primitives import PORTABLE, Primitives, Variant
from qlif.hdl.target import RoutedTarget, Target
from qlif.hdl.targets.cyclonev import CYCLONEV
from qlif.hdl.targets.ecp5 import ECP5
from qlif.hdl.targets.gatemate import GATEMATE
from qlif.hdl.targets.gowin import GOWIN
from qlif.hdl.targets.machxo2 import MACHXO2
from qlif.hdl.targets.nexus import NEXUS
from qlif.hdl.targets.up5k import UP5K
from qlif.hdl.targets.xc7 import XC7
from qlif.model.exceptions import InputError, unknown_name

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "ecp5": ECP5,
        "up5k": UP5K,
        "gowin": GOWIN,
        "nexus": NEXUS,
        "gatemate": GATEMATE,
        "machxo2": MACHXO2,
        "xc7": XC7,
        "cyclonev": CYCLONEV,
    }
)
"""Every target, by its name."""

ROUTED = tuple(name for name, device in TARGETS.items() if isinstance(device, RoutedTarget))
"""Those that are placed and routed, and have an explicit variant."""

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
            device = target(target_name)
            if not isinstance(device, RoutedTarget):
                raise InputError(f"{target_name} has no explicit variant; it is one of {', '.join(ROUTED)}")
            return device.explicit
        case unknown:
            assert_never(unknown)
