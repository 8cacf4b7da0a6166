"""A recording in a file, and as other libraries' objects, is the recording."""

import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from qlif import PRESETS, InputError, QLIFPopulation, Recording
from qlif.model.exchange import notebook, recording_file
from qlif.model.support.progress import unwatched

KINDS = {
    "float": {"shape": (2, 3), "tau_m": 10.1 + 0.2, "threshold": np.linspace(-53, -50, 6).reshape(2, 3)},
    "fixed": {"shape": (2, 3), "arithmetic": "square-16", "tau_s": 7.3, "tau_m": 11.0, "lower_bound": -70.0},
    "stochastic": {
        "n": 70,
        "arithmetic": PRESETS["stochastic-12"].replace(random_seed=2**63 + 1),
        "tau_m": 3.0,
    },
    "synapticflow": {"n": 6, "dialect": "synapticflow"},
}


def recorded(kind, **changes):
    model = QLIFPopulation(**KINDS[kind] | changes)
    currents = np.random.default_rng(3).uniform(0, 90, (400, *model.shape))
    return model.run(currents)


@pytest.fixture(params=KINDS)
def recording(request):
    return recorded(request.param)


def test_what_is_saved_is_loaded(recording, tmp_path):
    assert recording.spikes.any()
    recording.save(tmp_path / "run.npz")
    loaded = Recording.load(tmp_path / "run.npz")
    assert loaded.dt == recording.dt and loaded.shape == recording.shape
    for name in ("spikes", "potentials", "traces", "potential_words", "trace_words"):
        saved, found = getattr(recording, name), getattr(loaded, name)
        assert (saved is None) is (found is None)
        assert saved is None or (saved.dtype == found.dtype and np.array_equal(saved, found))
    if recording.parameters is None:
        assert loaded.parameters is None
    else:
        # The exact values, also those that no short decimal number is.
        assert loaded.parameters.as_dict() == recording.parameters.as_dict()
        again = QLIFPopulation.of(loaded.parameters, loaded.words and loaded.words.arithmetic)
        assert again.words is None or again.words.arithmetic == recording.words.arithmetic


def test_what_was_not_recorded_is_not_there(tmp_path):
    model = QLIFPopulation(n=2)
    model.run(np.full((10, 2), 50.0), record=["spikes"]).save(tmp_path / "run.npz")
    loaded = Recording.load(tmp_path / "run.npz")
    assert loaded.potentials is None and loaded.traces is None
    with pytest.raises(
        InputError, match=r"potentials weren't recorded: run\(currents, record=\['potentials'\]\)"
    ):
        loaded.to_pandas("potentials")
    assert list(loaded.to_xarray()) == ["spikes"] and len(loaded.to_neo().analogsignals) == 0


