"""Signals inside an exported population that proof, mutation and coverage look at, by their names in the netlist.

Whoever renames one in :mod:`qlif.hdl.population`, :mod:`qlif.hdl.outlet`, :mod:`qlif.hdl.parameter_port` or
:mod:`qlif.hdl.neuron` does it here too: the test of this module finds them all in every kind of export.
"""

import re

from qlif.hdl.core import Core

CORE = "core"
"""The population inside the module with the flat ports, or somebody else's module inside its adapter."""

ACCEPTED = f"{CORE}.accepted"
"""A row of currents was accepted in the clock before."""
IN_FLIGHT = f"{CORE}.in_flight"
"""One bit for each clock since a row was accepted, the youngest lowest; the last one is a row that retires."""
FRESH = f"{CORE}.fresh"
"""The first timestep since the reset is still being read."""
SPARE = f"{CORE}.spare"
"""Places of the queue that nothing claims, without the one that is kept back; negative if there is none."""
FREE_ROWS = f"{CORE}.free_rows"
"""Rows that nothing is in flight of; only where there are fewer rows than the loop has clocks."""

STATE = f"{CORE}.state"
"""The memory of the neurons' states."""
BANK = f"{CORE}.bank"
"""Which of two banks of it is read, where it has two; the other one is written."""
DRAINED = f"{CORE}.drained"
"""There, between two timesteps: in the clock before, nothing was in flight."""
READ = f"{CORE}.read__data"
"""The row that was read from it; in the explicit variant, registers of the blocks take its place."""
WAS_FRESH = f"{CORE}.was_fresh"
"""Whether that row was read in the first timestep; numbered where there are several."""
STORED = f"{CORE}.stored"
"""The states that enter the pipelines."""
INITIAL = f"{CORE}.initial_state"
"""Those of the first timestep."""
WRITTEN = f"{CORE}.written"
"""The states that leave the pipelines, and are written into the memory."""

CURRENTS = f"{CORE}.currents_"
"""Registers that a row of currents waits in for its states, followed by their number."""

HELD_CURRENTS = f"{CORE}.current_memory.memory"
"""The memory of currents that are held."""
CURRENT_WORDS = f"{CORE}.current_memory.words"
"""What was read from it, as it enters the pipelines."""

BETWEEN = f"{CORE}.between"
"""The row that started last was its timestep's last one; only where something waits for that."""

READING, WRITING, OFFERED_ROWS = "reading", "writing", "outlet.rows"
"""Counters of rows: of those read, written, and offered."""

PUSHED_SPIKES = f"{CORE}.outlet.pushed_spikes"
PUSHED_WORDS = f"{CORE}.outlet.pushed_words"
"""What retires, and goes into the queue."""
POPPED = f"{CORE}.outlet.popped"
"""A row left the queue in the clock before."""
QUEUE = f"{CORE}.outlet.queue"
"""The queue's memory."""
QUEUE_WRITTEN = f"{CORE}.outlet.written"
"""The place that the next row goes to."""
QUEUE_NEWEST = f"{CORE}.outlet.newest"
"""The place that the last row went to."""
QUEUE_TAKEN = f"{CORE}.outlet.taken"
"""The place of the oldest row."""
QUEUE_WAITS = f"{CORE}.outlet.waits"
"""Whether a row waits in the queue."""
QUEUE_REFILL = f"{CORE}.outlet.refill"
"""What was read from the queue makes room."""
QUEUE_READING = f"{CORE}.outlet.reading"
"""A row is read from the queue."""
QUEUE_READ = f"{CORE}.outlet.read__data"
"""The row that was read from the queue."""
HELD = f"{CORE}.outlet.held"
"""Whether that is one."""
VACANT = f"{CORE}.outlet.vacant"
"""Whether nothing stays offered, so that the next row can be."""
OFFERED_SPIKES = f"{CORE}.outlet.spikes"
OFFERED_WORDS = f"{CORE}.outlet.words"
"""The row that is offered."""
UPDATE_VALID = f"{CORE}.outlet.update_valid"
EVENT_VALID = f"{CORE}.outlet.event_valid"
"""Whether it is offered as an update, and as an event."""
STEP = f"{CORE}.outlet.step"
"""Its timestep."""
STEPS_LOW = f"{CORE}.outlet.steps.low"
"""The low half of the counter of timesteps."""
STEPS_FULL = f"{CORE}.outlet.steps.full"
"""Whether that is about to carry."""
STEPS_FOLLOWING = f"{CORE}.outlet.steps.following"
"""Where timesteps are counted bit by bit: the next one's number, as far as it has gone around."""
STEPS_TURNING = f"{CORE}.outlet.steps.turning"
"""Whether it goes on with the row that follows."""
STEPS_SHIFTS = f"{CORE}.outlet.steps.shifts"
"""Whether it goes on in this clock."""
STEPS_CARRY = f"{CORE}.outlet.steps.carry"
"""What is added to its next bit."""

