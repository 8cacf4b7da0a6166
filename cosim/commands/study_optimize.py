"""``qlif study optimize``: from an error budget to the cheapest hardware that meets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import (
    DEFAULT_TARGET,
    OutputOptions,
    ParameterOptions,
    ReportOptions,
    SimulatorOption,
)
from qlif.cosim.commands.study_budget import (
    INPUT,
    BudgetOptions,
    any_random,
    errors_in_words,
    held_out,
    held_out_in_words,
    other_seed,
)
from qlif.cosim.commands.study_sweep import WorkerOptions
from qlif.cosim.terminal import Terminal, progress_bar
from qlif.model.exceptions import InputError, unknown_name

if TYPE_CHECKING:
    from qlif.cosim.optimize.budget import Budget
    from qlif.cosim.optimize.errors import Trial
    from qlif.cosim.optimize.search import Search
    from qlif.model.studies.grid import Sweep

SYNTHESISED = ("area", "real-time")
"""Costs that take syntheses."""


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
    every_current: Annotated[
        str | None,
        typer.Option(
            "--every-current",
            help="In place of inputs, every current word between two currents, mV, as 17..80: no sample.",
        ),
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


@dataclass(frozen=True, kw_only=True)
class DeliveryOptions(BuildOptions):
    """The cost, and what is built from the cheapest."""

    cost: Annotated[
        str,
        typer.Option(
            "--cost",
            help="state-bits, area (LUT + DSP + RAM of `qlif synth`), or real-time (LUT per neuron in real time).",
        ),
    ] = "state-bits"
    target: Annotated[
        str, typer.Option("--target", help="FPGA family for --cost area or real-time: {targets}.")
    ] = DEFAULT_TARGET
    max_syntheses: Annotated[
        int,
        typer.Option(
            "--max-syntheses",
            help="For --cost area or real-time: most syntheses within the budget, and as many outside.",
        ),
    ] = 8

    def check(self) -> None:
        """Refuse unknown names and numbers out of range; InputError."""
        from qlif.cosim.optimize.space import COSTS
        from qlif.hdl.targets.catalogue import target
        from qlif.model.support.checks import whole

        super().check()
        if self.cost not in COSTS:
            raise InputError(unknown_name("cost", self.cost, COSTS))
        if target(self.target).untimed and self.cost == "real-time":
            raise InputError(
                f"--cost real-time requires a --target whose Fmax is reported, not {self.target}"
            )
        whole("--max-syntheses", self.max_syntheses)


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
    *(
        Rule(name, lambda options: options.every_current is None, "no --every-current")
        for name in (
            "input",
            "input_neurons",
            "input_seed",
            "held_out_seed",
            "max_rate_error",
            "max_rmse",
            "max_interval_error",
        )
    ),
)
"""Of budget, space and inputs."""


@command(
    Rule("target", lambda options: options.cost in SYNTHESISED, "--cost area or real-time"),
    Rule("max_syntheses", lambda options: options.cost in SYNTHESISED, "--cost area or real-time"),
    *SPACE_RULES,
)
def optimize(
    limits: BudgetOptions,
    space: SpaceOptions,
    neuron: ParameterOptions,
    delivered: DeliveryOptions,
    workers: WorkerOptions,
    output: ReportOptions,
) -> None:
    """Find the cheapest configuration within an error budget.

    It is exported and co-simulated.

    Errors are those of quantization, against float64 Euler; only --max-interval-error is against the equation. A
    configuration that meets the budget while a wider word of the same range fails does so by luck, and isn't taken.
    The exit code is 1 if the hardware of the result differs from its golden model in one bit.
    """
    from qlif.cosim.evidence.evidence import Check
    from qlif.cosim.evidence.gather import of_study
    from qlif.cosim.optimize.search import search
    from qlif.cosim.simulator.find import find
    from qlif.model.studies.executors import workers as working

    budget = limits.budget()
    delivered.check()
    simulator = find(delivered.simulator)
    sweep = space.sweep(physical_of(neuron))
    trial, seed = trial_of(space, budget, sweep), other_seed(space.held_out_seed, sweep)
    with (
        progress_bar(output.as_json) as progress,
        working(workers.scheduler, workers.processes) as found,
    ):
        result = search(
            sweep,
            budget,
            trial,
            output.out,
            found,
            cost=delivered.cost,
            neurons=delivered.neurons,
            target_name=delivered.target,
            max_syntheses=delivered.max_syntheses,
            progress=progress,
        )
        facts = _deliver(result, sweep, budget, simulator, delivered, output, progress)
        facts["held_out"] = held_out(result.best.candidate, sweep, trial, budget, seed)
    output.write_json("result.json", facts)
    compared = f"{facts['mismatches']} mismatches in {facts['cosimulated_updates']} updates"
    output.hand_in(
        of_study(
            "optimize",
            facts["best"]["name"],
            [facts["proof"]],
            facts["front"],
            facts["files"],
            [Check.of("co-simulation", not facts["mismatches"], compared)],
        )
    )
    if not output.as_json:
        _show(output.terminal, facts)
        output.terminal.line(f"Preset, Verilog, table and Pareto front are in {output.out}/")
    if facts["mismatches"]:
        raise typer.Exit(1)


def ends_from(name: str, text: str) -> tuple[float, float]:
    """Return the two currents of a text such as ``17..80``; InputError if they aren't a range."""
    from qlif.model.support.checks import number_from

    low, dots, high = text.partition("..")
    ends = number_from(name, low), number_from(name, high) if dots else float("nan")
    if not ends[0] < ends[1]:
        raise InputError(f"{name} must be two currents in mV, the lower one first, as 17..80, not {text!r}")
    return ends


