"""A self-test in segments goes on from where it was ended, and only there."""

import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.selftest.answer import Answer
from qlif.cosim.selftest.run import self_test
from qlif.cosim.selftest.segments import JOURNAL, Reached, run_in_segments
from qlif.cosim.simulator.find import find
from qlif.model.exceptions import InputError
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan

AT = range(50, 1001, 50)
EACH = 4
"""Checkpoints in a segment."""
KEY = {"seed": 0}


def golden() -> GoldenSelfTest:
    words = Settings.read("stochastic-12").population(8).words
    return GoldenSelfTest(words, SelfTestPlan.of(words, 0))


class Hardware:
    """Stands in for the simulated hardware: a golden model of its own, whose state is in the files.

    It is ended at a checkpoint, or has a wrong signature from a checkpoint on.
    """

    def __init__(self, ended: int = 0, wrong: int = 10_000) -> None:
        self.ended, self.wrong, self.begun = ended, wrong, list[int]()

    def __call__(
        self, arguments: Sequence[str], model: GoldenSelfTest, at: Sequence[int]
    ) -> tuple[Answer, dict[int, int], dict[str, float]]:
        stop, place, start = arguments
        own = pickle.loads(Path(start).read_bytes()) if start else golden()
        self.begun.append(own.timestep)
        assert own.timestep == model.timestep
        expected = dict(zip(at, model.signatures(at), strict=True))
        said = dict(zip(at, own.signatures(at), strict=True))
        said = {t: signature ^ (t >= self.wrong) for t, signature in said.items()}
        if self.ended and at[-1] >= self.ended:
            raise KeyboardInterrupt
        if stop != "0":
            Path(place).write_bytes(pickle.dumps(own))
        return Answer(said, said[at[-1]], False, 8 * at[-1]), expected, {"simulation": 1.0, "golden": 2.0}


def run(folder: Path, hardware: Hardware, key: dict[str, int] | None = None) -> Reached:
    updates = EACH * AT[0] * 8
    return run_in_segments(hardware, golden(), AT, folder, key or KEY, updates=updates)


def test_an_ended_run_goes_on_and_ends_like_a_whole_one(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", Hardware())
    assert whole.answer.checkpoints == whole.expected == dict(zip(AT, golden().signatures(AT), strict=True))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "ended", Hardware(ended=600))
    hardware = Hardware()
    resumed = run(tmp_path / "ended", hardware)
    assert hardware.begun == [400, 600, 800]
    assert resumed.answer == whole.answer
    assert resumed.expected == whole.expected
    assert resumed.seconds == whole.seconds == {"simulation": 5.0, "golden": 10.0}
    # Only what the last journalled segment left is still there.
    assert sorted(file.name for file in (tmp_path / "ended").iterdir() if file.name[0] != ".") == [
        JOURNAL,
        "golden-800",
        "hardware-800",
    ]


def test_what_is_damaged_is_not_gone_on_from(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Hardware(ended=600))
    file = tmp_path / "golden-400"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    hardware = Hardware()
    assert run(tmp_path, hardware).answer.checkpoints == dict(zip(AT, golden().signatures(AT), strict=True))
    assert hardware.begun[0] == 0
    again = Hardware()
    run(tmp_path, again)
    assert again.begun == [800]


def test_another_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Hardware(ended=600))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(InputError, match="seed is 0 there and 1 here"):
        run(tmp_path, Hardware(), {"seed": 1})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_difference_ends_the_run_with_its_segment(tmp_path: Path) -> None:
    hardware = Hardware(wrong=450)
    reached = run(tmp_path, hardware)
    assert hardware.begun == [0, 200, 400]
    assert max(reached.expected) == 600
    right = [t for t, said in reached.answer.checkpoints.items() if said == reached.expected[t]]
    assert max(right) == 400


@pytest.mark.slow
def test_verilator_goes_on_from_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qlif.cosim.selftest.segments.UPDATES", 100_000)
    configuration = Settings.read("tiny-8").population(16)
    simulator = find("verilator")
    whole = self_test(configuration, 40_000, simulator, tmp_path / "whole")

    def end(stage: str, fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        self_test(configuration, 40_000, simulator, tmp_path / "run", resumable=True, progress=end)
    resumed = self_test(configuration, 40_000, simulator, tmp_path / "run", resumable=True)
    assert resumed.passed
    assert (resumed.got, resumed.clocks) == (whole.got, whole.clocks)
