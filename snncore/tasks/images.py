"""Image classification: CIFAR-10 as tensors, with the usual augmentation."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from snncore.seeds import torch_generator
from snncore.tasks.data_sets import read_cifar10

CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)  # per channel, of the training images in [0, 1]
CIFAR10_STD = (0.2470, 0.2435, 0.2616)
VALIDATION = 2_000  # training images, drawn at random, held out for every choice


class Labeled(NamedTuple):
    """Images, normalized per channel, and their categories."""

    images: Float[Tensor, "batch channel height width"]
    labels: Int[Tensor, " batch"]


def cifar10() -> dict[str, Labeled]:
    """CIFAR-10: {"train": 48,000, "validation": 2,000 (drawn from the training images), "test": 10,000}; always the same, shuffled."""
    mean, std = (torch.tensor(a).view(3, 1, 1) for a in (CIFAR10_MEAN, CIFAR10_STD))

    def tensors(split) -> Labeled:
        order = torch.randperm(len(split.labels), generator=torch_generator(0, "order of CIFAR-10"))  # files may be sorted by category
        images = torch.from_numpy(split.images)[order].permute(0, 3, 1, 2).float().div_(255)
        return Labeled(images.sub_(mean).div_(std).contiguous(), torch.from_numpy(split.labels)[order])

    official = read_cifar10()
    train = tensors(official["train"])
    return {
        "train": Labeled(*(a[:-VALIDATION] for a in train)),
        "validation": Labeled(*(a[-VALIDATION:] for a in train)),
        "test": tensors(official["test"]),
    }


def augmented(
    images: Shaped[Tensor, "batch channel height width"], generator: torch.Generator, pad: int = 4, hole: int = 0, mirror: bool = True
) -> Shaped[Tensor, "batch channel height width"]:
    """Each image shifted by up to ``pad`` pixels in each direction (zeros come in), and mirrored with probability 1/2, or never.

    With ``hole``, a square of so many pixels across becomes 0, centred anywhere in the image, so that a part may lie beyond its edge (T.
    DeVries and G. W. Taylor, arXiv 1708.04552, 2017).
    """
    n, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (pad,) * 4)
    top, left = (torch.randint(0, 2 * pad + 1, (n, 1), generator=generator) for _ in range(2))
    mirrored = mirror & (torch.rand((n, 1), generator=generator, dtype=torch.float32) < 0.5)
    rows, columns = torch.arange(height) + top, torch.arange(width)
    columns = torch.where(mirrored, columns.flip(0), columns) + left
    drawn = padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if not hole:
        return drawn
    covered = []
    for size in (height, width):
        first = torch.randint(0, size, (n, 1), generator=generator) - hole // 2
        covered.append((torch.arange(size) >= first) & (torch.arange(size) < first + hole))
    return drawn.masked_fill((covered[0][:, :, None] & covered[1][:, None, :])[:, None], 0)
