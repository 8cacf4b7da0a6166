"""A sweep on executors of several kinds, and what its rows say."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli
from qlif.model.metrics import run_errors
from qlif.model.population import QLIFPopulation
from qlif.model.studies import executors, grid, report
from qlif.model.studies.evaluation import columns, evaluate
from qlif.model.studies.grid import Sweep
from qlif.model.studies.run import run_sweep
from qlif.model.support import sources
from qlif.model.theory import exact_flow, stepped
from qlif.model.theory.stepped import Remainder, Step

SMALL = {"neurons": 4, "duration_ms": 60.0, "rounding": "RND,SR", "word_bits": "12,16"}
NEAREST = {**SMALL, "rounding": "RND"}


def run(sweep, path, **options):
    with ThreadPoolExecutor(2) as pool:
        return run_sweep(sweep, path, pool, workers=2, **options)


def test_a_row_holds_the_errors_apart():
    sweep = Sweep(**{**SMALL, "word_bits": 10, "rounding": "RND", "form": "square", "dt_ms": 0.2})
    (point,) = sweep.points()
    row = evaluate(sweep, point)
    assert tuple(row) == columns(distances=False)
    currents = stimuli.make(point.input, timesteps=300, neurons=4, dt=0.2)
    parameters = sweep.neuron(0.2, 30.0, 4)
    golden = QLIFPopulation.of(parameters, sweep.arithmetic_of(point)).run(currents)
    euler = QLIFPopulation.of(parameters).run(currents)
    exact = exact_flow.solve(parameters, currents)
    # The lag from two boolean records, as `qlif simulate` has it.
    lag = run_errors.spike_lag(euler.spikes, golden.spikes)
    assert row["quantization_max_lag_steps"] == lag.max_lag_steps > 0
    assert row["quantization_missing_spikes"] == lag.missing
    assert row["quantization_extra_spikes"] == lag.extra
    assert (
        row["quantization_rmse_mv"] == run_errors.potential_error(euler.potentials, golden.potentials).rmse_mv
    )
    late = _largest(exact.spike_times, euler.spike_times)
    assert row["integration_max_lag_steps"] == pytest.approx(late / 0.2, abs=1e-6)
    on_grid = stepped.solve(parameters, currents, Step.EXACT, Remainder.LOST).spike_times
    assert row["truncation_max_lag_steps"] == pytest.approx(
        _largest(on_grid, euler.spike_times) / 0.2, abs=1e-6
    )
    assert row["grid_max_lag_steps"] == pytest.approx(_largest(exact.spike_times, on_grid) / 0.2, abs=1e-6)
    assert row["spikes"] == golden.spikes.sum() and row["spikes_exact"] == sum(map(len, exact.spike_times))


def _largest(expected, found):
    pairs = zip(expected, found, strict=True)
    return max(np.abs(a[: len(b)] - b[: len(a)]).max() for a, b in pairs if len(a) and len(b))


@pytest.mark.slow
def test_phases_take_the_grids_error_away_and_are_compared_with_euler_that_has_them():
    sweep = Sweep(**{**NEAREST, "word_bits": 18, "form": "square", "phase_bits": "0,3", "duration_ms": 300.0})
    without, phases = (evaluate(sweep, point) for point in sweep.points())
    assert (without["phase_bits"], phases["phase_bits"]) == (0, 3)
    assert phases["state_bits"] == without["state_bits"] + 3
    assert phases["grid_rms_interval_error"] < without["grid_rms_interval_error"] / 10
    assert phases["quantization_rms_interval_error"] < without["grid_rms_interval_error"]


def test_integration_error_does_not_depend_on_the_arithmetic_and_shrinks_with_the_timestep():
    sweep = Sweep(**{**SMALL, "dt_ms": "0.05,0.1,0.2", "duration_ms": 300.0, "form": "square"})
    rows = [evaluate(sweep, point) for point in sweep.points()]
    by_dt = {}
    for row in rows:
        by_dt.setdefault(row["dt_ms"], set()).add(row["integration_rms_interval_error"])
    assert all(len(values) == 1 for values in by_dt.values())
    errors = [values.pop() for _, values in sorted(by_dt.items())]
    assert errors[0] < errors[1] < errors[2]


@pytest.mark.slow
def test_rows_do_not_depend_on_the_executor_and_are_in_the_order_of_the_grid(tmp_path):
    sweep = Sweep(**SMALL)
    expected = [evaluate(sweep, point) for point in sweep.points()]
    assert run(sweep, tmp_path / "threads.jsonl") == expected
    with executors.workers(processes=2) as found:
        rows = run_sweep(sweep, tmp_path / "processes.jsonl", found.executor, workers=found.count)
    assert rows == expected


def test_a_run_goes_on_where_it_was_stopped_and_does_nothing_twice(tmp_path, monkeypatch):
    sweep, path = Sweep(**SMALL), tmp_path / "results.jsonl"
    whole = run(sweep, tmp_path / "whole.jsonl")

    class Stop(Exception):
        pass

    def stop(what, fraction):
        if fraction >= 0.5:
            raise Stop

    with pytest.raises(Stop):
        run(sweep, path, progress=stop)
    done = len(path.read_text().splitlines()) - 1
    assert 0 < done < len(whole)
    evaluated = []
    from qlif.model.studies import run as module

    def counted(sweep, point):
        evaluated.append(point.index)
        return evaluate(sweep, point)

    monkeypatch.setattr(module, "evaluate", counted)
    assert run(sweep, path) == whole
    assert len(evaluated) == len(set(evaluated)) == len(whole) - done


def test_choices_that_do_not_go_together_are_rows_with_a_reason(tmp_path):
    sweep = Sweep(**{**NEAREST, "word_bits": 9, "fraction_bits": "1,6", "form": "factored"})
    fits, not_fits = run(sweep, tmp_path / "results.jsonl")
    assert fits["status"] == "evaluated" and fits["reason"] is None
    assert not_fits["status"] == "impossible" and "threshold must be from" in not_fits["reason"]
    assert not_fits["spikes"] is None and tuple(not_fits) == tuple(fits)
    assert "impossible, 1 times: factored: threshold must be" in report.summary(sweep, [fits, not_fits])


def test_an_input_that_can_not_be_read_ends_the_sweep(tmp_path):
    with pytest.raises(InputError, match=r"there\.npy"):
        run(Sweep(**{**SMALL, "input": ["not-there.npy"]}), tmp_path / "results.jsonl")
    assert list(tmp_path.iterdir()) == []


def recorded(path, amplitude):
    np.save(path, np.full((600, 4), amplitude))
    return Sweep(**{**NEAREST, "word_bits": 12, "form": "square", "input": [str(path)]})


def test_results_with_another_recording_of_that_name_are_refused_and_untouched(tmp_path):
    sweep, path = recorded(tmp_path / "input.npy", 20.0), tmp_path / "results.jsonl"
    first = run(sweep, path)
    before = path.read_bytes()
    other = recorded(tmp_path / "input.npy", 30.0)
    with pytest.raises(InputError, match=r"another study \(contents: .*input\.npy is"):
        run(other, path)
    assert path.read_bytes() == before
    # Nor is what a worker has in memory of the one taken for the other.
    assert run(other, tmp_path / "other.jsonl")[0]["spikes"] > first[0]["spikes"] > 0


def test_a_recording_that_changes_while_a_sweep_runs_ends_it(tmp_path):
    sweep = recorded(tmp_path / "input.npy", 20.0)
    recorded(tmp_path / "input.npy", 30.0)
    with pytest.raises(InputError, match=r"input\.npy' isn't the one that this sweep began with"):
        run(sweep, tmp_path / "results.jsonl")
    assert not (tmp_path / "results.jsonl").exists()


def test_results_of_other_code_are_refused_and_untouched(tmp_path, monkeypatch):
    sweep, path = Sweep(**{**NEAREST, "word_bits": 12, "form": "square"}), tmp_path / "results.jsonl"
    run(sweep, path)
    before = path.read_bytes()
    changed = {**sources.code_of("model"), "sources": "other"}
    monkeypatch.setattr("qlif.model.studies.run.code_of", lambda *_: changed)
    with pytest.raises(
        InputError, match=r'another study \(code: sources is "[0-9a-f]{16}" there and "other"'
    ):
        run(sweep, path)
    assert path.read_bytes() == before


def test_a_result_of_other_code_is_refused(tmp_path, monkeypatch):
    from qlif.model.studies import run as module

    class Elsewhere(ThreadPoolExecutor):
        def submit(self, function, rooms, *arguments):
            return super().submit(lambda: ({**sources.code_of(*rooms), "sources": "other"}, {}))

    sweep, path = Sweep(**{**NEAREST, "word_bits": 12, "form": "square"}), tmp_path / "results.jsonl"
    with Elsewhere() as pool, pytest.raises(InputError, match=r"a worker .* \(sources is other there"):
        module.run_sweep(sweep, path, pool)
    assert not path.exists()


def test_a_neuron_that_fires_only_in_fixed_point_is_counted_and_shown(tmp_path):
    # Just below rheobase: gains of 6 bits are enough to be above it.
    sweep = Sweep(
        **{**NEAREST, "word_bits": 16, "form": "square", "duration_ms": 300.0},
        coefficient_bits="6,16",
        input=["constant:amplitude=15.9"],
    )
    coarse, fine = rows = run(sweep, tmp_path / "results.jsonl")
    assert (coarse["quantization_spurious_neurons"], fine["quantization_spurious_neurons"]) == (4, 0)
    assert coarse["quantization_max_rate_error"] == coarse["quantization_rms_rate_error"] == np.inf
    said = "0 fire with Euler only (silent) and 4 in fixed point only"
    assert said in report.summary(sweep, rows) and said in report.headline(sweep, rows)


def test_medians_say_how_many_points_they_leave_out(tmp_path):
    # At 10 bits the neurons are silent near rheobase, and there is no interval to compare.
    sweep = Sweep(
        **{**NEAREST, "word_bits": 10, "form": "factored", "duration_ms": 200.0},
        input=["constant:amplitude=18", "constant:amplitude=70"],
    )
    silent, firing = rows = run(sweep, tmp_path / "results.jsonl")
    assert silent["quantization_silent_neurons"] == 4 and silent["quantization_rms_interval_error"] is None
    text = report.summary(sweep, rows)
    assert f"| {firing['quantization_rms_interval_error']:.4g} (1 left out) |" in text
    assert "4 fire with Euler only (silent) and 0 in fixed point only" in text
    report.write_report(tmp_path, sweep, rows, parquet=False)
    assert "1 of 2 points left out" in (tmp_path / "errors-factored.svg").read_text()


@pytest.mark.slow
def test_the_report_is_the_same_bytes_each_time(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    sweep = Sweep(**{**SMALL, "distances": True})
    rows = run(sweep, tmp_path / "results.jsonl")
    first = report.write_report(tmp_path / "a", sweep, rows, parquet=True)
    second = report.write_report(tmp_path / "b", sweep, rows, parquet=True)
    assert [path.name for path in first] == [path.name for path in second]
    assert {"table.csv", "table.parquet", "summary.md", "errors-square.svg"} <= {path.name for path in first}
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    assert pyarrow.parquet.read_table(first[1]).to_pylist() == rows
    assert len(first[0].read_text().splitlines()) == len(rows) + 1
    # Of an impossible point every column has the type of the others'.
    assert rows[0]["quantization_victor_purpura"] > 0


def test_only_impossible_points_still_make_a_report(tmp_path):
    sweep = Sweep(**{**SMALL, "word_bits": 4, "fraction_bits": 3})
    rows = run(sweep, tmp_path / "results.jsonl")
    files = report.write_report(tmp_path, sweep, rows, parquet=False)
    assert [path.name for path in files] == ["table.csv", "summary.md"]


def test_results_with_another_preset_behind_them_are_refused_and_untouched(tmp_path, monkeypatch):
    sweep, path = Sweep(**{**NEAREST, "word_bits": 12, "form": "square"}), tmp_path / "results.jsonl"
    run(sweep, path)
    before = path.read_bytes()
    other = {**grid.PRESETS, "square-18": grid.PRESETS["square-18"].replace(potential="SQ(6,12)")}
    monkeypatch.setattr(grid, "PRESETS", other)
    words = r'another study \(bases: square-18: potential is "SQ\(5,13\)" there and "SQ\(6,12\)" here\)'
    with pytest.raises(InputError, match=words):
        run(sweep, path)
    assert path.read_bytes() == before
