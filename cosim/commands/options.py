"""Groups of options that several commands share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from qlif.cosim.commands.option_groups import Rule
from qlif.cosim.terminal import Terminal, say_error, say_json
from qlif.model.exceptions import InputError, QlifError, unknown_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qlif.cosim.configuration import Configuration, Settings
    from qlif.cosim.evidence.evidence import Evidence
    from qlif.cosim.foreign_views import Views
    from qlif.cosim.mapping.core_map import CoreMap
    from qlif.cosim.simulator.find import SimulatorName
    from qlif.hdl.core import Feed, Streams
    from qlif.hdl.primitives import Primitives
    from qlif.hdl.verilog import Export

DEFAULT_NEURONS = 64
DEFAULT_STEPS = 2000
DEFAULT_INPUT = "ou"
DEFAULT_TARGET = "ecp5"
DEFAULT_STEP_BITS = 32
STREAM = "stream"
"""The feed of which every option and every command knows."""
AXI = "axi"
WRAPPERS = ("none", AXI)
FEW_NEURONS = 16
FEW_STEP_BITS = 8
"""Width of an event's timestep where a run of the testbenches is to get through all carries of its counter."""
MODULE = "qlif_population"

WORD_NAMES = (
    "threshold, reset, refractory, decay, trace_spike, lower_bound, bias, rest, critical, gain, drive"
)

NeuronsOption = Annotated[int, typer.Option("--neurons", help="Number of neurons.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Random seed.")]
SelfTestOption = Annotated[
    bool,
    typer.Option(
        "--selftest", help="Wrap the population in its self-test (stimulus and signature in gates)."
    ),
]
SimulatorOption = Annotated[str, typer.Option("--simulator", help="One of {simulators}.")]
StallsOption = Annotated[
    float,
    typer.Option(
        "--stalls", help="Probability per clock that a stream pauses, for each of the three streams."
    ),
]
BenchUpdatesOption = Annotated[
    int, typer.Option("--updates", help="Number of updates in the random testbenches.")
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", help="Solver timeout per question, seconds of processor time.")
]


@dataclass(frozen=True, kw_only=True)
class ParameterOptions:
    """A file, and single values that override it."""

    minds_writes: ClassVar[bool] = True
    """Whether the command plays the writes of a file, or refuses them."""

    params: Annotated[
        Path | None,
        typer.Option(
            "--params", help="TOML file with tables [parameters] and [arithmetic]; may name a preset."
        ),
    ] = None
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A parameter or an arithmetic choice, overriding the file: --set tau_m=30 --set rounding=RND. "
            "Repeatable.",
        ),
    ] = None
    no_trace: Annotated[bool, typer.Option("--no-trace", help="No spike trace: --set spike_trace=false.")] = (
        False
    )
    refractory: Annotated[
        str | None,
        typer.Option(
            "--refractory", metavar="STEPS", help="Refractory period in timesteps: --set refrac_length=STEPS."
        ),
    ] = None
    lower_bound: Annotated[
        str | None,
        typer.Option(
            "--lower-bound", metavar="MV", help="Lower bound of the potential: --set lower_bound=MV."
        ),
    ] = None

    def settings(self, preset: str | None = None) -> "Settings":
        """Return file and values over a preset: this one, or the file's, or the default one.

        Raises
        ------
        InputError
            Of :meth:`qlif.cosim.configuration.Settings.read`.
        """
        from qlif.cosim.configuration import Settings

        values = [("--set", text) for text in self.values or ()]
        if self.no_trace:
            values.append(("--no-trace", "spike_trace=false"))
        if self.refractory is not None:
            values.append(("--refractory", f"refrac_length={self.refractory}"))
        if self.lower_bound is not None:
            values.append(("--lower-bound", f"lower_bound={self.lower_bound}"))
        found = Settings.read(preset, self.params, values)
        if found.writes and not self.minds_writes:
            say_error(
                f"note: {self.params}: its [[writes]] have no effect here: simulate and cosim play them"
            )
        return found


