"""Waves that people can read: golden model beside hardware, as VCD and FST, with views for GTKWave and Surfer."""

import importlib.util
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.scoreboard import Mismatch
from qlif.cosim.evidence.annotate import SCOPE, TIMESTEPS_SHOWN, Annotated, Comparison, annotate
from qlif.cosim.evidence.fst import write_fst
from qlif.hdl.interface import Interface
from qlif.model.recording import Recording
from qlif.model.support.files import write_text

_MARKS = 4.0
"""How many marks of GTKWave's time axis, 200 pixels apart, the stretch around a mismatch fills."""
_MV = ("golden_mV", "hardware_mV")
_STREAMS = ("currents", "updates", "events")

TRACED_NEURONS = 3
"""How many neurons have traces, beside that of the first mismatch."""


def readable(
    waves: Path,
    interface: Interface,
    golden: Recording,
    hardware: Recording,
    currents: npt.NDArray[np.float64],
    first: Mismatch | None,
) -> list[Path]:
    """Make a simulator's waves of one run from reset on readable; return all files.

    Beside ``NAME.vcd`` come ``NAME.fst`` if pylibfst is installed, ``NAME.gtkw`` and ``NAME.sucl``.

    Parameters
    ----------
    waves : Path
        The simulator's VCD file, which gets the scope ``qlif``.
    interface : Interface
        The population's.
    golden, hardware : Recording
        (timesteps, neurons)
    currents : array of float, (timesteps, neurons)
        In the parameters' unit.
    first : Mismatch, optional
        Where viewers set their marker.
    """
    shown = range(min(TRACED_NEURONS, currents.shape[1]))
    neurons = tuple(dict.fromkeys([*(() if first is None else (first.neuron,)), *shown]))
    comparison = Comparison.of(golden, hardware, currents, neurons)
    annotated = annotate(waves, interface.module, interface.lanes, comparison)
    files = [waves]
    if importlib.util.find_spec("pylibfst") is not None:
        files.append(waves.with_suffix(".fst"))
        write_fst(waves, files[-1])
    wrong = None if first is None else first.update // interface.lanes
    return [*files, *write_views(waves, annotated, neurons, interface.rows, wrong)]


def write_views(
    waves: Path, annotated: Annotated, neurons: Sequence[int], rows: int, wrong: int | None
) -> list[Path]:
    """Write the save file of GTKWave and the command file of Surfer beside the waves; return both.

    Parameters
    ----------
    waves : Path
        The VCD file.
    annotated : Annotated
    neurons : sequence of int
        The neurons with traces; the first one's are on top.
    rows : int
        Transfers in a timestep.
    wrong : int, optional
        The transfer of the first mismatch.
    """
    times = annotated.times or [0]
    # An update that never came is behind the last one that did.
    marker = None if wrong is None else times[min(wrong, len(times) - 1)]
    middle = 0 if wrong is None else min(wrong, len(times) - 1)
    begin, end = (middle + side * TIMESTEPS_SHOWN * rows for side in (-1, 1))
    stretch = times[max(begin, 0)], times[min(end, len(times) - 1)]
    ports = [
        name for port, name in annotated.names.items() if port.split("_")[0] in _STREAMS and "__" not in port
    ]
    always = [annotated.names["clk"], annotated.names["rst"], f"{SCOPE}.timestep[63:0]"]
    gtkwave, surfer = waves.with_suffix(".gtkw"), waves.with_suffix(".sucl")
    write_text(gtkwave, _gtkwave(waves, gtkwave, neurons, always, ports, marker, stretch))
    write_text(surfer, _surfer(waves, neurons, always, ports, marker))
    return [gtkwave, surfer]


def _gtkwave(
    waves: Path,
    file: Path,
    neurons: Sequence[int],
    always: Sequence[str],
    ports: Sequence[str],
    marker: int | None,
    stretch: tuple[int, int],
) -> str:
    from vcd.gtkw import GTKWColor, GTKWFlag, GTKWSave

    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(str(waves))
    save.savefile(str(file))
    save.timestart(stretch[0])
    where = {} if marker is None else {"a": marker}
    zoom = -math.log2(max(stretch[1] - stretch[0], 1) / _MARKS)
    save.zoom_markers(zoom, -1 if marker is None else marker, **where)  # type: ignore[arg-type]
    save.size(1400, 900)
    save.signals_width(260)
    for name in always:
        save.trace(name, datafmt="dec" if "timestep" in name else "bin")
    save.trace(f"{SCOPE}.mismatch", color=GTKWColor.red)
    analog = GTKWFlag.analog_step | GTKWFlag.analog_fullscale
    for neuron in neurons:
        scope = f"{SCOPE}.neuron_{neuron}"
        with save.group(f"neuron {neuron}"):
            for name, color in zip(_MV, (GTKWColor.yellow, GTKWColor.green), strict=True):
                save.trace(f"{scope}.{name}", datafmt="real", extraflags=analog, color=color)
                for _ in range(3):
                    save.blank(analog_extend=True)
            save.trace(f"{scope}.current", datafmt="real", color=GTKWColor.normal)
            for name in ("golden_spike", "hardware_spike"):
                save.trace(f"{scope}.{name}")
    with save.group("streams"):
        for name in ports:
            signed = any(word in name for word in ("potential", "currents_data"))
            save.trace(name, datafmt="signed" if signed else "dec")
    return text.getvalue()


def _surfer(
    waves: Path, neurons: Sequence[int], always: Sequence[str], ports: Sequence[str], marker: int | None
) -> str:
    """Return commands of Surfer 0.5 or newer; an item is focused by its letter, so there are at most 26."""
    lines = [f"load_file {waves}"]
    items = [(name, False) for name in (*always, f"{SCOPE}.mismatch")]
    shown = neurons[: (26 - len(items) - len(ports)) // len(_MV)]
    items += [(f"{SCOPE}.neuron_{neuron}.{name}", True) for neuron in shown for name in _MV]
    items += [(name, False) for name in ports]
    lines += [f"variable_add {name.partition('[')[0]}" for name, _ in items[:26]]
    for place, (_, is_analog) in enumerate(items[:26]):
        if is_analog:
            lines += [f"item_focus {chr(ord('a') + place)}", "item_set_analog step", "item_set_height 4"]
    lines += ["item_unfocus", "zoom_fit"]
    if marker is not None:
        lines += [f"cursor_set {marker}", f"marker_set first_mismatch {marker}", "goto_cursor"]
    return "\n".join(lines) + "\n"
