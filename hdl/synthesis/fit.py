"""Checks that a device holds a population, and that a netlist is that population."""

import functools
from collections.abc import Iterable
from typing import assert_never

from qlif.hdl.core import Core
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.target import Target
from qlif.model.arithmetic import Currents, Form
from qlif.model.exceptions import InputError


def expected_multipliers(core: Core, device: Target) -> int:
    """Return the exact number of DSP blocks that a population takes on a device.

    The square form has one product, of the potential with itself. The factored form has the product of
    its two factors, and that times the gain; raw currents have a product with the drive's gain, a trace
    has one with its decay. A constant that is a power of two is a shift and takes none; one that is
    written at run time counts with its whole width. Every lane has them all.
    """
    words, built_from = core.words, core.primitives
    arithmetic, constants = words.arithmetic, words.constants
    blocks = functools.partial(device.multipliers_for, instantiated=built_from.target is not None)

    def by_constant(width: int, name: str) -> int:
        word = constants[name].word
        if core.storage[name].is_writable or not isinstance(word, int):
            return blocks(width, constants[name].format.width)
        # The constant's zeros are left out, at both ends.
        odd = word // (word & -word)
        return 0 if odd == 1 else blocks(width, odd.bit_length())

    factor = words.factor_format.width
    count = blocks(factor, factor)
    match arithmetic.form:
        case Form.FACTORED:
            product = words.product_format if arithmetic.product is None else arithmetic.product.format
            count += by_constant(product.width, "gain")
        case Form.SQUARE:
            pass
        case unknown:
            assert_never(unknown)
    match arithmetic.currents:
        case Currents.RAW:
            count += by_constant(arithmetic.current.width, "drive")
        case Currents.SCALED:
            pass
        case never:
            assert_never(never)
    if words.parameters.spike_trace:
        count += by_constant(arithmetic.trace.width, "decay")
    return count * core.lanes


def check_fit(core: Core, device: Target, option: str = "--target") -> None:
    """Refuse a population that a device can't hold, before any tool is run.

    Parameters
    ----------
    core : Core
    device : Target
    option : str
        What chooses another device.

    Raises
    ------
    InputError
        It is built of another family's cells, the product of two variables doesn't fit one DSP block, there
        are too few DSP blocks, or the states need more block RAM than there is.
    """
    words, name, neurons = core.words, core.name, core.neurons
    if core.primitives.target not in (None, device.name):
        raise InputError(f"the explicit variant is for {core.primitives.target}, not for {device.name}")
    factor, bits = words.factor_format.width, device.multiplier_bits
    if device.multiplier and factor > bits:
        raise InputError(
            f"{name} multiplies {factor} by {factor} bits, but a multiplier of {device.name} takes "
            f"{bits} by {bits}: choose a narrower potential, or another {option}"
        )
    multipliers = expected_multipliers(core, device)
    if multipliers > device.multipliers:
        raise InputError(
            f"{name} needs {multipliers} multipliers, but {device.name} has {device.multipliers}: "
            f"choose fewer lanes or fewer parameters that are written at run time, or another {option}"
        )
    in_memory = (one for one, storage in core.storage.items() if storage.is_per_neuron)
    width = sum(words.constants[one].format.width for one in in_memory)
    if not core.swaps_banks:
        width += words.state_bits
    memories = -(-neurons * width // device.memory_bits)
    if memories > device.memories:
        raise InputError(
            f"{neurons} neurons of {width} bits need {memories} block RAMs or more, but {device.name} has "
            f"{device.memories}: choose fewer neurons, or another {option}"
        )


def check_netlist(netlist: Netlist, core: Core, device: Target, constant: Iterable[str] = ()) -> None:
    """Refuse a netlist that isn't the population.

    Parameters
    ----------
    netlist : Netlist
    core : Core
    device : Target
    constant : iterable of str
        Outputs that are rightly constant, whatever the population.

    Raises
    ------
    InputError
        It is larger than the device.
    SynthesisError
        It lost outputs, or its multipliers aren't those that were expected.
    """
    check_outputs(netlist, core, constant)
    expected = expected_multipliers(core, device)
    found = netlist.multipliers(device)
    if found != expected:
        raise SynthesisError(
            f"the netlist has {found} {device.multiplier}, not the expected {expected}: --variant explicit "
            "instantiates them, so that the tools have no choice"
        )
    check_size(
        netlist, device, f"{core.neurons} neurons on {core.lanes} {'lane' if core.lanes == 1 else 'lanes'}"
    )


def check_outputs(netlist: Netlist, core: Core, constant: Iterable[str] = ()) -> None:
    """Refuse a netlist with outputs that became constant, and aren't rightly so; SynthesisError names them."""
    constant = {*constant} if core.words.parameters.spike_trace else {*constant, "updates_trace"}
    if core.rows == 1:
        constant |= {"updates_neuron", "events_neuron"}
    if lost := netlist.lost_outputs(constant):
        raise SynthesisError(
            f"the netlist lost its outputs {', '.join(lost)}: with these parameters they never change; put a "
            "parameter that they depend on in a register (--register)"
        )


def check_size(netlist: Netlist, device: Target, what: str) -> None:
    """Refuse a netlist that is larger than the device; InputError says what ran out, and by how much."""
    sizes = {
        "LUTs": (netlist.luts(device), device.device_luts),
        "block RAMs": (netlist.memories(device), device.memories),
        "multipliers": (netlist.multipliers(device), device.multipliers),
    }
    short = [
        f"{needed} {kind}, {needed - there} more than its {there}"
        for kind, (needed, there) in sizes.items()
        if needed > there
    ]
    if short:
        raise InputError(f"{what} don't fit {device.device}: they need {' and '.join(short)}")
