import wave

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.inputs import recordings, stimuli
from qlif.model.inputs.recordings import load


def pcm_words(samples, bits):
    """Bytes of integer samples: signed, little-endian, but 8 bits unsigned, as WAVE has it."""
    if bits == 8:
        return (samples + 128).astype(np.uint8).tobytes()
    return samples.astype("<i4").view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()


def write_pcm(path, samples, bits, rate=10_000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.writeframes(pcm_words(samples, bits))


# ---- arrays


def save(path, array):
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, np.uint8, ">f8", np.longdouble])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(dtype, order, tmp_path):
    array = np.array([[1, 2, 3], [4, 5, 6]], dtype, order=order)
    currents = load(save(tmp_path / "a.NPY.npy", array), neurons=3, dt=0.1)
    np.testing.assert_array_equal(currents, [[1, 2, 3], [4, 5, 6]])
    assert currents.dtype == np.float64
    assert currents.flags.c_contiguous
    assert currents.flags.writeable


def test_npy_of_one_axis_is_one_channel(tmp_path):
    path = save(tmp_path / "a.npy", np.array([1.0, 2.0]))
    np.testing.assert_array_equal(load(path, dt=0.1), [[1], [2]])
    np.testing.assert_array_equal(load(path, neurons=2, dt=0.1), [[1, 1], [2, 2]])


def test_nothing_pickled_is_read(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(InputError) as error:
        load(path, dt=0.1)
    assert str(error.value) == (
        f"'{path}': not a readable .npy file: Object arrays cannot be loaded when allow_pickle=False"
    )


def npy(header):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"\x93NUMPY",
        b"PK\x03\x04",
        npy(b"{}"),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,"),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': 1 if 2 else 3}"),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}" + bytes(24)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 1099511627776)}" + bytes(24)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,)}" + bytes(24)),
        npy(b"{'descr': 'f9', 'fortran_order': 3, 'shape': ()}"),
        npy(b"(" * 1000),
        npy(b"\xff\0\n"),
    ],
)
def test_what_is_no_npy(data, tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"^'.*a\.npy': not a readable \.npy file: .+$"):
        load(path, dt=0.1)


@pytest.mark.parametrize("missing", [1, 20, 100])
def test_a_truncated_npy(missing, tmp_path):
    path = save(tmp_path / "a.npy", np.ones((3, 3)))
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(InputError, match=r"^'.*a\.npy': not a readable \.npy file: .+$"):
        load(path, dt=0.1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array(1.0), "the array must be of shape (samples, channels) or (samples,), not ()"),
        (np.ones((1, 2, 3)), "the array must be of shape (samples, channels) or (samples,), not (1, 2, 3)"),
        (np.ones((0, 2)), "the file has no samples: its shape is (0, 2)"),
        (np.ones((2, 0)), "the file has no samples: its shape is (2, 0)"),
        (np.ones(2, complex), "the samples must be real numbers, not of type complex128"),
        (np.ones(2, bool), "the samples must be real numbers, not of type bool"),
        (np.array(["1"]), "the samples must be real numbers, not of type <U1"),
        (np.zeros(2, "M8[s]"), "the samples must be real numbers, not of type datetime64[s]"),
        (
            np.zeros(2, "i4,f8"),
            "the samples must be real numbers, not of type [('f0', '<i4'), ('f1', '<f8')]",
        ),
        (
            np.array([[1, 2], [3, np.nan]]),
            "sample 2 of channel 2 (counted from 1) must be finite, not nan",
        ),
        (np.array([1, -np.inf]), "sample 2 of channel 1 (counted from 1) must be finite, not -inf"),
    ],
)
def test_errors_of_an_npy(array, message, tmp_path):
    path = save(tmp_path / "a.npy", array)
    with pytest.raises(InputError) as error:
        load(path, dt=0.1)
    assert str(error.value) == f"'{path}': {message}"


# ---- from samples to currents


def test_scale_offset_and_gains(tmp_path):
    path = tmp_path / "a.wav"
    write_pcm(path, np.array([[0], [2**14], [-(2**15)]]), 16)
    currents = load(path, neurons=3, dt=0.1, scale=40, offset=12, gain_spread=0.3)
    expected = 12 + 40 * np.outer([0, 0.5, -1], [0.7, 1.0, 1.3])
    np.testing.assert_allclose(currents, expected, rtol=1e-14)


