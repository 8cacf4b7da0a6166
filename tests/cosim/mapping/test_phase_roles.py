"""A core with a phase, by a map: a right one passes bench and proof; a bug in its phase doesn't, nor a wrong map."""

import json
import re
import shutil
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.proof.foreign_update import UPDATES, prove_state
from qlif.hdl.verilog import export_neuron
from qlif.model.exceptions import InputError

pytestmark = pytest.mark.usefixtures("yosys")

CORE = Path(__file__).parents[3] / "examples" / "cores" / "substep"
TEXT = (CORE / "core.v").read_text()

BUGS = {
    "forgotten while refractory": ("frozen ? left : hit", "hit"),
    "rounded up": ("eighth  = step[33:18];", "eighth  = step[33:18] + |step[17:15];"),
    "a tie is missed": ("over >= eighth + quarter)", "over > eighth + quarter)"),
    "half a step for a quarter": ("left[0] ? quarter", "left[0] ? half"),
    "kept after its step": ("hit ? got : 2'd0;", "hit ? got : left;"),
}
"""Each by the text that is replaced by another."""


def files(folder, old="", new=""):
    """Return the options of the example in a folder, with a text of its core replaced."""
    shutil.copytree(CORE, folder, dirs_exist_ok=True)
    assert TEXT.count(old) == 1 or not old
    (folder / "core.v").write_text(TEXT.replace(old, new))
    return ("--map", folder / "core.toml", "--params", folder / "neuron.toml", "--json")


def cosim(qlif, simulator, *options):
    code, output, errors = qlif("cosim", *options, "--simulator", simulator.name, "--out", "out")
    return code, json.loads(output) if output else None, errors


@pytest.mark.slow
def test_a_core_with_a_phase_is_compared(qlif, tmp_path, quick_simulator):
    options = ("--input", "ou:mean=30,sd=10", "--steps", 500)
    code, facts, errors = cosim(qlif, quick_simulator, *files(tmp_path), *options)
    assert code == 0, errors
    assert facts["mismatches"] == 0 and facts["spikes_golden"] > 2
    assert facts["not_compared"] == ["trace", "refractory", "events"]


@pytest.mark.slow
def test_a_core_with_a_phase_passes_every_net(qlif, tmp_path, quick_simulator):
    options = files(tmp_path)
    code, facts, errors = cosim(qlif, quick_simulator, *options, "--thorough")
    assert (code, facts["thorough_failed"]) == (0, 0), errors
    code, output, errors = qlif("selftest", *options, "--updates", 20000)
    assert code == 0, errors
    code, output, errors = qlif("prove", *options)
    assert code == 0, errors
    assert {claim["result"] for claim in json.loads(output)} == {"proved"}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_benches_find_a_bug_in_a_phase(qlif, tmp_path, quick_simulator, bug):
    _, facts, errors = cosim(qlif, quick_simulator, *files(tmp_path, *BUGS[bug]), "--thorough")
    assert facts["thorough_failed"], errors


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_the_proof_refutes_a_bug_in_a_phase(tmp_path, bug):
    pytest.importorskip("bitwuzla")
    files(tmp_path, *BUGS[bug])
    core_map = read_map(tmp_path / "core.toml")
    export, _ = mapped_export(core_map, Settings.read(None, tmp_path / "neuron.toml").population(1))
    claims = prove_state(export, core_map.state.with_adapter(core_map), seconds=60)
    (refuted,) = (claim for claim in claims if claim.result != "proved")
    assert refuted.result == "refuted" and refuted.claim == UPDATES
    assert "phase" in refuted.what or "potential" in refuted.what


CONFIGURATION = Settings.read("tiny-8", values=[("--set", "phase_bits=2")]).population(1)
PIPELINE = export_neuron(CONFIGURATION.core())

PIPELINE_MAP = f"""\
module = "qlif_neuron"
sources = ["core.v"]
contract = "pipeline"
clock = "clk"
reset = "rst"
latency = {PIPELINE.interface.latency}
neurons = {PIPELINE.interface.latency + 1}

[ports]
current = "current_in"
potential_in = "potential_in"
refractory_in = "refractory_in"
trace_in = "trace_in"
phase_in = "phase_in"
potential = "potential_out"
refractory = "refractory_out"
trace = "trace_out"
phase = "phase_out"
spike = "spike_out"
"""

STREAMS_MAP = """\
module = "qlif_population"
sources = ["core.v"]
contract = "streams"
clock = "clk"
reset = "rst"

[ports]
current_valid = "currents_valid"
current_ready = "currents_ready"
current = "currents_data"
update_valid = "updates_valid"
update_ready = "updates_ready"
neuron = "updates_neuron"
spike = "updates_spike"
potential = "updates_potential"
trace = "updates_trace"
phase = "updates_phase"
event = "events_valid"
event_ready = "events_ready"
event_neuron = "events_neuron"
event_step = "events_step"
event_phase = "events_phase"
"""


def mapped(folder, text, verilog):
    """Write a map and its core; return the options."""
    (folder / "core.v").write_text(verilog)
    (folder / "core.toml").write_text(text)
    return ("--map", "core.toml", "--preset", "tiny-8", "--set", "phase_bits=2", "--json")


