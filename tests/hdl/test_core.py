"""What a core may be: checked once, and the same wherever it is copied to."""

import copy
import dataclasses
import pickle

import pytest

from qlif import hdl
from qlif.hdl.core import LARGEST_POPULATION, Core
from qlif.hdl.storage import Storage
from qlif.hdl.targets.catalogue import TARGETS
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise


def words_of(name, neurons=8, **parameters):
    return quantise(Parameters(n=neurons, **parameters), PRESETS[name])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lanes": 3}, "lanes must be a power of two from 1 to 128, not 3"),
        ({"lanes": 256}, "lanes must be a power of two from 1 to 128, not 256"),
        ({"lanes": True}, "lanes must be a power of two from 1 to 128, not True"),
        ({"lanes": 2.0}, "lanes must be a power of two from 1 to 128, not 2.0"),
        ({"lanes": 16}, "neurons must be a multiple of the 16 lanes, not 8"),
        ({"step_bits": 1}, "step_bits must be a whole number from 2 to 63, not 1"),
        ({"step_bits": 64}, "step_bits must be a whole number from 2 to 63, not 64"),
        ({"step_bits": "8"}, "step_bits must be a whole number from 2 to 63, not '8'"),
        ({"storage": {"treshold": "register"}}, "unknown parameter word 'treshold': did you mean 'threshold'?"),
        (
            {"storage": {"threshold": "registers"}},
            "threshold: unknown storage 'registers': did you mean 'register'?",
        ),
        ({"name": "two\nlines"}, r"name must be printable text in one line, not 'two\nlines'"),
        ({"name": None}, "name must be printable text in one line, not None"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused_in_words(options, text):
    with pytest.raises(InputError) as caught:
        Core(words_of("square-16"), **options)
    assert str(caught.value) == text


def test_more_neurons_than_there_may_be():
    with pytest.raises(InputError, match=r"^neurons must be a whole number from 1 to 1048576, not 1048577$"):
        Core(words_of("tiny-8", LARGEST_POPULATION + 1))


@pytest.mark.parametrize(
    ("storage", "where"), [("gates", "has it in its gates"), ("register", "has one register")]
)
def test_a_parameter_per_neuron_must_be_in_a_memory(storage, where):
    words = words_of("square-18", 2, threshold=[-52.0, -51.0])
    with pytest.raises(
        InputError, match=f"^threshold must be one value for all neurons: the hardware {where}"
    ):
        Core(words, storage={"threshold": storage})
    assert Core(words, storage={"threshold": "memory"}).storage["threshold"] is Storage.MEMORY


@pytest.mark.parametrize(("neurons", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (1 << 20, 20)])
def test_the_index_of_a_neuron_is_as_wide_as_it_must_be(neurons, bits):
    assert Core(words_of("tiny-8", neurons)).neuron_bits == bits


def test_run_time_parameters_are_numbered_in_the_order_of_the_words():
    core = Core(words_of("square-16"), storage={"bias": "memory", "threshold": Storage.REGISTER})
    assert [(one.name, one.select, one.storage) for one in core.runtime] == [
        ("threshold", 0, "register"),
        ("bias", 1, "memory"),
    ]
    assert core.storage["reset"] is Storage.GATES
    assert core.word_format.width == max(one.format.width for one in core.runtime)


def test_it_cannot_be_changed_but_copied():
    core = Core(words_of("square-16"), lanes=2, storage={"bias": "memory"}, step_bits=8, name="mine",
                primitives=TARGETS["ecp5"].explicit)  # fmt: skip
    with pytest.raises(dataclasses.FrozenInstanceError):
        core.lanes = 4
    with pytest.raises(TypeError):
        core.storage["bias"] = Storage.GATES
    text = hdl.export(core).verilog
    for other in (copy.copy(core), copy.deepcopy(core), pickle.loads(pickle.dumps(core))):
        assert hdl.export(other).verilog == text
    assert dataclasses.replace(core, lanes=4).rows == 2
    with pytest.raises(InputError, match="multiple of the 16 lanes"):
        dataclasses.replace(core, lanes=16)


def test_it_is_shown_in_a_line():
    assert repr(Core(words_of("square-16"), lanes=2, name="mine")) == (
        "<Core mine: 8 neurons, lanes 2; square, potential SQ(6,10), current SQ(8,8), RND SAT>"
    )
