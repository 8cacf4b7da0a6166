"""What is proved of a configuration, claim by claim."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qlif.cosim.configuration import Configuration
from qlif.cosim.mapping.core_map import Contract, CoreMap
from qlif.cosim.proof import counterexample
from qlif.cosim.proof.axi_claims import SHELL_CLAIMS, axi_claims
from qlif.cosim.proof.circuit import Circuit
from qlif.cosim.proof.claims import Claim
from qlif.cosim.proof.counterexample import Replay
from qlif.cosim.proof.foreign_pipeline import prove_pipeline
from qlif.cosim.proof.foreign_update import prove_state
from qlif.cosim.proof.prove import (
    RUNS,
    SECONDS,
    UPDATE_CLAIM,
    prove_population,
    prove_runs,
    prove_update,
    replay_clocks,
    replay_run,
)
from qlif.cosim.proof.read_verilog import check_ports, read_circuit, read_export
from qlif.cosim.simulator.find import Simulator
from qlif.hdl import probes
from qlif.hdl.core import STEP_BITS, Core, Feed, Streams
from qlif.hdl.interface import Kind
from qlif.hdl.primitives import PORTABLE, Primitives, Variant
from qlif.hdl.storage import Storage
from qlif.hdl.targets.catalogue import primitives
from qlif.hdl.verilog import Export, export_neuron
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.quantisation import quantise
from qlif.model.rounding import Overflow, Rounding
from qlif.model.words import Words

RANDOM_BITS = 4
"""Of stochastic rounding, where a preset that hasn't it is tried with it."""

MAPPED_SECONDS = 10.0
"""The time to look for a run of a mapped core from reset: it was refuted from a state, which may be far from it."""


@dataclass(frozen=True)
class Task:
    """A claim that is still to be proved, or several that are proved together.

    Attributes
    ----------
    claim : str
    configuration : Configuration
        What it is about.
    export : Export
        Its Verilog.
    claims : callable
        ``claims(export, seconds)`` proves it of a text, and gives the solver so much time for each.
    """

    claim: str
    configuration: Configuration
    export: Export
    claims: Callable[[Export, float], Iterable[Claim]]

    def prove(self, seconds: float) -> Iterable[Claim]:
        """Give the solver so many seconds for each claim."""
        return self.claims(self.export, seconds)

    def replay(self, claim: Claim, simulator: Simulator, directory: Path) -> Replay | str:
        """Play a counterexample in a simulator, with waves; why not, if no run from reset on shows it."""
        values = claim.counterexample or {}
        if self.export.interface.kind is Kind.NEURON:
            return counterexample.replay(self.export, claim, simulator, directory)
        if claim.claim in SHELL_CLAIMS:
            return "what refutes a claim about the shell isn't played"
        if values and all("@" in name for name in values):
            return replay_clocks(self.export, values, simulator, directory, claim.choices)
        if self.export.interface.core.streams is not Streams.BOTH:
            return "runs from reset are looked for only with both streams"
        if self.export.interface.core.holds_currents:
            return "runs from reset are looked for only with currents as a stream"
        seconds = SECONDS if self.export.interface.mapped is None else MAPPED_SECONDS
        return replay_run(self.export, self.configuration, claim, simulator, directory, seconds)


def tasks(
    configuration: Configuration,
    lanes: int = 1,
    step_bits: int = STEP_BITS,
    streams: Streams = Streams.BOTH,
    feed: Feed = Feed.STREAM,
    axi: bool = False,
) -> Iterator[Task]:
    """Give all claims about a configuration in the portable variant; if asked for, about its AXI shell too."""
    export = configuration.export(lanes, PORTABLE, step_bits, streams, feed)
    if axi:
        yield Task("the AXI shell around it", configuration, export, axi_claims)
    yield from update_tasks(configuration, lanes, export)
    yield _population(configuration, export)


def update_tasks(
    configuration: Configuration, lanes: int = 1, export: Export | None = None
) -> Iterator[Task]:
    """Give the claims about one update, in each variant that can be made of a configuration.

    The population's pipeline, of an export if it is given; the bare one, with every parameter word as an input;
    then with each rounding and each overflow.
    """
    name, arithmetic, parameters = configuration.name, configuration.arithmetic, configuration.parameters
    yield _update(f"{UPDATE_CLAIM}, in the population", configuration, export or configuration.export(lanes))
    yield _update(f"{UPDATE_CLAIM}, for every parameter word", configuration, _all_as_inputs(configuration))
    for rounding in Rounding:
        for overflow in Overflow:
            random_bits = 0
            if rounding.stochastic:
                random_bits = arithmetic.random_bits or RANDOM_BITS
            other = arithmetic.replace(
                rounding=rounding, overflow=overflow, trace_overflow=overflow, random_bits=random_bits
            )
            try:
                words = quantise(additive(parameters), other)
            except InputError:
                # The sum loses too few bits for that many random ones.
                continue
            claim = f"{UPDATE_CLAIM}, with {rounding} and {overflow}, additive trace and lower bound"
            storage = _storage(words, Storage.GATES)
            yield _update(claim, configuration, export_neuron(Core(words, storage=storage, name=name)))


def explicit_tasks(
    configuration: Configuration,
    target: str,
    lanes: int = 1,
    step_bits: int = STEP_BITS,
    streams: Streams = Streams.BOTH,
    feed: Feed = Feed.STREAM,
) -> Iterator[Task]:
    """Give the claims about a configuration that instantiates a target's cells, with our models of them.

    Raises
    ------
    InputError
        There is no such variant, or its block RAMs don't hold a lane's neurons.
    """
    built_from, of_cells = primitives(Variant.EXPLICIT, target), f", of the cells of {target}"
    export = configuration.export(lanes, built_from, step_bits, streams, feed)
    yield _update(f"{UPDATE_CLAIM}, in the population{of_cells}", configuration, export)
    claim = f"{UPDATE_CLAIM}, for every parameter word{of_cells}"
    yield _update(claim, configuration, _all_as_inputs(configuration, built_from))
    yield _population(configuration, export, of_cells)


