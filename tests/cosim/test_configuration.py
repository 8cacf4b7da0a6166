"""Neurons from presets and TOML files: what is taken, what is refused and in which words."""

import pytest

from qlif.cosim.configuration import Settings
from qlif.hdl.storage import place
from qlif.model.exceptions import InputError
from qlif.model.golden.neurons import ParameterWrite
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


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


def test_an_intermediate_result_is_narrowed_by_a_file_and_by_an_option(tmp_path):
    read = settings(tmp_path, '[arithmetic]\nproduct = "SQ(5,15) TRN WRAP"\n')
    assert read.arithmetic == PRESETS["square-18"].replace(product="SQ(5,15) TRN WRAP")
    assert read.arithmetic.as_dict()["product"] == "SQ(5,15) TRN WRAP"
    read = Settings.read(values=[("--set", "drive=SQ( 5,15 )  RND SAT")])
    assert read.arithmetic == PRESETS["square-18"].replace(drive="SQ(5,15) RND SAT")


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


WRITES = """
preset = "square-16"
[storage]
threshold = "register"
bias = "memory"
[[writes]]
step = {step}
{rest}
"""


def writes_of(tmp_path, rest, step=10):
    configuration = settings(tmp_path, WRITES.format(step=step, rest=rest)).population(4)
    words = configuration.words
    return words, configuration.parameter_writes(words, 100)


def test_writes_in_mv_or_in_words(tmp_path):
    words, (write,) = writes_of(tmp_path, "name = 'threshold'\nvalue = -50.5")
    assert write == ParameterWrite(10, "threshold", int(words.potential_words(-50.5)), None)
    _, (write,) = writes_of(tmp_path, "name = 'bias'\nneuron = 2\nword = -300")
    assert write == ParameterWrite(10, "bias", -300, 2)
    words, (write,) = writes_of(tmp_path, "name = 'bias'\nneuron = 2\nvalue = -0.01")
    assert write.word == round(-0.01 * 2 ** words.constants["bias"].format.f_bits)


@pytest.mark.parametrize(
    ("rest", "error"),
    [
        ("name = 'threshold'", "write 1: it must have a step, a name, and either a value or a word"),
        (
            "name = 'threshold'\nvalue = -50\nword = 3",
            "write 1: it must have a step, a name, and either a value or a word",
        ),
        ("name = 'threshold'\nvalu = 1", "write 1: unknown key 'valu': did you mean 'value'?"),
        (
            "name = 'reset'\nvalue = -60",
            "write 1: 'reset' can't be written: only those in [storage] can (bias, threshold)",
        ),
        (
            "name = 'threshold'\nneuron = 1\nvalue = -50",
            "write 1: threshold is one register for all neurons, so neuron must be left out",
        ),
        ("name = 'bias'\nword = 1", "write 1: bias is one value per neuron: say which neuron"),
        ("name = 'bias'\nneuron = 4\nword = 1", "write 1: neuron must be below 4, not 4"),
        (
            "name = 'bias'\nneuron = 1\nword = 40000",
            "write 1: the word of bias must be from -32768 to 32767 to fit SQ(-2,18), not 40000",
        ),
        ("name = 'threshold'\nvalue = 3", "write 1: threshold must be from -108 to -8.00153 mV"),
    ],
)
def test_writes_that_cannot_be_made(tmp_path, rest, error):
    with pytest.raises(InputError) as caught:
        writes_of(tmp_path, rest)
    assert str(caught.value).startswith(f"{tmp_path / 'neuron.toml'}: {error}")


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (100, "write 1: step must be below the run's 100 timesteps, not 100"),
        (-1, "write 1: step must be a whole number, 0 or more, not -1"),
        (3.5, "write 1: step must be a whole number, 0 or more, not 3.5"),
    ],
)
def test_writes_take_effect_between_timesteps_only(tmp_path, step, error):
    with pytest.raises(InputError) as caught:
        writes_of(tmp_path, "name = 'threshold'\nvalue = -50", step)
    assert str(caught.value) == f"{tmp_path / 'neuron.toml'}: {error}"


def test_storage_is_checked_where_the_hardware_is_made():
    words = quantise(Parameters(n=2), PRESETS["square-16"])
    with pytest.raises(InputError, match="unknown parameter word 'treshold': did you mean 'threshold'"):
        place(words, {"treshold": "register"})
    with pytest.raises(InputError, match="threshold: unknown storage 'registers': did you mean 'register'"):
        place(words, {"threshold": "registers"})
    per_neuron = quantise(Parameters(n=2, threshold=[-52, -51]), PRESETS["square-16"])
    with pytest.raises(InputError, match="threshold must be one value for all neurons"):
        place(per_neuron, {"threshold": "register"})


