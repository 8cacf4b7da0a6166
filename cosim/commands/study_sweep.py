"""``qlif study sweep``: a grid of configurations, each compared with float64 Euler."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import ReportOptions, is_random
from qlif.cosim.commands.study_budget import (
    EVERY_RULES,
    BudgetOptions,
    has_limit,
    held_out_in_words,
    other_seed,
)
from qlif.cosim.terminal import progress_bar, say_json
from qlif.model.exceptions import InputError

if TYPE_CHECKING:
    from qlif.cosim.optimize.widths import Widths
    from qlif.model.studies.grid import Sweep


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """Who computes."""

    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="Dask scheduler, as tcp://host:8786 [this machine's cores]."),
    ] = None
    processes: Annotated[
        int | None, typer.Option("--processes", help="Processes on this machine [one per core].")
    ] = None


def _axis(option: str, help: str) -> Any:
    return typer.Option(option, help=help)


@dataclass(frozen=True, kw_only=True)
class SweepOptions:
    """The axes, by the names that :class:`qlif.model.studies.grid.Sweep` gives them."""

    word_bits: Annotated[str | None, _axis("--word-bits", "Word lengths, as 8..18:2,24 [8..18:2].")] = None
    fraction_bits: Annotated[
        str | None,
        _axis("--fraction-bits", "Fraction bits; auto leaves 8 integer bits factored, 5 square [auto]."),
    ] = None
    rounding: Annotated[str | None, _axis("--rounding", "TRN, RND, RND_CONV, SR [TRN,RND,SR].")] = None
    random_bits: Annotated[str | None, _axis("--random-bits", "Random bits of SR [8].")] = None
    rounding_seed: Annotated[str | None, _axis("--rounding-seed", "Seeds of SR [1].")] = None
    form: Annotated[str | None, _axis("--form", "factored, square [both].")] = None
    coefficient_bits: Annotated[str | None, _axis("--coefficient-bits", "Bits of each gain [16].")] = None
    phase_bits: Annotated[str | None, _axis("--phase-bits", "Bits of phase, 0 to 4 [0].")] = None
    dt_ms: Annotated[str | None, _axis("--dt", "Timesteps, ms [0.1].")] = None
    tau_m_ms: Annotated[str | None, _axis("--tau-m", "Membrane time constants, ms [30].")] = None
    input: Annotated[
        list[str] | None,
        typer.Option("--input", help="As in `qlif inputs`; repeatable [constant, 17 to 80 mV]."),
    ] = None
    neurons: Annotated[int | None, typer.Option("--neurons", help="Number of neurons [64].")] = None
    duration_ms: Annotated[float | None, typer.Option("--duration", help="Simulated time, ms [2000].")] = None
    input_seed: Annotated[int | None, typer.Option("--seed", help="Seed of the inputs [0].")] = None
    distances: Annotated[
        bool | None,
        typer.Option("--distances", help="Also compute spike train distances, which is slow."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Where the axes are read, and what is written."""

    file: Annotated[
        Path | None,
        typer.Option("--file", help="TOML file, as in word_bits = [8, 12]; options take precedence."),
    ] = None
    parquet: Annotated[bool, typer.Option("--parquet/--no-parquet", help="Also write table.parquet.")] = True


@dataclass(frozen=True, kw_only=True)
class WidthOptions(BudgetOptions):
    """An error budget, from which width on it is met, and the other inputs on which that is judged."""

    held_out_seed: Annotated[
        int | None,
        typer.Option(
            "--held-out-seed",
            help="Seed of the inputs on which the narrowest words within the budget are judged [the next].",
        ),
    ] = None


