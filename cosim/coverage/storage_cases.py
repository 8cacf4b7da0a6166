"""The cases of lanes and of run-time parameters, which only some populations have."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from qlif.cosim.coverage.observed import Stretch
from qlif.cosim.coverage.traffic_cases import TrafficCase
from qlif.hdl.interface import Interface
from qlif.hdl.storage import RuntimeParameter


def storage_cases(interface: Interface) -> Iterator[TrafficCase]:
    """Give the cases of a population with several lanes, or with parameters in registers or memories."""
    if interface.lanes > 1:
        yield TrafficCase("each lane spikes", lambda s: bool(_spiking(s, interface).any(axis=0).all()))
        yield TrafficCase(
            "lanes spike alone", lambda s: bool((_spiking(s, interface).sum(axis=1) == 1).any())
        )
        yield TrafficCase("all lanes spike at once", lambda s: bool(_spiking(s, interface).all(axis=1).any()))
    if not interface.runtime:
        return
    for parameter in interface.runtime:
        yield TrafficCase(f"{parameter.name} written", partial(_is_written, parameter=parameter))
        if parameter.storage.is_per_neuron:
            yield TrafficCase(
                f"{parameter.name} written for the first neuron and for the last",
                partial(_ends_written, parameter=parameter, neurons=interface.neurons),
            )
    if any(parameter.storage.is_per_neuron for parameter in interface.runtime) and interface.lanes > 1:
        yield TrafficCase("a memory written in each lane", partial(_lanes_written, interface=interface))
    yield TrafficCase("a write waits until the timestep has ended", lambda s: bool(_waits(s).any()))
    yield TrafficCase("writes in clocks in a row", lambda s: bool((_written(s)[1:] & _written(s)[:-1]).any()))
    yield TrafficCase("a write while updates have come", _in_between)
    yield TrafficCase("reset after a write", lambda s: s.cut_off and bool(_written(s).any()))


def _spiking(stretch: Stretch, interface: Interface) -> npt.NDArray[np.bool_]:
    """Return which lanes spike in each event, (events, lanes)."""
    words = stretch.ports["events_spike"][stretch.moved("events")].astype(np.int64)
    bits = words[:, None] >> np.arange(interface.lanes) & 1
    # An event of no lane: all() of nothing is true otherwise.
    return bits.astype(np.bool_) if len(bits) else np.zeros((1, interface.lanes), dtype=np.bool_)


def _written(stretch: Stretch) -> npt.NDArray[np.bool_]:
    return stretch.moved("parameters")


def _waits(stretch: Stretch) -> npt.NDArray[np.bool_]:
    return stretch.stalled("parameters")


def _targets(stretch: Stretch, parameter: RuntimeParameter) -> npt.NDArray[np.int64]:
    """Return whose word each write of a parameter is."""
    chosen = _written(stretch) & (stretch.ports["parameters_select"] == parameter.select)
    targets: npt.NDArray[np.int64] = stretch.ports["parameters_neuron"][chosen].astype(np.int64)
    return targets


def _is_written(stretch: Stretch, parameter: RuntimeParameter) -> bool:
    return len(_targets(stretch, parameter)) > 0


def _ends_written(stretch: Stretch, parameter: RuntimeParameter, neurons: int) -> bool:
    return {0, neurons - 1} <= set(_targets(stretch, parameter).tolist())


def _lanes_written(stretch: Stretch, interface: Interface) -> bool:
    lanes = {
        int(neuron) % interface.lanes
        for parameter in interface.runtime
        if parameter.storage.is_per_neuron
        for neuron in _targets(stretch, parameter)
    }
    return len(lanes) == interface.lanes


def _in_between(stretch: Stretch) -> bool:
    """Return whether something was written after the first update."""
    came = np.flatnonzero(stretch.moved("updates"))
    return len(came) > 0 and bool(_written(stretch)[came[0] :].any())
