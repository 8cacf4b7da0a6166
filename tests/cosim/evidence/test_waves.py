"""Waves: golden model beside hardware at the right times, the same in every format, and what viewers are told."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from vcd.reader import TokenKind, tokenize

from qlif.cosim.configuration import Settings
from qlif.cosim.cosimulation import cosimulate
from qlif.cosim.evidence.annotate import SCOPE
from qlif.cosim.evidence.fst import write_fst
from qlif.cosim.run_pictures import draw_mismatch
from qlif.cosim.simulator.find import SIMULATORS, find
from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli

NEURONS, STEPS, WRONG = 4, 30, 61


def changes_of(path):
    """Return each signal's changes as (time, value), by its full name without range."""
    scopes, names, changes, time = [], {}, {}, 0
    # The reader takes no scope with a dollar, as Verilator calls the one around its ports.
    file = io.BytesIO(path.read_bytes().replace(b"$rootio", b"rootio"))
    for token in tokenize(file):
        match token.kind:
            case TokenKind.SCOPE:
                scopes.append(token.scope.ident)
            case TokenKind.UPSCOPE:
                scopes.pop()
            case TokenKind.VAR:
                name = ".".join([*scopes, token.var.reference])
                names.setdefault(token.var.id_code, []).append(name)
                changes[name] = []
            case TokenKind.CHANGE_TIME:
                time = token.time_change
            case TokenKind.CHANGE_SCALAR | TokenKind.CHANGE_VECTOR | TokenKind.CHANGE_REAL:
                change = token.data
                for name in names[change.id_code]:
                    changes[name].append((time, change.value))
    return changes


@pytest.fixture(scope="module", params=SIMULATORS[::-1])
def run(request, tmp_path_factory, with_fault):
    """Return a run whose potential is wrong once, its folder, and the changes of its waves."""
    try:
        simulator = find(request.param)
    except InputError as error:
        pytest.skip(str(error))
    configuration = Settings.read("square-18", None).population(NEURONS)
    wrong = {"updates_potential": f"count == {WRONG} ? raw - 2000 : raw"}
    export = with_fault(configuration.export(), wrong)
    currents = stimuli.make("ou", timesteps=STEPS, neurons=NEURONS, dt=0.1, seed=1)
    out = tmp_path_factory.mktemp("waves")
    made = cosimulate(configuration, currents, simulator, out, stalls=0.2, waves=True, export=export)
    draw_mismatch(out, made, currents)
    return made, out, changes_of(made.waves)


