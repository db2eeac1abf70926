import math

import pytest
import torch
from torch import nn

from snncore.few_spike import convert, cost, fewest_spikes, fs_run, statistics
from snncore.few_spike.energy import mean_traffic, operations_table
from snncore.few_spike.evaluate import Traffic
from snncore.few_spike.layer import fs_layers


def test_work_adds_up():
    table = operations_table((Traffic("a", 1000, 1000, 0, 1000), Traffic("b", 3000, 900, 1500, 0)), 80)
    integers = 0.2 + 0.1  # a product of 8 bits, and an addition to a sum of 32
    expected = [4000 * 4.6, 4000 * integers, 1900 * integers, 1000 * 4.6 + 1580 * 0.9, 1000 * integers + 1580 * 0.1]
    assert table["energy"].tolist() == pytest.approx(expected)


def test_work_of_several_images_is_their_mean_in_each_layer():
    first, second = (Traffic("a", 10, 8, 4, 0), Traffic("b", 6, 6, 0, 6)), (Traffic("a", 10, 4, 9, 0), Traffic("b", 6, 2, 0, 6))
    assert mean_traffic([first, second]) == (Traffic("a", 10, 6, 6, 0), Traffic("b", 6, 4, 0, 6))


def test_cost_of_a_converted_network_is_counted_spike_by_spike():
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).eval()
    x = torch.rand(4, 6, generator=torch.Generator().manual_seed(0))
    snn, _ = convert(net, x, x, K=4)
    (layer,) = fs_layers(snn).values()
    z, _ = fs_run(net[0](x).detach(), layer.params)
    spikes, active = float(z.sum()) / 4, int((net[1](net[0](x)) > 0).sum())
    work = cost(snn, x).set_index("network")
    assert work.loc["original, 8-bit integers", "multiply-accumulates"] == 6 * 5 + 5 * 3
    assert work.loc["few spikes, integers", ["multiply-accumulates", "additions"]].tolist() == [30, int(3 * spikes) + round(5 * 4 + spikes)]
    assert work.loc["original, 8-bit integers, zeros skipped", "multiply-accumulates"] == 30 + 3 * active // 4


def test_the_fewest_spikes_that_keep_the_score():
    net = nn.Sequential(nn.Linear(6, 20), nn.SiLU(), nn.Linear(20, 3)).eval()
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    answers = net(x).argmax(1)

    def score(other):
        return float((other(x).argmax(1) == answers).float().mean())

    net.append(nn.Dropout(0.9)).train()  # as it comes from training: scored as its conversions are, in evaluation mode
    chosen = fewest_spikes(net, x, score, 0.1, K=(1, 4, 6), penalties=(0.0,))
    assert net.training
    kept = chosen.table[chosen.table["score"] >= 0.9]
    assert 0 < len(kept) < 3
    assert statistics(chosen.network, x)[1].spikes_per_neuron == kept["spikes per neuron"].min()
    with pytest.raises(ValueError, match=r"no conversion has a score of 1 or more: the best, 0\.\d+, has K = 1 and penalty 0\. Try more"):
        fewest_spikes(net, x, score, 0.0, K=(1,), penalties=(0.0,))
    for scored, steps in ((score, ()), (lambda _: math.nan, (1,))):
        with pytest.raises(ValueError, match=r"the score is .*: give a number, and at least one of each"):
            fewest_spikes(net, x, scored, 0.0, K=steps)
