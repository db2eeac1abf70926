import io
import struct
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from snncore.datafiles import DataError, decode_image


def damaged_headers(format):
    """Files of an image whose bytes were changed near the beginning, or are missing from some place on."""
    file = io.BytesIO()
    Image.fromarray(np.arange(24 * 20 * 3, dtype=np.uint8).reshape(24, 20, 3)).save(file, format)
    data, generator = file.getvalue(), np.random.default_rng(0)
    for _ in range(300):
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
    assert refused > 100


def test_only_a_lack_of_memory_is_not_the_images_fault(monkeypatch):
    for kind in (TypeError, RuntimeError, struct.error, EOFError, OverflowError, SyntaxError):
        monkeypatch.setattr(Image, "open", mock.Mock(side_effect=kind("why")))
        with pytest.raises(DataError, match="not a complete image file: why"):
            decode_image(b"")
    monkeypatch.setattr(Image, "open", mock.Mock(side_effect=MemoryError))
    with pytest.raises(MemoryError):
        decode_image(b"")
