"""The examples run as they are, and the recording beside them is what its script makes."""

import ast
import base64
import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qlif import Recording
from qlif.model.inputs import sound

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_runs(path, tmp_path):
    if path.stem == "make_speech":
        pytest.skip("it writes beside itself: see below")
    answer = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout


@pytest.mark.parametrize("path", sorted((EXAMPLES / "peers").glob("*.py")), ids=lambda path: path.stem)
def test_a_library_that_is_installed_gives_the_same_spikes(path, tmp_path):
    library = path.stem.partition("_")[0]
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} isn't installed; make peers installs it")
    answer = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0 and re.search(r"differing[^:]*: 0\n$", answer.stdout), answer.stderr


def outputs_of(notebook, kind):
    """Return what the cells of a notebook put out in one kind."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if kind in output.get("data", {})
    ]


@pytest.mark.slow
def test_the_notebook_runs_from_a_file_to_xarray_to_a_figure(tmp_path):
    nbclient, nbformat = (pytest.importorskip(name) for name in ("nbclient", "nbformat"))
    notebook = nbformat.read(EXAMPLES / "recording.ipynb", 4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    assert Recording.load(tmp_path / "run.npz").spikes.any()
    facts, dataset, bar = outputs_of(notebook, "text/html")
    assert "square-16" in facts or "data:image/png" in facts
    assert "xarray.Dataset" in dataset and "potentials" in dataset and "mV" in dataset
    assert '<progress max="1" value="1.0000"></progress> 5 of 5 points' in bar
    (figure,) = outputs_of(notebook, "image/png")
    assert base64.b64decode(figure).startswith(b"\x89PNG") and len(figure) > 20_000
    errors = ast.literal_eval(outputs_of(notebook, "text/plain")[-1])
    assert list(errors) == [10, 12, 14, 16, 18] and float(errors[10].split()[0]) > float(
        errors[18].split()[0]
    )


def test_the_recording_is_what_its_script_makes():
    samples, rate = sound.decode((EXAMPLES / "speech.wav").read_bytes())
    made = runpy.run_path(str(EXAMPLES / "make_speech.py"))
    assert rate == made["RATE"]
    np.testing.assert_allclose(samples[:, 0], made["speech"](), atol=2**-15)