def foreign_tasks(
    configuration: Configuration, verilog: str, module: str, latency: int | None = None
) -> Iterator[Task]:
    """Give the claims about Verilog of somebody else: a population, or a bare pipeline, by its ports.

    Parameters
    ----------
    configuration : Configuration
        What it is to be.
    verilog : str
        Its text.
    module : str
        Its module.
    latency : int, optional
        Of a bare pipeline, if it isn't that of this project's.

    Raises
    ------
    InputError
        It isn't Verilog, has no such module, or that hasn't the ports of either.
    """
    circuit = read_circuit(verilog, module)
    is_pipeline = "potential_in" in circuit.inputs
    interface = (export_neuron(configuration.core()) if is_pipeline else configuration.export()).interface
    if is_pipeline and latency is not None:
        interface = dataclasses.replace(interface, latency=latency)
    check_ports(circuit, interface)
    export = Export(verilog, dataclasses.replace(interface, module=module))
    if is_pipeline:
        yield _update(UPDATE_CLAIM, configuration, export)
    elif has_our_structure(circuit, configuration.export()):
        yield _edited(configuration, export)
    else:
        yield from run_tasks(configuration, export)


def has_our_structure(circuit: Circuit, own: Export) -> bool:
    """Return whether a circuit has every signal that the claims about our own population are about.

    Each must be as wide as in our own export; what drives it is what is proved.
    """
    interface = own.interface
    kept = probes.kept(interface.core, interface.loop_latency)
    ours = read_export(own)
    return all(
        name in circuit.named and circuit.sorts[circuit.named[name]] == ours.sorts[number]
        for name, number in ours.named.items()
        if name.rpartition(".")[2] in kept
    )


def _edited(configuration: Configuration, export: Export) -> Task:
    """Give the unbounded claims about a text with our structure; where they are undecided, the bounded ones too."""

    def claims(text: Export, seconds: float) -> Iterator[Claim]:
        undecided = False
        update = prove_update(text, claim=f"{UPDATE_CLAIM}, in the population", seconds=seconds)
        for claim in itertools.chain([update], prove_population(text, seconds=seconds)):
            undecided |= claim.result == "unknown"
            yield claim
        if undecided:
            for name in RUNS:
                yield prove_runs(text, name, seconds=seconds)

    return Task("a population of this project's structure", configuration, export, claims)


def mapped_tasks(configuration: Configuration, export: Export, core_map: CoreMap) -> Iterator[Task]:
    """Give the claims about a mapped core: for any number of updates, of a pipeline or from a table ``[state]``.

    Raises
    ------
    InputError
        The map of a pipeline has a table ``[state]``.
    """
    if core_map.contract is Contract.PIPELINE:
        if core_map.state is not None:
            raise InputError(f"{core_map.where}state: a pipeline keeps none: leave [state] out")

        def update(text: Export, seconds: float) -> Iterator[Claim]:
            yield from prove_pipeline(text, core_map, seconds=seconds)

        yield Task("an update of the pipeline", configuration, export, update)
    if core_map.state is None:
        yield from run_tasks(configuration, export)
        return
    state = core_map.state.with_adapter(core_map)

    def claims(text: Export, seconds: float) -> Iterator[Claim]:
        try:
            yield from prove_state(text, state, seconds=seconds)
        except InputError as error:
            raise InputError(f"{core_map.where}{error}") from None

    yield Task("an update, from any idle state", configuration, export, claims)


def run_tasks(configuration: Configuration, export: Export) -> Iterator[Task]:
    """Give the claims about a population's first updates, by its ports."""
    for claim in RUNS:

        def claims(text: Export, seconds: float, claim: str = claim) -> Iterator[Claim]:
            yield prove_runs(text, claim, seconds=seconds)

        yield Task(claim, configuration, export, claims)


def additive(parameters: Parameters) -> Parameters:
    """Return a neuron with the optional parts that another one lacks: an additive trace, a lower bound."""
    return parameters.replace(
        additive_spike_trace=True,
        lower_bound=parameters.reset_pot if parameters.lower_bound is None else parameters.lower_bound,
    )


def _all_as_inputs(configuration: Configuration, built_from: Primitives = PORTABLE) -> Export:
    """Return the bare pipeline with every parameter word as an input."""
    words = configuration.words
    storage = _storage(words, Storage.REGISTER)
    return export_neuron(Core(words, storage=storage, primitives=built_from, name=configuration.name))


def _storage(words: Words, shared: Storage) -> dict[str, Storage]:
    """Return where each word of the bare pipeline comes from: those of each neuron from a memory."""
    return {
        name: shared if isinstance(constant.word, int) else Storage.MEMORY
        for name, constant in words.constants.items()
    }


def _population(configuration: Configuration, export: Export, of_cells: str = "") -> Task:
    def claims(text: Export, seconds: float) -> Iterator[Claim]:
        for claim in prove_population(text, seconds=seconds):
            yield dataclasses.replace(claim, claim=f"{claim.claim}{of_cells}")

    return Task(f"the population around it{of_cells}", configuration, export, claims)


def _update(claim: str, configuration: Configuration, export: Export) -> Task:
    def claims(text: Export, seconds: float) -> Iterator[Claim]:
        yield prove_update(text, claim=claim, seconds=seconds)

    return Task(claim, configuration, export, claims)
