"""What `qlif study optimize` and `joint` share: space, inputs, what is built from the result, and how it ends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule
from qlif.cosim.commands.options import ParameterOptions, ReportOptions, SimulatorOption
from qlif.cosim.commands.study_budget import EVERY_RULES, INPUT, any_random, without_every
from qlif.cosim.terminal import Terminal
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from qlif.cosim.commands.study_budget import BudgetOptions
    from qlif.cosim.optimize.budget import Budget
    from qlif.cosim.optimize.errors import Trial
    from qlif.cosim.optimize.space import Candidate
    from qlif.cosim.simulator.find import Simulator
    from qlif.model.formats import Format
    from qlif.model.studies.grid import Sweep
    from qlif.model.support.progress import Progress


@dataclass(frozen=True, kw_only=True)
class SpaceOptions:
    """The configurations to try, and the inputs to try them on."""

    word_bits: Annotated[str, typer.Option("--word-bits", help="Word lengths to try.")] = "6..24"
    rounding: Annotated[str, typer.Option("--rounding", help="Roundings to try.")] = "TRN,RND,SR"
    random_bits: Annotated[str, typer.Option("--random-bits", help="Random bits of SR to try.")] = "8"
    rounding_seed: Annotated[
        str, typer.Option("--rounding-seed", help="Seeds of SR; it must pass with all of them.")
    ] = "1..5"
    form: Annotated[str, typer.Option("--form", help="Forms to try.")] = "factored,square"
    coefficient_bits: Annotated[str, typer.Option("--coefficient-bits", help="Bits of gains to try.")] = "16"
    phase_bits: Annotated[str, typer.Option("--phase-bits", help="Bits of phase to try, 0 to 4.")] = "0"
    current: Annotated[
        str, typer.Option("--current", help="Format of the currents, the same for every configuration.")
    ] = "SQ(8,10)"
    dt: Annotated[
        str, typer.Option("--dt", help="Timesteps to try, ms; several require --max-interval-error.")
    ] = "0.1"
    tau_m: Annotated[float, typer.Option("--tau-m", help="Membrane time constant, ms.")] = 30.0
    input: Annotated[
        list[str] | None,
        typer.Option("--input", help="As in `qlif inputs`; repeatable [stratified, 17 to 80 mV]."),
    ] = None
    input_neurons: Annotated[
        int, typer.Option("--input-neurons", help="Number of neurons that the inputs drive.")
    ] = 256
    duration: Annotated[float, typer.Option("--duration", help="Simulated time, ms.")] = 2000.0
    input_seed: Annotated[int, typer.Option("--seed", help="Seed of the inputs.")] = 0
    held_out_seed: Annotated[
        int | None,
        typer.Option("--held-out-seed", help="Seed of the inputs on which the result is judged [the next]."),
    ] = None

    def sweep(self, parameters: Mapping[str, Any]) -> "Sweep":
        """Return the study over every split of a word; InputError if an axis isn't allowed."""
        from qlif.model.studies.grid import Sweep

        return Sweep(
            word_bits=self.word_bits,
            # The space takes those with integer bits that make sense for the form.
            fraction_bits="-2..28",
            rounding=self.rounding,
            random_bits=self.random_bits,
            form=self.form,
            coefficient_bits=self.coefficient_bits,
            phase_bits=self.phase_bits,
            dt_ms=self.dt,
            tau_m_ms=self.tau_m,
            input=tuple(self.input) if self.input else (INPUT,),
            neurons=self.input_neurons,
            duration_ms=self.duration,
            input_seed=self.input_seed,
            parameters=dict(parameters),
            arithmetic=self.fixed,
        )

    @property
    def fixed(self) -> dict[str, Any]:
        """What every configuration of the sweep has."""
        return {"current": self.current}


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What is built from the cheapest."""

    neurons: Annotated[int, typer.Option("--neurons", help="Number of neurons to export and synthesise.")] = (
        1024
    )
    simulator: SimulatorOption = "verilator"
    cosim_steps: Annotated[int, typer.Option("--cosim-steps", help="Timesteps of the co-simulation.")] = 2000

    def check(self) -> None:
        """Refuse numbers out of range; InputError."""
        from qlif.model.support.checks import whole

        whole("--cosim-steps", self.cosim_steps)
        whole("--neurons", self.neurons)


SPACE_RULES = (
    Rule("spikes", lambda options: options.max_lag_steps is not None, "--max-lag-steps"),
    *(
        Rule(name, lambda options: "SR" in options.rounding.split(","), "--rounding SR")
        for name in ("random_bits", "rounding_seed")
    ),
    *(
        Rule(name, lambda options: any_random(options.input), "a random --input")
        for name in ("input_seed", "held_out_seed")
    ),
    *map(without_every, ("input", "input_neurons", "input_seed")),
    *EVERY_RULES,
)
"""Of budget, space and inputs."""


def trial_of(
    space: SpaceOptions, limits: "BudgetOptions", sweep: "Sweep", currents: "Sequence[Format]" = ()
) -> "Trial":
    """Return how configurations are tried; InputError for choices that make no sense together.

    `currents` are the formats of currents that are tried, where that isn't the sweep's.
    """
    from qlif.cosim.optimize.errors import Trial
    from qlif.model.studies import axes

    budget = limits.budget()
    if len(sweep.dt_ms) > 1 and budget.max_interval_error is None:
        raise InputError(
            "several --dt require --max-interval-error: only that compares unequal timesteps with one another"
        )
    every = limits.every(sweep, currents)
    return Trial.of(budget, axes.whole_numbers("rounding_seed", space.rounding_seed, 0, 2**64 - 1), every)


def physical_of(neuron: ParameterOptions) -> dict[str, Any]:
    """Return the physical parameters of file and options, which may hold nothing else."""
    from qlif.cosim.configuration import Settings

    settings, default = neuron.settings(), Settings.read()
    if settings.arithmetic != default.arithmetic or settings.storage or settings.writes:
        what = "--params and --set" if neuron.params is None else str(neuron.params)
        raise InputError(f"{what}: only [parameters] is allowed here: the arithmetic is what is searched for")
    return dict(settings.physical)


def build(
    best: "Candidate",
    proof: str,
    sweep: "Sweep",
    budget: "Budget",
    delivered: BuildOptions,
    cost: str,
    simulator: "Simulator",
    out: Path,
    progress: "Progress",
) -> tuple[list[Path], dict[str, int]]:
    """Write the result of a search, export and co-simulate it; return the files, and what was compared."""
    from qlif.cosim.optimize import delivery

    comment = f"{best.name}\nThe cheapest by {cost} for {budget}.\n{proof}"
    size = delivered.neurons, delivered.cosim_steps
    return delivery.deliver(best, sweep, comment, out, simulator, *size, progress)


def conclude(
    command: str,
    facts: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    output: ReportOptions,
    show: Callable[[Terminal, Any], None],
) -> None:
    """Write and show what a search found.

    Raises
    ------
    typer.Exit
        The hardware of the result differs from its golden model: exit code 1.
    """
    from qlif.cosim.evidence.evidence import Check
    from qlif.cosim.evidence.gather import of_study

    output.write_json("result.json", facts)
    differ = f"{facts['mismatches']} mismatches in {facts['cosimulated_updates']} updates"
    check = Check.of("co-simulation", not facts["mismatches"], differ)
    files, proof = facts["files"], [facts["proof"]]
    output.hand_in(of_study(command, facts["best"]["name"], proof, rows, files, [check]))
    if not output.as_json:
        show(output.terminal, facts)
        output.terminal.line(f"Preset, Verilog and all else are in {output.out}/")
    if facts["mismatches"]:
        raise typer.Exit(1)