def trial_of(space: SpaceOptions, budget: "Budget", sweep: "Sweep") -> "Trial":
    """Return how configurations are tried; InputError for choices that make no sense together."""
    from qlif.cosim.optimize.errors import Trial
    from qlif.model.studies import axes

    if len(sweep.dt_ms) > 1 and budget.max_interval_error is None:
        raise InputError(
            "several --dt require --max-interval-error: only that compares unequal timesteps with one another"
        )
    every = None if space.every_current is None else ends_from("--every-current", space.every_current)
    if every is not None and "SR" in sweep.rounding:
        raise InputError(
            "--every-current requires --rounding without SR: under chance no figure is a maximum"
        )
    seeds = axes.whole_numbers("rounding_seed", space.rounding_seed, 0, 2**64 - 1)
    return Trial.of(budget, seeds, every)


def _deliver(
    result: "Search",
    sweep: "Sweep",
    budget: "Budget",
    simulator: Any,
    delivered: DeliveryOptions,
    output: OutputOptions,
    progress: Any,
) -> dict[str, Any]:
    """Write preset, Verilog, table and picture, co-simulate the result, and return the facts."""
    from qlif.cosim.optimize import delivery
    from qlif.cosim.optimize.front import draw_front
    from qlif.cosim.optimize.outcome import describe, front, narrowest
    from qlif.model.studies import tables

    out, cost = output.out, delivered.cost
    comment = f"{result.best.candidate.name}\nThe cheapest by {cost} for {budget}.\n{result.proof}"
    files, compared = delivery.deliver(
        result.best.candidate,
        sweep,
        comment,
        out,
        simulator,
        delivered.neurons,
        delivered.cosim_steps,
        progress,
    )
    tables.write_csv(out / "table.csv", [describe(outcome) for outcome in result.outcomes])
    files += [out / "table.csv", *draw_front(out, result, budget)]
    return {
        "budget": vars(budget),
        "cost": cost,
        "best": {"name": result.best.candidate.name, **describe(result.best)},
        "proof": result.proof,
        "narrowest": {
            " ".join(kind): None if one is None else one.candidate.arithmetic.potential.width
            for kind, one in narrowest(result.outcomes, lambda candidate: candidate.kind).items()
        },
        "luck": [one.candidate.name for one in result.outcomes if one.luck],
        "front": [describe(outcome) for outcome in front(result.outcomes, cost, budget)],
        **compared,
        "files": [str(path) for path in files],
        "study": sweep.as_dict(),
    }


def physical_of(neuron: ParameterOptions) -> dict[str, Any]:
    """Return the physical parameters of file and options, which may hold nothing else."""
    from qlif.cosim.configuration import Settings

    settings, default = neuron.settings(), Settings.read()
    if settings.arithmetic != default.arithmetic or settings.storage or settings.writes:
        what = "--params and --set" if neuron.params is None else str(neuron.params)
        raise InputError(f"{what}: only [parameters] is allowed here: the arithmetic is what is searched for")
    return dict(settings.physical)


def _show(terminal: Terminal, facts: dict[str, Any]) -> None:
    best = facts["best"]
    rows: dict[str, Any] = {"state bits": best["state_bits"]}
    if best["area"] is not None:
        rows["LUT / FF / DSP / RAM"] = " / ".join(str(best[name]) for name in ("lut", "ff", "dsp", "ram"))
        rows["area in LUTs"] = f"{best['area']:.0f}"
        if best["fmax_mhz"] is not None:
            rows["Fmax, one placement"] = f"{best['fmax_mhz']} MHz"
            rows["LUT per neuron in real time"] = (
                f"{best['lut'] / (best['fmax_mhz'] * 1000 * best['dt_ms']):.4g}"
            )
    rows |= errors_in_words(best) | held_out_in_words(facts["held_out"])
    for kind, bits in facts["narrowest"].items():
        rows[f"from which width on, {kind}"] = "none" if bits is None else f"{bits} bits"
    if facts["luck"]:
        rows["by luck"] = f"{len(facts['luck'])}: {', '.join(facts['luck'][:3])}" + (
            ", ..." if len(facts["luck"]) > 3 else ""
        )
    rows["updates co-simulated"] = facts["cosimulated_updates"]
    rows["bit mismatches"] = facts["mismatches"]
    terminal.facts(best["name"], rows)
    terminal.line(facts["proof"])
