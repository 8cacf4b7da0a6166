import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.io import wavfile

from qlif.model.exceptions import InputError
from qlif.model.inputs import recordings, stimuli, wav
from qlif.model.inputs.recordings import load

TAIL = bytes.fromhex("000000001000800000aa00389b71")


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


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def form(tag=1, channels=1, rate=10_000, bits=16, frame=None, extra=b""):
    frame = channels * bits // 8 if frame is None else frame
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits) + extra)


def riff(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


# ---- decoding of sound


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_pcm_round_trip(bits, data, tmp_path_factory):
    top = 2 ** (bits - 1)
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 3)))
    samples = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(-top, top - 1)))
    path = tmp_path_factory.mktemp("wav") / "a.wav"
    write_pcm(path, samples, bits, rate=22_050)
    sound = wav.decode(path.read_bytes())
    assert sound.rate == 22_050
    np.testing.assert_array_equal(sound.samples, samples / top)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_files_of_scipy(dtype, tmp_path):
    random = np.random.default_rng(1)
    if np.issubdtype(dtype, np.floating):
        samples = random.uniform(-2, 2, (41, 2)).astype(dtype)
        expected = samples.astype(np.float64)
    else:
        info = np.iinfo(dtype)
        samples = random.integers(info.min, info.max, (41, 2), dtype=dtype, endpoint=True)
        expected = samples / 2.0 ** (info.bits - 1) - (dtype is np.uint8)
    wavfile.write(tmp_path / "a.wav", 8000, samples)
    sound = wav.decode((tmp_path / "a.wav").read_bytes())
    assert sound.rate == 8000
    np.testing.assert_array_equal(sound.samples, expected)


def test_24_bits_as_scipy_reads_them(tmp_path):
    samples = np.random.default_rng(2).integers(-(2**23), 2**23, (40, 2))
    write_pcm(tmp_path / "a.wav", samples, 24)
    _, words = wavfile.read(tmp_path / "a.wav")
    np.testing.assert_array_equal(wav.decode((tmp_path / "a.wav").read_bytes()).samples, words / 2.0**31)


@pytest.mark.parametrize(("tag", "bits", "dtype"), [(1, 16, "<i2"), (3, 32, "<f4")])
def test_extensible(tag, bits, dtype):
    extra = struct.pack("<HHIH", 22, bits, 0, tag) + TAIL
    samples = np.array([[1, -1], [0, 1]], dtype)
    file = riff(form(0xFFFE, channels=2, bits=bits, extra=extra), chunk(b"data", samples.tobytes()))
    full_scale = 2**15 if tag == 1 else 1
    np.testing.assert_array_equal(wav.decode(file).samples, samples / full_scale)


def test_other_chunks_are_passed_over_with_their_padding():
    file = riff(chunk(b"LIST", b"odd"), form(), chunk(b"fact", b"x"), chunk(b"data", b"\0\x40"), b"tail")
    assert wav.decode(file).samples == 0.5


