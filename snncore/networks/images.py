"""Image classifiers with their published weights.

EfficientNet-Lite (Google, 2020) is EfficientNet without squeeze-and-excitation and with ReLU6 in place of SiLU. Architecture and ImageNet
weights come from the packages of the extra ``images``.
"""

import numpy as np
import torch
from torch import nn

from snncore.datafiles import find
from snncore.shapes import FloatTensor

SIZE = {0: 224}  # input width and height [pixel] of each version


def efficientnet_lite(version: int = 0) -> nn.Module:
    """EfficientNet-Lite with its ImageNet weights, in evaluation mode.

    Raises
    ------
    ValueError
        For a version that has no weights here.
    snncore.datafiles.DataError
        If the weights are missing or damaged.
    """
    if version not in SIZE:
        raise ValueError(f"version is {version}: there are weights for {', '.join(map(str, SIZE))}")
    from efficientnet_lite_pytorch import EfficientNet  # of the extra `images`: imported where it is used

    network = EfficientNet.from_name(f"efficientnet-lite{version}")
    (weights,) = find(f"efficientnet_lite{version}").paths.values()
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def efficientnet_lite_input(photographs: list[np.ndarray], version: int = 0) -> FloatTensor:
    """Photographs (height, width, 3; uint8) as input of the network.

    The shorter side becomes s + 32 pixels (bicubic), the central s x s pixels p become (p - 127) / 128.

    Returns
    -------
    tensor, shape (photograph, 3, s, s)
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
