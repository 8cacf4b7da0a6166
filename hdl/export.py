"""Verilog that others can use: flat ports, one header that says everything, nothing of this machine."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from amaranth.back import verilog
from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl import fixed
from qlif.hdl.neuron import NeuronPipeline
from qlif.hdl.population import STEP_BITS, Population
from qlif.hdl.primitives import PORTABLE, Primitives
from qlif.hdl.storage import RuntimeConstant, runtime_constants, select_format, word_width
from qlif.hdl.targets.catalogue import primitives
from qlif.model.arithmetic import Form
from qlif.model.formats import UQ, Format
from qlif.model.support.files import write_text
from qlif.model.words import Words

POPULATION_MODULE = "qlif_population"
NEURON_MODULE = "qlif_neuron"


@dataclass(frozen=True)
class Port:
    """One port of an exported module.

    Attributes
    ----------
    name : str
    direction : {"input", "output"}
    format : Format
        What its bits mean; a plain bit or index is ``UQ(width,0)``.
    meaning : str
        In words, for the header and the interface description.
    lanes : int
        How many such words stand side by side, the first lane's lowest.
    """

    name: str
    direction: str
    format: Format
    meaning: str
    lanes: int = 1

    @property
    def width(self) -> int:
        """Number of bits of the whole port."""
        return self.format.width * self.lanes

    def as_dict(self) -> dict[str, Any]:
        """Return the port as a mapping, ready for JSON."""
        return {
            "name": self.name,
            "direction": self.direction,
            "width": self.width,
            "lanes": self.lanes,
            "signed": self.format.signed,
            "format": str(self.format),
            "meaning": self.meaning,
        }


def population_ports(core: Population) -> tuple[Port, ...]:
    """Return the ports of an exported population, besides the clock and the reset: the port contract.

    Each stream is a ``valid`` / ``ready`` pair with its payload; a transfer happens in each clock in
    which both are high. With several lanes, words of one row of neurons stand side by side.
    """
    arithmetic, lanes = core.words.arithmetic, core.lanes
    bit, neuron, first = UQ(1, 0), UQ(core.neuron_bits, 0), " (that of the first lane)" if lanes > 1 else ""
    ports = [
        Port("currents_valid", "input", bit, "currents are offered"),
        Port("currents_ready", "output", bit, "they are taken"),
        Port("currents_data", "input", arithmetic.current, "current word of the next neuron", lanes),
        Port("updates_valid", "output", bit, "an update is offered"),
        Port("updates_ready", "input", bit, "it is taken"),
        Port("updates_neuron", "output", neuron, f"which neuron was updated{first}"),
        Port("updates_spike", "output", bit, "whether it spiked", lanes),
        Port("updates_potential", "output", arithmetic.potential, "potential word after the timestep", lanes),
        Port("updates_trace", "output", arithmetic.trace, "spike trace after the timestep", lanes),
        Port("events_valid", "output", bit, "a spike is offered"),
        Port("events_ready", "input", bit, "it is taken"),
        Port("events_neuron", "output", neuron, f"which neuron spiked{first}"),
    ]
    if lanes > 1:
        ports.append(Port("events_spike", "output", bit, "which lanes spiked", lanes))
    ports.append(Port("events_step", "output", UQ(core.step_bits, 0), "in which timestep since reset"))
    if core.runtime:
        select, word = select_format(core.runtime), UQ(word_width(core.runtime), 0)
        ports += [
            Port("parameters_valid", "input", bit, "a write is offered"),
            Port("parameters_ready", "output", bit, "it is taken, between two timesteps"),
            Port("parameters_select", "input", select, "which parameter is written"),
            Port("parameters_neuron", "input", neuron, "of which neuron, if each has its own"),
            Port("parameters_word", "input", word, "its new word, in the low bits"),
        ]
    return tuple(ports)


def neuron_ports(core: NeuronPipeline) -> tuple[Port, ...]:
    """Return the ports of an exported neuron pipeline, besides the clock and the reset."""
    words = core.words
    arithmetic = words.arithmetic
    ports = [
        Port("potential_in", "input", arithmetic.potential, "potential word before the timestep"),
        Port("refractory_in", "input", words.refractory, "timesteps that the neuron is still refractory"),
        Port("trace_in", "input", arithmetic.trace, "spike trace before the timestep"),
        Port("current_in", "input", arithmetic.current, "current word"),
    ]
    if arithmetic.random_bits:
        ports.append(Port("random_in", "input", UQ(arithmetic.random_bits, 0), "random bits of the rounding"))
    for constant in runtime_constants(words, core.placed):
        meaning = f"parameter word {constant.name}, in a {constant.depth}"
        ports.append(Port(f"constant_{constant.name}_in", "input", constant.format, meaning))
    return (
        *ports,
        Port("potential_out", "output", arithmetic.potential, "potential word after the timestep"),
        Port("refractory_out", "output", words.refractory, "refractory counter after the timestep"),
        Port("trace_out", "output", arithmetic.trace, "spike trace after the timestep"),
        Port("spike_out", "output", UQ(1, 0), "whether the neuron spiked"),
    )


class _Flat(wiring.Component):
    """A component behind ports with plain names and plain words."""

    def __init__(self, inner: Any, ports: tuple[Port, ...]) -> None:
        self._inner = inner
        self._ports = ports
        members = {}
        for port in ports:
            shape = fixed.Shape(port.format).as_shape() if port.lanes == 1 else unsigned(port.width)
            members[port.name] = In(shape) if port.direction == "input" else Out(shape)
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Wire each port to the inner signal of its name."""
        m = Module()
        m.submodules.core = self._inner
        for port in self._ports:
            outer, inner = getattr(self, port.name), _inner_signal(self._inner, port.name)
            m.d.comb += inner.eq(outer) if port.direction == "input" else outer.eq(inner)
        return m