PIPELINES = f"{CORE}.pipeline"
"""What the names of everything in the pipelines begin with."""
SUM = f"{PIPELINES}.rounded"
"""With one lane, the sum of an Euler step before saturation, where it has a register."""
INCREMENT = f"{PIPELINES}.increment"
"""With one lane and a phase, what an Euler step adds, as it goes on."""
RANDOM_SOURCE = f"{CORE}.random"
"""What the names of the random words' source begin with."""
RANDOM_REGISTER = ".shift_register"
"""What the name of its shift register ends with."""


def is_state(memory: str) -> bool:
    """Return whether a memory is that of the neurons' states, or one of the blocks that it is mapped to."""
    return re.match(rf"{re.escape(STATE)}(\.|_bank\d|_\d|$)", memory) is not None


def state_bank(number: int) -> str:
    """Return one of its two banks."""
    return f"{STATE}_bank{number}"


def in_pipeline(name: str, lane: int = 0, lanes: int = 1) -> str:
    """Return a signal of a lane's pipeline."""
    return f"{PIPELINES}.{name}" if lanes == 1 else f"{PIPELINES}_{lane}.{name}"


def random_bits(lane: int = 0, lanes: int = 1) -> str:
    """Return the random bits that enter a lane's pipeline."""
    return in_pipeline("random", lane, lanes)


def counted_row(counter: str) -> str:
    """Return the row that a counter is at; a single row isn't counted."""
    return f"{CORE}.{counter}.row"


def counted_last(counter: str) -> str:
    """Return whether a counter is at its last row."""
    return f"{CORE}.{counter}.last"


def current_stage(stage: int) -> str:
    """Return a register that currents wait in."""
    return f"{CURRENTS}{stage}"


def parameter_register(name: str) -> str:
    """Return the register of a run-time parameter."""
    return f"{CORE}.parameter_port.{name}"


def parameter_memory(name: str) -> str:
    """Return the memory of a run-time parameter."""
    return f"{CORE}.parameter_port.memory_{name}"


def parameter_value(name: str) -> str:
    """Return a run-time parameter's words as they enter the pipelines."""
    return f"{CORE}.parameter_port.value_{name}"


def of(core: Core, loop_latency: int) -> tuple[str, ...]:
    """Return every signal that an export of a portable core has to have.

    Parameters
    ----------
    core : Core
    loop_latency : int
        As in :attr:`qlif.hdl.population.Population.loop_latency`.
    """
    names = [
        ACCEPTED, IN_FLIGHT, FRESH, SPARE, READ, WAS_FRESH, STORED, INITIAL, WRITTEN,
        PUSHED_SPIKES, POPPED, QUEUE, QUEUE_WRITTEN, QUEUE_NEWEST, QUEUE_TAKEN, QUEUE_WAITS,
        QUEUE_REFILL, QUEUE_READING, QUEUE_READ, HELD, VACANT,
        STATE,
    ]  # fmt: skip
    names += [HELD_CURRENTS, CURRENT_WORDS] if core.holds_currents else [current_stage(0)]
    if core.streams.has_updates or core.lanes > 1:
        names.append(OFFERED_SPIKES)
    if core.streams.has_updates:
        names.append(UPDATE_VALID)
    if core.streams.has_updates or core.words.arithmetic.phase_bits:
        names += [PUSHED_WORDS, OFFERED_WORDS]
    if core.streams.has_events:
        names += [EVENT_VALID, STEP]
        serial = core.counts_steps_serially
        names += (
            [STEPS_FOLLOWING, STEPS_TURNING, STEPS_SHIFTS, STEPS_CARRY] if serial else [STEPS_LOW, STEPS_FULL]
        )
    counters = [READING, WRITING, OFFERED_ROWS]
    if core.rows < loop_latency:
        names.append(FREE_ROWS)
    if core.waits_for_timesteps and core.rows > 1:
        names.append(BETWEEN)
    if core.rows > 1:
        names += [name(counter) for counter in counters for name in (counted_row, counted_last)]
    for parameter in core.runtime:
        names.append(parameter_value(parameter.name))
    if core.words.arithmetic.random_bits:
        names += [random_bits(lane, core.lanes) for lane in range(core.lanes)]
    return tuple(names)


def kept(core: Core, loop_latency: int) -> frozenset[str]:
    """Return the last parts of all these names: signals that stay in the text though nothing there reads them."""
    also = [SUM, RANDOM_REGISTER, *map(current_stage, range(core.primitives.memory_latency + 1))]
    also += [parameter_register(parameter.name) for parameter in core.runtime]
    return frozenset(name.rpartition(".")[2] for name in (*of(core, loop_latency), *also))
