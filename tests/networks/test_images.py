import pytest
import torch
from torch import nn

from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import statistics
from snncore.few_spike.layer import fs_layers
from snncore.networks import images
from snncore.tasks.data_sets import read_photographs_20


@pytest.mark.parametrize(("depth", "neurons"), [(8, 73_728), (14, 131_072), (20, 188_416)])
def test_cifar_resnets_have_as_many_neurons_as_published(depth, neurons):
    network = images.cifar_resnet(depth)
    assert convert(network, torch.zeros(1, 3, 32, 32), K=10).report.neurons == neurons
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in network.modules()) == depth + 2  # two of them in shortcuts


def test_spikes_of_lite0_are_the_binary_digits_of_the_numbers_sent():
    """A second way to count: read the digits off the decoded outputs of each layer; the largest number, 6, is the first digit alone."""
    K, digits = 8, []
    batch = images.efficientnet_lite_input(read_photographs_20().images[:1])
    snn, _ = convert(images.efficientnet_lite(0), batch, K=K)

    def count(layer, inputs, output):
        sent = (output / (6 / 2 ** (K - 1))).round().to(torch.int64)
        digits.append(int(sum((sent >> k & 1).sum() for k in range(K))))

    with torch.inference_mode():
        layers = statistics(snn, batch)[1].layers
        for layer in fs_layers(snn).values():
            layer.register_forward_hook(count)
        snn(batch)
    assert [layer.spikes for layer in layers] == digits
    assert (len(digits), layers[0].neurons) == (33, 32 * 112 * 112)  # the stem of EfficientNet-Lite0 on 224 x 224
