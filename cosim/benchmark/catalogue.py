"""Which contenders there are for a number of neurons."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from qlif.cosim.benchmark import golden
from qlif.cosim.benchmark.compiled_c import WIDE, CompiledC
from qlif.cosim.benchmark.contender import Contender, Skipped
from qlif.cosim.benchmark.fixed_point_library import ApytypesNeurons
from qlif.cosim.benchmark.missing import Missing
from qlif.cosim.benchmark.peers import PEERS
from qlif.cosim.benchmark.plain_numpy import TightNumpy
from qlif.cosim.benchmark.work import BEYOND_CACHES, Work
from qlif.model.exceptions import InputError
from qlif.model.kernel.engines import EngineName, chosen_engine, chosen_threads

C, C_TRACED, C_WIDE, C_BLOCKED = (
    "C, -O3 -march=native",
    "C, trace on",
    "C, 512-bit vectors",
    "C, 512-bit vectors, time-blocked",
)
C_BEYOND, C_BLOCKED_BEYOND = (
    "C, 512-bit vectors, input beyond the caches",
    "C, 512-bit vectors, time-blocked, input beyond the caches",
)
NUMPY, NUMPY_64, APYTYPES = "tight numpy", "tight numpy, int64", "apytypes"

LIBRARY_UPDATES = 1_000_000
"""In one piece, of what is a hundred times slower."""

Made = Contender | Skipped


def contenders(n: int, directory: Path, with_kernel: bool = True, with_peers: bool = True) -> Iterator[Made]:
    """Yield the contenders for a number of neurons; what isn't installed is skipped with a reason.

    Parameters
    ----------
    n : int
    directory : Path
        Where C is built.
    with_kernel : bool
        The golden model, C and numpy.
    with_peers : bool
        Other people's libraries and simulators.
    """
    if with_kernel:
        work, beyond = Work(n), Work(n, updates=BEYOND_CACHES, most=BEYOND_CACHES)
        yield from _golden(n, work, beyond)
        yield from _in_c(n, work, beyond, directory)
        for name, dtype in ((NUMPY, np.int32), (NUMPY_64, np.int64)):
            tight = TightNumpy(work, dtype)
            yield Contender(name, n, work.updates, tight.run, tight.end, work)
    if with_peers:
        yield from _libraries(n)


def _golden(n: int, work: Work, beyond: Work) -> Iterator[Made]:
    """Yield what is ours."""
    traced, cores = Work(n, trace=True), chosen_threads()
    arithmetic = work.words.arithmetic
    ours: dict[str, Callable[[str], Contender]] = {
        golden.KERNEL: lambda name: golden.kernel(name, work),
        golden.TRACED: lambda name: golden.kernel(name, traced),
        golden.ALL_CORES: lambda name: golden.kernel(name, work, cores),
        golden.BEYOND: lambda name: golden.kernel(name, beyond),
        golden.ALL_CORES_BEYOND: lambda name: golden.kernel(name, beyond, cores),
        golden.STEPWISE: lambda name: golden.stepwise(name, work),
        golden.RUN: lambda name: golden.population_run(name, work, arithmetic),
        golden.FORWARD: lambda name: golden.population_forward(name, work),
        golden.FLOAT_RUN: lambda name: golden.population_run(name, work, None),
    }
    try:
        chosen_engine(EngineName.COMPILED)
    except InputError as error:
        yield from (Skipped(name, n, str(error)) for name in ours)
        return
    for name, make in ours.items():
        if name in (golden.ALL_CORES, golden.ALL_CORES_BEYOND) and cores == 1:
            yield Skipped(name, n, "there is one core")
        else:
            yield make(name)


def _in_c(n: int, work: Work, beyond: Work, directory: Path) -> Iterator[Made]:
    """Yield the yardsticks."""
    traced = Work(n, trace=True)
    kinds = (
        (C, work, ()),
        (C_TRACED, traced, ()),
        (C_WIDE, work, (WIDE,)),
        (C_BLOCKED, work, (WIDE,)),
        (C_BEYOND, beyond, (WIDE,)),
        (C_BLOCKED_BEYOND, beyond, (WIDE,)),
    )
    for name, what, flags in kinds:
        try:
            neurons = CompiledC(what, directory, *flags)
        except InputError as error:
            yield Skipped(name, n, str(error))
            continue
        run = neurons.run_blocked if name in (C_BLOCKED, C_BLOCKED_BEYOND) else neurons.run
        yield Contender(name, n, what.updates, run, neurons.end, what)


def _libraries(n: int) -> Iterator[Made]:
    """Yield what others made."""
    work = Work(n, updates=LIBRARY_UPDATES, fewest=8)
    others: dict[str, Callable[[Work], Contender]] = {APYTYPES: _apytypes, **PEERS}
    for name, make in others.items():
        try:
            yield make(work)
        except Missing as missing:
            yield Skipped(name, n, str(missing))


def _apytypes(work: Work) -> Contender:
    neurons = ApytypesNeurons(work)
    return Contender(APYTYPES, work.n, work.updates, neurons.run, neurons.end, work)
