import json

import pytest
import torch
from torch import nn

from snncore import ledger
from snncore.datafiles import package_file
from snncore.few_spike.convert import convert
from snncore.few_spike.graphs import FAMILIES, families, layers_of, rhythm_table, senders_of, size_of
from snncore.few_spike.layer import fs_layers
from snncore.few_spike.schedule import chain
from snncore.networks.images import CIFAR

SLOW = pytest.mark.slow


@pytest.mark.parametrize("others", [False, pytest.param(True, marks=SLOW)])
def test_all_families_of_classifiers_are_counted(others):
    named = ("alexnet", "vit_b_16", "swin_t", "mobilenet_v3_small")
    assert set(named) < set(FAMILIES)
    table = families(FAMILIES if others else named).set_index("network")
    assert tuple(table.index) == (FAMILIES if others else named)
    first = 64 * 55**2 + 192 * 27**2 + (384 + 2 * 256) * 13**2 + 2 * 4096  # of AlexNet
    assert table.loc["alexnet"].tolist() == [7, f"{first:,}", "relu", "3 MaxPool2d"]
    patches = 14 * 14 + 1
    assert table.loc["vit_b_16"].tolist() == [12, f"{12 * patches * 3072:,}", "gelu", "25 LayerNorm, 12 MultiheadAttention"]
    assert table["analog"]["swin_t"].endswith("12 shifted_window_attention")
    assert table["activations"]["mobilenet_v3_small"] == "hardsigmoid, hardswish, relu"


def test_spikes_per_neuron_of_the_logs_are_what_the_ledger_has():
    from torchvision.models import efficientnet_b7, resnet50

    log, claims = json.loads(package_file("few_spike_log.json").read_text())["spikes_per_image"], ledger.package_claims()
    neurons = {"b7": size_of(efficientnet_b7, 600).neurons["silu"], "resnet50": size_of(resnet50, 224).neurons["relu"]}
    for name, count in neurons.items():
        per_neuron, total = claims[f"img.{name}.spikes_per_neuron"], claims[f"img.{name}.spikes"]
        assert round(log[name]["spikes"] / count, 4) == per_neuron.value
        assert round(log[name]["spikes"] / count, 2) == per_neuron.published
        assert log[name]["spikes"] == pytest.approx(1e6 * total.value)


@pytest.mark.parametrize(("version", "pixels", "layers", "blocks"), [("b0", 224, 65, 4), pytest.param("b7", 600, 218, 13, marks=SLOW)])
def test_rhythms_are_those_of_the_longest_shortcut(version, pixels, layers, blocks):
    from torchvision import models

    made = {"a chain": (chain(219), [0] * 219), "ResNet-20": layers_of(CIFAR["resnet20"], 32)}
    made |= {"ResNet50": layers_of(models.resnet50, 224), "EfficientNet": layers_of(getattr(models, f"efficientnet_{version}"), pixels)}
    table = rhythm_table(made).set_index("network")
    of_chain = [2, 1]
    assert table.loc["a chain"].tolist() == [218, *of_chain, *of_chain, 0]
    held = 4 * 16 * 32**2 + 3 * 32 * 16**2 + 2 * 64 * 8**2  # inputs of the blocks, each past one layer
    neurons = 7 * 16 * 32**2 + 6 * 32 * 16**2 + 6 * 64 * 8**2
    assert table.loc["ResNet-20"].tolist() == [19, 3, 2, *of_chain, held / neurons]
    assert table.loc["ResNet50"].tolist()[:-1] == [49, 4, 3, *of_chain]  # past two layers in each block
    passed = blocks * 4 - 2  # in the longest stage: four layers a block, the first without the one that expands, up to the next expansion
    assert table.loc["EfficientNet"].tolist()[:-1] == [layers, passed + 2, passed + 1, *of_chain]


def test_a_graph_is_the_same_before_and_after_its_conversion():
    senders, neurons = layers_of(CIFAR["resnet20"], 32)
    by_hand = [[], [0]]
    for _ in range(9):
        before = len(by_hand) - 1
        by_hand += [[before], [before, before + 1]]
    assert senders == by_hand
    assert neurons[:3] == [3 * 32**2, 16 * 32**2, 16 * 32**2]
    few = convert(CIFAR["resnet20"](), torch.zeros(1, 3, 32, 32), K=4).network
    assert senders_of(few, fs_layers(few)) == by_hand


def test_gates_and_activations_meet_behind_their_product():
    from torchvision.ops import Conv2dNormActivation, SqueezeExcitation

    def block():
        conv = Conv2dNormActivation(3, 8, activation_layer=nn.SiLU)
        return nn.Sequential(conv, SqueezeExcitation(8, 2, activation=nn.SiLU), nn.Conv2d(8, 4, 1), nn.SiLU())

    senders, _ = layers_of(block, 16)
    assert senders == [[], [0], [1], [2], [1, 3]]  # the image; activations, the two layers of their gates; what receives the product
