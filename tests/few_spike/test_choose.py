import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snncore.few_spike import choose, convert, fs_decode, fs_neuron, fs_run, relu_code, statistics
from snncore.few_spike.choose import calibrate, prices_of
from snncore.few_spike.layer import Inputs
from snncore.few_spike.operations import Activation
from snncore.few_spike.trace import traced
from tests.few_spike.test_convert import Functional, images

pytestmark = pytest.mark.usefixtures("quick_fits")


def test_calibration_looks_at_all_columns():
    columns = torch.arange(8.0).expand(256, 96, 8, 8)  # regular places would be those of a single one
    graph, _, places = traced(nn.Sequential(nn.SiLU()), columns[:1])
    (seen,), (again,), (other,) = (calibrate(graph, list(places), Inputs(columns), seed).values() for seed in (0, 0, 1))
    assert 50_000 <= len(seen) <= 50_100
    counts = np.bincount(seen.astype(int))
    assert len(counts) == 8
    assert abs(counts - len(seen) / 8).max() < 5 * math.sqrt(len(seen) / 8)
    assert (seen == again).all()
    assert (seen != other).any()
    x = images(20)
    (few,) = calibrate(graph, list(places), Inputs(x), 0).values()
    assert (np.unique(few) == np.unique(x.double())).all()  # of small layers all inputs


@pytest.mark.parametrize("after", [(nn.SiLU(), nn.Conv2d(8, 8, 3), nn.ReLU()), (nn.ReLU(), nn.Flatten(), nn.Linear(288, 1), nn.Flatten(0))])
def test_a_price_on_spikes_saves_spikes(after):
    network, x = nn.Sequential(nn.Conv2d(3, 8, 3), *after).eval(), images(32)  # the second has an output of one number
    network.requires_grad_(len(after) > 3)  # also where no weight has a gradient
    free, priced = (statistics(convert(network, x[:1], x, K=8, spike_penalty=p).network, x)[1].spikes_per_neuron for p in (0.0, 0.1))
    assert priced < 0.6 * free


@pytest.mark.parametrize("price", [0.0, 0.002, 0.05])
def test_the_code_of_a_range_is_the_best_for_error_and_price(price):
    x = np.random.default_rng(0).gamma(1.0, 1.0, 500)

    def objective(p):
        z, _ = fs_run(torch.from_numpy(x), p)
        return float((fs_decode(z, p) - torch.from_numpy(x)).square().mean() + price * z.sum(0).mean())

    tops = x.max() * 2.0 ** (np.arange(24, -25, -1) / 8)
    found = choose.fitted(Activation("relu", F.relu), x, 5, price, 0)
    assert objective(found) == pytest.approx(min(objective(relu_code(32 / 31 * top, 5, nearest=True)) for top in tops), rel=1e-4)


@torch.no_grad()
def test_an_error_is_priced_by_what_it_does_to_the_output():
    network = nn.Sequential(nn.Linear(5, 40), nn.SiLU(), nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 7)).eval()
    network[4].weight.abs_()  # now errors of one sign add up
    x = torch.randn(32, 5, generator=torch.Generator().manual_seed(0))
    graph, _, places = traced(network, x[:1])
    silu, relu = places
    variance, hidden, last = float(network(x).var(0).sum()), network[:4](x), network[4].weight
    code = relu_code(0.2, 1)
    e = fs_neuron(network[:3](x), code) - hidden
    white, coded = prices_of(graph, places, Inputs(x), {}, 0), prices_of(graph, places, Inputs(x), {relu: code}, 0)

    def expected(neurons, added):
        return pytest.approx(variance / 70 * neurons / float(added), rel=0.3)  # from 16 random directions for each of 32 images

    assert white[relu] == expected(30, last.square().sum())
    assert white[silu] == expected(40, (last @ torch.diag_embed((hidden > 0).float()) @ network[2].weight).square().sum((1, 2)).mean())
    assert coded[relu] == expected(30, (e @ last.T).square().sum(1).mean() / e.square().mean())
    assert coded[silu] == white[silu]
    assert coded[relu] < white[relu] / 5


@pytest.mark.parametrize("cut", [lambda y: y.detach(), torch.detach, lambda y: y.data])
def test_an_error_reaches_the_output_through_what_stops_gradients(cut):
    x = torch.randn(32, 5, generator=torch.Generator().manual_seed(0))

    def price(function):
        graph, _, places = traced(Functional(lambda x: 3 * function(F.silu(x))), x)
        (found,) = prices_of(graph, places, Inputs(x), {}, 0).values()
        return found

    assert price(cut) == price(lambda y: y) > 0
