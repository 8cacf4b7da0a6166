"""The size of a block is the one that was fastest on the work itself."""

import pytest

from qlif.model.kernel import block_choice
from qlif.model.kernel.block_choice import BlockChoice

NEURONS, UPDATES = 100_000, 1 << 20


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes as far as it is told."""

    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(block_choice, "time", clock)
    return clock


@pytest.mark.parametrize("fastest", [2048, 8192, 100_032])
def test_the_fastest_size_is_taken_after_each_was_tried(clock, fastest):
    choice, taken = BlockChoice(NEURONS), []

    def work(size):
        taken.append(size)
        clock.now += 1.0 if size == fastest else 2.0
        return True

    for _ in range(20):
        assert choice.run(work, UPDATES)
    tried, rest = taken[:9], taken[9:]
    assert sorted(tried) == sorted([2048, 8192, 100_032] * block_choice.TRIALS)
    assert set(rest) == {fastest}


def test_one_disturbed_trial_does_not_decide(clock):
    choice, seconds = BlockChoice(NEURONS), {2048: [9, 1, 9], 8192: [2, 2, 2], 100_032: [3, 3, 3]}

    def work(size):
        clock.now += seconds[size].pop() if seconds[size] else 0
        return True

    for _ in range(9):
        choice.run(work, UPDATES)
    assert choice.run(lambda size: size == 2048, UPDATES)


def test_work_that_is_short_or_fails_decides_nothing(clock):
    choice = BlockChoice(NEURONS)
    assert [choice.run(lambda size: size == 8192, 10) for _ in range(3)] == [True] * 3
    assert [choice.run(lambda size: False, UPDATES) for _ in range(30)] == [False] * 30
    assert choice.run(lambda size: size == 8192, 10)


def test_few_neurons_have_one_block():
    assert BlockChoice(100).run(lambda size: size == 128, UPDATES)
