"""``qlif study sweep``: a grid of configurations, each held against float64 Euler."""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qlif.cosim.commands.options import JsonOption, OutOption, progress_bar
from qlif.model.exceptions import InputError
from qlif.model.studies import tables
from qlif.model.studies.evaluation import EVALUATED
from qlif.model.studies.executors import workers
from qlif.model.studies.grid import DEFAULT_INPUT, Sweep
from qlif.model.studies.report import headline, write_report
from qlif.model.studies.run import run_sweep

SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", help="Dask scheduler, as tcp://host:8786 [this machine's cores]."),
]
ProcessesOption = Annotated[
    int | None, typer.Option("--processes", help="Processes on this machine [one per core].")
]


def _axis(option: str, help: str) -> Any:
    return typer.Option(option, help=help)


def sweep(
    file: Annotated[
        Path | None,
        typer.Option("--file", help="TOML file, as in word_bits = [8, 12]; options go before it."),
    ] = None,
    word_bits: Annotated[str | None, _axis("--word-bits", "Word lengths, as 8..18:2,24 [8..18:2].")] = None,
    fraction_bits: Annotated[
        str | None,
        _axis("--fraction-bits", "Fraction bits; auto leaves 8 integer bits factored, 5 square."),
    ] = None,
    rounding: Annotated[str | None, _axis("--rounding", "Of TRN,RND,RND_CONV,SR [TRN,RND,SR].")] = None,
    random_bits: Annotated[str | None, _axis("--random-bits", "Random bits of SR [8].")] = None,
    rounding_seed: Annotated[str | None, _axis("--rounding-seed", "Seeds of SR [1].")] = None,
    form: Annotated[str | None, _axis("--form", "Of factored,square [both].")] = None,
    coefficient_bits: Annotated[str | None, _axis("--coefficient-bits", "Bits of each gain [16].")] = None,
    dt: Annotated[str | None, _axis("--dt", "Timesteps, ms [0.1].")] = None,
    tau_m: Annotated[str | None, _axis("--tau-m", "Membrane time constants, ms [30].")] = None,
    input: Annotated[
        list[str] | None,
        typer.Option("--input", help=f"As in `qlif inputs`; repeatable [{DEFAULT_INPUT}]."),
    ] = None,
    neurons: Annotated[int | None, typer.Option("--neurons", help="Number of neurons [64].")] = None,
    duration: Annotated[float | None, typer.Option("--duration", help="Simulated time, ms [2000].")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the inputs [0].")] = None,
    distances: Annotated[
        bool | None,
        typer.Option("--distances", help="Distances of spike trains too, which is slow."),
    ] = None,
    scheduler: SchedulerOption = None,
    processes: ProcessesOption = None,
    parquet: Annotated[bool, typer.Option("--parquet/--no-parquet", help="Write table.parquet too.")] = True,
    out: OutOption = Path("qlif-out"),
    as_json: JsonOption = False,
) -> None:
    """Evaluate every combination of the axes; write a table, figures and a summary.

    Results are kept in results.jsonl as they come: the same command again goes on where it was stopped.
    """
    settings = {} if file is None else _read(file)
    options = {
        "word_bits": word_bits,
        "fraction_bits": fraction_bits,
        "rounding": rounding,
        "random_bits": random_bits,
        "rounding_seed": rounding_seed,
        "form": form,
        "coefficient_bits": coefficient_bits,
        "dt_ms": dt,
        "tau_m_ms": tau_m,
        "input": input,
        "neurons": neurons,
        "duration_ms": duration,
        "input_seed": seed,
        "distances": distances,
    }
    settings |= {name: value for name, value in options.items() if value is not None}
    study = Sweep.of(settings)
    if parquet:
        tables.check_parquet()
    with progress_bar(as_json) as progress, workers(scheduler, processes) as found:
        rows = run_sweep(study, out / "results.jsonl", found.executor, workers=found.count, progress=progress)
        progress("writing", 1.0)
        files = write_report(out, study, rows, parquet=parquet)
    if as_json:
        evaluated = sum(row["status"] == EVALUATED for row in rows)
        facts = {"points": len(rows), "evaluated": evaluated, "files": [str(path) for path in files]}
        typer.echo(json.dumps({**facts, "study": study.as_dict()}))
        return
    console = Console()
    console.print(headline(study, rows), highlight=False)
    console.print(f"Table, figures and summary are in {out}/", highlight=False)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file} must be a TOML file in UTF-8: {error}") from None
