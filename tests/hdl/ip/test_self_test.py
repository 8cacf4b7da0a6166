"""The self-test in the AXI shell, started over AXI4-Lite."""

import re
from pathlib import Path

import pytest

from qlif.cosim.benches.job import Job
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator.cocotb_design import Design
from qlif.cosim.simulator.find import find
from qlif.hdl.ip.package import axi_files
from qlif.hdl.ip.shell import SHELL_MODULE
from qlif.hdl.selftest.export import export_self_test
from qlif.model.selftest.plan import SelfTestPlan

BENCH = "qlif.cosim.benches.axi_self_test_bench"


def run(
    directory: Path,
    *tests: str,
    preset: str = "tiny-8",
    neurons: int = 6,
    lanes: int = 1,
    timesteps: int = 200,
    simulator: str = "icarus",
    bench: str = BENCH,
    fault: tuple[str, str] = ("", ""),
) -> None:
    """Run benches of a core; a fault is a pattern in the text of all of it, and what is in its place."""
    configuration = Settings.read(preset).stored(["threshold"], []).population(neurons)
    population = configuration.export(lanes, step_bits=4)
    tested = export_self_test(population, SelfTestPlan.of(configuration.words), shared=True)
    files = axi_files(population, tested)
    text = f"{files[f'{SHELL_MODULE}.v']}\n{tested.verilog}"
    faulty, count = re.subn(*fault, text) if any(fault) else (text, 1)
    assert count
    verilog = directory / f"{SHELL_MODULE}.v"
    verilog.write_text(faulty)
    waiver = directory / f"{SHELL_MODULE}.vlt"
    waiver.write_text(files[waiver.name])
    design = Design(find(simulator), verilog, SHELL_MODULE, directory / "simulation", waiver=waiver)
    options = {"updates": 2000, "timesteps": timesteps, "self_tested": True}
    Job(configuration.words, population.interface, options).write(directory)
    ran, failed = design.run(bench, directory, 1, tests)
    assert ran
    assert not failed, (directory / "simulation.log").read_text()[-4000:]


@pytest.mark.slow
def test_a_client_starts_it_and_reads_the_golden_signature(tmp_path: Path) -> None:
    run(tmp_path)


SIGNATURE = "signature_is_the_golden_one"
FAULTS = {
    "a threshold": (
        "driver", r"value_threshold = 8'h1f", "value_threshold = 8'h10", "the signature by the driver is"
    ),
    "a lost event": (
        "driver",
        r"(= core_events_valid & core_events_ready);",
        r"\1 & ~events_step[0];",
        "the signature by the driver is",
    ),
    "a start that takes no restart": (
        "start_waits_for_results", r"status_restarting & idle", "status_restarting", "tvalid"
    ),
    "streams that open at the end": (
        SIGNATURE, r"status_restarting \| closed", "status_restarting", "rose during the self-test"
    ),
    "a start that a restart swallows": (
        "start_at_any_clock_of_a_restart", r"restart \? test_pending : closed", "closed", ""
    ),
    "an end without a flag": (SIGNATURE, r"(flags_selftest_event) = .*;", r"\1 = 1'h0;", "the flag is"),
}  # fmt: skip
"""Bench, pattern, what is in its place, and what the bench says."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "a threshold",
        *(name for name in FAULTS if name != "a threshold"),
    ],
)
def test_a_fault_is_found(name: str, tmp_path: Path) -> None:
    bench, old, new, told = FAULTS[name]
    with pytest.raises(AssertionError):
        run(tmp_path, bench, fault=(old, new))
    assert told in (tmp_path / "simulation.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 2])
def test_all_else_is_as_without_it(lanes: int, tmp_path: Path) -> None:
    run(tmp_path, lanes=lanes, bench="qlif.cosim.benches.axi_bench")


@pytest.mark.slow
def test_lanes(tmp_path: Path) -> None:
    run(tmp_path, lanes=2, timesteps=300)


@pytest.mark.slow
def test_a_thousand_neurons(tmp_path: Path) -> None:
    run(tmp_path, SIGNATURE, preset="square-16", neurons=1024, timesteps=200, simulator="verilator")
