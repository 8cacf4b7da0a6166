"""A real Dask cluster of two workers, and schedulers that don't answer."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import qlif
from qlif.model.exceptions import InputError
from qlif.model.studies import axes, executors
from qlif.model.studies.evaluation import evaluate
from qlif.model.studies.grid import Sweep
from qlif.model.studies.run import run_jobs, run_sweep
from qlif.model.support import journal
from qlif.model.support.progress import unwatched

SMALL = {"neurons": 4, "duration_ms": 60.0, "rounding": "RND,SR", "word_bits": "12,16"}

CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "host": "127.0.0.1"}
    with LocalCluster(n_workers=int(sys.argv[1]), **options) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler with workers as processes of their own; yield a function that gives its address."""
    pytest.importorskip("distributed")
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    started = []

    def start(count, root=None, directory=None):
        command = [sys.executable, str(script), str(count)]
        environment = {**os.environ, **({} if root is None else {"PYTHONPATH": str(root)})}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=directory
        )
        started.append(process)
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


@pytest.mark.slow
def test_a_cluster_of_two_workers_gives_the_rows_of_this_process(tmp_path, cluster, monkeypatch):
    # The workers are elsewhere: a recording's path means nothing there as it is written here.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    np.save("drive.npy", np.full((600, 4), 30.0))
    address = cluster(2, directory=tmp_path / "elsewhere")
    sweep = Sweep(**SMALL, input=["constant", "drive.npy:scale=1.5"])
    with executors.workers(address) as found:
        assert found.count == 2
        rows = run_sweep(sweep, tmp_path / "results.jsonl", found.executor, workers=found.count)
        # What goes wrong there says where: an error of the user's, and any other.
        for job, kind, message in (
            (
                (axes.forms, "form", "round"),
                InputError,
                r"^the worker tcp://\S+: form: unknown value 'round'",
            ),
            ((divmod, 1, 0), ZeroDivisionError, "division"),
        ):
            with (
                journal.opened(tmp_path / "none.jsonl", "none", {}, lambda point: True) as results,
                pytest.raises(kind, match=message) as raised,
            ):
                run_jobs({0: job}, results, found.executor, 1, "jobs", unwatched, ("model",))
            assert "tcp://" in " ".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert rows == [evaluate(sweep, point) for point in sweep.points()]
    assert {row["input"] for row in rows} == set(sweep.input)


def test_workers_with_other_code_under_the_same_version_are_refused(tmp_path, cluster):
    shutil.copytree(Path(qlif.__file__).parent, tmp_path / "src" / "qlif")
    changed = tmp_path / "src" / "qlif" / "model" / "golden" / "step.py"
    changed.write_text(changed.read_text() + "\n# A change, for good or for bad.\n")
    address = cluster(1, root=tmp_path / "src")
    message = r"the worker tcp://\S+ computes with other code \(sources is [0-9a-f]{16} there and [0-9a-f]{16} here\)"
    with pytest.raises(InputError, match=message), executors.workers(address):
        pass


def test_a_cluster_without_workers_is_refused(cluster):
    address = cluster(0)
    with pytest.raises(InputError, match="has no workers"), executors.workers(address):
        pass


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "ANSWER_WITHIN_S", 0.5)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    with (
        pytest.raises(InputError, match=f"the scheduler at {address} doesn't answer"),
        executors.workers(address),
    ):
        pass


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://"])
def test_an_address_that_is_none_is_refused(monkeypatch, address):
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "ANSWER_WITHIN_S", 0.5)
    with pytest.raises(InputError, match="the scheduler at"), executors.workers(address):
        pass


def test_processes_are_of_this_machine():
    with (
        pytest.raises(InputError, match="omit them with a scheduler"),
        executors.workers("a:1", 2),
    ):
        pass
    with pytest.raises(InputError, match="processes must be a whole number"), executors.workers(processes=0):
        pass
