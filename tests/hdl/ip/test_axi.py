"""The AXI shell, with cocotbext-axi as its client."""

import json
import re
from pathlib import Path

import pytest

from qlif.cosim.benches.job import Job
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator.cocotb_design import Design
from qlif.cosim.simulator.find import find
from qlif.hdl.core import Streams
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.ip.shell import SHELL_MODULE
from qlif.hdl.ip.streams import packing

BENCH = "qlif.cosim.benches.axi_bench"
BUILDS = {
    "eight neurons": (8, 1, Streams.BOTH, {}, 0),
    "rows of lanes": (12, 2, Streams.EVENTS, {}, 0),
    "parameters": (6, 1, Streams.UPDATES, {"threshold": "register", "bias": "memory"}, 0),
    "phases": (6, 1, Streams.BOTH, {}, 2),
    "phases of a bit in lanes": (12, 2, Streams.BOTH, {}, 1),
}
"""Neurons, lanes, streams, parameters to write, bits of a phase."""


def run(directory: Path, build: str, updates: int, *tests: str, fault: tuple[str, str] = ("", "")) -> int:
    """Run benches of a build; return how many updates the random one compared.

    A fault is a pattern in the shell's text, and what is in its place.
    """
    neurons, lanes, streams, storage, phase_bits = BUILDS[build]
    settings = Settings.read("tiny-8", None, [("--set", f"phase_bits={phase_bits}")])
    named = [[name for name, where in storage.items() if where == kind] for kind in ("register", "memory")]
    configuration = settings.stored(*named).population(neurons)
    population = configuration.export(lanes, step_bits=8, streams=streams)
    verilog, _ = population.write(directory)
    _, text = axi_shell(population)
    shell = directory / f"{SHELL_MODULE}.v"
    faulty, count = re.subn(*fault, text) if any(fault) else (text, 1)
    assert count
    shell.write_text(faulty)
    design = Design(find("icarus"), shell, SHELL_MODULE, directory / "simulation", cells=[verilog])
    Job(configuration.words, population.interface, {"updates": updates}).write(directory)
    ran, failed = design.run(BENCH, directory, 1, tests)
    assert ran
    assert not failed, (directory / "simulation.log").read_text()[-4000:]
    found = directory / "updates.json"
    return int(json.loads(found.read_text())) if found.exists() else 0


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    "build",
    [
        "rows of lanes",
        "parameters",
        *(
            pytest.param(build, marks=pytest.mark.slow)
            for build in ("eight neurons", "phases", "phases of a bit in lanes")
        ),
    ],
)
def test_a_client_of_somebody_else_gets_what_the_golden_model_gives(build: str, tmp_path: Path) -> None:
    assert run(tmp_path, build, 2000) >= 2000


@pytest.mark.slow
def test_a_hundred_thousand_updates(tmp_path: Path) -> None:
    assert run(tmp_path, "eight neurons", 100_000, "paused") >= 100_000


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["updates", "events"])
def test_a_phase_at_another_place_of_tdata_is_found(stream: str, tmp_path: Path) -> None:
    place = rf"\.{stream}_phase\((m_axis_{stream}_tdata)\[(\d+):(\d+)\]\)"
    with pytest.raises(AssertionError):
        run(tmp_path, "phases", 500, fault=(place, rf".{stream}_phase({{\1[\3], \1[\2]}})"))
    told = r"with phase \d, the next update with a spike was that of .* with phase \d"
    assert re.search(told, (tmp_path / "simulation.log").read_text())


def test_a_phase_is_the_last_byte_of_tdata() -> None:
    words = Settings.read("tiny-8", None, [("--set", "phase_bits=2")]).population(300)
    updates, events = (
        [(word.port.name, word.low, word.bits) for word in packing(stream)]
        for stream in words.export().interface.streams
        if stream.role == "source"
    )
    assert updates == [
        ("updates_neuron", 0, 16),
        ("updates_spike", 16, 8),
        ("updates_potential", 24, 8),
        ("updates_trace", 32, 8),
        ("updates_phase", 40, 8),
    ]
    assert events == [("events_neuron", 0, 16), ("events_step", 16, 32), ("events_phase", 48, 8)]