@pytest.mark.slow_beyond(1)
def test_golden_model_and_hardware_stand_beside_each_other(run):
    made, _, changes = run
    golden, hardware = made.software.golden.potentials, made.hardware.potentials
    neuron = WRONG % NEURONS
    for shown in range(3):
        for name, potentials in (("golden", golden), ("hardware", hardware)):
            found = [value for _, value in changes[f"{SCOPE}.neuron_{shown}.{name}_mV"]]
            assert found == pytest.approx(potentials[:, shown].tolist(), abs=1e-12)
    # The mismatch lasts until the next update, and its time is that of the wrong words on the port.
    mismatch = changes[f"{SCOPE}.mismatch"]
    (begin,) = (time for time, value in mismatch if value == "1")
    assert next(time for time, value in changes[f"{SCOPE}.update"] if value == WRONG) == begin
    taken = changes[f"{SCOPE}.neuron_{neuron}.hardware_mV"]
    assert taken[WRONG // NEURONS][0] == begin
    assert made.verdict.first.update == WRONG
    # It was on the port before it was taken.
    last = [value for time, value in changes["qlif_population.updates_potential"] if time < begin][-1]
    assert last == made.verdict.first.got & (1 << 18) - 1
    ready, valid = (changes[f"qlif_population.updates_{name}"] for name in ("ready", "valid"))
    for signal in (ready, valid):
        assert [str(value) for time, value in signal if time < begin][-1] == "1"
    edges = {time for time, value in changes["qlif_population.clk"] if value == "1"}
    assert {time for time, _ in taken} <= edges


@pytest.mark.slow_beyond(1)
def test_viewers_are_told_of_signals_that_exist_and_where_the_mismatch_is(run):
    made, out, changes = run
    (begin,) = (time for time, value in changes[f"{SCOPE}.mismatch"] if value == "1")
    files = {file.suffix: file for file in made.wave_files}
    surfer = files[".sucl"].read_text().splitlines()
    added = [line.partition(" ")[2] for line in surfer if line.startswith("variable_add")]
    assert 10 < len(added) <= 26 and set(added) <= set(changes)
    assert f"cursor_set {begin}" in surfer and f"marker_set first_mismatch {begin}" in surfer
    gtkwave = files[".gtkw"].read_text().splitlines()
    shown = {line.partition("[")[0] for line in gtkwave if line.startswith(("qlif.", "qlif_population."))}
    assert set(added) <= shown <= set(changes)
    assert next(line for line in gtkwave if line.startswith("*")).split()[1:3] == [str(begin)] * 2
    for name in ("first-mismatch.svg", "first-mismatch-dark.svg"):
        assert f"timestep {WRONG // NEURONS}" in (out / name).read_text()


def test_fst_has_the_same_changes(run):
    fst = pytest.importorskip("pylibfst")
    made, _, changes = run
    (file,) = (file for file in made.wave_files if file.suffix == ".fst")
    reader = fst.lib.fstReaderOpen(str(file).encode())
    _, signals = fst.get_scopes_signals2(reader)
    found = {}
    fst.lib.fstReaderSetFacProcessMaskAll(reader)

    def keep(_, time, handle, value):
        found.setdefault(handle, []).append((time, fst.string(value)))

    fst.fstReaderIterBlocks(reader, keep)
    fst.lib.fstReaderClose(reader)
    for suffix in ("mismatch", "neuron_1.golden_mV"):
        by_fst = [
            (time, float(value))
            for time, value in found[signals.by_name[f"{SCOPE}.{suffix}"].handle]
            if value not in ("x", "nan")
        ]
        wanted = [(time, float(value)) for time, value in changes[f"{SCOPE}.{suffix}"]]
        # The reader prints 16 digits.
        assert np.array(by_fst) == pytest.approx(np.array(wanted), rel=1e-15)


@pytest.mark.slow
def test_lanes_have_their_neurons_side_by_side(qlif, quick_simulator):
    size = ["--preset", "tiny-8", "--neurons", 4, "--steps", 10, "--lanes", 2]
    code, output, errors = qlif("cosim", *size, "--waves", "--simulator", quick_simulator.name, "--json")
    assert code == 0, errors
    changes = changes_of(Path(json.loads(output)["waves"]))
    with np.load("qlif-out/recording.npz") as recording:
        golden = recording["potentials_golden"]
    for neuron in range(3):
        found = changes[f"{SCOPE}.neuron_{neuron}.golden_mV"]
        assert [value for _, value in found] == pytest.approx(golden[:, neuron].tolist())
    assert {value for _, value in changes[f"{SCOPE}.mismatch"]} == {"0"}
    pair = [changes[f"{SCOPE}.neuron_{neuron}.golden_mV"] for neuron in (0, 1)]
    assert [time for time, _ in pair[0]] == [time for time, _ in pair[1]]


def test_a_vcd_that_ends_in_its_middle_is_no_fst(tmp_path):
    pytest.importorskip("pylibfst")
    (tmp_path / "a.vcd").write_text("$scope module a $end\n$var wire 1 ! b $end\n$upscope $end\n")
    (tmp_path / "b.vcd").write_text("$enddefinitions $end\n#0\nb1 ?\n")
    with pytest.raises(KeyError):
        write_fst(tmp_path / "b.vcd", tmp_path / "b.fst")
    assert not (tmp_path / "b.fst").exists()
