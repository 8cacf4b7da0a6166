"""The neuron in gates, and what FPGA flows need.

>>> from qlif import Parameters, PRESETS, quantise
>>> from qlif.hdl import Core, Storage, export
>>> core = Core(quantise(Parameters(n=16), PRESETS["square-16"]), storage={"threshold": Storage.REGISTER})
>>> made = export(core)
>>> made.interface.module, [stream.name for stream in made.interface.streams]
('qlif_population', ['currents', 'updates', 'events', 'parameters'])

`Core` describes what is to be built; `export` and `export_neuron` return it as Verilog with its `Interface`;
`Population` and `NeuronPipeline` are Amaranth components for a larger design; `synthesise` reports resources and
Fmax on a device.
"""

from typing import TYPE_CHECKING

from qlif.lazy import lazy_names

if TYPE_CHECKING:
    from qlif.hdl.core import Core
    from qlif.hdl.interface import Interface
    from qlif.hdl.neuron import NeuronPipeline
    from qlif.hdl.population import Population
    from qlif.hdl.ports import Port, Stream
    from qlif.hdl.primitives import PORTABLE, Primitives
    from qlif.hdl.selftest.export import export_self_test
    from qlif.hdl.storage import Storage
    from qlif.hdl.synthesis.synthesise import Synthesis, synthesise
    from qlif.hdl.target import Target
    from qlif.hdl.targets.catalogue import TARGETS
    from qlif.hdl.verilog import Export, export, export_neuron

__all__ = [
    "PORTABLE",
    "TARGETS",
    "Core",
    "Export",
    "Interface",
    "NeuronPipeline",
    "Population",
    "Port",
    "Primitives",
    "Storage",
    "Stream",
    "Synthesis",
    "Target",
    "export",
    "export_neuron",
    "export_self_test",
    "synthesise",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Core": "qlif.hdl.core",
        "Interface": "qlif.hdl.interface",
        "Port": "qlif.hdl.ports",
        "Stream": "qlif.hdl.ports",
        "NeuronPipeline": "qlif.hdl.neuron",
        "Population": "qlif.hdl.population",
        "PORTABLE": "qlif.hdl.primitives",
        "Primitives": "qlif.hdl.primitives",
        "export_self_test": "qlif.hdl.selftest.export",
        "Storage": "qlif.hdl.storage",
        "Synthesis": "qlif.hdl.synthesis.synthesise",
        "synthesise": "qlif.hdl.synthesis.synthesise",
        "Target": "qlif.hdl.target",
        "TARGETS": "qlif.hdl.targets.catalogue",
        "Export": "qlif.hdl.verilog",
        "export": "qlif.hdl.verilog",
        "export_neuron": "qlif.hdl.verilog",
    },
)
