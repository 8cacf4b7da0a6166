"""The link's host end, over lines that damage what they carry, against a device in Python."""

import random

import pytest

from qlif.cosim.board.framing import Frame, FrameReader
from qlif.cosim.board.host import Board, Link, LinkError
from qlif.cosim.board.run import lockstep
from qlif.hdl.board.link import Layout, Records, State, identity
from qlif.model.exceptions import InputError

NOISE = (
    {"bit_errors": 1e-3},
    {"dropped": 2e-3},
    {"doubled": 2e-3},
    {"swapped": 2e-3},
    {"bit_errors": 1e-3, "dropped": 1e-3, "doubled": 1e-3, "swapped": 1e-3},
)


def connected(port, interface):
    return Board(Link(port), Layout.of(interface), identity(interface, 0))


def test_a_frame_has_the_bytes_of_the_page(checksum):
    body = bytes((2, 7, 4)) + b"ab"
    assert Frame(7, 4, b"ab").encoded() == b"\xd5\x2a" + body + checksum(body)


def test_frames_are_found_among_anything_and_never_invented():
    draw = random.Random(1)
    reader, sent, got, stream = FrameReader(), [], [], bytearray()
    for number in range(300):
        frame = Frame(number % 256, draw.randrange(256), draw.randbytes(draw.randrange(241)))
        if draw.random() < 0.3:
            # Ends of frames, and what looks like beginnings of long ones.
            stream += draw.choice(
                [draw.randbytes(9), b"\xd5", b"\xd5\x2a", b"\xd5\x2a\xf0", frame.encoded()[:-1]]
            )
        stream += frame.encoded()
        sent.append(frame)
    at = 0
    while at < len(stream):
        size = draw.randint(1, 100)
        got += reader.feed(bytes(stream[at : at + size]))
        at += size
    while more := reader.give_up():
        got += more
    assert got == sent


@pytest.mark.parametrize("place", range(40))
def test_no_damaged_frame_is_taken(place):
    frame = Frame(3, 5, bytes(range(20))).encoded()
    for flipped in range(1, 256):
        data = bytearray(frame)
        data[place % len(frame)] ^= flipped
        reader = FrameReader()
        assert reader.feed(bytes(data)) + reader.give_up() == []


@pytest.mark.parametrize("records", [Records.UPDATES | Records.EVENTS, Records.UPDATES, Records.EVENTS])
def test_a_quiet_line_gives_right_results(population, device, line, records):
    interface, currents = population
    board = connected(line(device()), interface)
    verdict = lockstep(board, interface, currents, records=records)
    assert verdict.text == ""
    assert (board.link.repeated, board.link.damaged) == (0, 0)


@pytest.mark.parametrize("records", [Records.UPDATES | Records.EVENTS, Records.UPDATES, Records.EVENTS])
def test_the_first_wrong_record_is_named(population, device, line, records):
    interface, currents = population

    def fault(number, record):
        wrong = number > 30 and record[0] == (records == Records.EVENTS)
        return record[:1] + bytes((record[1] ^ 1,)) + record[2:] if wrong else record

    board = connected(line(device(fault=fault)), interface)
    verdict = lockstep(board, interface, currents, records=records)
    assert verdict.first is not None
    assert verdict.first.what.startswith("event" if records == Records.EVENTS else "neuron")


def test_a_lost_and_a_doubled_record_are_named(population, device, line):
    interface, currents = population
    for text, times in (("update is missing", 0), ("an update more than currents follows", 2)):
        dut = device()
        dut.step, step = lambda dut=dut: None, dut.step
        last = len(currents)

        def counted(dut=dut, step=step, times=times, last=last):
            step()
            if dut.timestep == last:
                at = max(place for place, record in enumerate(dut.records) if record[0] == 0)
                dut.records[at : at + 1] = [dut.records[at]] * times

        dut.step = counted
        verdict = lockstep(connected(line(dut), interface), interface, currents)
        assert verdict.first is not None and verdict.first.what == text


def noisy_run(population, device, line, killed, seed, monkeypatch):
    """Return how a run on a bad line ended: right, or its error; fails if it gave a wrong result."""
    monkeypatch.setattr("qlif.cosim.board.host.token_bytes", random.Random(seed + 10_000).randbytes)
    interface, currents = population
    draw = random.Random(seed)
    noise = NOISE[seed % len(NOISE)]
    kill_after = draw.randint(2, 40) if draw.random() < 0.3 else None
    port = line(device(), seed, kill_after=kill_after, **noise)
    while True:
        try:
            verdict = lockstep(connected(port, interface), interface, currents)
        except killed:
            port.kill_after = None
            continue
        except LinkError as error:
            return str(error)
        assert verdict.text == ""
        return "right"


