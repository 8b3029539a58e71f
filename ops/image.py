"""Images from files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from jitrt.errors import InvalidArgument
from jitrt.errors import NotImplemented as NotImplementedHere
from jitrt.opdef import host_operator

Array = np.ndarray[Any, Any]
MODES = {"RGB": "RGB", "BGR": "RGB", "Grayscale": "L"}


@host_operator("ImageDecoder", since=20)
def image_decoder(encoded_stream: Array, *, pixel_format: str = "RGB") -> Array:
    """Pixels [H, W, C] of an encoded image. https://onnx.ai/onnx/operators/onnx__ImageDecoder.html

    BMP, JPEG, JPEG 2000, TIFF, PNG, WebP and PNM; no pixels [0, 0, C] for what cannot be decoded.
    Raises NotImplemented where Pillow is not installed.
    """
    if pixel_format not in MODES:
        raise InvalidArgument(f"pixel_format is RGB, BGR or Grayscale, got {pixel_format!r}")
    try:
        from PIL import Image
    except ImportError as error:
        raise NotImplementedHere("ImageDecoder needs Pillow: pip install 'jitrt[image]'") from error
    try:
        with Image.open(io.BytesIO(encoded_stream.tobytes()), formats=FORMATS) as image:
            pixels = np.asarray(image.convert(MODES[pixel_format]))
    # a broken file surfaces as almost any exception of a codec
    except Exception:
        return np.zeros((0, 0, 1 if pixel_format == "Grayscale" else 3), np.uint8)
    if pixel_format == "Grayscale":
        return pixels[:, :, np.newaxis]
    return pixels[:, :, ::-1] if pixel_format == "BGR" else pixels


FORMATS = ("BMP", "JPEG", "JPEG2000", "TIFF", "PNG", "WEBP", "PPM")
