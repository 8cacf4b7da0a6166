"""The interface of a module: to its file and back, and what is no such file."""

import json
from dataclasses import replace

import pytest

from qlif import hdl
from qlif.hdl.interface import SCHEMA, VERSION, Interface, Kind
from qlif.hdl.selftest.export import with_expected
from qlif.hdl.targets.catalogue import primitives
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.selftest.plan import SelfTestPlan


def core_of(name, neurons=8, **options):
    return hdl.Core(quantise(Parameters(n=neurons), PRESETS[name]), name=name, **options)


def self_test_of(core):
    made = hdl.export_self_test(hdl.export(core), SelfTestPlan.of(core.words, 3), observed=True)
    return with_expected(made, 100, 0x1234)


EXPORTS = {
    "population": lambda: hdl.export(core_of("square-18")),
    "lanes": lambda: hdl.export(core_of("stochastic-12", lanes=4, step_bits=8)),
    "run time": lambda: hdl.export(core_of("square-16", storage={"threshold": "register", "bias": "memory"})),
    "explicit": lambda: hdl.export(core_of("factored-16", primitives=primitives("explicit", "ecp5"))),
    "neuron": lambda: hdl.export_neuron(core_of("tiny-8", storage={"reset": "register"})),
    "self-test": lambda: self_test_of(core_of("tiny-8", lanes=2)),
    "narrow inside": lambda: hdl.export(
        hdl.Core(quantise(Parameters(n=2), PRESETS["tiny-8"].replace(drive="SQ(5,3) TRN WRAP")))
    ),
    "each its own": lambda: hdl.export(
        hdl.Core(
            quantise(Parameters(n=3, threshold=[-52.0, -51.0, -50.0]), PRESETS["square-18"]),
            storage={"threshold": "memory"},
        )
    ),
}


def content_of(kind="population"):
    return json.loads(EXPORTS[kind]().interface.to_text())


@pytest.mark.slow_beyond(4)
@pytest.mark.parametrize("kind", EXPORTS)
def test_a_file_says_all_that_the_object_does(kind, tmp_path):
    made = EXPORTS[kind]()
    _, file = made.write(tmp_path)
    read = Interface.read(file)
    assert read.to_text() == made.interface.to_text() == file.read_text()
    assert (read.ports, read.streams, read.tested) == (
        made.interface.ports,
        made.interface.streams,
        made.interface.tested,
    )
    if read.kind is not Kind.SELF_TEST:
        again = hdl.export if read.kind is Kind.POPULATION else hdl.export_neuron
        assert again(read.core).verilog == made.verilog


def test_streams_are_groups_of_ports():
    interface = EXPORTS["run time"]().interface
    assert [(one.name, one.role) for one in interface.streams] == [
        ("currents", "sink"), ("updates", "source"), ("events", "source"), ("parameters", "sink"),
    ]  # fmt: skip
    assert list(interface.updates.fields) == ["neuron", "spike", "potential", "trace"]
    assert interface.updates.width == sum(port.width for port in interface.updates.payload)
    for stream in interface.streams:
        valid_from = "input" if stream.role == "sink" else "output"
        assert stream.valid.direction == valid_from != stream.ready.direction
        assert {port.direction for port in stream.payload} == {valid_from}
    assert {*interface.inputs, *interface.outputs} == {*interface.ports}
    assert EXPORTS["population"]().interface.parameters is None


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (None, "has no schema, so it is of version 1 or not from qlif: export the module again"),
        ({"name": SCHEMA, "version": 1}, f"has the schema '{SCHEMA}' 1: only {SCHEMA} {VERSION} can be read"),
        ({"name": SCHEMA, "version": 99}, f"has the schema '{SCHEMA}' 99: only {SCHEMA} {VERSION} can be read"),
        ({"name": "ip-xact", "version": VERSION}, f"has the schema 'ip-xact' {VERSION}: only"),
        ({"name": SCHEMA}, "schema lacks version"),
        ({"name": SCHEMA, "version": "2"}, "version must be a whole number, not '2'"),
        ("2", "schema must be an object with names, not '2'"),
    ],
)  # fmt: skip
def test_another_schema_is_refused_by_name_and_version(schema, said):
    content = content_of()
    del content["schema"]
    if schema is not None:
        content["schema"] = schema
    with pytest.raises(InputError) as caught:
        Interface.from_json(content, "old.json")
    assert str(caught.value).startswith("old.json") and said in str(caught.value)


@pytest.mark.parametrize("kind", ["population", "run time", "neuron", "self-test"])
def test_whatever_is_missing_is_named(kind):
    def without(content, path):
        """Give, for each entry at any depth, the content without it, and its name."""
        for name, value in list(content.items()):
            del content[name]
            yield path, name
            content[name] = value
            if isinstance(value, dict):
                yield from without(value, name)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                yield from without(value[0], f"{name}[0]")

    content = content_of(kind)
    for _, name in without(content, ""):
        with pytest.raises(InputError) as caught:
            Interface.from_json(content)
        text = str(caught.value)
        assert text.startswith("interface.json") and "\n" not in text
        assert name in text or "contradicts" in text, (name, text)
    Interface.from_json(content)


LEGAL = {
    "name": ("x",),
    "module": ("x",),
    "meaning": ("x",),
    "latency": (7,),
    "neurons_for_full_speed": (7,),
    "queue_depth": (7,),
    "stimulus_seed": (7, -1),
    "timesteps": (7, -1),
    "expected": (None,),
    "random_seed": (7,),
    "trace_scale": (7, 0.5),
    **dict.fromkeys(("sum_input", "is_inhibitory", "learning", "additive_spike_trace"), (True,)),
}
"""What may stand there as well: nothing else in the file says it."""


@pytest.mark.slow_beyond(9)
@pytest.mark.parametrize("kind", ["population", "self-test"])
@pytest.mark.parametrize("instead", [None, 7, -1, "x", [], {}, [7], True, 0.5])
def test_nothing_in_a_file_ends_in_a_traceback(kind, instead):
    def with_something_else(content):
        for name, value in list(content.items()):
            content[name] = instead
            if json.dumps(value) != json.dumps(instead):
                yield name
            content[name] = value
            if isinstance(value, dict):
                yield from with_something_else(value)
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                yield from with_something_else(value[0])

    content = content_of(kind)
    for name in with_something_else(content):
        if instead in LEGAL.get(name, ()):
            continue
        try:
            Interface.from_json(content)
        except InputError as error:
            assert str(error).startswith("interface.json"), (name, error)
        else:
            pytest.fail(f"{name} = {instead!r} was taken")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a JSON file"),
        ("[" * 100_000, "must be a JSON file"),
        ("[]", "must be an object with names"),
        ("null", "must be an object with names"),
        ('{"schema"', "must be a JSON file"),
    ],
)
def test_what_is_no_such_file(tmp_path, text, said):
    file = tmp_path / "interface.json"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        Interface.read(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="must be a JSON file in UTF-8"):
        Interface.read(file)
    with pytest.raises(InputError, match="can't be read: No such file"):
        Interface.read(tmp_path / "none.json")


@pytest.mark.parametrize("latency", [-1, 2.5, None, True])
def test_a_latency_that_cannot_be(latency):
    with pytest.raises(InputError, match=r"^latency must be a whole number, 0 or more, not "):
        replace(EXPORTS["neuron"]().interface, latency=latency)