MANY = [pytest.param(range(first, first + 195), marks=pytest.mark.slow) for first in range(25, 1000, 195)]


@pytest.mark.parametrize("seeds", [range(25), *MANY])
def test_a_noisy_line_gives_right_results_or_a_clear_error(
    population, device, line, killed, seeds, monkeypatch
):
    ends = [noisy_run(population, device, line, killed, seed, monkeypatch) for seed in seeds]
    assert ends.count("right") >= 0.99 * len(ends), ends


def test_without_the_checksum_noise_would_be_noticed(population, device, line, killed, monkeypatch):
    monkeypatch.setattr("qlif.cosim.board.framing.crc32", lambda data: 0)
    wrong = 0
    for seed in range(25):
        try:
            noisy_run(population, device, line, killed, seed, monkeypatch)
        except (AssertionError, InputError, IndexError, ValueError):
            wrong += 1
    assert wrong > 10


def test_every_request_is_carried_out_once(population, device, line):
    interface, currents = population
    quiet, noisy = device(), device()
    boards = [connected(line(quiet), interface), connected(line(noisy, 5, 1e-3), interface)]
    for board in boards:
        board.link.size = 16
        lockstep(board, interface, currents)
    assert boards[1].link.repeated > 10
    assert quiet.timestep == noisy.timestep == len(currents)
    assert noisy.executed.count(4) == quiet.executed.count(4)


def test_a_silent_board_is_told_of(population, line):
    class Nothing:
        def take(self, data):
            return b""

        def pause(self):
            pass

    with pytest.raises(LinkError, match="nothing came in 5 s"):
        connected(line(Nothing()), population[0])


def test_what_is_no_board_is_told_of(population, line):
    class Babble:
        def take(self, data):
            return bytes(range(256)) * 100

        def pause(self):
            pass

    with pytest.raises(LinkError, match="no whole answer to HELLO"):
        connected(line(Babble()), population[0])


def test_a_link_that_falls_silent_is_told_of(population, device, line):
    interface, currents = population
    port = line(device())
    board = connected(port, interface)
    port.dropped = 1.0
    with pytest.raises(LinkError, match=r"doesn't answer: nothing came in 1[23] s"):
        lockstep(board, interface, currents)


def test_a_restarted_board_is_told_of(population, device, line):
    interface, currents = population
    with pytest.raises(LinkError, match="restarted"):
        lockstep(connected(line(device(restart_after=20)), interface), interface, currents)


def test_a_population_that_is_stuck_is_told_of(population, device, line, monkeypatch):
    interface, currents = population
    dut = device()
    dut.step = lambda: None
    answered = dut.answered
    # It says that it is stepping, and gives nothing.
    dut.answered = lambda frame: (
        Frame(frame.sequence, frame.kind | 0x80, bytes((0, int(State.STEPPING)))).encoded()
        if frame.kind == 5
        else answered(frame)
    )
    monkeypatch.setattr("qlif.cosim.board.run.STUCK_S", 0.1)
    with pytest.raises(LinkError, match="has given nothing for"):
        lockstep(connected(line(dut), interface), interface, currents)


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x09\x00"])
def test_an_answer_that_is_not_of_this_link_is_told_of(population, device, line, payload):
    interface, currents = population
    dut = device()
    board = connected(line(dut), interface)
    dut.answered = lambda frame: Frame(frame.sequence, frame.kind | 0x80, payload).encoded()
    with pytest.raises(LinkError, match="isn't of this link"):
        lockstep(board, interface, currents)


def test_another_configuration_is_refused(population, device, line):
    interface, _ = population
    with pytest.raises(InputError, match=r"another configuration: its identification is [0-9a-f]{32}"):
        Board(Link(line(device())), Layout.of(interface), bytes(16))


def test_what_a_session_before_left_is_not_taken_for_an_answer(population, device, line):
    interface, currents = population
    port = line(device())
    # Whole answers with every sequence number, to HELLO too, of which the nonce is another.
    for kind in (1, 2, 4):
        port.waiting += b"".join(Frame(number, kind | 0x80, bytes(26)).encoded() for number in range(256))
    assert lockstep(connected(port, interface), interface, currents).text == ""
