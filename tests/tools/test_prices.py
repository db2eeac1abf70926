import pytest
import torch

from snncore.networks.images import cifar_network
from snncore.tasks.images import Labeled
from snncore.tools import prices
from snncore.trainings.cifar import conversion


def test_prices_are_shown_by_what_validation_images_lose_and_send():
    x = torch.randn(140, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    parts = {"train": x[:96], "validation": x[96:]}
    data = {part: Labeled(images, torch.zeros(len(images), dtype=torch.long)) for part, images in parts.items()}
    table = prices.by_price("resnet8", data, (0.0, 1e-2))
    assert table["price"].tolist() == [0.0, 1e-2]
    assert table["spikes per neuron"][0] > table["spikes per neuron"][1]
    few = conversion("resnet8", data, penalty=0.0).network
    expected, converted = (network(parts["validation"]).argmax(1) == 0 for network in (cifar_network("resnet8"), few))
    assert table["lost [pp]"][0] == pytest.approx(100 * float(expected.double().mean() - converted.double().mean()))