def header_of(path, **changes):
    """Change a saved file's header."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(bytes(arrays["header"])) | changes
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"version": 2}, "must be a recording of version 1, not 2: use a newer qlif"),
        ({"version": "x"}, "must be a recording of version 1, not 'x'"),
        ({"kind": "other"}, "its header is another"),
        ({"dt_ms": -1}, "dt must be greater than 0 ms"),
        ({"shape": [7]}, "must be of the spikes' shape"),
        ({"shape": "many"}, "is a damaged recording: ValueError"),
        ({"shape": None}, "is a damaged recording: TypeError"),
        ({"parameters": {"n": 70, "tau_m": -3}}, "tau_m must be greater than 0, not -3"),
        ({"parameters": {"bogus": 1}}, "is a damaged recording: TypeError"),
        ({"words": {"threshold": 1}}, "its parameters have other words today"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, change, text):
    path = tmp_path / "run.npz"
    recorded("stochastic").save(path)
    header_of(path, **change)
    with pytest.raises(InputError, match=text):
        Recording.load(path)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "there is no "),
        (b"", "not EOFError"),
        (b"PK\x03\x04 cut", "not BadZipFile"),
        (b"x" * 99, "not "),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path, content, text):
    path = tmp_path / "run.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=text):
        Recording.load(path)


def test_arrays_of_something_else_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", spikes=np.zeros(3))
    np.save(tmp_path / "b.npy", np.zeros(3))
    for name in ("a.npz", "b.npy"):
        with pytest.raises(InputError, match="must be a recording that was saved"):
            Recording.load(tmp_path / name)


def test_another_ending_is_refused_and_nothing_half_is_left(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"path must end in \.npz, not 'run\.txt'"):
        recorded("float").save("run.txt")

    def fail(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(recording_file.np, "savez_compressed", fail)
    with pytest.raises(OSError, match="no space"):
        recorded("float").save(tmp_path / "run.npz")
    assert list(tmp_path.iterdir()) == []


def test_neo_has_every_spike_and_signal(recording):
    segment = recording.to_neo()
    assert len(segment.spiketrains) == recording.neurons
    for neuron, (train, times) in enumerate(zip(segment.spiketrains, recording.spike_times, strict=True)):
        assert str(train.dimensionality) == "ms" and np.allclose(train.magnitude, times, rtol=0, atol=1e-9)
        assert train.annotations["neuron"] == neuron
        assert (
            recording.spikes[0][tuple(train.annotations["index"])]
            == recording.spikes.reshape(400, -1)[0, neuron]
        )
    potentials, traces = segment.analogsignals
    assert (potentials.name, str(potentials.dimensionality), traces.name) == ("potentials", "mV", "traces")
    assert np.array_equal(potentials.magnitude, recording.potentials.reshape(400, -1))
    assert potentials.t_start == potentials.sampling_period and np.isclose(
        float(potentials.sampling_period), 0.1
    )


def test_xarray_has_time_and_neurons(recording, tmp_path):
    dataset = recording.to_xarray()
    axes = ("neuron",) if len(recording.shape) == 1 else ("neuron_0", "neuron_1")
    assert dataset.potentials.dims == ("time", *axes) and dataset.potentials.units == "mV"
    assert np.array_equal(dataset.spikes, recording.spikes)
    assert np.array_equal(dataset.potentials, recording.potentials)
    assert np.allclose(dataset.time, np.arange(1, 401) * 0.1) and dataset.time.units == "ms"
    # Mean rates by xarray's own means.
    assert np.allclose(dataset.spikes.mean("time") * 1e4, recording.firing_rates())
    if recording.parameters is not None:
        assert json.loads(dataset.parameters) == json.loads(json.dumps(recording.parameters.as_dict()))


def test_pandas_has_a_row_for_each_spike(recording):
    frame = recording.to_pandas()
    assert list(frame.columns) == ["time_ms", "timestep", "neuron"]
    counts = frame.groupby("neuron").size().reindex(range(recording.neurons), fill_value=0)
    assert counts.tolist() == recording.spike_counts().ravel().tolist()
    assert frame.time_ms.is_monotonic_increasing
    wide = recording.to_pandas("potentials")
    assert wide.shape == (400, recording.neurons) and wide.index.name == "time_ms"
    assert np.array_equal(wide.to_numpy(), recording.potentials.reshape(400, -1))
    with pytest.raises(InputError, match="what must be one of spikes, potentials, traces, not 'rates'"):
        recording.to_pandas("rates")


@pytest.mark.parametrize("library", ["neo", "xarray", "pandas"])
def test_a_library_that_is_missing_names_the_extra(library, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(InputError, match=re.escape(f"{library} is not installed: pip install 'qlif[study]'")):
        getattr(recorded("float"), f"to_{library}")()


def test_a_notebook_shows_facts_and_a_raster(recording):
    page = recording._repr_html_()
    assert page.count("data:image/png;base64,") == 2 and "prefers-color-scheme: dark" in page
    assert str(recording.shape) in page and "The picture shows" not in page
    assert f"spikes {recording.spikes.sum()} (" in repr(recording)


def test_a_large_recording_shows_its_beginning():
    recording = Recording(0.1, np.ones((6000, 200), dtype=bool))
    assert "the first 100 neurons, the first 500 ms" in recording._repr_html_()


def test_a_bar_is_shown_in_a_notebook_only(monkeypatch):
    with notebook.progress_bar() as tell:
        assert tell is unwatched
    shown = []
    handle = SimpleNamespace(update=shown.append)
    display = SimpleNamespace(display=lambda bar, display_id: shown.append(bar) or handle)
    shell = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    with notebook.progress_bar() as tell:  # IPython in a terminal
        assert tell is unwatched
    shell.kernel = True
    with notebook.progress_bar() as tell:
        tell("too soon", 0.1)
        monkeypatch.setattr(notebook, "_PAUSE_S", 0.0)
        tell("a <b>", 0.25)
        tell("b", 1.0)
    assert [str(bar) for bar in shown] == ["0 % ", "25 % a <b>", "100 % b"]
    assert shown[1]._repr_html_() == '<progress max="1" value="0.2500"></progress> a &lt;b&gt;'
