"""Images as sequences: a network sees a handwritten digit bit by bit and has to remember what it has seen.

The threshold-crossing code of the published network: 40 thresholds, evenly spaced over the gray values. Inputs 2k and 2k + 1 spike when
the gray value rises or falls past threshold k (k = 1..38) from one pixel to the next; input 78 spikes where a pixel is fully white; then,
when all pixels have been shown, input 79 spikes in each step to ask for the answer. Inputs 0 and 1 belong to a threshold of 0, which is
never crossed.

Source: A. Rao, P. Plank, A. Wild, W. Maass, Nature Machine Intelligence 4, 467-479 (2022), and its code (Intel, BSD-3-Clause).
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from snncore.shapes import described

INPUTS = 80
CUE = 56  # steps in which a network that has seen 28 x 28 pixels is asked
THRESHOLDS = np.floor(np.linspace(0, 255, INPUTS // 2)).astype(int)

Images = UInt8[np.ndarray, "batch height width"]


def _check(images: Images) -> None:
    """Refuse images other than gray ones of 8 bits (ValueError): those from 0 to 1 would be taken for black ones."""
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 3 or not images.size:
        raise ValueError(f"images are {described(images)}: give an array of uint8, 0 (black) to 255, (batch, height, width), not empty")


def threshold_code(images: Images, cue: int = CUE) -> UInt8[Tensor, "time batch 80"]:
    """Spikes of the 80 inputs: one step per pixel, row by row, then ``cue`` steps."""
    _check(images)
    pixels = images.reshape(len(images), -1).T
    steps, batch = pixels.shape
    level = np.searchsorted(THRESHOLDS, pixels, side="right")[..., None] - 1  # the highest threshold reached
    k = np.arange(1, INPUTS // 2 - 1)
    before, after = level[:-1], level[1:]
    x = np.zeros((steps + cue, batch, INPUTS), np.uint8)
    x[: steps - 1, :, 2:-2:2] = (before < k) & (k <= after)
    x[: steps - 1, :, 3:-2:2] = (after < k) & (k <= before)
    x[:steps, :, -2] = pixels == 255
    x[steps:, :, -1] = 1
    return torch.from_numpy(x)


def rows(images: Images) -> Float[Tensor, "height batch width"]:
    """One row of pixels per step, as gray values from 0 to 1."""
    _check(images)
    return torch.from_numpy(images.transpose(1, 0, 2) / np.float32(255))


def halved(images: Images) -> UInt8[np.ndarray, "batch half_height half_width"]:
    """Images of half the (even) width and height: means of 2 x 2 pixels, rounded."""
    _check(images)
    n, height, width = images.shape
    if height % 2 or width % 2:
        raise ValueError(f"images are {height} x {width}: give an even height and width")
    return np.round(images.reshape(n, height // 2, 2, width // 2, 2).mean((2, 4))).astype(np.uint8)