@dataclass(frozen=True, kw_only=True)
class NeuronOptions(ParameterOptions):
    """The neuron and its arithmetic: a preset, a file over it, single values over both."""

    minds_writes: ClassVar[bool] = False

    preset: Annotated[
        str | None,
        typer.Option("--preset", help="Hardware configuration: {presets} [square-18, or the file's]."),
    ] = None

    def settings(self, preset: str | None = None) -> "Settings":
        """Return file and values over a preset: this one, or the option's."""
        return super().settings(self.preset if preset is None else preset)


@dataclass(frozen=True, kw_only=True)
class WrittenNeuronOptions(NeuronOptions):
    """The same for a command that plays the writes of a file, or refuses them."""

    minds_writes: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """Lanes, and the storage of parameter words."""

    lanes: Annotated[
        int, typer.Option("--lanes", help="Number of pipelines side by side, a power of two.")
    ] = 1
    register: Annotated[
        list[str] | None,
        typer.Option(
            "--register",
            help=f"Parameter word in a register, written at run time ({WORD_NAMES}). Repeatable.",
        ),
    ] = None
    memory: Annotated[
        list[str] | None,
        typer.Option("--memory", help="Parameter word in a memory, one value per neuron. Repeatable."),
    ] = None

    def of(self, settings: "Settings") -> "Settings":
        """Return the settings with these over the file's.

        Raises
        ------
        InputError
            A parameter word is in both.
        """
        if both := sorted(set(self.register or ()) & set(self.memory or ())):
            raise InputError(f"{both[0]} must be in a register or in a memory: not --register and --memory")
        return settings.stored(self.register or (), self.memory or ())


@dataclass(frozen=True, kw_only=True)
class VariantOptions:
    """What the hardware is built from."""

    variant: Annotated[
        str,
        typer.Option(
            "--variant",
            help="portable: multipliers and block RAMs are inferred; explicit: an FPGA family's own are "
            "instantiated, with all their registers.",
        ),
    ] = "portable"
    target: Annotated[
        str | None,
        typer.Option("--target", help=f"FPGA family for --variant explicit: {{targets}} [{DEFAULT_TARGET}]."),
    ] = None

    def primitives(self, default_target: str | None = None) -> "Primitives":
        """Return the primitives; InputError if there is no such variant or target."""
        from qlif.hdl.targets.catalogue import primitives

        return primitives(self.variant, self._target(default_target))

    def _target(self, default: str | None) -> str:
        if self.target is not None:
            return self.target
        return DEFAULT_TARGET if default is None else default


FeedOption = Annotated[
    str,
    typer.Option(
        "--feed",
        help="How currents reach the neurons: stream, a word for each update; or held, a memory of one word per "
        "neuron that holds it until it is written, with a command for each timestep.",
    ),
]


def chosen_feed(name: str) -> "Feed":
    """Return how currents come; InputError if there is no such choice."""
    from qlif.hdl.core import Feed

    if name not in list(Feed):
        raise InputError(unknown_name("feed", name, list(Feed)))
    return Feed(name)


def with_axi(wrapper: str) -> bool:
    """Return whether a population gets the AXI shell; InputError if there is no such wrapper."""
    if wrapper not in WRAPPERS:
        raise InputError(unknown_name("wrapper", wrapper, WRAPPERS))
    return wrapper == AXI


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """The streams of the hardware: how currents come in, and which results go out."""

    streams: Annotated[
        str,
        typer.Option(
            "--streams",
            help="Streams of results in the hardware: both, updates (no timestep) or events (no potential, "
            "no trace).",
        ),
    ] = "both"
    step_bits: Annotated[
        int, typer.Option("--step-bits", help="Width of an event's timestep, which wraps.")
    ] = DEFAULT_STEP_BITS
    feed: FeedOption = STREAM

    def chosen(self) -> "tuple[int, Streams, Feed]":
        """Return the width of the timestep, which streams of results there are, and how currents come.

        Raises
        ------
        InputError
            There is no such choice.
        """
        from qlif.hdl.core import Streams

        if self.streams not in list(Streams):
            raise InputError(unknown_name("streams", self.streams, list(Streams)))
        return self.step_bits, Streams(self.streams), chosen_feed(self.feed)


