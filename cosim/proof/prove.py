"""Proofs of Verilog texts: what the command and the mutation campaign call."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qlif.cosim.proof.claims import Claim
from qlif.cosim.proof.netlist import check_ports, read_circuit
from qlif.cosim.proof.products import Products
from qlif.cosim.proof.update import neuron_update, population_updates
from qlif.hdl.export import NEURON_MODULE
from qlif.model.words import Words

SECONDS = 60.0
"""The time that the solver may take for one claim."""

UPDATE_CLAIM = "an update is the golden step"


def prove_update(
    verilog: str,
    words: Words,
    interface: Mapping[str, Any],
    *,
    claim: str = UPDATE_CLAIM,
    module: str | None = None,
    cells: Sequence[Path] = (),
    seconds: float = SECONDS,
) -> Claim:
    """Prove that an update is the golden step, for every state, input, random word and run-time parameter.

    Parameters
    ----------
    verilog : str
        The text of a bare pipeline with the ports of ``qlif_neuron``, or of a population that this project
        exported, whatever was changed in it since.
    words : Words
        The neuron.
    interface : mapping
        As in ``interface.json``; which of the two it is follows from its module.
    claim : str
        What the claim is called.
    module : str, optional
        The module's name, if it isn't that of the interface.
    cells : sequence of Path
        Models of the cells that the text instantiates.
    seconds : float
        The time that the solver may take.

    Raises
    ------
    InputError
        The Verilog can't be read, or hasn't the module or its ports; or a tool isn't installed.
    """
    start = time.monotonic()
    circuit = read_circuit(verilog, module or interface["module"], cells)
    check_ports(circuit, interface)
    terms = Products()
    if interface["module"] == NEURON_MODULE:
        updates = [neuron_update(terms, circuit, words, interface)]
    else:
        updates = population_updates(terms, circuit, words, interface)
    result = "proved"
    counterexample = None
    for update in updates:
        answer = update.prove(terms, seconds)
        if answer.verdict == "refuted":
            result, counterexample = "refuted", answer.values
            break
        if answer.verdict == "unknown":
            result = "unknown"
    return Claim(interface["preset"], claim, result, None, time.monotonic() - start, counterexample)
