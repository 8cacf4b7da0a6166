"""Populations that hold their currents are proved, and planted faults refute the claims about them."""

import dataclasses
import re

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.proof import held_currents
from qlif.cosim.proof.prove import prove_population, prove_update
from qlif.hdl.core import Feed
from qlif.hdl.verilog import Export

CLAIMS = {
    held_currents.HOLDS,
    held_currents.APART,
    held_currents.USES,
    held_currents.STARTS,
    held_currents.TAKES,
}


def made(neurons: int = 4, lanes: int = 1) -> Export:
    return Settings.read("tiny-8", None, []).population(neurons).export(lanes, step_bits=6, feed=Feed.HELD)


def edited(export: Export, pattern: str, to: str) -> Export:
    text, count = re.subn(pattern, to, export.verilog)
    assert count == 1
    return dataclasses.replace(export, verilog=text)


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(("neurons", "lanes"), [(4, 1), (6, 2), (1, 1)])
def test_it_is_proved_without_bound(neurons: int, lanes: int) -> None:
    claims = [*prove_population(made(neurons, lanes)), prove_update(made(neurons, lanes))]
    assert {claim.claim: claim.why for claim in claims if claim.result != "proved"} == {}
    assert {claim.bound for claim in claims} == {None}
    assert {claim.claim for claim in claims} >= CLAIMS


FAULTS = {
    "a write within a timestep": (
        r"assign currents__ready = \w+ & (\w+);",
        r"assign currents__ready = \1;",
        held_currents.USES,
    ),
    "a write in the clock in which the last row is read": (
        r"assign currents__ready = (\w+) & \w+;",
        r"assign currents__ready = \1;",
        held_currents.APART,
    ),
    "another neuron": (
        r"memory\[writes__payload\[1:0\]\] <=",
        "memory[~writes__payload[1:0]] <=",
        held_currents.HOLDS,
    ),
    "the current of the next row": (
        r"<= memory\[read__addr\]",
        "<= memory[read__addr + 2'd1]",
        held_currents.USES,
    ),
    "a timestep without a command": (
        r"= steps__valid \| ",
        "= 1'b1 | ",
        held_currents.STARTS,
    ),
    "timesteps that don't wait for a write": (
        r"rst \? 1'h0 : currents__valid;",
        "1'h0;",
        held_currents.TAKES,
    ),
}


@pytest.mark.slow_beyond(3)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_refutes_its_claim(fault: str) -> None:
    pattern, to, name = FAULTS[fault]
    claims = {claim.claim: claim.result for claim in prove_population(edited(made(), pattern, to))}
    assert claims[name] != "proved"
