"""Sound files of every kind that is read, and what is said of those that can't be."""

import io
import struct
import warnings
import wave

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.io import wavfile

from qlif.model.exceptions import InputError, InputWarning
from qlif.model.inputs.recordings import load
from qlif.model.inputs.sound import decode


def written(samples, format, subtype, **options):
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format=format, subtype=subtype, **options)
    return file.getvalue()


def pcm(samples, bits, rate):
    """A file of the standard library: signed, little-endian, but 8 bits unsigned, as WAVE has it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(bits // 8)
        out.setframerate(rate)
        words = (samples + 128).astype(np.uint8) if bits == 8 else samples.astype("<i4")
        out.writeframes(words.view(np.uint8).reshape(samples.size, -1)[:, : bits // 8].tobytes())
    return file.getvalue()


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_integer_samples_are_divided_by_full_scale(bits, data):
    top = 2 ** (bits - 1)
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 3)))
    samples = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(-top, top - 1)))
    got, rate = decode(pcm(samples, bits, 22_050))
    assert rate == 22_050
    np.testing.assert_array_equal(got, samples / top)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_samples_are_as_written(dtype):
    samples = np.random.default_rng(1).uniform(-2, 2, (41, 2)).astype(dtype)
    file = io.BytesIO()
    wavfile.write(file, 8000, samples)
    np.testing.assert_array_equal(decode(file.getvalue())[0], samples)


EXACT = [
    *(("WAV", kind) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    *((kind, "PCM_24") for kind in ("WAVEX", "RF64", "W64", "AIFF", "FLAC")),
]


@pytest.mark.parametrize(("format", "subtype"), EXACT)
def test_what_holds_seven_bits_exactly(format, subtype):
    samples = np.random.default_rng(2).integers(-64, 64, (500, 2)) / 64
    got, rate = decode(written(samples, format, subtype))
    assert rate == 8000
    np.testing.assert_array_equal(got, samples)


def test_big_endian_wav():
    samples = np.array([[0.5], [-0.25]])
    np.testing.assert_array_equal(decode(written(samples, "WAV", "PCM_16", endian="BIG"))[0], samples)


@pytest.mark.parametrize(
    ("format", "subtype", "error"),
    [("WAV", "ULAW", 0.01), ("WAV", "ALAW", 0.01), ("WAV", "IMA_ADPCM", 0.01), ("OGG", "VORBIS", 0.02)],
)
def test_what_loses_a_little(format, subtype, error):
    samples = 0.5 * np.sin(np.arange(4040) / 20)[:, np.newaxis]
    got, _ = decode(written(samples, format, subtype))
    assert np.sqrt(np.mean((got[: len(samples)] - samples) ** 2)) < error


def test_by_name_and_at_the_timesteps(tmp_path):
    samples = np.arange(-64, 64)[:, np.newaxis] / 64
    for name, format in [("a.flac", "FLAC"), ("a.AIFF", "AIFF"), ("a.aif", "AIFF"), ("a.wav", "WAV")]:
        (tmp_path / name).write_bytes(written(samples, format, "PCM_16"))
        currents = load(tmp_path / name, dt=0.125, scale=40, offset=12)
        np.testing.assert_array_equal(currents, 12 + 40 * samples)


@pytest.mark.parametrize(
    ("format", "subtype"),
    [("WAV", "PCM_16"), ("WAV", "IMA_ADPCM"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16")],
)
@pytest.mark.parametrize("missing", [2, 101])
def test_a_file_that_is_cut_off(format, subtype, missing):
    file = written(np.zeros(1000), format, subtype)
    with pytest.raises(InputError, match=r"^cut off: it declares \d+ (bytes|frames), but has \d+$"):
        decode(file[:-missing])


def test_a_flac_that_is_cut_off():
    with pytest.raises(InputError, match=r"^not a readable sound file: flac decoder lost sync$"):
        decode(written(np.random.default_rng(3).normal(size=9000), "FLAC", "PCM_16")[:-50])


def test_an_ogg_without_an_end_is_read_and_it_is_said():
    file = written(np.random.default_rng(4).uniform(-1, 1, 60_000), "OGG", "VORBIS")
    last = file.rfind(b"OggS")
    with pytest.warns(InputWarning, match="may be cut off"):
        samples, _ = decode(file[:last])
    assert 0 < len(samples) < 60_000


def test_what_was_written_to_a_pipe_is_read_to_its_end():
    file = bytearray(written(np.full(100, 0.5), "WAV", "PCM_16"))
    at = file.index(b"data") + 4
    file[4:8] = file[at : at + 4] = b"\xff\xff\xff\xff"
    np.testing.assert_array_equal(decode(bytes(file))[0], np.full((100, 1), 0.5))


def changed(offset, value):
    file = bytearray(written(np.zeros(10), "WAV", "PCM_16"))
    file[offset : offset + len(value)] = value
    return bytes(file)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "not a readable sound file: Format not recognised"),
        (b"junk" * 20, "not a readable sound file: Format not recognised"),
        (changed(0, b"")[:30], "not a readable sound file: Error in WAV file. No 'data' chunk marker"),
        (changed(22, b"\0\0"), "not a readable sound file: Channel count is zero"),
        (changed(24, b"\0\0\0\0"), "not a readable sound file: Internal error : SF_INFO struct incomplete"),
        (written(np.zeros(0), "WAV", "PCM_16"), "the file has no samples"),
        (
            written(np.array([0.0, np.nan]), "WAV", "FLOAT"),
            "sample 2 of channel 1 (counted from 1) must be finite, not nan",
        ),
    ],
    # Not the file itself: libsndfile writes the time into it, and two workers must name the same tests.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(file, message, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(file)
    with pytest.raises(InputError) as error:
        load(path, dt=0.1)
    assert str(error.value) == f"'{path}': {message}"


def test_what_declares_more_than_memory_is_refused_before_it_is_read():
    file = bytearray(written(np.zeros(5000), "FLAC", "PCM_16"))
    at = file.index(b"fLaC") + 4 + 4 + 13  # the low 36 bits of the samples' number begin in this byte
    file[at] |= 0x0F
    file[at + 1 : at + 5] = struct.pack(">I", 0xFFFFFFFF)
    with pytest.raises(InputError, match=r"^a sound of \d+ frames of 1 channels takes about "):
        decode(bytes(file))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_bytes_are_a_sound_or_an_error(data):
    whole = bytearray(written(np.zeros(20), data.draw(st.sampled_from(["WAV", "AIFF", "FLAC"])), "PCM_16"))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputWarning)
        try:
            decode(bytes(whole))
        except InputError as error:
            assert "\n" not in str(error)
