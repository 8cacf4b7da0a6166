"""A recording as what other libraries work with: neo, xarray, pandas.

Timestep k ends at ``(k + 1) * dt``: spikes have that time, and so have potentials and traces.
"""

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from qlif.model.exceptions import InputError, show
from qlif.model.support.optional import optional

if TYPE_CHECKING:
    from qlif.model.recording import Recording

EXTRA = "study"
UNITS = {"potentials": "mV", "traces": ""}

Column = Literal["spikes", "potentials", "traces"]


def as_neo(recording: "Recording") -> Any:
    """Return a neo ``Segment``: a spike train for each neuron, and an analog signal for what was recorded."""
    neo, units = optional("neo", EXTRA), optional("quantities", EXTRA)
    end = recording.timesteps * recording.dt * units.ms
    segment = neo.Segment(name="qlif", **_about(recording))
    for neuron, times in enumerate(recording.spike_times):
        # The product of a count and dt, which may be an ulp beyond the last timestep's end.
        train = neo.SpikeTrain(np.minimum(times, float(end)), t_stop=end, units="ms", name=f"neuron {neuron}")
        train.annotate(neuron=neuron, index=[int(i) for i in np.unravel_index(neuron, recording.shape)])
        segment.spiketrains.append(train)
    for name, values in _recorded(recording).items():
        signal = neo.AnalogSignal(
            values.reshape(recording.timesteps, -1),
            units=UNITS[name] or "dimensionless",
            sampling_period=recording.dt * units.ms,
            t_start=recording.dt * units.ms,
            name=name,
        )
        segment.analogsignals.append(signal)
    return segment


def as_xarray(recording: "Recording") -> Any:
    """Return an xarray ``Dataset`` over time and neurons."""
    xarray = optional("xarray", EXTRA)
    dimensions = ("time", *_dimensions(recording.shape))
    variables: dict[str, Any] = {
        "spikes": (dimensions, recording.spikes, {"long_name": "spiked in this timestep"})
    }
    for name, values in _recorded(recording).items():
        variables[name] = (dimensions, values, {"units": UNITS[name] or "1"})
    if recording.phases is not None:
        left_over = {"units": "1", "long_name": "part of the timestep that is left after a spike"}
        variables["phases"] = (dimensions, recording.phases, left_over)
    time = ("time", _ends(recording), {"units": "ms", "long_name": "end of the timestep"})
    coordinates = {
        name: np.arange(length) for name, length in zip(dimensions[1:], recording.shape, strict=True)
    }
    return xarray.Dataset(variables, {"time": time, **coordinates}, _about(recording))


def as_pandas(recording: "Recording", what: Column = "spikes") -> Any:
    """Return a pandas ``DataFrame``; see :meth:`qlif.model.recording.Recording.to_pandas`."""
    pandas = optional("pandas", EXTRA)
    match what:
        case "spikes":
            steps, neurons = np.nonzero(recording.spikes.reshape(recording.timesteps, -1))
            ends: Any = steps + 1
            if recording.phases is not None:
                ends = ends - recording.phases.reshape(recording.timesteps, -1)[steps, neurons]
            frame = pandas.DataFrame({"time_ms": ends * recording.dt, "timestep": steps, "neuron": neurons})
        case "potentials" | "traces":
            values = _recorded(recording).get(what)
            if values is None:
                raise InputError(f"{what} weren't recorded: run(currents, record=[{what!r}])")
            index = pandas.Index(_ends(recording), name="time_ms")
            frame = pandas.DataFrame(values.reshape(recording.timesteps, -1), index=index)
            frame.columns.name = "neuron"
        case _:
            raise InputError(f"what must be one of spikes, potentials, traces, not {show(what)}")
    frame.attrs.update(_about(recording))
    return frame


def _recorded(recording: "Recording") -> dict[str, npt.NDArray[np.float64]]:
    found = {"potentials": recording.potentials, "traces": recording.traces}
    return {name: values for name, values in found.items() if values is not None}


def _ends(recording: "Recording") -> npt.NDArray[np.float64]:
    """Return when each timestep ends, ms."""
    return np.asarray(np.arange(1, recording.timesteps + 1) * recording.dt)


def _dimensions(shape: tuple[int, ...]) -> tuple[str, ...]:
    return ("neuron",) if len(shape) == 1 else tuple(f"neuron_{axis}" for axis in range(len(shape)))


def _about(recording: "Recording") -> dict[str, Any]:
    """Return the exact parameters, as attributes that every format of file can hold."""
    words, parameters = recording.words, recording.parameters
    about: dict[str, Any] = {"dt_ms": recording.dt}
    if parameters is not None:
        about["parameters"] = json.dumps(parameters.as_dict())
    if words is not None:
        about["arithmetic"] = json.dumps(words.arithmetic.as_dict())
    return about
