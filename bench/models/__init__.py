"""Small networks of every kind, built on the spot with random weights: a function a network."""

from bench.models import (
    audio,
    detection,
    elementary,
    images,
    irregular,
    language,
    quantized,
    recurrent,
    windows,
)
from bench.models.graph import BUILDERS, Built

__all__ = [
    "BUILDERS",
    "Built",
    "audio",
    "detection",
    "elementary",
    "images",
    "irregular",
    "language",
    "quantized",
    "recurrent",
    "windows",
]
