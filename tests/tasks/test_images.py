import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from data import needs_data
from snncore.tasks import images
from snncore.tasks.images import augmented, cifar10


@pytest.mark.parametrize("mirror", [False, True])
def test_augmented_images_are_shifted_and_mirrored(mirror):
    x = torch.rand(200, 2, 6, 5, generator=torch.Generator().manual_seed(0)) + 1
    y = augmented(x, torch.Generator().manual_seed(1), pad=1, mirror=mirror)
    assert y.shape == x.shape
    seen = set()
    for a, b in zip(x, y, strict=True):
        padded = torch.zeros(2, 8, 7)
        padded[:, 1:7, 1:6] = a
        found = [
            (mirrored, top, left)
            for mirrored in (False, True)
            for top in range(3)
            for left in range(3)
            if torch.equal(b, (padded.flip(2) if mirrored else padded)[:, top : top + 6, left : left + 5])
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == (18 if mirror else 9)


def test_a_square_is_left_out_of_each_image_centred_anywhere_in_it():
    y = augmented(torch.ones(2000, 3, 5, 7), torch.Generator().manual_seed(0), pad=0, hole=3)
    left_out = y[:, 0] == 0
    assert torch.equal(y == 0, left_out[:, None].expand_as(y))  # all channels
    spans = [[tuple((torch.arange(size) - at).abs().le(1).tolist()) for at in range(size)] for size in (5, 7)]
    seen = [map(tuple, left_out.any(axis).tolist()) for axis in (2, 1)]
    assert {*zip(*seen, strict=True)} == {*itertools.product(*spans)}
    assert torch.equal(left_out, left_out.any(2)[:, :, None] & left_out.any(1)[:, None, :])  # filled


def test_images_stay_with_their_labels_and_the_right_way_up(monkeypatch):
    labels = np.arange(20)
    shown = np.broadcast_to(labels[:, None, None, None], (20, 32, 32, 3)).astype(np.uint8).copy()
    shown[:, 3, 5] += 100
    monkeypatch.setattr(images, "read_cifar10", lambda: dict.fromkeys(("train", "test"), SimpleNamespace(images=shown, labels=labels)))
    monkeypatch.setattr(images, "VALIDATION", 5)
    for part in cifar10().values():
        pixels = 255 * (part.images * torch.tensor(images.CIFAR10_STD).view(3, 1, 1) + torch.tensor(images.CIFAR10_MEAN).view(3, 1, 1))
        expected = (part.labels[:, None, None] + torch.tensor([0.0, 100.0])).expand(-1, 3, 2)
        assert torch.equal((pixels[:, :, [0, 3], [0, 5]]).round(), expected)


@pytest.mark.slow
@needs_data
def test_cifar10_is_split_at_random_and_normalized():
    data = cifar10()
    assert {name: len(split.labels) for name, split in data.items()} == {"train": 48_000, "validation": 2_000, "test": 10_000}
    for split in data.values():  # each part, and each beginning of it, has all categories about equally often
        counts = torch.bincount(split.labels[:2_000], minlength=10)
        assert 140 < counts.min() <= counts.max() < 260
    assert data["train"].images.mean((0, 2, 3)).abs().max() < 0.05
    assert (data["train"].images.std((0, 2, 3)) - 1).abs().max() < 0.05
