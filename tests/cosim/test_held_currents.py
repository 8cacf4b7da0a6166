"""Populations that hold their currents: gates, interface, testbenches, proof, and what doesn't take them."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from qlif.cosim import cosimulation
from qlif.cosim.benches.job import Job
from qlif.cosim.benches.monitors import AbsentStream
from qlif.cosim.bitslice.population import SlicedPopulation
from qlif.cosim.configuration import Configuration, Settings
from qlif.cosim.cosimulation import HELD_TEST, POPULATION_BENCH, cosimulate
from qlif.cosim.golden.benches import vector_files
from qlif.cosim.proof.tasks import explicit_tasks, tasks
from qlif.cosim.selftest.run import self_test
from qlif.cosim.simulator.cocotb_design import Design
from qlif.cosim.simulator.find import find
from qlif.hdl.core import Core, Feed, Streams
from qlif.hdl.interface import Interface
from qlif.hdl.ip.export import axi_shell
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.presets import PRESETS


def made(neurons: int = 4, lanes: int = 1, streams: Streams = Streams.BOTH) -> Export:
    return configuration(neurons).export(lanes, step_bits=6, streams=streams, feed=Feed.HELD)


def configuration(neurons: int = 4) -> Configuration:
    return Settings.read("tiny-8", None, []).population(neurons)


def edited(export: Export, pattern: str, to: str) -> Export:
    text, count = re.subn(pattern, to, export.verilog)
    assert count == 1
    return dataclasses.replace(export, verilog=text)


def test_a_write_names_its_neuron_and_a_command_has_no_payload() -> None:
    currents, steps = made(12, 4).interface.streams[:2]
    assert {name: (port.width, port.lanes) for name, port in currents.fields.items()} == {
        "neuron": (4, 1),
        "word": (8, 1),
    }
    assert (steps.name, steps.role, steps.payload) == ("steps", "sink", ())


def test_its_interface_is_read_back() -> None:
    interface = made().interface
    read = Interface.from_json(json.loads(interface.to_text()))
    assert read.core.feed is Feed.HELD
    assert read.to_text() == interface.to_text()


def test_an_unknown_feed_is_refused() -> None:
    with pytest.raises(InputError, match="unknown feed 'hold': did you mean 'held'"):
        Core(configuration().words, feed="hold")  # type: ignore[arg-type]


def test_currents_have_no_registers_of_their_own() -> None:
    assert "currents_0" not in made().verilog


def test_the_testbenches_run_it(tmp_path: Path) -> None:
    # Some currents change in each timestep, some stay for many.
    currents = np.random.default_rng(1).uniform(0, 70, (40, 4))
    currents[10:30] = currents[10]
    export, icarus = made(), find("icarus")
    run = cosimulate(configuration(), currents, icarus, tmp_path, export=export, stalls=0.3)
    assert not run.verdict.mismatches
    assert not run.verdict.broken
    assert run.software.golden.spikes.any()
    assert cosimulation.tests_of(export.interface)[-1] == "raced"
    early = edited(export, r"assign currents__ready = \w+ & \w+;", r"assign currents__ready = 1'h1;")
    wrong = cosimulate(configuration(), currents, icarus, tmp_path, export=early, stalls=0.3)
    assert wrong.verdict.mismatches


@pytest.mark.slow
def test_races_and_given_handshakes_show_a_write_between_two_rows_of_a_timestep(tmp_path: Path) -> None:
    export, runs = made(), []
    early = edited(export, r"assign currents__ready = \w+ & (\w+);", r"assign currents__ready = \1;")
    ports = "currents_valid", "steps_valid", "updates_ready", "events_ready"
    # Outputs are taken so seldom that the queue is full.
    random = np.random.default_rng(5).random((3000, 4)) < (0.5, 0.9, 0.1, 0.5)
    inputs = [dict(zip(ports, map(int, clock), strict=True)) for clock in random]
    for text in (export, early):
        folder = tmp_path / f"{len(runs)}"
        folder.mkdir()
        verilog, interface = text.write(folder)[0], text.interface
        design = Design(find("icarus"), verilog, interface.module, folder / "simulation")
        Job(interface.words, interface, {"updates": 4000, "inputs": inputs}).write(folder)
        runs.append(
            [design.run(POPULATION_BENCH, folder, 0, (test,)) for test in (HELD_TEST, "given_clocks")]
        )
    assert runs == [[(1, 0), (1, 0)], [(1, 1), (1, 1)]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("neurons", "lanes", "stalls"),
    [
        (6, 2, 0.3),
        (1, 1, 0.0),
        (4, 4, 0.3),
        (40, 1, 0.0),
    ],
)
def test_its_self_test_has_the_signature_of_every_population(
    neurons: int, lanes: int, stalls: float, tmp_path: Path
) -> None:
    chosen = configuration(neurons)
    export = chosen.export(lanes, feed=Feed.HELD)
    run = self_test(chosen, 300, find("verilator"), tmp_path, export=export, stalls=stalls)
    assert run.passed and run.updates == 300 * neurons


def test_what_needs_a_stream_refuses_it() -> None:
    export = made()
    with pytest.raises(
        InputError, match="the AXI shell needs currents as a stream: feed must be stream, not held"
    ):
        axi_shell(export)
    with pytest.raises(InputError, match="a testbench of vectors needs currents as a stream"):
        vector_files(export.interface, [])
    with pytest.raises(InputError, match="a run of instances side by side needs currents as a stream"):
        SlicedPopulation(None, export.interface, clocks=9, stalls=0)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_in_every_bench_and_proof(preset: str, tmp_path: Path) -> None:
    for lanes, streams in ((1, Streams.BOTH), (2, Streams.EVENTS)):
        chosen = Settings.read(preset, None, []).stored(("threshold",), ("reset",)).population(12)
        export = chosen.export(lanes, step_bits=6, streams=streams, feed=Feed.HELD)
        currents = np.random.default_rng(2).uniform(0, 40, (200, 12))
        out = tmp_path / f"{lanes}"
        out.mkdir()
        run = cosimulate(chosen, currents, find("verilator"), out, export=export, stalls=0.2, thorough=True)
        assert not run.verdict.mismatches
        assert run.thorough == (len(cosimulation.tests_of(export.interface)), 0)
    todo = [*tasks(chosen, 2, feed=Feed.HELD), *explicit_tasks(chosen, "ecp5", 2, feed=Feed.HELD)]
    around = [task for task in todo if "population" in task.claim]
    claims = [claim for task in around for claim in task.prove(120)]
    assert {claim.claim: claim.why for claim in claims if claim.result != "proved"} == {}


def test_rows_that_one_command_starts_are_expected_in_successive_clocks() -> None:
    untold = AbsentStream("updates", rows=3, lanes=2, latency=10)
    untold.follow(3, clock=5)
    assert untold.transfers == [[0], [2], [4]]
    assert untold.clocks == [15, 16, 17]
