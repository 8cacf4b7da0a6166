"""Agents for anyone's cocotb testbench: sources, sinks and monitors of a neuron's streams, golden model, scoreboard.

``docs/agents.md`` shows them in use. Everything of a stream happens in three parts of a clock cycle: agents drive at
the falling edge, look when all signals have settled, and hand over what moved at the rising edge at which it moves.
"""

from typing import TYPE_CHECKING

from qlif.lazy import lazy_names

if TYPE_CHECKING:
    from qlif.cosim.agents.bus import Field
    from qlif.cosim.agents.monitors import CurrentMonitor, EventMonitor, ParameterMonitor, UpdateMonitor
    from qlif.cosim.agents.reference import Reference
    from qlif.cosim.agents.scoreboard import Scoreboard
    from qlif.cosim.agents.sinks import EventSink, UpdateSink
    from qlif.cosim.agents.sources import CurrentSource, ParameterWriter
    from qlif.cosim.agents.transactions import Event, Update, Write
    from qlif.cosim.benches.inputs import constrained_random, directed, rounding_edges

__all__ = [
    "CurrentMonitor",
    "CurrentSource",
    "Event",
    "EventMonitor",
    "EventSink",
    "Field",
    "ParameterMonitor",
    "ParameterWriter",
    "Reference",
    "Scoreboard",
    "Update",
    "UpdateMonitor",
    "UpdateSink",
    "Write",
    "constrained_random",
    "directed",
    "rounding_edges",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CurrentMonitor": "qlif.cosim.agents.monitors",
        "CurrentSource": "qlif.cosim.agents.sources",
        "Event": "qlif.cosim.agents.transactions",
        "EventMonitor": "qlif.cosim.agents.monitors",
        "EventSink": "qlif.cosim.agents.sinks",
        "Field": "qlif.cosim.agents.bus",
        "ParameterMonitor": "qlif.cosim.agents.monitors",
        "ParameterWriter": "qlif.cosim.agents.sources",
        "Reference": "qlif.cosim.agents.reference",
        "Scoreboard": "qlif.cosim.agents.scoreboard",
        "Update": "qlif.cosim.agents.transactions",
        "UpdateMonitor": "qlif.cosim.agents.monitors",
        "UpdateSink": "qlif.cosim.agents.sinks",
        "Write": "qlif.cosim.agents.transactions",
        "constrained_random": "qlif.cosim.benches.inputs",
        "directed": "qlif.cosim.benches.inputs",
        "rounding_edges": "qlif.cosim.benches.inputs",
    },
)
