"""Proposes a map's table ``[state]`` by simulation: what each register holds whenever the core is idle.

The circuit itself is run, with constants in place of a solver's variables. A register that always equals a word of
the golden model holds it; one that never changes has that value. What is left is told, since a proposal is no proof.
"""

import json
import re

import numpy as np

from qlif.cosim.mapping.state import StateMap
from qlif.cosim.proof.circuit import Clock
from qlif.cosim.proof.labels import labels
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.cosim.proof.solver import Term
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.golden.neurons import FixedNeurons

UPDATES = 40
"""Number of updates that are watched."""

PATIENCE = 300
"""Most clocks that one takes."""

WAITS = 4
"""Clocks that it is left alone after an update, to become idle."""


def find_state(export: Export, adapter: StateMap) -> str:
    """Return the table as TOML, with a comment where a register isn't placed.

    Parameters
    ----------
    export : Export
        A core of one neuron behind its adapter.
    adapter : StateMap
        The places of the adapter's registers.

    Raises
    ------
    InputError
        It has several neurons, or doesn't answer; or the Verilog can't be read, or a tool isn't installed.
    """
    words = export.interface.words
    if export.interface.neurons != 1:
        raise InputError("--find-state is for a core with one neuron: put one in the map")
    terms = Products()
    circuit = read_circuit(export.verilog, export.interface.module, every_signal=True)
    registers = {
        n: name for n, name in labels(circuit).items() if name not in (*adapter.adapter, adapter.random)
    }
    golden = FixedNeurons(words)
    rng = np.random.default_rng(0)
    format = words.arithmetic.current
    # High ones, so that it spikes; the random ones after them tell registers from each other.
    currents = np.full(UPDATES, format.max_word)
    currents[UPDATES // 2 :] = rng.integers(format.min_word // 4, format.max_word + 1, UPDATES - UPDATES // 2)

    def clocked(states: dict[int, Term], reset: int = 0, valid: int = 0, current: int = 0) -> Clock:
        given = {"rst": reset, "currents_valid": valid, "updates_ready": 1, "events_ready": 1}
        inputs = {name: terms.constant(word, 1) for name, word in given.items()}
        inputs["currents_data"] = terms.constant(current, format.width)
        return Clock(terms, circuit, inputs, states)

    states = {
        number: terms.filled_array(sort.index, terms.constant(0, sort.width))
        if sort.index
        else terms.constant(0, sort.width)
        for number, sort in ((number, circuit.sorts[number]) for number in circuit.states.values())
    }
    states |= Clock(terms, circuit, {}, {}).initial()
    states = clocked(states, reset=1).following()
    seen: dict[int, list[int | None]] = {number: [] for number in registers}
    expected: dict[str, list[int]] = {name: [] for name in words.state_names}
    for current in currents:
        taken = shown = False
        for _ in range(PATIENCE):
            now = clocked(states, valid=int(not taken), current=int(current))
            shown = shown or (terms.value(now.output("updates_valid")) == 1)
            taken = taken or terms.value(now.output("currents_ready")) == 1
            states = now.following()
            if taken and shown:
                break
        else:
            raise InputError(f"--find-state: a current wasn't answered within {PATIENCE} clocks")
        for _ in range(WAITS):
            states = clocked(states).following()
        golden.run_words(np.array([[current]]), keep=())
        for name, word in golden.state.by_name(golden.words).items():
            expected[name].append(int(np.asarray(word).ravel()[0]))
        for number in registers:
            term = states[number]
            seen[number].append(None if circuit.sorts[number].index else terms.value(term))
    return _table(registers, seen, expected, {number: circuit.width(number) for number in registers})


def _table(
    registers: dict[int, str],
    seen: dict[int, list[int | None]],
    expected: dict[str, list[int]],
    widths: dict[int, int],
) -> str:
    """Return the table of what was seen."""
    by_name = sorted(registers, key=lambda number: (len(registers[number]), registers[number]))
    words: dict[str, int] = {}
    for name, series in expected.items():
        if len(set(series)) == 1:
            continue
        same = (n for n in by_name if seen[n] == [word & ((1 << widths[n]) - 1) for word in series])
        if (found := next((n for n in same if n not in words.values()), None)) is not None:
            words[name] = found
    lines = ["[state]"]
    for name in expected:
        if name in words:
            lines.append(f"{name} = {json.dumps(registers[words[name]])}")
        elif len(set(expected[name])) > 1:
            lines.append(f"# {name}: no register equals it after each update")
    lines.append("\n[state.others]")
    for number in by_name:
        if number in words.values():
            continue
        name, values = registers[number], set(seen[number])
        key = name if re.fullmatch(r"\w+", name) else json.dumps(name)
        if len(values) == 1 and None not in values:
            lines.append(f"{key} = {values.pop()}")
        else:
            lines.append(f'{key} = "any"  # not placed: it changes from update to update')
    return "\n".join(lines)