STEP_BITS_RULE = Rule(
    "step_bits", lambda options: options.streams != "updates", "events: not --streams updates"
)
OWN_STREAMS_RULES = tuple(
    Rule(option, lambda options: options.map is None and options.verilog is None, "this project's Verilog")
    for option in ("streams", "step_bits", "feed")
)
OWN_FEED_RULE = OWN_STREAMS_RULES[-1]
TARGET_RULE = Rule("target", lambda options: options.variant == "explicit", "--variant explicit")


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """A core of the user's own, by a map, and its files."""

    map: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="TOML file that says which port of your own core is what: docs/your-core.md. Its sources are "
            "compiled and run: whatever they contain is executed.",
        ),
    ] = None
    sources: Annotated[
        list[Path] | None, typer.Option("--source", help="A further file of your RTL. Repeatable.")
    ] = None
    includes: Annotated[
        list[Path] | None, typer.Option("--include", help="A folder of included Verilog. Repeatable.")
    ] = None
    defines: Annotated[
        list[str] | None,
        typer.Option("--define", metavar="NAME[=VALUE]", help="A macro of your Verilog. Repeatable."),
    ] = None

    def core_map(self) -> "CoreMap | None":
        """Return the map; None if none is given.

        Raises
        ------
        InputError
            Of :func:`qlif.cosim.mapping.read.read_map`.
        """
        from qlif.cosim.mapping.read import read_map

        if self.map is None:
            return None
        return read_map(self.map, self.sources or (), self.includes or (), self.defines or ())

    def neurons_or(self, otherwise: Any) -> Any:
        """Return how many neurons the mapped core has; something else if none is mapped."""
        found = self.core_map()
        return otherwise if found is None else found.neurons

    def mapped(self, core_map: "CoreMap", configuration: "Configuration") -> "Export":
        """Return the mapped core as an export of a configuration; tell what the lint says of it.

        Raises
        ------
        InputError
            Of :func:`qlif.cosim.mapping.mapped.mapped_export`.
        """
        from qlif.cosim.mapping.mapped import mapped_export

        export, warnings = mapped_export(core_map, configuration)
        for warning in warnings:
            say_error(f"lint: {warning}")
        return export

    def mapped_or_none(self, configuration: "Configuration") -> "Export | None":
        """Return the mapped core as an export of a configuration; None if no map is given."""
        core_map = self.core_map()
        return None if core_map is None else self.mapped(core_map, configuration)

    @contextmanager
    def builds(self) -> Iterator[None]:
        """Take a text that a simulator refuses for the user's error, if it is the user's.

        Raises
        ------
        InputError
            It is.
        """
        from qlif.cosim.simulator.cocotb_design import BuildError

        try:
            yield
        except BuildError as error:
            if (file := self.file) is None:
                raise
            raise InputError(f"{file}: {error}") from None

    @property
    def file(self) -> Path | None:
        """What says that the RTL is the user's own; None if it is this project's."""
        return self.map

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the user's RTL is made of; none if it is this project's."""
        found = self.core_map()
        return () if found is None or self.map is None else (self.map, *found.sources)

    def origin(
        self, verilog: str, simulators: "Sequence[SimulatorName]"
    ) -> "tuple[dict[str, Any], Views | None]":
        """Return which files a text is made of, and what simulators and Yosys read of it, if it is the user's.

        Where these differ, it is said.

        Raises
        ------
        InputError
            Of :func:`qlif.cosim.foreign_views.read_views`.
        """
        from qlif.cosim.foreign_views import origin, read_views
        from qlif.cosim.simulator.find import SIMULATORS

        of_verilog = [name for name in simulators if name in SIMULATORS]
        views = None if self.file is None else read_views(verilog, of_verilog)
        if views is not None and views.difference:
            say_error(f"warning: {self.file}: {views.difference}")
        return origin(self.files, views), views


@dataclass(frozen=True, kw_only=True)
class ForeignOptions(MapOptions):
    """RTL of the user's own: Verilog with our ports, or any core by a map."""

    verilog: Annotated[
        Path | None,
        typer.Option(
            "--verilog",
            help="Your own Verilog in place of the exported module, with the same ports. It is compiled and "
            "run: whatever it contains is executed.",
        ),
    ] = None
    module: Annotated[str, typer.Option("--module", help="Name of the module in --verilog.")] = MODULE

    def export(self, configuration: "Configuration", lanes: int) -> "Export":
        """Return it as an export of a configuration.

        Raises
        ------
        InputError
            The file can't be read, or isn't Verilog with such a module and its ports.
        """
        from qlif.cosim.foreign import foreign_population

        if (core_map := self.core_map()) is not None:
            return self.mapped(core_map, configuration)
        text = self.read()
        with self.named():
            return foreign_population(configuration, text, self.module, lanes)

    @property
    def file(self) -> Path | None:
        """What says that the RTL is the user's own; None if it is this project's."""
        return self.verilog or self.map

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that the user's RTL is made of; none if it is this project's."""
        return super().files if self.verilog is None else (self.verilog, *(self.sources or ()))

    def read(self) -> str:
        """Return the text of --verilog, with what --source, --include and --define say; tell what its lint says.

        Raises
        ------
        InputError
            A file can't be read.
        """
        from qlif.cosim.mapping.sources import lint, read_sources

        assert self.verilog is not None
        if self.sources or self.includes or self.defines:
            files = [self.verilog, *(self.sources or ())]
            text, name = read_sources(files, self.module, self.includes or (), self.defines or ()), ""
        else:
            text, name = self._read(), str(self.verilog)
        try:
            text, warnings = lint(text, self.module, name=name)
        except InputError:
            # What is wrong with it is for the command's own tools to say.
            return text
        for warning in warnings:
            say_error(f"lint: {warning}")
        return text

    def _read(self) -> str:
        """Return the file's text; InputError if it can't be read."""
        assert self.verilog is not None
        try:
            return self.verilog.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"{self.verilog} can't be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise InputError(f"{self.verilog} must be Verilog in UTF-8") from None

    @contextmanager
    def named(self) -> Iterator[None]:
        """Put the file's name in front of what is wrong with it."""
        try:
            yield
        except InputError as error:
            raise InputError(f"{self.verilog}: {error}") from None