@command(
    Rule("spikes", lambda options: options.max_lag_steps is not None, "--max-lag-steps"),
    *EVERY_RULES,
    *(Rule(name, has_limit, "a limit, as --max-lag-steps") for name in ("at", "held_out_seed")),
)
def sweep(
    source: FileOptions,
    axes: SweepOptions,
    limits: WidthOptions,
    workers: WorkerOptions,
    output: ReportOptions,
) -> None:
    """Evaluate every combination of the axes.

    Table, figures and a summary are written. With an error budget, such as --max-lag-steps 1 --at 99%: for each form
    and rounding also the width from which on all words meet it, judged on inputs of another seed too; or, with
    --every-current 17..80, under every current word, which no other seed can contradict.

    Results are kept in results.jsonl as they come: the same command resumes a sweep that was stopped.
    """
    from qlif.cosim.evidence.gather import of_study
    from qlif.cosim.optimize.widths import widths
    from qlif.model.studies import tables
    from qlif.model.studies.evaluation import EVALUATED
    from qlif.model.studies.executors import workers as working
    from qlif.model.studies.grid import Sweep
    from qlif.model.studies.report import headline, write_report
    from qlif.model.studies.run import run_sweep
    from qlif.model.support.toml import read_toml

    given = {name: value for name, value in vars(axes).items() if value is not None}
    of_file = {} if source.file is None else read_toml(source.file)
    try:
        Sweep.of({name: value for name, value in of_file.items() if name not in given})
    except InputError as error:
        raise InputError(f"{source.file}: {error}") from None
    study = Sweep.of(of_file | given)
    check_effects(study, given)
    budget = limits.budget() if has_limit(limits) else None
    every = limits.every(study)
    seed = None if every is not None else other_seed(limits.held_out_seed, study)
    if limits.held_out_seed is not None and seed is None:
        raise InputError("--held-out-seed requires a random --input")
    if source.parquet:
        tables.check_parquet()
    out = output.out
    with (
        progress_bar(output.as_json) as progress,
        working(workers.scheduler, workers.processes) as found,
    ):
        rows = run_sweep(study, out / "results.jsonl", found.executor, workers=found.count, progress=progress)
        judged = None if budget is None else widths(study, budget, seed, every, out, found, progress)
        progress("writing", 1.0)
        verdict = [] if judged is None else ["", *in_words(judged)]
        files = write_report(out, study, rows, verdict, parquet=source.parquet)
        if judged is not None:
            files.append(out / "budget.csv")
            tables.write_csv(files[-1], judged.rows)
        findings = [*headline(study, rows).splitlines(), *verdict]
        output.hand_in(of_study("sweep", "every combination of the axes", findings, rows, files))
    if output.as_json:
        evaluated = sum(row["status"] == EVALUATED for row in rows)
        facts = {"points": len(rows), "evaluated": evaluated, "files": [str(path) for path in files]}
        if judged is not None:
            facts |= {"budget": vars(judged.budget), "every_current_mv": every, "winners": judged.winners}
        say_json({**facts, "study": study.as_dict()})
        return
    for line in findings:
        output.terminal.line(line)
    output.terminal.line(f"Table, figures and summary are in {out}/")


def in_words(judged: "Widths") -> list[str]:
    """Return the narrowest words within a budget as lines of Markdown."""
    several = len({(one["dt_ms"], one["tau_m_ms"]) for one in judged.winners}) > 1
    under = ""
    if judged.every is not None:
        low, high = judged.every
        under = f", one neuron for every current word from {low:g} to {high:g} mV"
    lines = [f"Width from which on all words have {judged.budget}{under}:", ""]
    for one in judged.winners:
        where = f", dt {one['dt_ms']:g} ms, tau_m {one['tau_m_ms']:g} ms" if several else ""
        found = "none in this sweep" if one["name"] is None else f"{one['word_bits']} bits, {one['name']}"
        lines.append(f"- {one['form']} {one['rounding']}{where}: {found}")
        lines += [f"  - {what}: {verdict}" for what, verdict in held_out_in_words(one["held_out"]).items()]
    if lucky := sum(row["luck"] for row in judged.rows):
        lines += [
            "",
            f"{lucky} of {len(judged.rows)} configurations have it by luck: a wider word of theirs fails.",
        ]
    return lines


def check_effects(study: "Sweep", given: Collection[str]) -> None:
    """Refuse axes that were given and change no point of a study.

    Raises
    ------
    InputError
        Bits or seeds of stochastic rounding without that, or a seed without a random input.
    """
    for name in ("random_bits", "rounding_seed"):
        if name in given and "SR" not in study.rounding:
            raise InputError(f"--{name.replace('_', '-')} requires --rounding SR")
    if "input_seed" in given and not any(map(is_random, study.input)):
        raise InputError("--seed requires a random --input")