def damaged(verilog, port):
    """Return a text with an output's two bits swapped."""
    found = re.sub(
        rf"assign {port} = (\w+)\[(\d+):(\d+)\];", rf"assign {port} = {{\1[\3], \1[\2]}};", verilog
    )
    found = found.replace(f"({port})", f"({{{port}[0], {port}[1]}})")
    assert found != verilog
    return found


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [False, True])
def test_a_pipeline_gets_its_phase(qlif, tmp_path, wrong):
    pytest.importorskip("bitwuzla")
    text = damaged(PIPELINE.verilog, "phase_out") if wrong else PIPELINE.verilog
    # The runs from reset take 30 s each, of the 60 s that there are if nobody says otherwise.
    code, output, errors = qlif("prove", *mapped(tmp_path, PIPELINE_MAP, text), "--timeout", 600)
    results = [claim["result"] for claim in json.loads(output)]
    assert code == int(wrong), errors
    assert results[-1] == ("refuted" if wrong else "proved")


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [False, True])
def test_benches_of_a_pipeline_compare_its_phase(qlif, tmp_path, quick_simulator, wrong):
    text = damaged(PIPELINE.verilog, "phase_out") if wrong else PIPELINE.verilog
    options = mapped(tmp_path, PIPELINE_MAP, text)
    code, facts, errors = cosim(qlif, quick_simulator, *options, "--input", "ou:mean=30,sd=10")
    assert code == int(wrong), errors
    assert bool(facts["mismatches"]) is wrong
    # What is wrong in one update is what the next one begins with.
    assert not wrong or "phase: expected" in facts["first_mismatch"]["text"]


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["", "events_phase", "updates_phase"])
def test_an_event_has_a_phase_of_its_own(qlif, tmp_path, quick_simulator, wrong):
    text = CONFIGURATION.export().verilog
    options = mapped(tmp_path, STREAMS_MAP, damaged(text, wrong) if wrong else text)
    code, facts, errors = cosim(qlif, quick_simulator, *options, "--input", "ou:mean=30,sd=10")
    assert code == int(bool(wrong)), errors
    assert bool(facts["mismatches"]) is bool(wrong)
    told = {"": "", "events_phase": "phase of the event: expected", "updates_phase": "phase: expected"}[wrong]
    assert told in (facts["first_mismatch"] or {"text": ""})["text"]
    assert facts["not_compared"] == ["refractory"]


@pytest.mark.slow
def test_what_a_core_does_not_tell_of_a_phase_is_not_compared(qlif, tmp_path, quick_simulator):
    text = damaged(damaged(CONFIGURATION.export().verilog, "events_phase"), "updates_phase")
    told = "".join(line for line in STREAMS_MAP.splitlines(True) if "phase" not in line)
    options = mapped(tmp_path, told, text)
    code, facts, errors = cosim(qlif, quick_simulator, *options, "--input", "ou:mean=30,sd=10")
    assert (code, facts["mismatches"]) == (0, 0), errors
    assert facts["not_compared"] == ["refractory", "phase", "event_phase"]
    code, _, errors = qlif("selftest", *options, "--updates", 2000)
    assert code == 0, errors
    # The event's phase alone is compared with the golden model's.
    options = mapped(tmp_path, f'{told}event_phase = "events_phase"\n', text)
    code, facts, errors = cosim(qlif, quick_simulator, *options, "--input", "ou:mean=30,sd=10")
    assert code == 1 and "phase of the event" in facts["first_mismatch"]["text"], errors


def refused(folder, text, verilog, bits=2):
    with pytest.raises(InputError) as error:
        (folder / "core.v").write_text(verilog)
        (folder / "core.toml").write_text(text)
        core_map = read_map(folder / "core.toml")
        settings = Settings.read("tiny-8", values=[("--set", f"phase_bits={bits}")])
        mapped_export(core_map, settings.population(core_map.neurons))
    return str(error.value)


def test_a_phase_without_bits_is_refused(tmp_path):
    said = refused(tmp_path, PIPELINE_MAP, PIPELINE.verilog, 0)
    assert "ports: phase requires phase_bits above 0 in the configuration" in said
    assert "ports: phase_in requires phase_bits above 0 in the configuration" in said
    text = (CORE / "core.toml").read_text().replace('phase = "left"\nothers', "others")
    for place in ('phase = "left"', 'others.left = "left == golden.phase"'):
        said = refused(tmp_path, f"{text.partition('others')[0]}{place}\n", TEXT, 0)
        assert "state: phase requires phase_bits above 0 in the configuration" in said


def test_a_pipeline_without_its_phase_is_refused(tmp_path):
    told = "".join(line for line in PIPELINE_MAP.splitlines(True) if "phase" not in line)
    said = refused(tmp_path, told, PIPELINE.verilog)
    assert said.endswith("ports: phase and phase_in are missing: the configuration has phase_bits 2")
    said = refused(tmp_path, f'{told}phase = "phase_out"\n', PIPELINE.verilog)
    assert said.endswith("ports: phase and phase_in require each other")


def test_a_phase_of_an_event_requires_the_event(tmp_path):
    told = "".join(
        line for line in STREAMS_MAP.splitlines(True) if "event" not in line or "event_phase" in line
    )
    said = refused(tmp_path, told, CONFIGURATION.export().verilog)
    assert said.endswith("ports: event_phase requires event")


def test_a_phase_of_another_width_is_refused(tmp_path):
    said = refused(tmp_path, PIPELINE_MAP, PIPELINE.verilog, 3)
    assert "phase: port phase_out has 2 bits, and UQ(0,3) has 3" in said


def test_a_state_without_the_phase_is_refused(qlif, tmp_path):
    pytest.importorskip("bitwuzla")
    options = files(tmp_path)
    text = (CORE / "core.toml").read_text()
    (tmp_path / "core.toml").write_text(
        text.replace('phase = "left"\nothers = {', 'others = { left = "any",')
    )
    code, _, errors = qlif("prove", *options)
    assert code == 2
    assert (
        "state: phase is missing: name its register, or tell golden.phase in a condition of others" in errors
    )