_OWN = "this project's Verilog: neither --verilog nor --map"
MAP_RULES = tuple(
    Rule(option, lambda options: options.map is not None, "--map")
    for option in ("sources", "includes", "defines")
)
FOREIGN_RULES = (
    Rule("module", lambda options: options.verilog is not None, "--verilog"),
    Rule("verilog", lambda options: options.map is None, "no --map: a map names its own sources"),
    *(
        Rule(
            option,
            lambda options: options.verilog is not None or options.map is not None,
            "--verilog or --map",
        )
        for option in ("sources", "includes", "defines")
    ),
)
"""Of the options for RTL of the user's own."""
OWN_VARIANT_RULE = Rule("variant", lambda options: options.verilog is None and options.map is None, _OWN)
UNMAPPED_RULES = tuple(
    Rule(option, lambda options: options.map is None, "no --map: the map says it")
    for option in ("neurons", "lanes", "register", "memory")
)
"""Of what a mapped core has as it is."""


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """The input: which, for how many neurons, for how long."""

    neurons: Annotated[
        int | None,
        typer.Option("--neurons", help=f"Number of neurons [{DEFAULT_NEURONS}, or a file's channels]."),
    ] = None
    steps: Annotated[
        int | None, typer.Option("--steps", help=f"Number of timesteps [{DEFAULT_STEPS}, or a whole file].")
    ] = None
    input: Annotated[
        str,
        typer.Option(
            "--input",
            help="{stimuli}, or a file of samples (.npy, .csv, .wav, .flac, .ogg, .aiff); with options as in "
            "ou:mean=18,sd=6 or examples/speech.wav:scale=40,offset=15 (a recording is "
            "scale * sample + offset, in mV). `qlif inputs` lists them.",
        ),
    ] = DEFAULT_INPUT
    seed: SeedOption = 0

    def prepare(
        self, settings: "Settings", bytes_per_update: int
    ) -> "tuple[Configuration, npt.NDArray[np.float64]]":
        """Return the configuration and its input, the size taken from a recording where it isn't given.

        A run that takes more memory than there is, with so many bytes for each update, is refused before.
        """
        from qlif.model.inputs import stimuli
        from qlif.model.support.memory import require_memory

        neurons, steps = self.neurons, self.steps
        if not stimuli.is_recording(self.input):
            neurons = DEFAULT_NEURONS if neurons is None else neurons
            steps = DEFAULT_STEPS if steps is None else steps
        if steps is not None and neurons is not None:
            require_memory(f"a run of {steps} steps of {neurons} neurons", steps * neurons * bytes_per_update)
        currents = stimuli.make(self.input, timesteps=steps, neurons=neurons, dt=settings.dt, seed=self.seed)
        return settings.population(currents.shape[1]), currents


