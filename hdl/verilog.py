"""Verilog that others can use: flat ports, one header that says everything, nothing of this machine."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, assert_never

import numpy as np
from amaranth.hdl import Module, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from qlif.hdl import fixed, probes
from qlif.hdl.core import Core
from qlif.hdl.interface import Interface, Kind
from qlif.hdl.neuron import NeuronPipeline
from qlif.hdl.population import Population
from qlif.hdl.ports import Port, neuron_ports, population_streams
from qlif.hdl.verilog_text import verilog_text
from qlif.model.arithmetic import Form
from qlif.model.support.files import write_text

POPULATION_MODULE = "qlif_population"
NEURON_MODULE = "qlif_neuron"
INTERFACE_FILE = "interface.json"


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
    """Verilog text and what a user of it has to know."""

    verilog: str
    interface: Interface

    def write(self, directory: Path) -> tuple[Path, Path]:
        """Write the Verilog, named like its module, and ``interface.json``; return these two files.

        A third one, ``MODULE.vlt``, waives what Verilator's lint says of it.
        """
        module = self.interface.module
        verilog, interface = directory / f"{module}.v", directory / INTERFACE_FILE
        write_text(verilog, self.verilog)
        write_text(directory / f"{module}.vlt", lint_waivers(module))
        write_text(interface, self.interface.to_text())
        return verilog, interface


def lint_waivers(module: str, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a configuration for Verilator that waives by name what is harmless in a module.

    Parameters
    ----------
    module : str
    more : mapping of str to str
        Further rules, and why.
    """
    waived = {
        "DECLFILENAME": "DECLFILENAME: all modules are in one file",
        "PROCASSINIT": "PROCASSINIT: registers have their initial values before any edge, at time 0 too",
        "WIDTHEXPAND": "WIDTHEXPAND: operands are extended to the width of their sum, as the standard says",
        "UNUSEDSIGNAL": "UNUSEDSIGNAL: not every bit of a sum or a product is needed",
        **{rule: f"{rule}: {why}" for rule, why in more.items()},
    }
    comments = commented([f"For `verilator --lint-only -Wall {module}.vlt {module}.v`:", *waived.values()])
    rules = "".join(f'lint_off -rule {rule} -file "*{module}.v"\n' for rule in waived)
    return f"{comments}`verilator_config\n{rules}"


def export(core: Core) -> Export:
    """Return a population as Verilog, with its interface.

    The text is the same each time: it holds no path, no date and nothing that depends on hashing.
    """
    population = Population(core)
    interface = Interface(
        core,
        POPULATION_MODULE,
        Kind.POPULATION,
        population.latency,
        population_streams(core),
        neurons_for_full_speed=population.loop_latency * core.lanes,
        queue_depth=population.queue_depth,
    )
    return _export(population, interface, probes.kept(core, population.loop_latency))


def export_neuron(core: Core) -> Export:
    """Return the bare pipeline of one update, that of one lane, as Verilog with its interface."""
    pipeline = NeuronPipeline(core)
    interface = Interface(core, NEURON_MODULE, Kind.NEURON, pipeline.latency, signals=neuron_ports(core))
    return _export(pipeline, interface)


def port_line(port: Port) -> str:
    """Return what a header says of a port."""
    return f"  {port.direction:<6} {port.name:<18} {port.format!s:<9} {port.meaning}"


def commented(lines: Iterable[str]) -> str:
    """Return lines as Verilog comments."""
    return "".join(f"// {line}".rstrip() + "\n" for line in lines)


def _export(
    inner: Population | NeuronPipeline, interface: Interface, kept: frozenset[str] = frozenset()
) -> Export:
    flat = _Flat(inner, interface.ports)
    body = verilog_text(flat, interface.module, [getattr(flat, port.name) for port in interface.ports], kept)
    return Export(_header(interface) + body, interface)


def _header(interface: Interface) -> str:
    words, built = interface.words, interface.core.primitives
    facts: dict[str, int | str] = {**interface.timing(), "variant": built.variant}
    if built.target is not None:
        facts |= {"target": built.target, "cells": ", ".join(built.cells)}
    arithmetic = words.arithmetic
    match arithmetic.form:
        case Form.SQUARE:
            variable = (
                f"potential word = {_shown(words.scale)} * (v / mV - {_shown(words.origin)}), one squarer: "
                f"V' = V + V*V*2^-{words.quadratic_shift} + drive + bias"
            )
        case Form.FACTORED:
            variable = "potential word = v / mV: V' = V + gain (V - rest)(V - critical) + drive"
        case unknown:
            assert_never(unknown)
    lines = [
        f"{interface.module}: quadratic leaky integrate-and-fire neuron, {interface.name}",
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
        *(f"narrowed  {name} to {narrowing}" for name, narrowing in arithmetic.narrowings.items()),
        *(f"{name:<9} {value}" for name, value in facts.items()),
        "",
        "ports (value = word * 2^-f_bits; SQ(i_bits,f_bits) is two's complement, UQ unsigned)",
        *map(port_line, interface.ports),
        "",
        *(
            f"  parameters_select {one.select} is {one.name}, {one.format}, {one.storage}"
            for one in interface.runtime
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