def test_a_byte_order_mark_is_no_text(tmp_path):
    file = tmp_path / "neuron.toml"
    file.write_bytes(b"\xef\xbb\xbf[parameters]\ntau_m = 30\n")
    assert Settings.read(None, file).physical == {"tau_m": 30}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "must be a TOML file of fewer levels: it is nested too deep"),
        ("[parameters]\ndt = " + "9" * 5000, "must be a TOML file: Exceeds the limit"),
        ("a = 1\na = 2", "must be a TOML file: Cannot overwrite a value"),
    ],
    ids=["nested", "digits", "twice"],
)
@pytest.mark.parametrize("command", [("simulate", "--params"), ("study", "sweep", "--file")], ids=" ".join)
def test_absurd_files_are_one_line(qlif, tmp_path, command, text, error):
    (tmp_path / "x.toml").write_text(text)
    code, _, said = qlif(*command, "x.toml")
    assert code == 2 and said.startswith(f"error: x.toml {error}") and said.count("\n") == 1


NONSENSE = [
    ("[depths]\nthreshold = 'register'", "the table [depths] is called [storage]"),
    ("[storage]\ntreshold = 'register'", "unknown parameter word 'treshold': did you mean 'threshold'?"),
    (
        "[storage]\nthreshold = 'registers'",
        "threshold: unknown storage 'registers': did you mean 'register'?",
    ),
    ("[storage]\nthreshold = 3", "threshold: unknown storage '3': known are gates, register, memory"),
    (
        "[storage]\nthreshold = 'register'\n[parameters]\nthreshold = [-52, -51]",
        "threshold must be one value for all neurons: the hardware has one register for it",
    ),
    (
        "[[writes]]\nstep = 1\nname = 'threshold'\nvalue = -50",
        "write 1: 'threshold' can't be written: only those in [storage] can (none)",
    ),
    (
        "[storage]\nthreshold = 'register'\n[[writes]]\nstep = 1\nname = 'threshold'\nvalue = 'high'",
        "write 1: value must be a number, not 'high'",
    ),
    (
        "[storage]\nthreshold = 'register'\n[[writes]]\nstep = 1\nname = 'threshold'\nword = '3'",
        "write 1: word must be a whole number, not '3'",
    ),
    (
        "[storage]\nthreshold = 'memory'\n[[writes]]\nstep = 1\nname = 'threshold'\nvalue = 1\nneuron = 'a'",
        "write 1: neuron must be a whole number, 0 or more, not 'a'",
    ),
    (
        "[storage]\nthreshold = 'memory'\n[[writes]]\nstep = 1\nname = 'threshold'\nvalue = 1\nneuron = 2",
        "write 1: neuron must be below 2, not 2",
    ),
    (
        "[storage]\nthreshold = 'register'\n[[writes]]\nstep = '1'\nname = 'threshold'\nvalue = -50",
        "write 1: step must be a whole number, 0 or more, not '1'",
    ),
    (
        "[storage]\nthreshold = 'register'\n[[writes]]\nstep = 1\nname = ['threshold']\nvalue = -50",
        "write 1: ['threshold'] can't be written: only those in [storage] can (threshold)",
    ),
]


@pytest.mark.parametrize("command", ["simulate", "export", "prove", "selftest"])
@pytest.mark.parametrize(("text", "error"), NONSENSE)
def test_one_meaning_for_every_command(qlif, tmp_path, command, text, error):
    (tmp_path / "neuron.toml").write_text(text)
    code, out, err = qlif(command, "--params", "neuron.toml", "--neurons", 2)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"error: neuron.toml: {error}"


def test_what_the_command_line_stores_can_be_written(tmp_path):
    text = "[[writes]]\nstep = 1\nname = 'threshold'\nvalue = -50"
    stored = settings(tmp_path, text).stored(["threshold"], ["bias"])
    assert stored.population(2).storage == {"threshold": "register", "bias": "memory"}


WHOLE = {name: value for name, value in PRESETS["tiny-8"].as_dict().items() if value is not None}


@pytest.mark.parametrize(
    ("preset", "choices", "name"),
    [
        (None, {}, "square-18"),
        (None, {"rounding": "TRN"}, "square-18 (changed)"),
        (None, {"rounding": "RND"}, "square-18"),
        ("tiny-8", {"rounding": "TRN"}, "tiny-8 (changed)"),
        ("tiny-8", WHOLE, "tiny-8"),
        (None, WHOLE, "neuron"),
    ],
)
def test_a_configuration_is_named_for_what_it_is(tmp_path, preset, choices, name):
    lines = [f'preset = "{preset}"'] if preset else []
    lines += ["[arithmetic]", *(f"{key} = {value!r}" for key, value in choices.items())]
    read = settings(tmp_path, "\n".join(lines))
    assert read.name == name
    expected = PRESETS["tiny-8"] if choices is WHOLE else PRESETS[preset or "square-18"].replace(**choices)
    assert read.arithmetic == expected
    values = [("--set", f"{key}={value}") for key, value in choices.items()]
    of_values = Settings.read(preset, None, values)
    assert of_values.arithmetic == expected
    assert of_values.name == name.replace("neuron", "own arithmetic")