@settings(deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_are_a_sound_or_an_error(data):
    for file in (data, riff(data), riff(form(), data), riff(chunk(b"fmt ", data), chunk(b"data", b"1234"))):
        try:
            wav.decode(file)
        except InputError as error:
            assert "\n" not in str(error)


DATA = chunk(b"data", b"\0\0")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "not a RIFF/WAVE file"),
        (b"RIFF\0\0\0\0AVI ", "not a RIFF/WAVE file"),
        (b"RIFX\0\0\0\0WAVE", "the container RIFX isn't supported, only RIFF"),
        (b"RF64\0\0\0\0WAVE", "the container RF64 isn't supported, only RIFF"),
        (riff(), "the file has no format"),
        (riff(form()), "the file has no samples"),
        (riff(form(), chunk(b"data", b"")), "the file has no samples"),
        (riff(DATA, form()), "the samples come before the format"),
        (riff(chunk(b"fmt ", b"12")), "the format must have at least 16 bytes, not 2"),
        (riff(form(0xFFFE)), "an extensible format must have at least 40 bytes, not 16"),
        (
            riff(form(0xFFFE, extra=bytes(24)), DATA),
            "the subformat 00000000000000000000000000000000 isn't supported, only PCM and IEEE float",
        ),
        (
            riff(form(7, bits=8), DATA),
            "the encoding with format tag 0x0007 (mu-law) isn't supported, "
            "only PCM (0x0001) and IEEE float (0x0003)",
        ),
        (
            riff(form(2, bits=4), DATA),
            "the encoding with format tag 0x0002 (Microsoft ADPCM) isn't supported, "
            "only PCM (0x0001) and IEEE float (0x0003)",
        ),
        (
            riff(form(0xFFFE, bits=8, extra=struct.pack("<HHIH", 22, 8, 0, 6) + TAIL), DATA),
            "the encoding with format tag 0x0006 (A-law) isn't supported, "
            "only PCM (0x0001) and IEEE float (0x0003)",
        ),
        (
            riff(form(0x1234), DATA),
            "the encoding with format tag 0x1234 isn't supported, only PCM (0x0001) and IEEE float (0x0003)",
        ),
        (riff(form(bits=12), DATA), "PCM samples must have 8, 16, 24 or 32 bits, not 12"),
        (riff(form(3, bits=16), DATA), "IEEE float samples must have 32 or 64 bits, not 16"),
        (riff(form(channels=0), DATA), "the number of channels must be 1 or more, not 0"),
        (riff(form(rate=0), DATA), "the sampling rate must be greater than 0 Hz, not 0"),
        (riff(form(frame=4), DATA), "a frame of 1 channels of 16 bits must have 2 bytes, not 4"),
        (
            riff(form(), chunk(b"data", b"1234"))[:-1],
            "truncated: its 'data' chunk should have 4 bytes, but has 3",
        ),
        (riff(form())[:-3], "truncated: its 'fmt' chunk should have 16 bytes, but has 13"),
        (
            riff(form(channels=2), chunk(b"data", b"123456")),
            "truncated: 6 bytes of samples aren't whole frames of 4 bytes",
        ),
    ],
)
def test_errors_of_a_sound(file, message, tmp_path):
    with pytest.raises(InputError) as error:
        wav.decode(file)
    assert str(error.value) == message
    path = tmp_path / "a.wav"
    path.write_bytes(file)
    with pytest.raises(InputError) as error:
        load(path, dt=0.1)
    assert str(error.value) == f"'{path}': {message}"


# ---- arrays and tables


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


@pytest.mark.parametrize("data", [b"", b"junk", b"\x93NUMPY", b"PK\x03\x04", b"\x93NUMPY\x01\x00\x02\x00{}"])
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


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,-4.5e0\n",
        "1, 2\r\n3 ,-4.5\r\n\r\n",
        "left,right\n1,2\n3,-4.5",
        "# made by 1, 2\n1,2\n3,-4.5",
        "\ufeffleft,right\n1,2\n3,-4.5",
    ],
)
def test_csv(text, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    np.testing.assert_array_equal(load(path, dt=0.1), [[1, 2], [3, -4.5]])


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=st.floats(-1e9, 1e9)))
@settings(max_examples=30, deadline=None)
def test_csv_round_trip(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    np.savetxt(path, array, delimiter=",", header="one, two", fmt="%.17g")
    np.testing.assert_array_equal(load(path, dt=0.1), array)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file has no samples"),
        (b"\n\n", "the file has no samples"),
        (b"left,right\n", "the file has no samples"),
        (b"1,2\n3\n", "line 2 has 1 columns, but the first has 2"),
        (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 columns, but the first has 2"),
        (b"1,2\n\n3,4\n", "line 2 is empty"),
        (b"a,b\n\n3,4\n", "line 2 is empty"),
        (b"1,2\n3,\n", "line 2, column 2 must be a number, not ''"),
        (b"1,left\n", "line 1, column 2 must be a number, not 'left'"),
        (b"a;b\n1;2\n", "line 2, column 1 must be a number, not '1;2'"),
        (b"1\n1_0\n", "line 2, column 1 must be a number, not '1_0'"),
        (b"1,2\n3,nan\n", "line 2, column 2 must be finite, not 'nan'"),
        (b"-inf,2\n", "line 1, column 1 must be finite, not '-inf'"),
        (b"1e999\n", "line 1, column 1 must be finite, not '1e999'"),
        (b"1\n\xff\n", "not a text in UTF-8: byte 2 can't be read"),
    ],
)
def test_errors_of_a_csv(text, message, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(text)
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


def test_average_at_the_rate_of_the_timesteps_changes_nothing(tmp_path):
    samples = np.random.default_rng(3).integers(-(2**15), 2**15, (5000, 2))
    write_pcm(tmp_path / "a.wav", samples, 16, rate=10_000)
    np.testing.assert_array_equal(load(tmp_path / "a.wav", dt=0.1), samples / 2**15)


def test_average_of_whole_blocks(tmp_path):
    path = save(tmp_path / "a.npy", np.arange(11.0))
    np.testing.assert_array_equal(load(path, dt=0.1, rate=40_000), [[1.5], [5.5]])


def test_average_weights_by_overlap(tmp_path):
    path = save(tmp_path / "a.npy", np.array([1.0, 4.0, 10.0]))
    np.testing.assert_allclose(
        load(path, dt=0.1, rate=15_000), [[(1 + 0.5 * 4) / 1.5], [(0.5 * 4 + 10) / 1.5]]
    )
    np.testing.assert_allclose(load(path, dt=0.1, rate=5000), [[1], [1], [4], [4], [10], [10]])


@given(
    signal=hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-100, 100)),
    samples_per_step=st.sampled_from([0.125, 0.3, 1.0, 1.6, 2.5]),
)
@settings(max_examples=40, deadline=None)
def test_average_keeps_the_charge(tmp_path_factory, signal, samples_per_step):
    signal = np.append(signal, np.zeros(3))  # what is dropped at the end has no charge
    path = save(tmp_path_factory.mktemp("npy") / "a.npy", signal)
    currents = load(path, dt=0.1, rate=samples_per_step * 10_000)
    np.testing.assert_allclose(currents.sum() * samples_per_step, signal.sum(), atol=1e-9)


