"""Populations with one of the two streams of results: gates, interface, testbenches and proof."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from qlif.cosim.configuration import Configuration, Settings
from qlif.cosim.cosimulation import cosimulate
from qlif.cosim.proof.prove import prove_population
from qlif.cosim.simulator.find import find
from qlif.hdl.core import Core, Streams
from qlif.hdl.interface import Interface
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError

ONE = (Streams.UPDATES, Streams.EVENTS)


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return Settings.read("tiny-8", None, []).population(4)


def made(configuration: Configuration, streams: Streams, lanes: int = 1) -> Export:
    return configuration.export(lanes, step_bits=6, streams=streams)


@pytest.mark.parametrize("streams", ONE)
def test_what_was_not_asked_for_is_in_neither_ports_nor_gates(
    configuration: Configuration, streams: Streams
) -> None:
    export = made(configuration, streams)
    (other,) = set(ONE) - {streams}
    assert {stream.name for stream in export.interface.streams} == {"currents", str(streams)}
    code = "\n".join(line for line in export.verilog.splitlines() if not line.startswith("//"))
    assert f"{other}_" not in code
    assert ("step" in code) is streams.has_events


@pytest.mark.parametrize("streams", ONE)
def test_its_interface_is_read_back(configuration: Configuration, streams: Streams) -> None:
    interface = made(configuration, streams).interface
    read = Interface.from_json(json.loads(interface.to_text()))
    assert read.core.streams is streams
    assert read.to_text() == interface.to_text()


def test_no_trace_means_no_port() -> None:
    export = Settings.read("tiny-8", None, [("--no-trace", "spike_trace=false")]).population(4).export()
    assert list(export.interface.updates.fields) == ["neuron", "spike", "potential"]
    assert Interface.from_json(json.loads(export.interface.to_text())).ports == export.interface.ports


def test_unknown_streams_are_refused(configuration: Configuration) -> None:
    with pytest.raises(InputError, match="unknown streams"):
        Core(configuration.words, streams="spikes")  # type: ignore[arg-type]


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize(
    ("streams", "lanes"), [(Streams.UPDATES, 1), (Streams.EVENTS, 1), (Streams.EVENTS, 2)]
)
def test_the_testbenches_run_it(
    configuration: Configuration, streams: Streams, lanes: int, tmp_path: Path
) -> None:
    export = made(configuration, streams, lanes)
    currents = np.random.default_rng(1).uniform(0, 70, (40, 4))
    icarus = find("icarus")
    run = cosimulate(configuration, currents, icarus, tmp_path, export=export, stalls=0.3)
    assert not run.verdict.mismatches
    assert not run.verdict.broken
    assert run.software.golden.spikes.any()
    wrong = dataclasses.replace(export, verilog=export.verilog.replace("_neuron = ", "_neuron = ~", 1))
    assert cosimulate(configuration, currents, icarus, tmp_path, export=wrong).verdict.mismatches


@pytest.mark.parametrize("streams", ONE)
def test_it_is_proved_without_bound(configuration: Configuration, streams: Streams) -> None:
    claims = list(prove_population(made(configuration, streams)))
    assert {claim.result for claim in claims} == {"proved"}
    assert {claim.bound for claim in claims} == {None}
    assert any("event" in claim.claim for claim in claims) is streams.has_events