def is_random(text: str) -> bool:
    """Return whether the seed changes what an input is."""
    from qlif.model.inputs import stimuli

    return stimuli.is_random(text)


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where results go."""

    out: Annotated[Path, typer.Option("--out", help="Directory for results and pictures.")] = Path("qlif-out")
    as_json: Annotated[bool, typer.Option("--json", help="Print only one JSON value.")] = False

    @property
    def terminal(self) -> Terminal:
        """What prints for a person; beside JSON, on the standard error."""
        return Terminal(errors=self.as_json)

    def write_json(self, name: str, content: object) -> None:
        """Write a JSON file into the directory, and print it if JSON is asked for."""
        import json

        from qlif.model.support.files import write_text

        write_text(self.out / name, json.dumps(content, indent=2) + "\n")
        if self.as_json:
            say_json(content)


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OutputOptions):
    """Where results go, with a report to read."""

    report: Annotated[
        Path | None, typer.Option("--report", help="Write a report as one HTML file, pictures included.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse files that can't be written, before anything runs.

        Raises
        ------
        InputError
            One is a folder, or two are the same file.
        """
        files = {option: file.resolve() for option, file in self.evidence_files.items()}
        for option, file in files.items():
            if file.is_dir():
                raise InputError(f"{option} must be a file, not the folder {file}")
            if not_folder := next((one for one in file.parents if one.exists() and not one.is_dir()), None):
                raise InputError(f"{option} {file}: {not_folder} is a file, not a folder")
            if same := next((one for one in files if one != option and files[one] == file), None):
                raise InputError(f"{option} and {same} must not be the same file, {file}")

    @property
    def evidence_files(self) -> dict[str, Path]:
        """The files that are asked for, by their options."""
        return {} if self.report is None else {"--report": self.report}

    def hand_in(self, evidence: "Evidence") -> None:
        """Write what a command found into the files that are asked for."""
        if self.report is not None:
            from qlif.cosim.evidence.html import html
            from qlif.model.support.files import write_text

            write_text(self.report, html(evidence))

    def failed(self, command: str, error: QlifError) -> None:
        """Write that a command ended early: a reader must not take the absence of failures for success."""
        if self.evidence_files and not isinstance(error, InputError):
            from qlif.cosim.evidence.gather import of_error

            self.hand_in(of_error(command, error))


@dataclass(frozen=True, kw_only=True)
class EvidenceOptions(ReportOptions):
    """The same, with the verdict in the form that CI servers read."""

    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the checks as JUnit XML, which CI servers read.")
    ] = None

    @property
    def evidence_files(self) -> dict[str, Path]:
        """The files that are asked for, by their options."""
        return super().evidence_files | ({} if self.junit is None else {"--junit": self.junit})

    def hand_in(self, evidence: "Evidence") -> None:
        """Write what a command found into the files that are asked for."""
        super().hand_in(evidence)
        if self.junit is not None:
            from qlif.cosim.evidence.junit import junit
            from qlif.model.support.files import write_text

            write_text(self.junit, junit(evidence))


def probability(option: str, value: float) -> float:
    """Return a probability that leaves a chance; InputError if it isn't one."""
    if not 0 <= value < 1:
        raise InputError(f"{option} must be a probability from 0 to below 1, not {value}")
    return value


def above_zero(option: str, value: float) -> float:
    """Return a number above zero; InputError if it isn't one."""
    if not 0 < value < float("inf"):
        raise InputError(f"{option} must be above 0 and finite, not {value}")
    return value
