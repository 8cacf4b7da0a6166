"""What a sweep says: tables, pictures, and a short summary with the numbers."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from qlif.model.metrics.catalogue import METRICS
from qlif.model.plots.themes import Theme, save
from qlif.model.studies import tables
from qlif.model.studies.evaluation import EVALUATED, Row
from qlif.model.studies.figures import LABELS, Line, Panel, line_figure
from qlif.model.studies.grid import Sweep
from qlif.model.support.files import write_text

_HOW_TO_READ = """\
Quantization error is the fixed-point neuron against float64 Euler of the same timestep; truncation error is that
Euler against the exact map of one timestep, with spikes on the same grid; grid error is that map against the
membrane equation solved without a timestep. The integration error of Euler is the last two together. `table.csv`
has all of them for every point.
"""


def write_report(
    directory: Path, sweep: Sweep, rows: list[Row], more: Sequence[str] = (), *, parquet: bool
) -> list[Path]:
    """Write table, figures and summary of a sweep, with more lines at its end; return the files."""
    files = [directory / "table.csv"]
    tables.write_csv(files[0], rows)
    if parquet:
        files.append(directory / "table.parquet")
        tables.write_parquet(files[-1], rows)
    for form in sweep.form:
        of_form = [row for row in _evaluated(rows) if row["form"] == form]
        if of_form:
            files += _draw(directory, form, of_form)
    files.append(directory / "summary.md")
    write_text(files[-1], summary(sweep, rows) + "".join(f"{line}\n" for line in more))
    return files


def summary(sweep: Sweep, rows: list[Row]) -> str:
    """Return the summary of a sweep in Markdown."""
    evaluated = _evaluated(rows)
    lines = [
        "# Sweep",
        "",
        _size(sweep, rows),
        "",
        _HOW_TO_READ,
    ]
    reasons = Counter(f"{row['form']}: {row['reason']}" for row in rows if row["status"] != EVALUATED)
    lines += [f"- impossible, {count} times: {reason}" for reason, count in reasons.most_common(10)]
    if not evaluated:
        return "\n".join([*lines, ""])
    lines += [
        "",
        _wrong_neurons(evaluated),
        "",
        "Medians over the points of a form, a rounding and a word length, and the largest lag. A point in which",
        "too few spikes are left to compare has no lag or no interval: how many are left out is in brackets.",
        "Of silent and spurious neurons it is the most of any point:",
        "",
    ]
    lines += [tables.markdown(_condensed(evaluated)), *_narrowest(evaluated), ""]
    return "\n".join(lines)


def headline(sweep: Sweep, rows: list[Row]) -> str:
    """Return the part of the summary that fits a terminal."""
    evaluated = _evaluated(rows)
    if not evaluated:
        return _size(sweep, rows)
    return "\n".join([_size(sweep, rows), _wrong_neurons(evaluated), *_narrowest(evaluated)])


def _evaluated(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["status"] == EVALUATED]


def _size(sweep: Sweep, rows: list[Row]) -> str:
    evaluated = len(_evaluated(rows))
    return (
        f"{len(rows)} points, {evaluated} evaluated, {len(rows) - evaluated} impossible; "
        f"{sweep.neurons} neurons, {sweep.duration_ms:g} ms, inputs: {', '.join(sweep.input)}."
    )


def _wrong_neurons(rows: list[Row]) -> str:
    """Say how many neurons fire in one of the two only."""
    silent, spurious = (
        sum(row[f"quantization_{name}"] for row in rows) for name in ("silent_neurons", "spurious_neurons")
    )
    return (
        f"Of the neurons at all points, {silent} fire with Euler only (silent) and {spurious} in fixed point "
        "only (spurious)."
    )


def _condensed(rows: list[Row]) -> list[Row]:
    """Return one row per form, rounding and word length."""
    condensed = []
    for form, rounding, bits in sorted({_key(row) for row in rows}):
        group = [row for row in rows if _key(row) == (form, rounding, bits)]
        condensed.append(
            {
                "form": form,
                "rounding": rounding,
                "bits": bits,
                "points": len(group),
                **{
                    metric.heading: _shown(metric.statistic, group, f"quantization_{metric.name}")
                    for metric in METRICS
                    if metric.heading
                },
                **{
                    f"interval error {name}": _shown(statistics.median, group, f"{part}_rms_interval_error")
                    for part, name in (
                        ("truncation", "by truncation"),
                        ("grid", "by the grid"),
                        ("integration", "of Euler"),
                    )
                },
            }
        )
    return condensed


def _narrowest(rows: list[Row]) -> list[str]:
    """Say from which word length on rounding matters less than the timestep."""
    title = "Narrowest word from which on rounding changes intervals (RMS) less than Euler's timestep does:"
    lines = [title, ""]
    for form, rounding in sorted({_key(row)[:2] for row in rows}):
        group = [row for row in rows if _key(row)[:2] == (form, rounding)]
        good = {
            bits
            for bits in {row["word_bits"] for row in group}
            if all(_below_integration(row) for row in group if row["word_bits"] == bits)
        }
        failing = {row["word_bits"] for row in group} - good
        # From there on every wider word passes too: one that passes by luck doesn't count.
        lasting = [bits for bits in good if bits > max(failing, default=0)]
        lines.append(f"- {form} {rounding}: {f'{min(lasting)} bits' if lasting else 'none in this sweep'}")
    return lines


def _below_integration(row: Row) -> bool:
    quantization, integration = row["quantization_rms_interval_error"], row["integration_rms_interval_error"]
    wrong = row["quantization_silent_neurons"] or row["quantization_spurious_neurons"]
    if wrong or quantization is None or integration is None:
        return False
    return bool(quantization <= integration)


def _key(row: Row) -> tuple[str, str, int]:
    return row["form"], row["rounding"], row["word_bits"]


def _of(statistic: Callable[[list[float]], float], group: list[Row], name: str) -> float | None:
    values = [row[name] for row in group if row[name] is not None]
    return statistic(values) if values else None


def _shown(statistic: Callable[[list[float]], float], group: list[Row], name: str) -> float | str | None:
    """Return a statistic; where points without a value are left out of it, as a text that says how many."""
    value, left_out = _of(statistic, group, name), _without(group, name)
    return f"{value:.4g} ({left_out} left out)" if left_out and value is not None else value


def _without(group: list[Row], name: str) -> int:
    return sum(row[name] is None for row in group)


def _draw(directory: Path, form: str, rows: list[Row]) -> list[Path]:
    roundings = sorted({row["rounding"] for row in rows})
    panels = []
    for name, axis in LABELS.items():
        lines = []
        for rounding in roundings:
            bits = sorted({row["word_bits"] for row in rows if row["rounding"] == rounding})
            groups = [[row for row in rows if _key(row) == (form, rounding, one)] for one in bits]
            column = f"quantization_{name}"
            middle, low, high = (
                [_or_nan(_of(statistic, group, column)) for group in groups]
                for statistic in (statistics.median, min, max)
            )
            lines.append(Line(f"{form} {rounding}", bits, middle, (low, high)))
        every = sorted({row["word_bits"] for row in rows})
        integration = _of(statistics.median, rows, f"integration_{name}")
        lines.append(
            Line("integration error of Euler", every, [_or_nan(integration)] * len(every), plain=True)
        )
        known = [value for line in lines for value in np.ravel(line.y) if not math.isnan(value)]
        left_out = _without(rows, f"quantization_{name}")
        label = axis + (f"\n{left_out} of {len(rows)} points left out" if left_out else "")
        panels.append(Panel(label, lines, logarithmic=bool(known) and max(known) > 0))

    def draw(theme: Theme) -> Figure:
        return line_figure(
            panels, "word length (bits); medians, bars from the least to the most", theme, whole_x=True
        )

    return save(draw, directory, f"errors-{form}")


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