def test_linear(tmp_path):
    path = save(tmp_path / "a.npy", np.array([[0.0, 3.0], [1.0, 1.0]]))
    currents = load(path, dt=0.1, rate=5000, resample="linear")
    np.testing.assert_allclose(currents, [[0, 3], [0.5, 2], [1, 1], [1, 1]])


@pytest.mark.parametrize("resample", ["average", "linear"])
def test_a_second_is_a_second(resample, tmp_path):
    write_pcm(tmp_path / "a.wav", np.zeros((44_100, 1), int), 16, rate=44_100)
    assert len(load(tmp_path / "a.wav", dt=0.1, resample=resample)) == 10_000


def test_rounding_loses_no_timestep(tmp_path):
    path = save(tmp_path / "a.npy", np.ones(14))  # 14 ms, 14 / (1000 * 0.035 / 1000) = 399.99..
    assert len(load(path, dt=0.035, rate=1000)) == 400


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
        ({"rate": 1e6}, "'{path}': 4 samples are shorter than one timestep of 100.0 samples"),
        ({"rate": 1e-300, "dt": 1e-300}, "'{path}': 0.0 samples in a timestep are too few to resample"),
        ({"rate": 1e-20}, "'{path}': {steps} timesteps of 2 neurons don't fit in memory"),
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
    steps = str(error.value).partition(": ")[2].partition(" ")[0]
    assert str(error.value) == message.format(path=path, steps=steps)


def test_errors_of_the_path(tmp_path):
    directory = tmp_path / "d.csv"
    directory.mkdir()
    for path, message in [
        (tmp_path / "no.wav", "input file '{}' doesn't exist"),
        (directory, "input file '{}' is a directory"),
        (tmp_path / "a.mp3", "input file '{}' must end in .npy, .csv or .wav"),
        (tmp_path / "none", "input file '{}' must end in .npy, .csv or .wav"),
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
    assert str(error.value) == "rate can't be given for a .wav file, which says its own, not 8000"


def test_timesteps_of_a_recording_are_checked(tmp_path):
    path = save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(InputError, match=r"^timesteps must be a whole number, 1 or more, not 0$"):
        stimuli.make(str(path), timesteps=0, neurons=1, dt=0.1)


def test_the_public_lists():
    assert recordings.SUFFIXES == (".npy", ".csv", ".wav")
    assert recordings.RESAMPLINGS == ("average", "linear", "none")