def _inner_signal(inner: Any, name: str) -> Value:
    """Return the signal that a flat name stands for."""
    if isinstance(inner, Population):
        stream_name, _, part = name.partition("_")
        port = getattr(inner, stream_name)
        if part in ("valid", "ready"):
            return Value.cast(getattr(port, part))
        return Value.cast(port.payload if part == "data" else getattr(port.payload, part))
    # Not the bare names: C++ models of the module have methods like `trace`.
    plain, _, direction = name.rpartition("_")
    return Value.cast(getattr(inner, plain if direction == "in" or plain == "spike" else f"next_{plain}"))


@dataclass(frozen=True)
class Export:
    """Verilog text and the description of its interface."""

    verilog: str
    interface: dict[str, Any]

    @property
    def depths(self) -> dict[str, str]:
        """Where each parameter word lives that can be written at run time."""
        return {constant["name"]: constant["depth"] for constant in self.interface["runtime"]}

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write the Verilog, named like its module, and ``interface.json``; return the two files."""
        verilog, interface = directory / f"{self.interface['module']}.v", directory / "interface.json"
        write_text(verilog, self.verilog)
        write_text(interface, json.dumps(self.interface, indent=2) + "\n")
        return verilog, interface

    @property
    def primitives(self) -> Primitives:
        """What the core multiplies and remembers with."""
        return primitives(self.interface["variant"], self.interface.get("target", ""))


def export_population(
    words: Words,
    neurons: int,
    preset: str,
    lanes: int = 1,
    depths: Mapping[str, str] = MappingProxyType({}),
    built_from: Primitives = PORTABLE,
    step_bits: int = STEP_BITS,
) -> Export:
    """Return a population as Verilog, with `interface.json`'s content.

    The text is the same each time: it holds no path, no date and nothing that depends on hashing.

    Parameters
    ----------
    words : Words
        The neuron.
    neurons, lanes : int
        How many neurons, on how many pipelines.
    preset : str
        The configuration's name, for the header.
    depths : mapping of str to Depth, optional
        Which parameter words can be written at run time.
    built_from : Primitives, optional
        What it multiplies and remembers with.
    step_bits : int
        Width of an event's timestep.
    """
    core = Population(words, neurons, lanes, depths, built_from, step_bits)
    facts = {
        "neurons": neurons,
        "lanes": lanes,
        "latency": core.latency,
        "neurons_for_full_speed": core.loop_latency * lanes,
        "queue_depth": core.depth,
    }
    return _export(core, POPULATION_MODULE, population_ports(core), preset, facts, core.runtime)


def export_neuron(
    words: Words,
    preset: str,
    depths: Mapping[str, str] = MappingProxyType({}),
    built_from: Primitives = PORTABLE,
) -> Export:
    """Return the bare pipeline of one update as Verilog, with `interface.json`'s content."""
    core = NeuronPipeline(words, depths, built_from)
    runtime = runtime_constants(words, core.placed)
    return _export(core, NEURON_MODULE, neuron_ports(core), preset, {"latency": core.latency}, runtime)


