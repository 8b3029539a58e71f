"""What the clients are given: drawn pages, a photograph, a synthetic voice, all the same at each call."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

RATE = 16000  # samples a second
PEAKS = 1.0, 0.5, 0.25
FORMANTS = {  # Hz, of an adult's vowels: Peterson and Barney, 1952
    "a": (730, 1090, 2440),
    "e": (530, 1840, 2480),
    "i": (270, 2290, 3010),
    "o": (570, 840, 2410),
    "u": (300, 870, 2240),
}


def page(*lines: str, size: int = 36) -> np.ndarray:
    """Black lines of text on white, u8[height,width,3]."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    width = max(int(font.getlength(line)) for line in lines) + 2 * size
    image = Image.new("RGB", (width, 2 * size * len(lines) + size), "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((size, size * (2 * row + 0.75)), line, font=font, fill="black")
    return np.asarray(image)


def png(image: np.ndarray) -> bytes:
    """The file of an image."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def speech(vowels: str = "aioue", repeats: int = 2) -> np.ndarray:
    """Vowels with a pause after each round of them, at 16 kHz, f32[n] within -0.5 and 0.5."""
    noise = np.random.default_rng(0)
    parts = [np.zeros(RATE // 2)]
    for number, vowel in enumerate(vowels * repeats):
        parts += [spoken(vowel, number, noise), np.zeros(RATE // 20)]
        if (number + 1) % len(vowels) == 0:
            parts.append(np.zeros(RATE))
    wave = np.concatenate(parts)
    return (wave / np.abs(wave).max() / 2 + 1e-4 * noise.standard_normal(wave.size)).astype(np.float32)


def spoken(vowel: str, number: int, noise: np.random.Generator) -> np.ndarray:
    """A vowel of 0.28 s: harmonics of a wavering pitch, loudest near its formants."""
    seconds = np.arange(int(0.28 * RATE)) / RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 3 * seconds + number) + 15 * np.sin(number)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    wave = 0.02 * noise.standard_normal(seconds.size)
    for harmonic in range(1, 40):
        gain: Any = 0.01
        for peak, formant in zip(PEAKS, FORMANTS[vowel], strict=True):
            gain = gain + peak * np.exp(-(((harmonic * pitch - formant) / (80 + 0.04 * formant)) ** 2))
        wave += gain * np.sin(harmonic * phase) / harmonic**0.5
    return wave * np.hanning(seconds.size) ** 0.5
