"""Image files of every format, written by Pillow."""

import builtins
import io

import numpy as np
import pytest

import jitrt

Image = pytest.importorskip("PIL.Image")

LOSSLESS = {"BMP": {}, "TIFF": {}, "PNG": {}, "WEBP": {"lossless": True}, "PPM": {}, "JPEG2000": {}}


def pixels(height=13, width=17, channels=3):
    """Colors that change slowly, which JPEG keeps nearly as they are."""
    y, x = np.mgrid[:height, :width]
    return np.stack([8 * x + 20, 9 * y + 30, 4 * (x + y) + 10], -1).astype(np.uint8)[:, :, :channels]


def encoded(image, name, **options):
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, format=name, **options)
        return np.frombuffer(file.getvalue(), np.uint8)


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_formats(name):
    image = pixels()
    stream = encoded(image, name, **LOSSLESS[name])
    np.testing.assert_array_equal(jitrt.call("ImageDecoder", stream), image, strict=True)
    got = jitrt.call("ImageDecoder", stream, pixel_format="BGR")
    np.testing.assert_array_equal(got, image[:, :, ::-1], strict=True)
    luma = image @ np.array([0.299, 0.587, 0.114])
    gray = jitrt.call("ImageDecoder", stream, pixel_format="Grayscale")
    assert (gray.shape, gray.dtype) == ((13, 17, 1), np.uint8)
    assert np.abs(gray[:, :, 0] - luma).max() <= 1


def test_jpeg():
    image = pixels()
    got = jitrt.call("ImageDecoder", encoded(image, "JPEG", quality=95, subsampling=0))
    assert np.abs(got.astype(int) - image).max() <= 6


def test_gray_transparent_and_palette_files_have_the_channels_asked_for():
    gray = pixels(channels=1)[:, :, 0]
    got = jitrt.call("ImageDecoder", encoded(gray, "PNG"))
    np.testing.assert_array_equal(got, np.repeat(gray[:, :, None], 3, -1))
    opaque = np.concatenate([pixels(), np.full((13, 17, 1), 255, np.uint8)], -1)
    np.testing.assert_array_equal(jitrt.call("ImageDecoder", encoded(opaque, "PNG")), pixels())
    with io.BytesIO() as file:
        Image.fromarray(pixels() // 128 * 255).quantize(8).save(file, "PNG")
        stream = np.frombuffer(file.getvalue(), np.uint8)
    np.testing.assert_array_equal(jitrt.call("ImageDecoder", stream), pixels() // 128 * 255)


@pytest.mark.parametrize(("pixel_format", "channels"), [("RGB", 3), ("BGR", 3), ("Grayscale", 1)])
def test_what_cannot_be_decoded_has_no_pixels(pixel_format, channels):
    whole = encoded(pixels(), "PNG")
    for stream in (np.zeros(0, np.uint8), np.arange(99, dtype=np.uint8), whole[: len(whole) // 2]):
        assert jitrt.call("ImageDecoder", stream, pixel_format=pixel_format).shape == (0, 0, channels)


def test_other_file_types_are_not_decoded():
    assert jitrt.call("ImageDecoder", encoded(pixels(), "GIF")).shape == (0, 0, 3)


def test_an_unknown_pixel_format():
    with pytest.raises(jitrt.errors.InvalidArgument, match="RGB, BGR or Grayscale, got 'CMYK'"):
        jitrt.call("ImageDecoder", np.zeros(3, np.uint8), pixel_format="CMYK")


def test_without_pillow(monkeypatch):
    imported = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "PIL":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(jitrt.errors.NotImplemented, match=r"needs Pillow: pip install 'jitrt\[image\]'"):
        jitrt.call("ImageDecoder", np.zeros(3, np.uint8))
