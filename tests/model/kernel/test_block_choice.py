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

    trials = 3 * block_choice.TRIALS
    for _ in range(2 * trials):
        assert choice.run(work, UPDATES)
    tried, rest = taken[:trials], taken[trials:]
    assert sorted(tried) == sorted([2048, 8192, 100_032] * block_choice.TRIALS)
    assert set(rest) == {fastest}


@pytest.mark.parametrize("disturbed", [0.1, 30])
def test_one_disturbed_trial_does_not_decide(clock, disturbed):
    choice, seconds = BlockChoice(NEURONS), {2048: [2, 2, disturbed], 8192: [1, 1, 1], 100_032: [3, 3, 3]}

    def work(size):
        clock.now += seconds[size].pop() if seconds[size] else 2
        return True

    for _ in range(9):
        choice.run(work, UPDATES)
    assert choice.best() == 8192


def test_a_size_that_becomes_the_fastest_is_taken_later(clock):
    choice, fastest = BlockChoice(NEURONS), 2048

    def work(size):
        clock.now += 1.0 if size == fastest else 2.0
        return True

    for _ in range(20):
        choice.run(work, UPDATES)
    assert choice.best() == 2048
    fastest = 100_032
    for _ in range(3 * block_choice.TRIALS * block_choice.EVERY):
        choice.run(work, UPDATES)
    assert choice.best() == 100_032


def test_work_that_is_short_or_fails_decides_nothing(clock):
    choice = BlockChoice(NEURONS)
    assert [choice.run(lambda size: size == 8192, 10) for _ in range(3)] == [True] * 3
    assert [choice.run(lambda size: False, UPDATES) for _ in range(30)] == [False] * 30
    assert choice.run(lambda size: size == 8192, 10)


def test_few_neurons_have_one_block():
    assert BlockChoice(100).run(lambda size: size == 128, UPDATES)
