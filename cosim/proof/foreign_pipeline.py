"""The unbounded proof of somebody else's pipeline: one update, with anything in its registers, as it keeps no state.

It is followed over as many clocks as its map says. Every register starts as anything, and every input of another
clock is anything too: so no update before or after it, nor how many there were, makes a difference.
"""

import time
from collections.abc import Iterator

from qlif.cosim.mapping.core_map import CoreMap
from qlif.cosim.proof.circuit import Circuit, Clock
from qlif.cosim.proof.claims import Claim, timed_out
from qlif.cosim.proof.foreign_update import LEGAL
from qlif.cosim.proof.idle import legal_limits
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.cosim.proof.solver import Answer, Term
from qlif.cosim.proof.update import Update
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError

UPDATE = "an update of the pipeline is the golden step, whatever its registers hold and whatever else comes"

LEGAL_WORDS = "all legal states, and all inputs, of the pipeline; not the adapter's memory of states"


def prove_pipeline(export: Export, core_map: CoreMap, *, seconds: float) -> Iterator[Claim]:
    """Prove a mapped pipeline for any number of updates.

    Parameters
    ----------
    export : Export
        The pipeline behind its adapter.
    core_map : CoreMap
    seconds : float
        The time that the solver may take.

    Raises
    ------
    InputError
        The rounding is stochastic, and no port takes the random bits; or the Verilog can't be read, or a tool isn't
        installed.
    """
    if export.interface.words.arithmetic.random_bits and "random" not in core_map.ports:
        raise InputError(f"{core_map.where}ports: stochastic rounding needs a port in the role random")
    start, terms = time.monotonic(), Products()
    circuit = read_circuit(export.verilog, export.interface.module, every_signal=True)
    update, fits = _update(terms, circuit, export, core_map)
    assumed = list(legal_limits(update.words, update.numbers(terms)).values())
    kept = terms.both(*legal_limits(update.words, update.expected).values())

    def claim(name: str, answer: Answer, what: str) -> Claim:
        nonlocal start
        seconds_taken, start = time.monotonic() - start, time.monotonic()
        return Claim(
            export.interface.name,
            name,
            answer.verdict,
            None,
            seconds_taken,
            answer.values if answer.verdict == "refuted" else None,
            what=what if answer.verdict == "refuted" else "",
            under=LEGAL_WORDS,
            why=timed_out(seconds, what) if answer.verdict == "unknown" else "",
        )

    yield claim(LEGAL, terms.prove(kept, assumed, update.named(), seconds), "the golden model leaves them")
    answer, what = update.prove(terms, seconds, assumed), "the update differs"
    if answer.verdict == "proved" and terms.value(fits) != 1:
        what = "an update is outside the configuration's format"
        answer = terms.prove(fits, assumed, update.named(), seconds)
    yield claim(UPDATE, answer, what)


def _update(terms: Products, circuit: Circuit, export: Export, core_map: CoreMap) -> tuple[Update, Term]:
    """Return what goes in in the first clock and comes out in the last, and whether our formats hold that."""
    words = export.interface.words
    assert core_map.latency is not None
    # What the adapter gives before a neuron's first update is a constant; one from its memory is anything.
    known = {"rst": terms.false, "parameters_valid": terms.false}
    states = {circuit.states["first"]: terms.false}
    clocks = []
    for _ in range(core_map.latency + 1):
        clocks.append(Clock(terms, circuit, known, states))
        states = clocks[-1].following()
    before = {name: clocks[0][f"core_{name}"] for name in ("current", "random") if name in core_map.ports}
    for name in words.state_names:
        present = f"{name}_in" in core_map.ports
        before[name] = (
            clocks[0][f"core_{name}_in"] if present else terms.constant(0, words.formats[name].width)
        )
    outputs = (*words.state_names, "spike")
    after = {name: clocks[-1][f"core_{name}"] for name in outputs if name in core_map.ports}
    update = Update(words, before, after)
    update.golden(terms)
    return update, clocks[-1]["fits"] if "fits" in circuit.named else terms.true
