"""Maps are read, and every fault of one is told at once."""

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.core_map import Active, Align, Contract, Encoding, PortUse, Reset
from qlif.cosim.mapping.read import read_map
from qlif.cosim.mapping.rtl import Rtl
from qlif.model.exceptions import InputError
from qlif.model.formats import SQ

GOOD = """
module = "qif_cell"
sources = ["core.v"]
contract = "strobe"
clock = "ck"
reset = { port = "nrst", active = "low", asynchronous = true }
latency = 6
[ports]
start = "go"
done = "rdy"
current = { port = "i", format = "SQ(8,12)", align = "left", encoding = "offset" }
potential = "v"
spike = { port = "fire_n", active = "low" }
[constants]
scan = 0
limit = "threshold"
"""


def read(tmp_path, text):
    file = tmp_path / "core.toml"
    file.write_text(text)
    return read_map(file)


def test_a_map_says_which_port_is_what(tmp_path):
    found = read(tmp_path, GOOD)
    assert found.contract is Contract.STROBE
    assert found.sources == (tmp_path / "core.v",)
    assert found.reset == Reset("nrst", Active.LOW, True)
    assert found.ports["current"] == PortUse("i", SQ(8, 12), Align.LEFT, Encoding.OFFSET)
    assert found.ports["spike"].active is Active.LOW
    assert found.constants == {"scan": 0, "limit": "threshold"}
    words = Settings.read("tiny-8").population(1).words
    assert found.absent(words) == ("trace", "refractory", "events")
    words = Settings.read("tiny-8", values=[("--set", "phase_bits=2")]).population(1).words
    assert found.absent(words) == ("trace", "refractory", "phase", "events", "event_phase")
    assert found.used == {
        **dict.fromkeys(("go", "i", "scan", "limit", "ck", "nrst"), "input"),
        **dict.fromkeys(("rdy", "v", "fire_n"), "output"),
    }


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('clock = "ck"', "", "clock is missing"),
        ('module = "qif_cell"', "", "module is missing"),
        ("reset = {", "rest = {", "unknown key 'rest': did you mean 'reset'?"),
        ("reset = {", "#", "reset is missing: a port, or false if there is none"),
        ('contract = "strobe"', 'contract = "strobes"', "unknown contract 'strobes': did you mean 'strobe'?"),
        ('start = "go"', 'strat = "go"', "ports: unknown role 'strat': did you mean 'start'?"),
        ('start = "go"', "", "ports: start is missing (an update begins, with the current)"),
        ('done = "rdy"', 'done = "go"', "port go is named 2 times, as start and done"),
        ('done = "rdy"', 'done = "ck"', "port ck is named 2 times, as clock and done"),
        ("scan = 0", "fire_n = 0", "port fire_n is named 2 times, as spike and constants"),
        ("scan = 0", "scan = 0.5", "constants: scan must be a whole number or the name of a parameter word"),
        ('"SQ(8,12)"', '"SQ8"', "current: format: "),
        ('align = "left"', 'align = "top"', "unknown current: align 'top'"),
        ('align = "left"', 'algin = "left"', "current: unknown key 'algin': did you mean 'align'?"),
        ('active = "low" }', "active = 0 }", "spike: active must be one of high, low, not 0"),
        ("latency = 6", "latency = -1", "latency must be a whole number, 0 or more, not -1"),
        ("latency = 6", "neurons = 0", "neurons must be a whole number, 1 or more, not 0"),
        (
            'spike = { port = "fire_n"',
            'spike = { lasts = "start", port = "fire_n"',
            'lasts = "start" is of a done',
        ),
        ('["core.v"]', '"core.v"', "sources must be a list of texts, not 'core.v'"),
        ('["core.v"]', "[]", "sources is missing: a list of the files with the module"),
        ('start = "go"', 'start = "go"\nevent_step = "t"', "ports: event_step requires event"),
        ('contract = "strobe"', 'contract = "pipeline"', "ports: potential_in is missing"),
        ('"go"', '"always"', "'always': Verilog reserves it"),
    ],
)
def test_a_wrong_map_is_refused_by_name(tmp_path, before, after, told):
    assert before in GOOD
    with pytest.raises(InputError) as refused:
        read(tmp_path, GOOD.replace(before, after, 1))
    assert told in str(refused.value)


def test_all_faults_are_told_at_once(tmp_path):
    text = GOOD.replace('start = "go"', 'strat = "go"').replace('clock = "ck"', "").replace("= 6", "= true")
    with pytest.raises(InputError) as refused:
        read(tmp_path, text)
    for part in ("core.toml: ", "'strat'", "start is missing", "clock is missing", "latency must be"):
        assert part in str(refused.value)


def test_a_pipeline_needs_its_latency_and_both_ends_of_a_state(tmp_path):
    text = GOOD.replace('"strobe"', '"pipeline"').replace("latency = 6", "")
    with pytest.raises(InputError) as refused:
        read(tmp_path, text.replace('start = "go"', 'trace = "x"'))
    for part in ("latency is missing", "trace and trace_in require each other", "potential_in is missing"):
        assert part in str(refused.value)


def test_something_must_be_compared(tmp_path):
    text = GOOD.replace('potential = "v"', "").replace('spike = { port = "fire_n", active = "low" }', "")
    with pytest.raises(InputError, match="one of potential, spike and event is needed"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("module m import p::*; (input a); endmodule", 1),
        ("module m(input a);\nfunction f(input b);\nreturn b;\nendfunction\nendmodule", 3),
    ],
)
def test_what_yosys_can_not_read_of_systemverilog_is_said_to_be_its_own(yosys, text, line):
    with pytest.raises(InputError, match=rf"^yosys: core\.sv:{line}: syntax error"):
        Rtl(f'`line 1 "core.sv" 0\n{text}', "m", {})
