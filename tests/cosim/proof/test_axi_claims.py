"""The AXI shell is proved for any number of clocks; a shell with a fault isn't."""

import re
from functools import cache

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.proof.axi_claims import (
    ALIGNED,
    CLOSED,
    COUNTED,
    HELD,
    OFF_MAP,
    ONCE,
    PASSED,
    READS,
    SHELL_CLAIMS,
    TAKEN,
    axi_claims,
)
from qlif.hdl.core import Streams
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.selftest.export import export_self_test
from qlif.hdl.verilog import Export
from qlif.model.selftest.plan import SelfTestPlan


@cache
def population(streams: Streams = Streams.BOTH) -> Export:
    return Settings.read("tiny-8", None, []).population(6).export(streams=streams)


@cache
def shell_text() -> str:
    return axi_shell(population())[1]


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize("streams", Streams)
def test_the_shell_is_proved(streams: Streams) -> None:
    claims = list(axi_claims(population(streams), 30))
    assert {claim.claim: claim.result for claim in claims} == {claim.claim: "proved" for claim in claims}
    assert {claim.bound for claim in claims} == {None}


def test_with_parameters_to_write() -> None:
    made = Settings.read("tiny-8", None, []).stored(["threshold"], []).population(6).export()
    assert {claim.result for claim in axi_claims(made, 30)} == {"proved"}


@cache
def self_tested() -> Export:
    made = population()
    return export_self_test(made, SelfTestPlan.of(made.interface.words), shared=True)


def test_with_a_self_test() -> None:
    claims = list(axi_claims(population(), 30, tested=self_tested()))
    assert {claim.claim: claim.result for claim in claims} == dict.fromkeys({*SHELL_CLAIMS, CLOSED}, "proved")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"(= dropping & )_\d+_;", r"\g<1>1'h1;"),
        (r"status_restarting \| closed", "status_restarting"),
    ],
)
def test_a_fault_of_the_self_tests_shell_is_refuted(old: str, new: str) -> None:
    wrong, count = re.subn(old, new, axi_shell(population(), self_tested())[1])
    assert count
    claims = axi_claims(population(), 30, wrong, self_tested())
    assert {one.claim: one.result for one in claims}[CLOSED] == "refuted"


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("neurons", [1, 2, 3])
def test_with_few_rows(neurons: int) -> None:
    made = Settings.read("tiny-8", None, []).population(neurons).export()
    assert {claim.result for claim in axi_claims(made, 30)} == {"proved"}


FAULTS = [
    (HELD, r"= s_axi_rvalid & _\d+_;", "= 1'h0;"),
    (HELD, r"= s_axi_bvalid & _\d+_;", "= 1'h0;"),
    (ONCE, r"= ~ s_axi_bvalid;", "= 1'h1;"),
    (ONCE, r"= ~ wrote;", "= 1'h1;"),
    (HELD, r"= wrote \| _\d+_;", "= wrote;"),
    (OFF_MAP, r"(assign near = & {.*?), _\d+_ };", r"\1 };"),
    (OFF_MAP, r"assign control_chosen = .*;", "assign control_chosen = 1'h1;"),
    (COUNTED, r"& row\[1:0\]", "& row[2:1]"),
    (COUNTED, r"(assign _\d+_ = \^ { row\[2\], )row\[0\]", r"\1row[1]"),
    (COUNTED, r"= last \? 3'h0", "= 1'h0 ? 3'h0"),
    (READS, r"interrupt_spike <= (_\d+_);", r"interrupt_spike <= \1 | s_axi_arvalid;"),
    (PASSED, r"\.events_ready\(m_axis_events_tready\)", ".events_ready(1'h1)"),
    (TAKEN, r"filling \? 8'h00", "filling ? 8'h01"),
    (TAKEN, r"(assign s_axis_currents_tready = .*) \| dropping", r"\1"),
    (ALIGNED, r"= filling \| s_axis_currents_tlast;", "= filling;"),
]


@pytest.mark.parametrize(("claim", "old", "new"), FAULTS)
def test_a_fault_is_refuted(claim: str, old: str, new: str) -> None:
    wrong, count = re.subn(old, new, shell_text())
    assert count
    assert {one.claim: one.result for one in axi_claims(population(), 30, wrong)}[claim] == "refuted"


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(("bits", "lanes"), [(2, 1), (1, 2)])
def test_with_phases(bits: int, lanes: int) -> None:
    made = Settings.read("tiny-8", None, [("--set", f"phase_bits={bits}")]).population(6).export(lanes)
    assert {claim.result for claim in axi_claims(made, 30)} == {"proved"}
    for stream in ("updates", "events"):
        phase = rf"\.{stream}_phase\((m_axis_{stream}_tdata)\[(\d+):(\d+)\]\)"
        swapped = rf".{stream}_phase({{\1[\3], \1[\2]}})"
        wrong, count = re.subn(phase, swapped, axi_shell(made)[1])
        assert count == 1
        assert {one.claim: one.result for one in axi_claims(made, 30, wrong)}[PASSED] == "refuted"
