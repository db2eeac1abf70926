import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn

from snncore.few_spike import convert, cost, fewest_spikes, fs_run, published_neurons, relu_code, statistics
from snncore.few_spike.comparison import compare, deviation, layer_errors, mean_traffic, operations_table
from snncore.few_spike.evaluate import Traffic
from snncore.few_spike.layer import fs_layers


def test_agreement_and_drop_are_counted_over_all_batches():
    ann = nn.Sequential(nn.Flatten(), nn.Linear(12, 30), nn.ReLU(), nn.Linear(30, 4)).eval()
    x = torch.randn(60, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    snn = convert(ann, x[:1], coefficients={"relu": relu_code(4.0, 3)}).network
    labels = ann(x).argmax(1).numpy().copy()
    labels[:20] = (labels[:20] + 1) % 4
    answers = compare(ann, snn, x.split(7), labels, "test")
    a, s = ann(x).argmax(1).numpy(), snn(x).argmax(1).numpy()
    assert 0 < (a != s).sum() < 30
    assert (answers.agreement[0], answers.accuracy[0]) == pytest.approx((100 * (a == s).mean(), 100 * 40 / 60))
    drop, low, high = answers.drop
    assert drop == pytest.approx(100 * (40 / 60 - (s == labels).mean()))
    assert low < drop < high
    assert answers._replace(ann=answers.snn, snn=answers.ann).drop == pytest.approx((-drop, -high, -low))
    assert answers.statistics.layers[0].per_image.shape == (60,)
    each = [float(fs_run(part, relu_code(4.0, 3))[0].sum()) / 30 for part in ann[:2](x)]
    t = scipy.stats.t.interval(0.95, 59, np.mean(each), scipy.stats.sem(each))
    assert answers.spikes == pytest.approx((np.mean(each), *t))


@torch.no_grad()
def test_the_error_after_each_layer_is_that_of_the_networks_cut_off_there():
    silu = nn.Sequential(nn.Linear(5, 30), nn.SiLU(), nn.Linear(30, 10), nn.Sigmoid(), nn.Linear(10, 4)).double().eval()
    x = torch.randn(50, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    conversion = convert(silu, x, coefficients=published_neurons())
    by_hand, published = [], published_neurons()
    for depth, activations in ((2, ("silu",)), (4, ("silu", "sigmoid"))):
        exact = silu[:depth](x)
        converted = convert(silu[:depth], x, coefficients={a: published[a] for a in activations})
        by_hand.append(deviation(exact, converted.network(x))["error"])
    table = layer_errors(conversion, x)
    leaky = nn.Sequential(nn.Linear(5, 30), nn.LeakyReLU(0.5), nn.Linear(30, 9), nn.ReLU6()).double().eval()
    other = convert(leaky, x, x, K=10)
    assert layer_errors(other, x)["error"].iloc[0] == pytest.approx(other.report.spiking[0].error, rel=0.1)
    assert (table["layer"].tolist(), table["activation"].tolist()) == ([1, 2], ["silu", "sigmoid"])
    assert table["error"].tolist() == pytest.approx(by_hand)


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
