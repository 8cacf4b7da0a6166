"""``qlif board run``: a board against the golden model."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.board_options import BoardOptions
from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    InputOptions,
    OutputOptions,
    StallsOption,
    StorageOptions,
    WrittenNeuronOptions,
    is_random,
    probability,
)
from qlif.cosim.commands.selftest import timesteps_for
from qlif.cosim.terminal import progress_bar
from qlif.model.exceptions import InputError, unknown_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qlif.cosim.board.host import Board
    from qlif.cosim.configuration import Configuration
    from qlif.hdl.interface import Interface
    from qlif.model.support.progress import Progress


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The board's port, and what is compared."""

    port: Annotated[str, typer.Option("--port", help="The board's serial device.")]
    streams: Annotated[
        str, typer.Option("--streams", help="What is read and compared: both, updates, or events (spikes).")
    ] = "both"
    selftest: Annotated[
        bool,
        typer.Option(
            "--selftest", help="Run the board's self-test at full speed, and compare its signature."
        ),
    ] = False
    updates: Annotated[
        int | None,
        typer.Option("--updates", help="With --selftest: number of updates [10000000]."),
    ] = None
    stalls: StallsOption = 0.0


LOCKSTEP = "no --selftest: it has its own stimulus"
BYTES_PER_UPDATE = 1000
"""Of memory, at most."""
Outcome = tuple[dict[str, Any], str]
"""What is told of a run; and what is wrong, if something is."""


@command(
    Rule("updates", lambda options: options.selftest, "--selftest"),
    Rule("stalls", lambda options: options.selftest, "--selftest"),
    Rule("steps", lambda options: not options.selftest, LOCKSTEP),
    Rule("input", lambda options: not options.selftest, LOCKSTEP),
    Rule("streams", lambda options: not options.selftest, LOCKSTEP),
    Rule("seed", lambda options: not options.selftest, LOCKSTEP),
    Rule("seed", lambda options: is_random(options.input), "an --input with random numbers"),
)
def run(
    neuron: WrittenNeuronOptions,
    which: BoardOptions,
    options: RunOptions,
    inputs: InputOptions,
    storage: StorageOptions,
    output: OutputOptions,
) -> None:
    """Compare a board with the golden model, update by update, or by the signature of its self-test.

    The board must hold the same configuration: it tells its identification first. The exit code is 1 on a mismatch,
    and the first one is named.
    """
    from qlif.cosim.board.host import Board, Link
    from qlif.cosim.board.port import serial_port
    from qlif.hdl.board.link import Layout, identity
    from qlif.hdl.core import Streams

    if options.streams not in list(Streams):
        raise InputError(unknown_name("streams", options.streams, list(Streams)))
    probability("--stalls", options.stalls)
    board, settings = which.chosen(), which.settings(neuron, storage)
    currents = None
    if options.selftest:
        configuration = settings.population(DEFAULT_NEURONS if inputs.neurons is None else inputs.neurons)
    else:
        configuration, currents = inputs.prepare(settings, BYTES_PER_UPDATE)
    interface = configuration.export(storage.lanes).interface
    with progress_bar(output.as_json) as progress, serial_port(options.port, board.baud) as port:
        link = Link(port)
        begun = time.perf_counter()
        connected = Board(link, Layout.of(interface), identity(interface, 0))
        if currents is None:
            facts, failure = _free(connected, configuration, interface, options, progress)
        else:
            facts, failure = _lockstep(connected, configuration, interface, currents, options, progress)
        seconds = time.perf_counter() - begun
    content = {
        "board": board.name,
        "port": options.port,
        "preset": configuration.name,
        "neurons": interface.neurons,
        "lanes": interface.lanes,
        **facts,
        "seconds": seconds,
        "repeated_requests": link.repeated,
        "damaged_answers": link.damaged,
        "passed": not failure,
    }
    output.write_json("board-run.json", content)
    if not output.as_json:
        shown = {name.replace("_", " "): value for name, value in content.items() if name != "first_mismatch"}
        output.terminal.facts(f"{configuration.name} on {board.title}", shown)
        output.terminal.line(f"FAILED: {failure}" if failure else "The board agrees with the golden model.")
    if failure:
        raise typer.Exit(1)


def _free(
    board: "Board",
    configuration: "Configuration",
    interface: "Interface",
    options: RunOptions,
    progress: "Progress",
) -> Outcome:
    """Run the self-test."""
    from qlif.cosim.board.run import free_running
    from qlif.cosim.selftest.run import stall_rate
    from qlif.model.selftest.plan import SelfTestPlan

    if configuration.writes:
        raise InputError("the self-test writes no parameters: leave [[writes]] out of the file")
    timesteps = timesteps_for(options.updates, None, interface.neurons)
    run = free_running(
        board,
        interface,
        SelfTestPlan.of(configuration.words),
        timesteps,
        stalls=stall_rate(options.stalls),
        progress=progress,
    )
    facts = {
        "timesteps": timesteps,
        "updates": timesteps * interface.neurons,
        "signature": f"{run.got:032x}",
        "expected_signature": f"{run.expected:032x}",
    }
    if run.passed:
        return facts, ""
    if run.wrong_from is None:
        return facts, "the signature is right, but the board takes it for wrong"
    return facts, f"the signatures differ, from timestep {run.wrong_from} on"


def _lockstep(
    board: "Board",
    configuration: "Configuration",
    interface: "Interface",
    currents: "npt.NDArray[np.float64]",
    options: RunOptions,
    progress: "Progress",
) -> Outcome:
    """Compare update by update."""
    from qlif.cosim.board.run import lockstep, records_of
    from qlif.hdl.core import Streams

    words = configuration.words
    verdict = lockstep(
        board,
        interface,
        words.current_words(currents),
        writes=configuration.parameter_writes(words, len(currents)),
        records=records_of(Streams(options.streams)),
        progress=progress,
    )
    facts = {
        "timesteps": len(currents),
        "updates": verdict.updates,
        "streams": options.streams,
        "mismatches": verdict.mismatches,
        "first_mismatch": None if verdict.first is None else vars(verdict.first),
    }
    return facts, verdict.text
