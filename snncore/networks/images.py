"""Image classifiers with their weights.

EfficientNet-Lite (Google, 2020) is EfficientNet without squeeze-and-excitation and with ReLU6 in place of SiLU. Architecture and ImageNet
weights come from the packages of the extra ``images``. This project trains the small networks for CIFAR-10; their weights lie in
``data/checkpoints``.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from snncore.datafiles import find
from snncore.networks.checkpoints import load_checkpoint
from snncore.shapes import FloatTensor

SIZE = {0: 224, 1: 240, 2: 260}  # input width and height [pixel] of each version


def efficientnet_lite(version: int = 0) -> nn.Module:
    """EfficientNet-Lite of a version (`SIZE`) with its ImageNet weights, in evaluation mode; `DataError` if they are missing or damaged."""
    from efficientnet_lite_pytorch import EfficientNet  # of the extra `images`: imported where it is used

    network = EfficientNet.from_name(f"efficientnet-lite{version}")
    (weights,) = find(f"efficientnet_lite{version}").paths.values()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def efficientnet_lite_input(photographs: list[np.ndarray], version: int = 0) -> FloatTensor:
    """Photographs (height, width, 3; uint8) as input of the network, shape (photograph, 3, s, s).

    The shorter side becomes s + 32 pixels (bicubic), the central s x s pixels p become (p - 127) / 128.
    """
    from PIL import Image

    size = SIZE[version]
    batch = []
    for photograph in photographs:
        image = Image.fromarray(photograph)
        scale = (size + 32) / min(image.size)
        width, height = (round(side * scale) for side in image.size)
        left, top = (width - size) // 2, (height - size) // 2
        image = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))
        batch.append(torch.from_numpy((np.asarray(image, dtype=np.float32) - 127) / 128).permute(2, 0, 1))
    return torch.stack(batch)


def imagenet_categories() -> list[str]:
    """Names of the 1000 categories of ImageNet, in their usual order."""
    from torchvision.models import EfficientNet_B7_Weights

    return list(EfficientNet_B7_Weights.IMAGENET1K_V1.meta["categories"])


class ResidualBlock(nn.Module):
    """relu(x + bn(conv(relu(bn(conv(x)))))), with bn(conv 1 x 1) on x where the size changes."""

    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):  # no shapes in the signature: tracing calls it with symbols
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def cifar_resnet(depth: int) -> nn.Module:
    """ResNet of 6n + 2 layers for 32 x 32 images and 10 categories: 16, 32 and 64 channels, n blocks each. Untrained.

    Source: K. He et al., Deep residual learning for image recognition, CVPR 2016, section 4.2.

    Raises `ValueError` if the depth is not 6n + 2.
    """
    n, rest = divmod(depth - 2, 6)
    if n < 1 or rest:
        raise ValueError(f"depth is {depth}: give 6n + 2, such as 8, 14 or 20")
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels_in = 16
    for channels in (16, 32, 64):
        for i in range(n):
            layers.append(ResidualBlock(channels_in, channels, 2 if i == 0 and channels > 16 else 1))
            channels_in = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def cifar_efficientnet() -> nn.Module:
    """A small EfficientNet for 32 x 32 images and 10 categories, untrained.

    SiLU everywhere, ordinary convolutions in the early blocks as in EfficientNetV2, and inverted bottlenecks with squeeze-and-excitation
    (sigmoid gates) as in EfficientNet-B7 in the late ones.

    Sources: M. Tan and Q. V. Le, EfficientNet, ICML 2019; EfficientNetV2, ICML 2021.
    """
    from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConvConfig

    stages = [
        FusedMBConvConfig(expand_ratio=1, kernel=3, stride=1, input_channels=24, out_channels=24, num_layers=1),
        FusedMBConvConfig(expand_ratio=1, kernel=3, stride=2, input_channels=24, out_channels=48, num_layers=2),
        FusedMBConvConfig(expand_ratio=2, kernel=3, stride=2, input_channels=48, out_channels=64, num_layers=1),
        MBConvConfig(expand_ratio=4, kernel=3, stride=1, input_channels=64, out_channels=64, num_layers=3),
    ]
    network = EfficientNet(stages, dropout=0.1, stochastic_depth_prob=0.0, num_classes=10, last_channel=256)
    network.features[0][0].stride = (1, 1)  # the photographs are small: no halving at the entrance
    return network


class Attention(nn.Module):
    """Self-attention of tokens, shape (image, token, width), in several heads."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Residual(nn.Module):
    """x + part(norm(x))."""

    def __init__(self, width: int, part: nn.Module):
        super().__init__()
        self.norm, self.part = nn.LayerNorm(width), part

    def forward(self, x):
        return x + self.part(self.norm(x))


class VisionTransformer(nn.Module):
    """A small vision transformer for gray images, shape (image, 1, pixels, pixels), and 10 categories; untrained.

    Each patch of ``patch`` x ``patch`` pixels is a token of ``width`` numbers. In each of ``depth`` blocks, attention and a network of two
    layers with GELU act on normalized tokens, and add to them. The mean token is classified.

    Source: A. Dosovitskiy et al., An image is worth 16 x 16 words, ICLR 2021.
    """

    def __init__(self, pixels: int = 28, patch: int = 4, width: int = 32, heads: int = 2, depth: int = 2):
        super().__init__()
        self.patches = nn.Conv2d(1, width, patch, patch)
        self.place = nn.Parameter(0.02 * torch.randn((pixels // patch) ** 2, width))
        blocks = []
        for _ in range(depth):
            both_layers = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            blocks += [Residual(width, Attention(width, heads)), Residual(width, both_layers)]
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(width))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.place
        return self.head(self.blocks(tokens).mean(1))


CIFAR: dict[str, Callable[[], nn.Module]] = {f"resnet{depth}": partial(cifar_resnet, depth) for depth in (8, 14, 20)}
CIFAR["silu"] = cifar_efficientnet


def cifar_network(name: str) -> nn.Module:
    """One of the networks `CIFAR`, trained by this project, in evaluation mode; `DataError` if its checkpoint is missing or damaged."""
    if name not in CIFAR:
        raise ValueError(f"no network of this project is named {name!r}: there are {', '.join(CIFAR)}")
    return load_checkpoint(f"cifar_{name}", CIFAR[name]()).eval()
