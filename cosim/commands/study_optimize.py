"""``qlif study optimize``: from an error budget to the cheapest hardware that meets it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qlif.cosim import report
from qlif.cosim.commands.options import JsonOption, OutOption, ParamsOption, progress_bar
from qlif.cosim.commands.study_sweep import ProcessesOption, SchedulerOption
from qlif.cosim.configuration import Settings
from qlif.cosim.optimize import delivery
from qlif.cosim.optimize.budget import Budget
from qlif.cosim.optimize.front import draw_front
from qlif.cosim.optimize.outcome import describe, front
from qlif.cosim.optimize.search import Search, search
from qlif.cosim.optimize.space import COSTS
from qlif.cosim.simulator import design
from qlif.hdl.targets.catalogue import TARGETS
from qlif.hdl.targets.catalogue import target as target_of
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.studies import axes, tables
from qlif.model.studies.executors import workers
from qlif.model.studies.grid import DEFAULT_INPUT, Sweep
from qlif.model.support.checks import whole
from qlif.model.support.files import write_text


def optimize(
    max_lag_steps: Annotated[
        float | None, typer.Option("--max-lag-steps", help="Lag of any of the first spikes, timesteps.")
    ] = None,
    max_rate_error: Annotated[
        float | None, typer.Option("--max-rate-error", help="Relative error of any neuron's firing rate.")
    ] = None,
    max_rmse: Annotated[float | None, typer.Option("--max-rmse", help="RMSE of the potential, mV.")] = None,
    spikes: Annotated[
        int, typer.Option("--spikes", help="First spikes of each neuron that --max-lag-steps is about.")
    ] = 20,
    cost: Annotated[
        str, typer.Option("--cost", help=f"{' or '.join(COSTS)} (LUT + DSP + RAM of `qlif synth`).")
    ] = "state-bits",
    word_bits: Annotated[str, typer.Option("--word-bits", help="Word lengths to try.")] = "6..24",
    rounding: Annotated[str, typer.Option("--rounding", help="Roundings to try.")] = "TRN,RND,SR",
    random_bits: Annotated[str, typer.Option("--random-bits", help="Random bits of SR to try.")] = "8",
    rounding_seed: Annotated[
        str, typer.Option("--rounding-seed", help="Seeds that SR has to pass with, all of them.")
    ] = "1..5",
    form: Annotated[str, typer.Option("--form", help="Forms to try.")] = "factored,square",
    coefficient_bits: Annotated[str, typer.Option("--coefficient-bits", help="Bits of gains to try.")] = "16",
    current: Annotated[
        str, typer.Option("--current", help="Format of the currents, the same for every configuration.")
    ] = "SQ(8,10)",
    dt: Annotated[float, typer.Option("--dt", help="Timestep, ms.")] = 0.1,
    tau_m: Annotated[float, typer.Option("--tau-m", help="Membrane time constant, ms.")] = 30.0,
    params: ParamsOption = None,
    input: Annotated[
        list[str] | None, typer.Option("--input", help=f"As in `qlif inputs`; repeatable [{DEFAULT_INPUT}].")
    ] = None,
    input_neurons: Annotated[
        int, typer.Option("--input-neurons", help="Neurons that the inputs are for.")
    ] = 24,
    duration: Annotated[float, typer.Option("--duration", help="Simulated time, ms.")] = 2000.0,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the inputs.")] = 0,
    neurons: Annotated[
        int, typer.Option("--neurons", help="Neurons of the exported and synthesised population.")
    ] = 1024,
    target: Annotated[
        str, typer.Option("--target", help=f"Of --cost area: one of {', '.join(TARGETS)}.")
    ] = "ecp5",
    max_syntheses: Annotated[
        int,
        typer.Option(
            "--max-syntheses", help="Of --cost area: at most so many within the budget, and outside."
        ),
    ] = 8,
    simulator: Annotated[
        str, typer.Option("--simulator", help=f"One of {', '.join(design.SIMULATORS)}.")
    ] = "verilator",
    cosim_steps: Annotated[int, typer.Option("--cosim-steps", help="Timesteps of the co-simulation.")] = 2000,
    scheduler: SchedulerOption = None,
    processes: ProcessesOption = None,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Find the cheapest configuration within an error budget; export it and co-simulate it.

    Errors are those of quantization: against float64 Euler. The exit code is 1 if the hardware of the
    result differs from its golden model in one bit.
    """
    budget = Budget(max_lag_steps, max_rate_error, max_rmse, spikes)
    if cost not in COSTS:
        raise InputError(unknown_name("cost", cost, COSTS))
    target_of(target)
    whole("--max-syntheses", max_syntheses)
    whole("--cosim-steps", cosim_steps)
    whole("--neurons", neurons)
    found_simulator = design.find(simulator)
    seeds = axes.whole_numbers("rounding_seed", rounding_seed, 0, 2**64 - 1)
    sweep = Sweep(
        word_bits=word_bits,
        # Every split of a word; the space takes those with integer bits that make sense for the form.
        fraction_bits="-2..28",
        rounding=rounding,
        random_bits=random_bits,
        form=form,
        coefficient_bits=coefficient_bits,
        dt_ms=dt,
        tau_m_ms=tau_m,
        input=tuple(input) if input else (DEFAULT_INPUT,),
        neurons=input_neurons,
        duration_ms=duration,
        input_seed=seed,
        parameters={} if params is None else _physical(params),
        arithmetic={"current": current},
    )
    with progress_bar(as_json) as progress, workers(scheduler, processes) as found:
        result = search(
            sweep,
            budget,
            seeds,
            out,
            found,
            cost=cost,
            neurons=neurons,
            target_name=target,
            max_syntheses=max_syntheses,
            progress=progress,
        )
        progress("exporting", 0.9)
        preset = out / "optimized.toml"
        comment = f"{result.best.candidate.name}\nThe cheapest by {cost} for {budget}.\n{result.proof}"
        delivery.write_preset(preset, sweep, result.best.candidate.arithmetic, comment)
        files = [preset, *delivery.export(preset, out / "rtl", neurons)]
        runs = delivery.check(preset, sweep, found_simulator, out / "cosim", cosim_steps, progress)
        rows = [describe(outcome) for outcome in result.outcomes]
        tables.write_csv(out / "table.csv", rows)
        files += [out / "table.csv", *draw_front(out, result, budget)]
    mismatches = sum(run.verdict.mismatches for run in runs)
    facts: dict[str, Any] = {
        "budget": vars(budget),
        "cost": cost,
        "best": {"name": result.best.candidate.name, **describe(result.best)},
        "proof": result.proof,
        "narrowest": narrowest(result),
        "front": [describe(outcome) for outcome in front(result.outcomes, cost, budget)],
        "cosimulated_updates": sum(run.verdict.updates for run in runs),
        "mismatches": mismatches,
        "files": [str(path) for path in files],
        "study": sweep.as_dict(),
    }
    write_text(out / "result.json", json.dumps(facts, indent=2) + "\n")
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        _show(facts, out)
    if mismatches:
        raise typer.Exit(1)


