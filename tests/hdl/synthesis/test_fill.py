# amaranth: UnusedElaboratable=no
"""The largest population and the most lanes that fit: the search, with tools that answer by a rule."""

import pytest

from qlif.hdl.core import Core
from qlif.hdl.synthesis import fill as filling
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.fill import Goal, Size, fill, sizes
from qlif.hdl.targets.catalogue import TARGETS, primitives
from qlif.model.exceptions import InputError, ToolError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise

UP5K = TARGETS["up5k"]


def core_of(neurons, lanes):
    words = quantise(Parameters(n=neurons, spike_trace=False), PRESETS["square-16"])
    return Core(words, lanes, primitives=primitives("explicit", "up5k"), name="square-16")


class Device:
    """In the place of the tools: a clock that falls with the lanes, and room for 2,048 rows."""

    def __init__(self):
        self.built = []

    def __call__(self, core, device, directory, **given):
        self.built.append(Size(core.neurons, core.lanes))
        if core.rows > 2048 or core.neurons > 8000:
            raise InputError(f"{core.neurons} neurons on {core.lanes} lanes don't fit")
        mhz = 80 - 5 * core.lanes
        return Facts(
            neurons=core.neurons,
            lanes=core.lanes,
            fmax_mhz={"median": mhz},
            neurons_in_real_time=mhz * 100 * core.lanes,
        )


class Facts(dict):
    def as_dict(self):
        return dict(self)


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(yowasp, "version", lambda module, extra="synth": f"{module} 1")
    device = Device()
    monkeypatch.setattr(filling, "synthesise", device)
    return device


def sizes_of(filled):
    return {one.goal: Size(one.facts["neurons"], one.facts["lanes"]) for one in filled}


def test_sizes_come_from_the_largest_on():
    for goal in Goal:
        found = sizes(goal)
        assert len(set(found)) == len(found)
        assert found[-1] == Size(1, 1)
        assert all(size.neurons % size.lanes == 0 for size in found)
    assert sizes(Goal.NEURONS)[:2] == [Size(1 << 20, 128), Size(1 << 20, 64)]
    assert sizes(Goal.LANES)[:2] == [Size(1 << 20, 128), Size(1 << 19, 128)]


def test_the_most_of_both_and_what_ran_out(tmp_path, device):
    neurons, lanes = fill(core_of, UP5K, tmp_path)
    assert sizes_of([neurons, lanes]) == {goal: Size(4096, 8) for goal in Goal}
    # 40 MHz on 8 lanes would do for 32,000.
    assert (neurons.in_real_time, neurons.slower) == (4096, ())
    assert "8192 neurons of 19 bits need 38 block RAMs or more, but up5k has 30" in neurons.ran_out
    assert "square-16 needs 16 multipliers, but up5k has 8" in lanes.ran_out


def test_a_clock_that_is_missed_is_told_and_fewer_lanes_are_tried(tmp_path, device):
    neurons, lanes = fill(core_of, UP5K, tmp_path, clock_mhz=65)
    assert sizes_of([neurons, lanes]) == {Goal.NEURONS: Size(4096, 2), Goal.LANES: Size(4096, 2)}
    assert (
        neurons.slower
        == lanes.slower
        == (
            "4096 neurons on 8 lanes reach 40 MHz, 25 less than 65",
            "4096 neurons on 4 lanes reach 60 MHz, 5 less than 65",
        )
    )
    assert lanes.ran_out == ""


def test_a_clock_out_of_reach_is_refused_by_the_smallest(tmp_path, device):
    with pytest.raises(
        InputError, match=r"^no population reaches the clock: 1024 neurons on 1 lanes reach 75 MHz"
    ):
        fill(core_of, UP5K, tmp_path, clock_mhz=76)
    assert device.built == [Size(1024, 1)]


def test_a_search_goes_on_from_its_journal(tmp_path, device):
    first = fill(core_of, UP5K, tmp_path)
    known = len(device.built)
    assert [one.as_dict() for one in fill(core_of, UP5K, tmp_path)] == [one.as_dict() for one in first]
    assert len(device.built) == known
    with pytest.raises(InputError, match="holds results of another study"):
        fill(core_of, UP5K, tmp_path, seeds=2)


def test_a_tool_that_fails_is_no_answer(tmp_path, monkeypatch, device):
    def fails(*given, **more):
        raise ToolError("nextpnr failed")

    monkeypatch.setattr(filling, "synthesise", fails)
    with pytest.raises(ToolError, match=r"^nextpnr failed$"):
        fill(core_of, UP5K, tmp_path)
    monkeypatch.setattr(filling, "synthesise", device)
    assert len(fill(core_of, UP5K, tmp_path)) == len(Goal)


@pytest.mark.parametrize(
    ("given", "why"), [({"seeds": 0}, "seeds must be"), ({"package": "x"}, "unknown up5k package")]
)
def test_a_wrong_argument_is_not_a_size_that_does_not_fit(tmp_path, device, given, why):
    with pytest.raises(InputError, match=why):
        fill(core_of, UP5K, tmp_path, **given)
    assert device.built == []
