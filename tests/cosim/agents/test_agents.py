"""The agents on our own modules, and on such with a fault."""

import pytest

from qlif import hdl
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


def made(preset="tiny-8", neurons=4, lanes=1, storage=None, **parameters):
    words = quantise(Parameters(n=neurons, **parameters), PRESETS[preset])
    return hdl.export(hdl.Core(words, lanes, storage or {}))


def test_pauses_lose_and_double_nothing(simulator, play):
    if simulator.of_vhdl:
        pytest.skip("the module is Verilog")
    outcome, log = play(simulator, made(), "pauses_on_all_streams", "reset_in_mid_run")
    assert outcome == (2, 0), log


def test_writes(quick_simulator, play):
    export = made(neurons=4, lanes=2, storage={"threshold": "register", "bias": "memory", "reset": "memory"})
    outcome, log = play(quick_simulator, export, "writes_while_it_runs")
    assert outcome == (1, 0), log
