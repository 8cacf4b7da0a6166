"""A campaign: every register, every memory bit, in every clock of a window; every net at 0 and at 1."""

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import SliceNetlist, export_netlist, slice_files
from qlif.cosim.faults.findings import Counts, Faults
from qlif.cosim.faults.places import Kind, Place, net_places, state_places
from qlif.cosim.faults.watch import Traffic, Watched, traffic
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.gates import gate_netlist
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError
from qlif.model.kernel.engines import chosen_threads
from qlif.model.support import journal
from qlif.model.support.checks import whole
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.sources import code_of, versions_of

CHUNK = 100
"""Clocks whose upsets are one point of the journal."""

STUCK_CLOCKS = 1 << 16
"""How long a net is stuck: neurons then have been in each regime of the stimulus."""

_NETS = "nets"
_POINT = re.compile(rf"upsets from ([0-9]{{1,12}})|{_NETS}")


def run_faults(
    export: Export,
    directory: Path,
    *,
    clocks: int,
    watch: int,
    stalls: float = 0.25,
    seed: int = 0,
    kinds: Collection[Kind] = tuple(Kind),
    stuck_clocks: int = STUCK_CLOCKS,
    gates: str | None = None,
    threads: int | None = None,
    width: int | None = None,
    progress: Progress = unwatched,
) -> Faults:
    """Put every fault into a population, one at a time, and say what becomes of each.

    A stopped campaign resumes; findings of another one are refused.

    Parameters
    ----------
    export : Export
    directory : Path
        Where the journal is, and with `gates` the mapped netlist, ``gates/gates.v``.
    clocks : int
        In each of so many after the reset, every register and memory bit is upset.
    watch : int
        Clocks that follow each upset; behind them everything in flight leaves.
    stalls : float
        Probability that a stream pauses, in each clock.
    seed : int
        Of the self-test's stimulus, which is played, and of the pauses.
    kinds : collection of Kind
        What is faulty.
    stuck_clocks : int
        How long a net is stuck.
    gates : str, optional
        A target whose mapped netlist gets the faults, instead of the text's.
    threads : int, optional
        As :func:`qlif.model.kernel.engines.chosen_threads` has it.
    width : int, optional
        Instances side by side; as many as the widest registers hold if not given.
    progress : callable
        Called with what goes on and the fraction that is done.

    Raises
    ------
    InputError
        An invalid number, no such target, no C compiler, Yosys isn't installed, or findings of another campaign.
    DifferenceFound
        The population without a fault isn't the golden model.
    """
    interface = export.interface
    whole("clocks", clocks)
    whole("stuck_clocks", stuck_clocks)
    if interface.mapped is not None:
        raise InputError("faults are tried in this project's populations, not in other cores")
    played = traffic(interface, clocks, watch, stalls, seed)
    key = {
        "code": code_of("model", "hdl", "cosim"),
        "tools": versions_of(yowasp.YOSYS),
        "verilog": hashlib.sha256(export.verilog.encode()).hexdigest(),
        "parameters": interface.words.parameters.as_dict(),
        "arithmetic": interface.words.arithmetic.as_dict(),
        "clocks": clocks,
        "watch": watch,
        "stalls": stalls,
        "seed": seed,
        "kinds": sorted(kinds),
        "stuck_clocks": stuck_clocks,
        "gates": gates,
    }
    with journal.opened(directory / "findings.jsonl", "faults", key, _known(clocks)) as kept:
        progress("reading the netlist", 0.0)
        netlist = _netlist(export, gates, directory)
        places = [place for place in state_places(netlist) if place.kind in kinds]
        upset = Counts.none(len(places))
        if places:
            watched = Watched(netlist, interface, played, width=width)
            _upset(watched, places, clocks, kept, chosen_threads(threads), progress)
            for point, found in kept.results.items():
                if point != _NETS:
                    upset.add(found)
        nets: list[Place] = net_places(netlist) if Kind.NETS in kinds else []
        stuck = np.zeros(0, dtype=np.uint32)
        if nets:
            progress("holding nets", 1.0)
            if _NETS not in kept.results:
                long = traffic(interface, stuck_clocks, watch, stalls, seed)
                kept.append(_NETS, _stuck(netlist, export, long, nets, width).tolist())
            stuck = np.asarray(kept.results[_NETS], dtype=np.uint32)
    return Faults(interface, netlist, tuple(places), upset, tuple(nets), stuck.reshape(-1, 2))


def _netlist(export: Export, gates: str | None, directory: Path) -> SliceNetlist:
    """Return the netlist of the text, or as it is mapped to a target."""
    if gates is None:
        return export_netlist(export)
    mapped = gate_netlist(export, gates, directory / "gates")
    return slice_files(mapped.verilog, export.interface.module, mapped.cells)


def _stuck(
    netlist: SliceNetlist, export: Export, played: Traffic, nets: Sequence[Place], width: int | None
) -> npt.NDArray[np.uint32]:
    """Return the verdicts on each net at 0 and at 1."""
    watched = Watched(netlist, export.interface, played, injected=True, width=width)
    return watched.stuck([(net.number, value) for net in nets for value in (0, 1)])


def _upset(
    watched: Watched,
    places: Sequence[Place],
    clocks: int,
    kept: journal.Journal,
    threads: int,
    progress: Progress,
) -> None:
    """Upset each place in each clock, but for what the journal has."""
    numbers = [place.number for place in places]
    now = watched.switched_on()
    running: dict[Future[Any], int] = {}
    done = 0

    def finish(all_: bool = False) -> None:
        nonlocal done
        while running and (all_ or len(running) > threads):
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                begin = running.pop(future)
                kept.append(_point(begin), Counts.of(future.result()).as_list())
                done += min(CHUNK, clocks - begin)
                progress("upsetting registers and memories", done / clocks)

    with ThreadPoolExecutor(threads) as pool:
        try:
            for begin, length in _chunks(clocks):
                if _point(begin) in kept.results:
                    done += length
                else:
                    running[pool.submit(watched.upsets, now.copy(), numbers, length)] = begin
                    finish()
                watched.upsets(now, [], length)
            finish(all_=True)
        finally:
            pool.shutdown(cancel_futures=True)


def _chunks(clocks: int) -> Iterator[tuple[int, int]]:
    """Give where each chunk begins, and how long it is."""
    for begin in range(0, clocks, CHUNK):
        yield begin, min(CHUNK, clocks - begin)


def _point(begin: int) -> str:
    return f"upsets from {begin}"


def _known(clocks: int) -> Any:
    def known(point: journal.Point) -> bool:
        match = _POINT.fullmatch(str(point))
        if match is None:
            return False
        return match[1] is None or (int(match[1]) < clocks and int(match[1]) % CHUNK == 0)

    return known
