"""Proof of gates with a phase, and what it finds when they are wrong."""

import re

import pytest

from qlif import hdl
from qlif.cosim.proof.counterexample import expected, lines
from qlif.cosim.proof.population_claims import EVENTS, ORDER
from qlif.cosim.proof.prove import RUNS, prove_population, prove_runs, prove_update
from qlif.hdl import fixed, phase
from qlif.hdl import population as hardware
from qlif.hdl.core import Streams
from qlif.hdl.primitives import PORTABLE
from qlif.hdl.storage import place
from qlif.hdl.targets.catalogue import primitives
from qlif.hdl.verilog import Export
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.rounding import Overflow

ROUNDINGS = [
    {"rounding": "TRN"},
    {"rounding": "RND"},
    {"rounding": "RND_CONV"},
    {"rounding": "SR", "random_bits": 8},
]


def words_of(name, bits, n=1, **choices):
    return quantise(Parameters(n=n), preset(name).replace(phase_bits=bits, **choices))


def results(claims):
    return {claim.claim: claim.result for claim in claims}


@pytest.mark.parametrize(
    ("name", "bits", "core", "choices"),
    [
        pytest.param("tiny-8", 2, {}, {}, marks=pytest.mark.slow),
        ("tiny-8", 1, {"streams": Streams.EVENTS}, {"rounding": "RND_CONV", "overflow": "WRAP"}),
        pytest.param("stochastic-12", 1, {"lanes": 2, "streams": Streams.EVENTS}, {}, marks=pytest.mark.slow),
        pytest.param(
            "tiny-8",
            2,
            {"lanes": 2, "storage": {"threshold": "register", "bias": "memory"}},
            {"rounding": "TRN"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_phases_are_proved(name, bits, core, choices):
    export = hdl.export(hdl.Core(words_of(name, bits, 4, **choices), **core))
    found = results([prove_update(export), *prove_population(export)])
    assert len(found) >= 10 and set(found.values()) == {"proved"}


def test_a_square_of_several_blocks_is_proved_with_phases():
    """Of more than the equalities of its partial products: that their sum doesn't overflow."""
    core = hdl.Core(words_of("square-18", 1), primitives=primitives("explicit", "up5k"))
    assert prove_update(hdl.export(core)).result == "proved"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["factored-16", "square-16", "square-18"])
@pytest.mark.parametrize("bits", [1, 2, 3])
def test_phases_of_a_preset_are_proved(name, bits):
    for built_from in (PORTABLE, primitives("explicit", "ecp5")):
        export = hdl.export(hdl.Core(words_of(name, bits, 64), primitives=built_from))
        found = results([prove_update(export), *prove_population(export)])
        assert len(found) >= 10 and set(found.values()) == {"proved"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["factored-16", "square-16", "square-18"])
@pytest.mark.parametrize("bits", [1, 2, 3])
@pytest.mark.parametrize("choices", ROUNDINGS, ids=lambda choices: choices["rounding"])
def test_updates_with_phases_of_every_rounding_are_proved(name, bits, choices):
    for overflow in Overflow:
        words = words_of(name, bits, **choices, overflow=overflow)
        for built_from in (PORTABLE, primitives("explicit", "ecp5")):
            assert prove_update(hdl.export(hdl.Core(words, primitives=built_from))).result == "proved"


def proved_for_every_parameter_word(words, built_from):
    storage = place(words, dict.fromkeys(words.constants, "register"))
    return prove_update(hdl.export_neuron(hdl.Core(words, storage=storage, primitives=built_from))).result


@pytest.mark.slow_beyond(1)
@pytest.mark.parametrize("overflow", Overflow)
def test_updates_with_phases_of_every_parameter_word_are_proved(overflow):
    # A threshold that is written may be the lowest word, which a sum below the range reaches too.
    small = {"potential": "SQ(8,2)", "current": "SQ(8,2)", "coefficient_bits": 8, "trace": "UQ(2,6)"}
    words = words_of("factored-16", 1, overflow=overflow, **small)
    assert proved_for_every_parameter_word(words, primitives("explicit", "ecp5")) == "proved"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["factored-16", "square-16", "square-18"])
@pytest.mark.parametrize("bits", [1, 2, 3])
def test_updates_of_a_preset_with_phases_are_proved_for_every_parameter_word(name, bits):
    for built_from in (PORTABLE, primitives("explicit", "ecp5")):
        assert proved_for_every_parameter_word(words_of(name, bits), built_from) == "proved"


@pytest.mark.slow
def test_first_updates_of_a_core_with_phases_are_proved():
    export = hdl.export(hdl.Core(words_of("tiny-8", 1, 2)))
    assert {prove_runs(export, claim).result for claim in RUNS} == {"proved"}
    faulty = re.sub(r"(assign events_phase = )(.*);", r"\1~(\2);", export.verilog)
    assert faulty != export.verilog
    found = [prove_runs(Export(faulty, export.interface), claim) for claim in RUNS]
    told = "with phase [01], the next update with a spike was that of .* with phase [01]"
    refuted = [claim for claim in found if claim.result == "refuted"]
    assert refuted and all(re.search(told, claim.what) for claim in refuted)


def strictly_left(patch):
    patch.setattr(phase, "_is_left", lambda rest: ~rest.as_value()[-1] & rest.as_value().any())


def shares_of_the_wrong_bits(patch):
    honest = phase._share
    patch.setattr(phase, "_share", lambda words, increment, halvings: honest(words, increment, halvings + 1))


def shares_in_whole_lsbs(patch):
    honest = phase._share

    def coarser(words, increment, halvings):
        share = honest(words, increment, halvings)
        return fixed.Value(fixed.Shape(share.words), share.as_value() & -2)

    patch.setattr(phase, "_share", coarser)


def forgotten_while_refractory(patch):
    def chosen(pipe, refractory, spike, before, left):
        def fresh(count, s, after):
            none = count.as_value().any() | ~s
            return fixed.choose(none, fixed.Const(0, fixed.Shape(after.words)), after)

        return pipe.register("phase__next", fresh, refractory, spike, left)

    patch.setattr("qlif.hdl.neuron.next_phase", chosen)


@pytest.mark.slow_beyond(2)
@pytest.mark.parametrize(
    "damage",
    [strictly_left, shares_of_the_wrong_bits, shares_in_whole_lsbs, forgotten_while_refractory],
    ids=lambda damage: damage.__name__,
)
def test_a_wrong_phase_is_refuted_with_numbers(damage, monkeypatch):
    words = words_of("tiny-8", 2)
    interface = hdl.export_neuron(hdl.Core(words)).interface
    damage(monkeypatch)
    claim = prove_update(Export(hdl.export_neuron(hdl.Core(words)).verilog, interface))
    assert claim.result == "refuted"
    golden = expected(words, claim.counterexample)
    outputs = (*words.state_names, "spike")
    masks = {name: interface.port(f"{name}_out").mask for name in outputs}
    assert any(claim.counterexample[f"{name}_out"] != golden[name] & masks[name] for name in outputs)
    assert {"phase", "phase after, circuit", "phase after, golden model"} <= {
        line.name for line in lines(words, claim.counterexample)
    }


@pytest.mark.slow
def test_an_event_with_another_phase_is_refuted(monkeypatch):
    export = hdl.export(hdl.Core(words_of("tiny-8", 2, 4)))
    honest = hardware.Population._send

    def damaged(self, m, retire):
        outlet = honest(self, m, retire)
        event = hardware.Value.cast(self.events.payload.phase)
        m.d.comb += event[0].eq(outlet.words[0])
        return outlet

    monkeypatch.setattr(hardware.Population, "_send", damaged)
    other = hdl.export(hdl.Core(words_of("tiny-8", 2, 4)))
    assert other.verilog != export.verilog
    found = results(prove_population(other))
    assert found[EVENTS] == "refuted" and found[ORDER] == "proved"
