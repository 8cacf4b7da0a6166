"""The examples run as they are, and the recording beside them is what its script makes."""

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qlif.model.inputs import sound

EXAMPLES = Path(__file__).parents[1] / "examples"


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


def test_the_recording_is_what_its_script_makes():
    samples, rate = sound.decode((EXAMPLES / "speech.wav").read_bytes())
    made = runpy.run_path(str(EXAMPLES / "make_speech.py"))
    assert rate == made["RATE"]
    np.testing.assert_allclose(samples[:, 0], made["speech"](), atol=2**-15)
