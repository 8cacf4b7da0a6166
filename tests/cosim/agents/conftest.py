"""What runs cocotb tests that lie outside the package, on any text."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cocotb_tools.check_results import get_results

from qlif.cosim.benches.job import ENVIRONMENT_VARIABLE, Job
from qlif.cosim.simulator.cocotb_design import Design

HERE = Path(__file__).parent


@pytest.fixture
def cocotb_run(tmp_path):
    """Build a source for a simulator and run cocotb tests on them; return (tests, failed) and the log."""

    def run(simulator, source, top, bench, tests=(), folder=HERE, generics=None, **environment):
        # Our own build keeps what a simulator compiles each time, which is most of the time.
        design = Design(simulator, source, top, tmp_path / "simulation", generics=generics)
        results = tmp_path / "results.xml"
        build = design._scratch.path / "build"
        test = {
            "test_module": bench,
            "hdl_toplevel": top,
            "hdl_toplevel_lang": "vhdl" if simulator.of_vhdl else "verilog",
            "build_dir": str(build),
            "test_dir": str(tmp_path),
            "test_args": ["--std=08", f"--workdir={build}"] if simulator.name == "ghdl" else [],
            "results_xml": str(results),
            "test_filter": "|".join(rf"{name}$" for name in tests) or None,
            "seed": 1,
        }
        given = {**os.environ, **simulator.environment, "COCOTB_REWRITE_ASSERTION_FILES": "", **environment}
        given["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
        answer = subprocess.run(
            [sys.executable, "-m", "qlif.cosim.simulator.cocotb_process"],
            input=json.dumps({"simulator": simulator.name, "action": "test", "arguments": test}),
            env=given,
            capture_output=True,
            text=True,
        )
        log = answer.stdout + answer.stderr
        assert results.exists(), log
        return get_results(results), " ".join(log.split())

    return run


@pytest.fixture
def play(tmp_path, cocotb_run):
    """Run tests of `bench_of_agents` on an export; return (tests, failed) and the log."""

    def run(simulator, export, *tests, **options):
        (tmp_path / "design.v").write_text(export.verilog)
        job = tmp_path / "job"
        job.mkdir()
        Job(export.interface.words, export.interface, options).write(job)
        top = export.interface.module
        environment = {ENVIRONMENT_VARIABLE: str(job)}
        return cocotb_run(simulator, tmp_path / "design.v", top, "bench_of_agents", tests, **environment)

    return run
