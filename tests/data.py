"""Tests that need whole data sets, beside what comes with a checkout; files for tests of readers."""

import io
import os

import numpy as np
import pytest
from PIL import Image

FOLDER = os.environ.get("SNNCORE_DATA")
needs_data = pytest.mark.skipif(not FOLDER, reason="needs whole data sets: set SNNCORE_DATA to a folder that has them")


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    """The file of an image."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def inked(ink: np.ndarray) -> bytes:
    """The file of a symbol as Omniglot has it: black where there is ink."""
    return encoded(Image.fromarray(np.where(ink, 0, 255).astype(np.uint8)))
