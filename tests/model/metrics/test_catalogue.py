"""A metric is one line: table, summary and figure of a sweep read the same list."""

import math

import numpy as np
import pytest

from qlif.model.metrics import catalogue
from qlif.model.metrics.catalogue import METRICS, Metric, Pair
from qlif.model.studies import evaluation, figures, report
from qlif.model.studies.grid import Sweep

SWEEP = Sweep(word_bits="12", form="square", rounding="RND", neurons=3, duration_ms=50.0)


@pytest.fixture
def one_more(monkeypatch):
    """A made-up metric, in the list and nowhere else."""
    made_up = Metric("ratio", lambda pair: 0.25, "ratio of it", max, label="ratio\n(of it)")
    metrics = (*METRICS, made_up)
    for module in (catalogue, evaluation, report):
        monkeypatch.setattr(module, "METRICS", metrics)
    labels = {metric.name: metric.label for metric in metrics if metric.label}
    monkeypatch.setattr(report, "LABELS", labels)


def test_a_new_metric_is_in_table_summary_and_figure(one_more, tmp_path, monkeypatch):
    row = evaluation.evaluate(SWEEP, SWEEP.points()[0])
    assert row["quantization_ratio"] == row["integration_ratio"] == 0.25
    assert tuple(row) == evaluation.columns(distances=False)
    assert "ratio of it" in report.summary(SWEEP, [row])

    drawn = []
    monkeypatch.setattr(report, "line_figure", lambda panels, *_, **__: drawn.extend(panels))

    def save(draw, directory, name):
        draw(None)
        return []

    monkeypatch.setattr(report, "save", save)
    report.write_report(tmp_path, SWEEP, [row], parquet=False)
    assert "ratio\n(of it)" in [panel.y_label for panel in drawn]


def test_every_metric_has_its_own_name_and_heading():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    headings = [metric.heading for metric in METRICS if metric.heading]
    assert len(set(headings)) == len(headings)
    assert set(figures.LABELS) == {metric.name for metric in METRICS if metric.label}


def test_a_pair_by_hand():
    """Neuron 0: second spike two steps late, third missing. Neuron 1: silent in the reference, fires."""
    times = [np.array([1.0, 3.2]), np.array([4.0])]
    expected = [np.array([1.0, 3.0, 5.0]), np.array([])]
    pair = Pair(expected, times, np.zeros((2, 2)), np.array([[0.0, 0.0], [0.0, 2.0]]), 0.1)
    found = {metric.name: metric.of(pair) for metric in METRICS}
    assert found["max_lag_steps"] == 2
    assert found["mean_lag_steps"] == 1
    assert (found["missing_spikes"], found["extra_spikes"]) == (1, 1)
    assert (found["silent_neurons"], found["spurious_neurons"]) == (0, 1)
    assert found["rms_interval_error"] == pytest.approx(0.1)
    assert found["max_rate_error"] == math.inf
    assert found["rmse_mv"] == 1
    nothing = Pair([np.array([])], [np.array([])], np.zeros((1, 1)), np.zeros((1, 1)), 0.1)
    assert math.isnan(METRICS[0].of(nothing))