def narrowest(result: Search) -> dict[str, int | None]:
    """Return the narrowest word of each form and rounding that meets the budget."""
    found: dict[str, int | None] = {}
    for outcome in result.outcomes:
        arithmetic = outcome.candidate.arithmetic
        kind = f"{arithmetic.form} {arithmetic.rounding}"
        before = found.setdefault(kind, None)
        if outcome.met and (before is None or arithmetic.potential.width < before):
            found[kind] = arithmetic.potential.width
    return dict(sorted(found.items()))


def _physical(params: Path) -> dict[str, Any]:
    """Return the physical parameters of a file, which may hold nothing else."""
    settings = Settings.read(None, params)
    if settings.arithmetic != Settings.read(None, None).arithmetic or settings.depths or settings.writes:
        raise InputError(f"{params}: only [parameters] counts here: the arithmetic is what is looked for")
    return settings.physical


def _show(facts: dict[str, Any], out: Path) -> None:
    console = Console()
    best = facts["best"]
    rows: dict[str, Any] = {"state bits": best["state_bits"]}
    if best["area"] is not None:
        rows["LUT / FF / DSP / RAM"] = " / ".join(str(best[name]) for name in ("lut", "ff", "dsp", "ram"))
        rows["area in LUTs"] = f"{best['area']:.0f}"
        rows["fastest clock, one placement"] = f"{best['fmax_mhz']} MHz"
    rows["largest spike lag"] = f"{best['max_lag_steps']:g} steps"
    rows["largest rate error"] = f"{100 * best['max_rate_error']:.3g} %"
    rows["potential RMSE"] = f"{best['max_rmse_mv']:.4g} mV"
    for kind, bits in facts["narrowest"].items():
        rows[f"narrowest word, {kind}"] = "none" if bits is None else f"{bits} bits"
    rows["updates co-simulated"] = facts["cosimulated_updates"]
    rows["bit mismatches"] = facts["mismatches"]
    report.print_facts(console, best["name"], rows)
    console.print(facts["proof"], highlight=False)
    console.print(f"Preset, Verilog, table and Pareto front are in {out}/", highlight=False)
