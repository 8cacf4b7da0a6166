"""The unbounded proof of somebody else's core: from any idle state, one update is the golden step and leads back.

Idle is what the map's table ``[state]`` says: which registers hold the golden state, and what every other one holds
between two updates. From there the core is followed clock by clock, for each choice of the handshakes, with state and
current left open. What it shows is compared with the golden step as it is shown. A path ends where it is idle again,
with the golden state after the update. Where it takes a current before that, with updates under way, the registers
are shown to hold the golden state and what is still owed, and the path goes on from any such state: so it comes back
to where it was, and a finite number of clocks covers any number of updates and any pattern of stalls.

Every register is in the table, and one that is ``"any"`` is anything: a counter that waits for its 2^20th update, or
for a sequence of currents, has no place to hide.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

from qlif.cosim.mapping.state import StateMap
from qlif.cosim.proof.claims import Claim, Undecided
from qlif.cosim.proof.foreign_core import ForeignCore
from qlif.cosim.proof.foreign_ends import resets, stays_legal, takes_currents
from qlif.cosim.proof.foreign_node import Refuted
from qlif.cosim.proof.foreign_paths import ForeignPaths
from qlif.cosim.proof.read_verilog import read_circuit
from qlif.hdl.verilog import Export

LEGAL = "a legal state stays legal: potential below threshold, counter and trace within their limits"
RESETS = "one clock of reset, whatever the registers hold, leads to an idle state, the initial one"
TAKES = "an idle core takes a current"
UPDATES = "an update is the golden step and leads back to an idle state; waiting changes nothing, nor does any stall"
ANSWERS = (
    "each current is answered: it is idle again {} clocks after it at the latest, where the outputs are taken"
)

LEGAL_STATES = "all legal states, and all inputs"
"""What is proved from ``[state]``: not what a core does in a state that the golden model never comes to."""


def prove_state(export: Export, state: StateMap, *, seconds: float) -> Iterator[Claim]:
    """Prove a mapped core for any number of updates, from the table ``[state]`` of its map.

    Parameters
    ----------
    export : Export
        A core of one neuron behind its adapter.
    state : StateMap
        The places of every register, those of the adapter too.
    seconds : float
        The time that the solver may take for one question.

    Raises
    ------
    InputError
        Of :class:`~qlif.cosim.proof.foreign_core.ForeignCore` and
        :class:`~qlif.cosim.proof.foreign_node.NoInvariant`; or the Verilog can't be read, or a tool isn't installed.
    """
    circuit = read_circuit(export.verilog, export.interface.module, every_signal=True)
    interface = export.interface
    absent = () if interface.mapped is None else interface.mapped.absent
    core = ForeignCore(circuit, interface, state, absent, seconds)
    paths = ForeignPaths(core)
    parts: dict[str, Callable[[], None]] = {
        LEGAL: partial(stays_legal, core),
        RESETS: partial(resets, core),
        TAKES: partial(takes_currents, core),
        UPDATES: paths.follow,
    }
    if interface.mapped is not None and not interface.mapped.resets:
        del parts[RESETS]
    found = {}
    for name, part in parts.items():
        start = time.monotonic()
        result, what, why = "proved", "", ""
        values = None
        try:
            part()
        except Refuted as refuted:
            result, what, values = "refuted", refuted.what, dict(refuted.values)
        except Undecided as undecided:
            result, why = "unknown", str(undecided)
        elapsed = time.monotonic() - start
        under = "all registers" if name == RESETS else LEGAL_STATES
        # What no register is named for is told by conditions alone.
        words = interface.words.state_names
        golden = tuple(word for word in words if word in (values or ()) and word not in state.words)
        found[name] = Claim(
            interface.name,
            name,
            result,
            None,
            elapsed,
            values,
            what=what,
            under=under,
            why=why,
            of_golden=golden,
        )
        yield found[name]
    if all(found[name].result == "proved" for name in (TAKES, UPDATES)):
        yield Claim(interface.name, ANSWERS.format(paths.latest), "proved", None, 0.0, under=LEGAL_STATES)