def test_none_makes_a_sample_a_timestep(tmp_path):
    write_pcm(tmp_path / "a.wav", np.full((44, 1), 2**14), 16, rate=44_100)
    np.testing.assert_array_equal(load(tmp_path / "a.wav", dt=0.1, resample="none"), np.full((44, 1), 0.5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neurons": 0}, "neurons must be a whole number, 1 or more, not 0"),
        ({"dt": 0}, "dt must be greater than 0 ms, not 0.0"),
        ({"scale": np.nan}, "scale must be finite, not nan"),
        ({"scale": "a"}, "scale must be a number, not 'a'"),
        ({"offset": np.inf}, "offset must be finite, not inf"),
        ({"gain_spread": 1.1}, "gain_spread must be from 0 to 1, not 1.1"),
        ({"rate": 0}, "rate must be greater than 0 Hz, not 0.0"),
        ({"rate": 100, "resample": "lin"}, "unknown resample 'lin': did you mean 'linear'?"),
        (
            {"resample": "linear"},
            "resample needs rate, the sampling rate in Hz, for a .npy file, not 'linear' alone",
        ),
        (
            {"neurons": 3},
            "'{path}': the recording has 2 channels, but 3 neurons were asked for; "
            "only a single channel can be given to any number",
        ),
        ({"gain_spread": 0.5}, "'{path}': gain_spread 0.5 needs a recording of one channel, not of 2"),
        ({"rate": 1e6}, "'{path}': 4 samples are shorter than one timestep of 100 samples"),
        ({"rate": 1e-300, "dt": 1e-300}, "'{path}': 0 samples in a timestep are too few to resample"),
        ({"rate": 1e-20}, "'{path}': 1e-24 samples in a timestep are too few to resample"),
        (
            {"scale": 1e308, "offset": 1e308},
            "'{path}': scale 1e+308 and offset 1e+308 mV give currents that aren't finite",
        ),
    ],
)
def test_errors_of_the_options(options, message, tmp_path):
    path = save(tmp_path / "a.npy", np.ones((4, 2)))
    with pytest.raises(InputError) as error:
        load(path, **{"dt": 0.1, **options})
    assert str(error.value) == message.format(path=path)


def test_errors_of_the_path(tmp_path):
    directory = tmp_path / "d.csv"
    directory.mkdir()
    for path, message in [
        (tmp_path / "no.wav", "input file '{}' doesn't exist"),
        (directory, "input file '{}' is a directory"),
        (tmp_path / "a.mp3", "input file '{}' must end in .npy, .csv, .wav, .flac, .ogg, .aiff or .aif"),
        (tmp_path / "none", "input file '{}' must end in .npy, .csv, .wav, .flac, .ogg, .aiff or .aif"),
        (directory / "x" / "a.npy", "input file '{}' doesn't exist"),
        (tmp_path / ("a" * 300 + ".npy"), "input file '{}' can't be read: File name too long"),
    ]:
        with pytest.raises(InputError) as error:
            load(path, dt=0.1)
        assert str(error.value) == message.format(path)
    with pytest.raises(InputError, match=r"^input file 'a\\x00\.npy' can't be read: .+$"):
        load("a\0.npy", dt=0.1)


# ---- from text


@pytest.mark.parametrize(
    "name", ["speech.wav", "a,b.wav", "10:30.wav", "a.csv:x=1,b.wav", "SPEECH.WAV", "é .wav"]
)
def test_a_recording_from_text(name, tmp_path):
    path = tmp_path / name
    write_pcm(path, np.array([[0], [2**14], [2**15 - 1]]), 16)
    plain = stimuli.make(str(path), timesteps=None, neurons=None, dt=0.1)
    np.testing.assert_array_equal(plain, load(path, dt=0.1))
    text = f"{path}:scale=40,offset=12,gain_spread=0.3,resample=none"
    currents = stimuli.make(text, timesteps=2, neurons=4, dt=0.1, seed=3)
    expected = load(path, neurons=4, dt=0.1, scale=40, offset=12, gain_spread=0.3, resample="none")
    np.testing.assert_array_equal(currents, expected[:2])


def test_a_rate_from_text(tmp_path):
    path = save(tmp_path / "a.npy", np.arange(8.0))
    currents = stimuli.make(f"{path}:rate=20000,resample=linear", timesteps=3, neurons=1, dt=0.1)
    np.testing.assert_allclose(currents, [[0], [2], [4]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (":gain=3", "unknown option of a .wav file 'gain': did you mean 'gain_spread'?"),
        (
            ":zz=3",
            "unknown option of a .wav file 'zz': known are scale, offset, gain_spread, resample",
        ),
        (
            ":rate=8000",
            "unknown option of a .wav file 'rate': known are scale, offset, gain_spread, resample",
        ),
        (":scale=loud", "scale must be a number, not 'loud'"),
        (":scale=1:offset=2", "scale must be a number, not '1:offset=2'"),
        (":scale=1,scale=2", "option 'scale' is given twice, as '1' and '2'"),
        (":", "an option must be written name=value, not ''"),
        (":resample=bloc", "unknown resample 'bloc': known are average, linear, none"),
        (
            ",scale=3",
            "after a file name, options must follow a colon, file:option=value, not {path},scale=3'",
        ),
        ("", "{path}' has 3 timesteps of 0.1 ms, but 5 were asked for"),
    ],
)
def test_errors_of_a_text(options, message, tmp_path):
    path = tmp_path / "a.wav"
    write_pcm(path, np.zeros((3, 1), int), 16)
    with pytest.raises(InputError) as error:
        stimuli.make(f"{path}{options}", timesteps=5, neurons=1, dt=0.1)
    assert str(error.value) == message.format(path=f"'{path}")


def test_rate_is_refused_for_a_sound(tmp_path):
    with pytest.raises(InputError) as error:
        load(tmp_path / "a.wav", dt=0.1, rate=8000)
    assert str(error.value) == "rate can't be given for a .wav file, which has its own, not 8000"


def test_timesteps_of_a_recording_are_checked(tmp_path):
    path = save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(InputError, match=r"^timesteps must be a whole number, 1 or more, not 0$"):
        stimuli.make(str(path), timesteps=0, neurons=1, dt=0.1)


def test_the_public_lists():
    assert recordings.SUFFIXES == (".npy", ".csv", ".wav", ".flac", ".ogg", ".aiff", ".aif")
    assert recordings.RESAMPLINGS == ("average", "linear", "none")
