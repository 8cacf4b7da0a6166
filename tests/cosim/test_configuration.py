"""Neurons from presets and TOML files: what is taken, what is refused and in which words."""

import pytest

from qlif.cosim.configuration import Settings
from qlif.model.errors import InputError
from qlif.model.presets import PRESETS


def settings(tmp_path, text, preset=None):
    file = tmp_path / "neuron.toml"
    file.write_text(text)
    return Settings.read(preset, file)


def refusal(tmp_path, text, neurons=2):
    with pytest.raises(InputError) as caught:
        settings(tmp_path, text).population(neurons)
    file = tmp_path / "neuron.toml"
    assert str(caught.value).startswith(f"{file}: ")
    return str(caught.value).removeprefix(f"{file}: ")


def test_without_anything_it_is_the_default_preset():
    configuration = Settings.read().population(3)
    assert configuration.name == "square-18"
    assert configuration.arithmetic == PRESETS["square-18"]
    assert configuration.parameters.n == 3


def test_a_file_changes_the_neuron_and_its_arithmetic(tmp_path):
    text = """
    preset = "square-16"
    [parameters]
    tau_m = 30
    threshold = [-52, -51.5]
    additive_spike_trace = true
    [arithmetic]
    potential = "SQ(6,12)"
    rounding = "RND_CONV"
    """
    read = settings(tmp_path, text)
    configuration = read.population(2)
    assert configuration.name == "square-16 (changed)"
    assert configuration.parameters.tau_m == 30.0
    assert configuration.parameters.threshold.tolist() == [-52.0, -51.5]
    assert configuration.arithmetic == PRESETS["square-16"].replace(potential="SQ(6,12)", rounding="RND_CONV")
    # The command line's preset goes before the file's.
    assert settings(tmp_path, text, preset="tiny-8").name == "tiny-8 (changed)"


def test_the_timestep_is_known_before_the_number_of_neurons(tmp_path):
    read = settings(tmp_path, "[parameters]\ndt = 0.05\nthreshold = [-52, -51, -50]")
    assert read.dt == 0.05
    assert Settings.read().dt == 0.1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[parameter]\na0 = 1", "unknown key 'parameter': did you mean 'parameters'?"),
        ("a0 = 1", "'a0' belongs into the table [parameters]"),
        ("rounding = 'RND'", "'rounding' belongs into the table [arithmetic]"),
        ("parameters = 3", "parameters must be a table [parameters], not 3"),
        ("preset = 3", "preset must be a name in quotes, not 3"),
        ("[parameters]\nthreshhold = -52", "unknown parameter 'threshhold': did you mean 'threshold'?"),
        ("[parameters]\nn = 5", "n is not set here: the number of neurons is --neurons"),
        ("[arithmetic]\nroundin = 'RND'", "unknown arithmetic choice 'roundin': did you mean 'rounding'?"),
        (
            "[arithmetic]\nrounding = 'UP'",
            "rounding must be one of TRN, RND, RND_CONV, SR, not 'UP'",
        ),
        ("[parameters]\ndt = 0", "dt must be greater than 0, not 0"),
        (
            "[parameters]\nthreshold = -62",
            "threshold must be above reset_pot (-62.0 mV), not -62.0 mV",
        ),
        ("preset = 'square-17'", "unknown preset 'square-17': did you mean 'square-18'?"),
    ],
)
def test_what_a_file_may_not_say(tmp_path, text, error):
    assert refusal(tmp_path, text) == error


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.toml can't be read: No such file or directory"):
        Settings.read(None, tmp_path / "nowhere.toml")
    with pytest.raises(InputError, match="can't be read: Is a directory"):
        Settings.read(None, tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("a = = 1")
    with pytest.raises(InputError, match="must be a TOML file: Invalid value"):
        Settings.read(None, broken)
    broken.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="must be a TOML file in UTF-8"):
        Settings.read(None, broken)
