import numpy as np
import pytest
import torch

from snncore.tasks.sequential_images import THRESHOLDS, halved, rows, threshold_code


def slow_code(image, cue):
    """One image, one pixel, one threshold at a time."""
    pixels = [int(p) for p in image.flatten()]
    x = np.zeros((len(pixels) + cue, 80), int)
    for t, pixel in enumerate(pixels):
        if pixel == 255:
            x[t, 78] = 1
        for k in range(1, 39):
            if t + 1 < len(pixels):
                x[t, 2 * k] = pixel < THRESHOLDS[k] <= pixels[t + 1]
                x[t, 2 * k + 1] = pixels[t + 1] < THRESHOLDS[k] <= pixel
    x[len(pixels) :, 79] = 1
    return x


def test_code_is_the_slow_one():
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    images[0, :5], images[1, 3:9, 3:9] = 0, 255
    x = threshold_code(images)
    assert (x.shape, x.dtype) == ((840, 3, 80), torch.uint8)
    assert (x.numpy() == np.stack([slow_code(image, 56) for image in images], 1)).all()


def test_other_forms():
    images = np.random.default_rng(2).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    x = rows(images)
    assert (x.shape, x.dtype) == ((28, 4, 28), torch.float32)
    assert x[3, 2, 5] == images[2, 3, 5] / np.float32(255)
    small = halved(images)
    assert small.shape == (4, 14, 14)
    assert abs(int(small[1, 2, 3]) - images[1, 4:6, 6:8].mean()) <= 0.5


@pytest.mark.parametrize("read", [threshold_code, rows, halved])
def test_images_that_would_be_taken_for_black_ones_are_refused(read, unchecked):
    images = np.full((4, 28, 28), 200, np.uint8)
    for bad, words in (
        (images / 255, r"images are float64 of shape \(4, 28, 28\): give an array of uint8, 0 \(black\) to 255"),
        (images[0], r"images are uint8 of shape \(28, 28\)"),
        (images[:0], r"images are uint8 of shape \(0, 28, 28\): .*, not empty"),
    ):
        with pytest.raises(ValueError, match=words):
            read(bad)
    with pytest.raises(ValueError, match="images are 27 x 28: give an even height and width"):
        halved(images[:, 1:])
