"""Tables that several commands print."""

from collections.abc import Sequence

from qlif.cosim.terminal import Terminal
from qlif.hdl.synthesis.fill import Filled
from qlif.hdl.synthesis.synthesise import Synthesis
from qlif.model.words import ExactValue


def print_exact_values(terminal: Terminal, report: tuple[ExactValue, ...]) -> None:
    """Print the exact value of each parameter after rounding."""
    rows = []
    for line in report:
        word = line.stored.rpartition(" = ")[2].replace(" in ", " ")
        asked, exact = f"{line.asked:.8g}", f"{line.exact:.9g}"
        rows.append((line.name, asked, exact, line.unit, f"{line.relative_error:.0e}", word))
    terminal.table(
        ("parameter", "asked for", "exact", "unit", "error", "word"),
        rows,
        "Parameters as the hardware has them",
        align="lrrlrl",
        wrap=False,
    )


def print_synthesis(terminal: Terminal, synthesis: Synthesis) -> None:
    """Print a population's resources and Fmax."""
    speed: dict[str, object] = {}
    if (fmax := synthesis.fmax_mhz) is not None and synthesis.updates_per_s is not None:
        clock = f"{fmax.median} MHz [{fmax.min}..{fmax.max}], empty device, register to register"
        speed = {
            f"fastest clock, median of {synthesis.seeds} placements": clock,
            "updates per second": f"{synthesis.updates_per_s / 1e6:.1f} million",
            "neurons in real time at dt = 0.1 ms": synthesis.neurons_in_real_time,
        }
    device = " ".join(filter(None, (synthesis.device, synthesis.package)))
    terminal.facts(
        f"{synthesis.preset} on {device}, {synthesis.variant}",
        {
            "neurons, lanes": f"{synthesis.neurons:,}, {synthesis.lanes}",
            "LUT": synthesis.lut,
            **{f"LUT of the {part}, by itself": luts for part, luts in synthesis.lut_parts.items() if luts},
            "flip-flops": synthesis.ff,
            "DSP": synthesis.dsp,
            "block RAM": synthesis.ram,
            **speed,
            "latency": f"{synthesis.latency} clocks",
        },
    )
    for note in synthesis.notes:
        terminal.line(f"Note: {note}")


def print_filled(terminal: Terminal, filled: Sequence[Filled]) -> None:
    """Print the largest populations that a device holds, and why there are none that are larger."""
    terminal.table(
        ("most", "neurons", "lanes", "MHz", "M updates/s", "real time at 0.1 ms", "LUT", "DSP", "block RAM"),
        [
            (
                one.goal,
                f"{one.facts['neurons']:,}",
                one.facts["lanes"],
                f"{one.facts['fmax_mhz']['median']:g}",
                f"{one.facts['updates_per_s'] / 1e6:,.1f}",
                f"{one.in_real_time:,}",
                f"{one.facts['lut']:,}",
                one.facts["dsp"],
                one.facts["ram"],
            )
            for one in filled
        ],
        title=f"{filled[0].facts['preset']} on {filled[0].facts['device']}, {filled[0].facts['variant']}",
        align="lrrrrrrrr",
    )
    for one in filled:
        for reason in (one.ran_out, *one.slower):
            if reason:
                terminal.line(f"No more {one.goal}: {reason}")
        for note in one.facts["notes"]:
            terminal.line(f"Note on the most {one.goal}: {note}")
