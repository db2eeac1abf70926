import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn

from snncore.few_spike import fs_run, published_neurons, relu_code
from snncore.few_spike.comparison import compare, deviation, layer_errors
from snncore.few_spike.convert import convert


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
