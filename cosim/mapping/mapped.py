"""A mapped core as an `Export`, so that every net takes it as it takes our own population."""

import re
from collections.abc import Iterator
from dataclasses import replace

from qlif.cosim.configuration import Configuration
from qlif.cosim.mapping.adapter import Adapter
from qlif.cosim.mapping.core_map import PHASE_ROLES, Contract, CoreMap
from qlif.cosim.mapping.port_formats import word_of
from qlif.cosim.mapping.read import faults_error
from qlif.cosim.mapping.rtl import Rtl
from qlif.cosim.mapping.sources import is_vhdl, lint, read_sources
from qlif.hdl.core import STEP_BITS
from qlif.hdl.interface import Interface, Kind, Mapped
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError


def mapped_export(core_map: CoreMap, configuration: Configuration) -> tuple[Export, tuple[str, ...]]:
    """Return the module behind its adapter, with the interface of a population, and what its lint says.

    Parameters
    ----------
    core_map : CoreMap
    configuration : Configuration
        What the module is to be; with as many neurons as the map says.

    Raises
    ------
    InputError
        The sources can't be read, or the map contradicts them or the configuration: every fault is told.
    """
    adapter, text = adapter_export(core_map, configuration)
    verilog, warnings = lint(text, adapter.interface.module, core_map.waivers, f"{adapter.verilog}\n")
    # What is said of VHDL is said of GHDL's Verilog, which isn't the user's.
    return replace(adapter, verilog=verilog), () if is_vhdl(core_map.sources) else warnings


def adapter_export(core_map: CoreMap, configuration: Configuration) -> tuple[Export, str]:
    """Return the adapter alone, and the text of the module that it instantiates.

    Raises
    ------
    InputError
        As :func:`mapped_export`.
    """
    where = core_map.where
    if configuration.storage:
        raise InputError(f"{where}a mapped core has no parameters to write: [storage] must be empty")
    if configuration.parameters.n != core_map.neurons:
        raise InputError(f"{where}neurons is {core_map.neurons}, and not {configuration.parameters.n}")
    if faults := list(_faults_of_phase(core_map, configuration.arithmetic.phase_bits)):
        raise faults_error(where, faults)
    generics = {
        name: word_of(value, configuration.words, f"{where}parameters: {name}")
        for name, value in core_map.parameters.items()
    }
    files = core_map.sources, core_map.module, core_map.includes, core_map.defines
    text = read_sources(*files, generics)
    found = core_map
    if is_vhdl(core_map.sources):
        # GHDL has set the generics, and VHDL doesn't tell capitals from small letters.
        found, generics = replace(with_names_of(core_map, text), parameters={}), {}
    rtl = Rtl(text, found.module, generics)
    if faults := list(rtl.contradictions(found)):
        raise faults_error(where, faults)
    step = found.role("event_step")
    core = configuration.core(step_bits=STEP_BITS if step is None else rtl.ports[step.port].width)
    mapped = Mapped(
        found.module,
        core_map.absent(configuration.words),
        core_map.reset is not None,
        core_map.latency,
        core_map.interval,
    )
    streams = mapped.streams(core)
    adapter = Adapter(found, core, rtl.ports, tuple(port for stream in streams for port in stream.ports))
    verilog = adapter.verilog()
    if adapter.faults:
        raise faults_error(where, adapter.faults)
    latency = core_map.latency or 0
    interface = Interface(core, adapter.module, Kind.POPULATION, latency, streams, mapped=mapped)
    return Export(verilog, interface), text


def _faults_of_phase(core_map: CoreMap, bits: int) -> Iterator[str]:
    """Give what of a map contradicts the bits that a configuration's phase has."""
    if not bits:
        for role in PHASE_ROLES:
            if role in core_map.ports:
                yield f"ports: {role} requires phase_bits above 0 in the configuration"
        if (state := core_map.state) is not None:
            named = [f"golden.{name}" for name in state.words]
            named += [name for condition in state.conditions for name in condition.names]
            if "golden.phase" in named:
                yield "state: phase requires phase_bits above 0 in the configuration"
    elif core_map.contract is Contract.PIPELINE and "phase_in" not in core_map.ports:
        yield f"ports: phase and phase_in are missing: the configuration has phase_bits {bits}"


def with_names_of(core_map: CoreMap, text: str) -> CoreMap:
    """Return a map with its names spelled as in a text that GHDL wrote."""
    written: dict[str, str] = {name.lower(): name for name in re.findall(r"\w+", text.partition(");")[0])}

    def spelled(name: str) -> str:
        return written.get(name.lower(), name)

    reset, enable = core_map.reset, core_map.clock_enable
    return replace(
        core_map,
        module=spelled(core_map.module),
        clock=spelled(core_map.clock),
        reset=None if reset is None else replace(reset, port=spelled(reset.port)),
        clock_enable=None if enable is None else replace(enable, port=spelled(enable.port)),
        constants={spelled(name): value for name, value in core_map.constants.items()},
        ports={role: replace(use, port=spelled(use.port)) for role, use in core_map.ports.items()},
    )
