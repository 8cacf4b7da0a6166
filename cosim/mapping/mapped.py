"""A mapped core as an `Export`, so that every net takes it as it takes our own population."""

from dataclasses import replace

from qlif.cosim.configuration import Configuration
from qlif.cosim.mapping.adapter import Adapter, word_of
from qlif.cosim.mapping.core_map import CoreMap
from qlif.cosim.mapping.read import faults_error
from qlif.cosim.mapping.rtl import Rtl
from qlif.cosim.mapping.sources import Text, is_vhdl, read_sources
from qlif.hdl.core import STEP_BITS
from qlif.hdl.interface import Interface, Kind, Mapped
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError


def _read_text(core_map: CoreMap, configuration: Configuration) -> Text:
    """Return the mapped module's text, with what its lint says.

    Raises
    ------
    InputError
        Of :func:`qlif.cosim.mapping.sources.read_sources`.
    """
    generics = _generics(core_map, configuration) if is_vhdl(core_map.sources) else {}
    files = core_map.sources, core_map.module, core_map.includes, core_map.defines
    return read_sources(*files, core_map.waivers, generics)


def mapped_export(core_map: CoreMap, configuration: Configuration) -> tuple[Export, Text]:
    """Return the module behind its adapter, with the interface of a population, and what its lint says.

    Raises
    ------
    InputError
        As :func:`adapter_export`.
    """
    adapter, text = adapter_export(core_map, configuration)
    return replace(adapter, verilog=f"{adapter.verilog}\n{text.verilog}"), text


def adapter_export(core_map: CoreMap, configuration: Configuration) -> tuple[Export, Text]:
    """Return the adapter alone, and the text of the module that it instantiates.

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
    where = core_map.where
    if configuration.storage:
        raise InputError(f"{where}a mapped core has no parameters to write: [storage] must be empty")
    if configuration.parameters.n != core_map.neurons:
        raise InputError(f"{where}neurons is {core_map.neurons}, and not {configuration.parameters.n}")
    text = _read_text(core_map, configuration)
    vhdl = is_vhdl(core_map.sources)
    found = core_map
    if vhdl:
        # GHDL sets generics itself, and writes every name in small letters.
        found = replace(_lowered(core_map), parameters={})
    rtl = Rtl(text.verilog, found.module, _generics(found, configuration))
    if faults := list(rtl.contradictions(found)):
        raise faults_error(where, faults)
    step = found.role("event_step")
    core = configuration.core(step_bits=STEP_BITS if step is None else rtl.ports[step.port].width)
    mapped = Mapped(
        core_map.module, core_map.absent, core_map.reset is not None, core_map.latency, core_map.interval
    )
    streams = mapped.streams(core)
    ports = tuple(port for stream in streams for port in stream.ports)
    adapter = Adapter(found, core, rtl.ports, ports)
    verilog = adapter.verilog()
    if adapter.faults:
        raise faults_error(where, adapter.faults)
    latency = core_map.latency or 0
    interface = Interface(core, adapter.module, Kind.POPULATION, latency, streams, mapped=mapped)
    return Export(verilog, interface), text


def _generics(core_map: CoreMap, configuration: Configuration) -> dict[str, int]:
    words = configuration.words
    return {name: word_of(value, words, f"parameters: {name}") for name, value in core_map.parameters.items()}


def _lowered(core_map: CoreMap) -> CoreMap:
    """Return the map with every name of the module in small letters."""
    reset, enable = core_map.reset, core_map.clock_enable
    return replace(
        core_map,
        module=core_map.module.lower(),
        clock=core_map.clock.lower(),
        reset=None if reset is None else replace(reset, port=reset.port.lower()),
        clock_enable=None if enable is None else replace(enable, port=enable.port.lower()),
        constants={name.lower(): value for name, value in core_map.constants.items()},
        ports={role: replace(use, port=use.port.lower()) for role, use in core_map.ports.items()},
    )
