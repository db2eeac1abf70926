import pytest
import scipy.stats
import torch
from torch import nn

from snncore.few_spike import FSParams, convert, published_neurons, spike_train, statistics, variants
from snncore.few_spike.layer import fs_layers

OFFSET = 13  # step, from 0, in which the published SiLU neuron shifts its output down


def silu_network():
    ann = nn.Sequential(nn.Linear(5, 30), nn.SiLU(), nn.Linear(30, 10), nn.Sigmoid(), nn.Linear(10, 4), nn.SiLU()).double().eval()
    return ann, torch.randn(200, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_silence_says_the_same_with_the_spikes_that_are_counted():
    ann, x = silu_network()
    given, by_hand = published_neurons(), 0.0
    few = convert(ann, x[:1], coefficients=given).network
    found = statistics(few, x)[1]
    for layer in found.layers:
        z = sent = spike_train(few, x, layer.node)
        if layer.params == given["silu"]:
            sent = torch.cat([z[:OFFSET], 1 - z[OFFSET : OFFSET + 1], z[OFFSET + 1 :]])
            d = torch.tensor(layer.params.d).double()
            turned = d * torch.where(torch.arange(16) == OFFSET, -1, 1)
            assert torch.allclose(torch.tensordot(turned, sent, 1) + d[OFFSET], torch.tensordot(d, z, 1), rtol=1e-12, atol=1e-12)
        by_hand += float(sent.sum()) / 200
    assert variants.spikes_by_silence(found, given["silu"], OFFSET) == pytest.approx(by_hand / 44)
    assert by_hand / 44 < found.spikes_per_neuron - 0.3


def test_no_noise_and_many_bits_disturb_nothing_and_one_bit_has_no_sign():
    ann, x = silu_network()
    few = convert(ann, x[:1], coefficients=published_neurons()).network
    quiet, loud = (variants.noisy(few, sigma, torch.Generator().manual_seed(0)) for sigma in (0.0, 0.05))
    assert torch.allclose(quiet(x), few(x), rtol=1e-12)
    assert not torch.allclose(loud(x), few(x), rtol=0.01)
    assert fs_layers(few)  # it is left as it is
    assert not fs_layers(quiet)
    assert torch.allclose(variants.coarse(ann, 30)(x), ann(x), rtol=1e-5)
    with pytest.raises(ValueError, match="bits is 1: give 2 or more"):
        variants.coarse(nn.Linear(2, 2), 1)


def test_noise_is_drawn_anew_for_each_comparison():
    """A neuron that subtracts nothing fires in each of two steps by chance: its sums are as likely as those of two coins."""
    p, n = FSParams((1.0, 1.0), (0.0, 0.0), (1.0, 2.0)), 100_000
    few = convert(nn.Sequential(nn.ReLU()), torch.ones(1, 1), coefficients={"relu": p}).network
    y = variants.noisy(few, 0.5, torch.Generator().manual_seed(0))(torch.full((n, 1), 1.3)).flatten()
    heads = scipy.stats.norm.cdf(0.6)
    expected = [(1 - heads) ** 2, heads * (1 - heads), heads * (1 - heads), heads**2]
    assert torch.bincount(y.long(), minlength=4).div(n).tolist() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("bits", [2, 5])
def test_weights_of_few_bits(bits):
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Linear(100, 6))
    coarse = variants.coarse(network, bits)
    for i in (0, 2):
        before, after = network[i].weight.detach().flatten(1), coarse[i].weight.detach().flatten(1)
        step = before.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
        assert max(len(row.unique()) for row in (after / step).round(decimals=3)) <= 2**bits - 1
        assert ((after - before).abs() <= step / 2 + 1e-6).all()
        assert torch.equal(coarse[i].bias, network[i].bias)
