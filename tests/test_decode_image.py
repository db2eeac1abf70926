"""Image files become arrays, or one kind of error."""

import io

import numpy as np
import pytest
from PIL import Image

from data import encoded
from snncore.datafiles import DataError
from snncore.tasks.data_sets import decode_image


def damaged_headers(format):
    """Files of an image whose bytes were changed near the beginning, or are missing from some place on."""
    data = encoded(Image.fromarray(np.arange(24 * 20 * 3, dtype=np.uint8).reshape(24, 20, 3)), format)
    generator = np.random.default_rng(0)
    for _ in range(100):
        changed = bytearray(data)
        changed[generator.integers(0, min(len(data), 150))] = generator.integers(0, 256)
        yield bytes(changed)
        yield data[: generator.integers(0, len(data))]
    if format == "PNG":
        yield data[:8] + (3).to_bytes(4, "big") + data[12:]  # a first chunk that is too short


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP", "BMP", "PPM", "DDS"])
def test_damaged_bytes_are_an_image_or_one_kind_of_error(format):
    """Whatever the suffix, Pillow looks at the bytes, and its decoders raise errors of many kinds."""
    refused = 0
    for data in damaged_headers(format):
        try:
            assert decode_image(data).shape[2] == 3
        except DataError:
            refused += 1
    assert refused > 33


@pytest.mark.parametrize("options", [{"format": "JPEG"}, {"format": "JPEG", "progressive": True}, {"format": "PNG"}])
def test_a_truncated_image_is_never_decoded(options):
    whole = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)), **options)
    assert decode_image(whole).shape == (60, 80, 3)
    for size in range(0, len(whole) - 20, 97):  # the last 12 bytes of a PNG hold no pixels
        with pytest.raises(DataError, match="not a complete image file"):
            decode_image(whole[:size])


def test_gray_and_cmyk_photographs_become_rgb_and_16_bits_are_refused():
    y, x = np.mgrid[:60, :80] * 2
    smooth = np.stack([y, x, 200 - y], 2).astype(np.uint8)
    for mode in ("RGB", "CMYK", "L"):
        image = Image.fromarray(smooth).convert(mode)
        data = encoded(image, "JPEG", quality=98)
        assert Image.open(io.BytesIO(data)).mode == mode
        expected = np.asarray(image)[..., None] if mode == "L" else smooth
        assert np.abs(decode_image(data).astype(int) - expected).max() < 12
    with pytest.raises(DataError, match="mode I;16: save it with 8 bits per color"):
        decode_image(encoded(Image.fromarray(smooth[..., 0].astype(np.uint16) * 256)))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(mode):
    square = Image.new(mode, (30, 30), (0,) * len(mode))
    square.paste((0,) * (len(mode) - 1) + (255,), (5, 5, 15, 15))
    found = decode_image(encoded(square))
    assert [(found == gray).all(2).sum() for gray in (0, 255)] == [100, 800]
