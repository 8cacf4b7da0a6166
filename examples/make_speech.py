"""Make `speech.wav`: a quarter of a second of vowels, synthesised, so that nobody's voice is shipped.

A glottal pulse train of falling pitch passes through three resonators at the formants of /a/, /i/ and /u/
(Peterson & Barney, J. Acoust. Soc. Am. 24, 175, 1952), with a little breath from a fixed seed.
"""

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240))
"""Formants, Hz."""

BANDWIDTHS = (80, 90, 120)
SAMPLES = RATE // 12


def resonate(signal: np.ndarray, frequency: float, bandwidth: float) -> np.ndarray:
    """Return a signal behind a resonator of gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * bandwidth / RATE)
    first, second = 2 * radius * np.cos(2 * np.pi * frequency / RATE), -(radius**2)
    out = np.zeros(len(signal) + 2)
    for k, value in enumerate(signal):
        out[k + 2] = (1 - first - second) * value + first * out[k + 1] + second * out[k]
    return out[2:]


def speech() -> np.ndarray:
    """Return the samples, in [-1, 1]."""
    random = np.random.default_rng(1)
    pitch = np.linspace(140, 100, 3 * SAMPLES)  # Hz
    phase = np.cumsum(pitch) / RATE
    source = (np.diff(np.floor(phase), prepend=0) > 0) + 0.01 * random.standard_normal(len(phase))
    vowels = []
    for index, formants in enumerate(VOWELS):
        vowel = source[index * SAMPLES : (index + 1) * SAMPLES]
        for frequency, bandwidth in zip(formants, BANDWIDTHS, strict=True):
            vowel = resonate(vowel, frequency, bandwidth)
        vowels.append(np.hanning(SAMPLES) ** 0.25 * vowel / np.abs(vowel).max())
    return 0.9 * np.concatenate(vowels)


if __name__ == "__main__":
    soundfile.write(Path(__file__).with_name("speech.wav"), speech(), RATE, subtype="PCM_16")
