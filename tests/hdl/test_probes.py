# amaranth: UnusedElaboratable=no
"""Every signal that proof, mutation and coverage look for is in every kind of export."""

import re

import pytest

from qlif import hdl
from qlif.hdl import probes
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


def signals_of(verilog, module="qlif_population", path=""):
    """The names that a netlist has for the signals, instances and memories of the text."""
    modules = dict(re.findall(r"^module (\w+)\(.*?\);(.*?)^endmodule", verilog, re.M | re.S))
    body = modules[module]
    found = {path + name for name in re.findall(r"^ +(?:wire|reg) (?:\[\d+:0\] )?(\w+)", body, re.M)}
    for inner, instance in re.findall(r"^ +(\w+) (\w+) \(", body, re.M):
        if inner in modules:
            found |= signals_of(verilog, inner, f"{path}{instance}.")
    return found


@pytest.mark.slow_beyond(9)
@pytest.mark.parametrize("storage", hdl.Storage)
@pytest.mark.parametrize(("lanes", "neurons"), [(1, 8), pytest.param(4, 64, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PRESETS)
def test_they_are_in_every_export(name, lanes, neurons, storage):
    words = quantise(Parameters(n=neurons), PRESETS[name])
    made = hdl.export(hdl.Core(words, lanes, dict.fromkeys(words.constants, storage)))
    expected = probes.of(made.interface.core, made.interface.loop_latency)
    assert set(expected) - signals_of(made.verilog) == set()
    if storage is hdl.Storage.REGISTER:
        registers = {probes.parameter_register(one.name) for one in made.interface.runtime}
        assert registers - signals_of(made.verilog) == set()
    if storage is hdl.Storage.MEMORY:
        memories = {probes.parameter_memory(one.name) for one in made.interface.runtime}
        assert memories - signals_of(made.verilog) == set()


def test_one_that_is_renamed_is_missed():
    words = quantise(Parameters(n=8), PRESETS["tiny-8"])
    made = hdl.export(hdl.Core(words))
    renamed = made.verilog.replace("in_flight", "under_way")
    assert set(probes.of(made.interface.core, made.interface.loop_latency)) - signals_of(renamed) == {
        probes.IN_FLIGHT
    }