def verilog_of(core: Any, module: str, ports: list[Any]) -> str:
    """Return a component with the given signals as its ports as Verilog; nothing of this machine is in it."""
    body = verilog.convert(core, name=module, ports=ports, emit_src=False, strip_internal_attrs=True)
    # Yosys signs its output with its version, which says nothing about the circuit.
    return re.sub(r"\A/\*.*?\*/\n*", "", body, flags=re.DOTALL)


def port_line(port: Port) -> str:
    """Return what a header says of a port."""
    return f"  {port.direction:<6} {port.name:<18} {port.format!s:<9} {port.meaning}"


def commented(lines: Iterable[str]) -> str:
    """Return lines as Verilog comments."""
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _export(
    core: Any,
    module: str,
    ports: tuple[Port, ...],
    preset: str,
    facts: dict[str, Any],
    runtime: tuple[RuntimeConstant, ...],
) -> Export:
    words: Words = core.words
    built: Primitives = core.primitives
    facts = {**facts, "variant": built.variant}
    if built.target is not None:
        facts |= {"target": built.target, "cells": ", ".join(built.cells)}
    flat = _Flat(core, ports)
    body = verilog_of(flat, module, [getattr(flat, port.name) for port in ports])
    interface = {
        "module": module,
        "preset": preset,
        "clock": "clk",
        "reset": {"name": "rst", "synchronous": True, "active": "high"},
        **facts,
        "ports": [port.as_dict() for port in ports],
        "arithmetic": words.arithmetic.as_dict(),
        "coordinates": {
            "potential_mv": "word * 2**-f_bits / scale + origin",
            "origin": _plain(words.origin),
            "scale": _plain(words.scale),
            "current": "word * 2**-f_bits / current_scale",
            "current_scale": _plain(words.current_scale),
        },
        "constants": {
            name: {
                "word": _plain(constant.word),
                "format": str(constant.format),
                "value": _plain(constant.value),
                "depth": str(core.placed[name]),
            }
            for name, constant in words.constants.items()
        },
        "runtime": [
            {
                "name": constant.name,
                "select": constant.select,
                "depth": str(constant.depth),
                "format": str(constant.format),
            }
            for constant in runtime
        ],
        "parameters": words.parameters.as_dict(),
        "exact": [line.as_dict() for line in words.report],
    }
    return Export(_header(module, ports, words, preset, facts, runtime) + body, interface)


def _plain(value: Any) -> Any:
    """Return one value, or one per neuron as a list: ready for JSON."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def _header(
    module: str,
    ports: tuple[Port, ...],
    words: Words,
    preset: str,
    facts: dict[str, Any],
    runtime: tuple[RuntimeConstant, ...],
) -> str:
    arithmetic = words.arithmetic
    variable = (
        f"potential word = {_shown(words.scale)} * (v / mV - {_shown(words.origin)}), one squarer: "
        f"V' = V + V*V*2^-{words.quadratic_shift} + drive + bias"
        if arithmetic.form is Form.SQUARE
        else "potential word = v / mV: V' = V + gain (V - rest)(V - critical) + drive"
    )
    lines = [
        f"{module}: quadratic leaky integrate-and-fire neuron, {preset}",
        "",
        "Generated by qlif; Apache-2.0. One clock (clk), one synchronous reset (rst, active high).",
        "",
        f"form      {arithmetic.form}",
        f"          {variable}",
        f"current   current word = {_shown(words.current_scale)} * I, {arithmetic.currents}",
        f"rounding  {arithmetic.rounding}"
        + (
            f", {arithmetic.random_bits} random bits, seed {arithmetic.random_seed}"
            if arithmetic.random_bits
            else ""
        ),
        f"overflow  {arithmetic.overflow}; trace {arithmetic.trace_overflow}",
        *(f"{name:<9} {value}" for name, value in facts.items()),
        "",
        "ports (value = word * 2^-f_bits; SQ(i_bits,f_bits) is two's complement, UQ unsigned)",
        *map(port_line, ports),
        "",
        *(
            f"  parameters_select {constant.select} is {constant.name}, {constant.format}, {constant.depth}"
            for constant in runtime
        ),
        "",
        "parameters: asked for, exact as built, relative error",
        *(
            f"  {line.name:<16} {line.asked!r} {line.exact!r} {line.unit} "
            f"({line.relative_error:.2e}; {line.stored})"
            for line in words.report
        ),
    ]
    return commented(lines) + "\n"


def _shown(value: Any) -> str:
    return "(per neuron)" if isinstance(value, np.ndarray) else repr(value)
