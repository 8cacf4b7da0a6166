"""The AXI shell, with cocotbext-axi as its client."""

import json
from pathlib import Path

import pytest

from qlif.cosim.benches.job import Job
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator.design import Design
from qlif.cosim.simulator.find import find
from qlif.hdl.core import Streams
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.ip.shell import SHELL_MODULE

BENCH = "qlif.cosim.benches.axi_bench"
BUILDS = {
    "eight neurons": (8, 1, Streams.BOTH, {}),
    "rows of lanes": (12, 2, Streams.EVENTS, {}),
    "parameters": (6, 1, Streams.UPDATES, {"threshold": "register", "bias": "memory"}),
}


def run(directory: Path, build: str, updates: int, *tests: str) -> int:
    """Run benches of a build; return how many updates the random one compared."""
    neurons, lanes, streams, storage = BUILDS[build]
    settings = Settings.read("tiny-8", None, [])
    named = [[name for name, where in storage.items() if where == kind] for kind in ("register", "memory")]
    configuration = settings.stored(*named).population(neurons)
    population = configuration.export(lanes, step_bits=8, streams=streams)
    verilog, _ = population.write(directory)
    _, text = axi_shell(population)
    shell = directory / f"{SHELL_MODULE}.v"
    shell.write_text(text)
    design = Design(find("icarus"), shell, SHELL_MODULE, directory / "simulation", cells=[verilog])
    Job(configuration.words, population.interface, {"updates": updates}).write(directory)
    ran, failed = design.run(BENCH, directory, 1, tests)
    assert ran
    assert not failed, (directory / "simulation.log").read_text()[-4000:]
    found = directory / "updates.json"
    return int(json.loads(found.read_text())) if found.exists() else 0


@pytest.mark.parametrize(
    "build", ["rows of lanes", "parameters", pytest.param("eight neurons", marks=pytest.mark.slow)]
)
def test_a_client_of_somebody_else_gets_what_the_golden_model_gives(build: str, tmp_path: Path) -> None:
    assert run(tmp_path, build, 2000) >= 2000


@pytest.mark.slow
def test_a_hundred_thousand_updates(tmp_path: Path) -> None:
    assert run(tmp_path, "eight neurons", 100_000, "paused") >= 100_000
