import copy

import pytest
import torch
from torch import nn

from snncore.learning import deep_r
from snncore.learning.deep_r import DeepR


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def layer(connectivity=0.2, shape=(20, 5)):
    network = nn.Linear(*shape, bias=False)
    network.weight.data = torch.randn(network.weight.shape, generator=generator())
    return network, DeepR(network, ["weight"], connectivity, generator(1))


def existing(network):
    return network.parametrizations.weight[0]


def test_signs_are_fixed_and_as_many_connections_exist_as_before():
    network, rewire = layer(0.3)
    first = copy.deepcopy(existing(network))
    optimizer, ever = torch.optim.SGD(network.parameters(), 0.5), first.exists.clone()
    for step in range(50):
        optimizer.zero_grad()
        (network.weight * torch.randn(5, 20, generator=generator(step))).sum().backward()
        optimizer.step()
        rewire(1.0, generator(step))
        w, now = network.weight.detach(), existing(network)
        assert now.exists.sum() == 30
        assert (w[~now.exists] == 0).all()
        assert ((w < 0) <= first.negative).all()
        assert ((w > 0) <= ~first.negative).all()
        ever |= now.exists
    assert ever.sum() > 60


def test_the_variance_of_sums_stays_and_gradients_reach_only_what_exists():
    network, _ = layer(0.2, (4000, 100))
    assert float(network.weight.detach().square().sum(1).mean()) == pytest.approx(4000, rel=0.02)
    network, _ = layer()
    network.weight.sum().backward()
    assert torch.equal(network.parametrizations.weight.original.grad, existing(network).exists.float())


def test_without_loss_theta_shrinks_and_wanders_as_it_is_said_to(monkeypatch):
    monkeypatch.setattr(deep_r, "SHRINK", 0.01)
    monkeypatch.setattr(deep_r, "NOISE", 0.0)
    network, rewire = layer(0.5, (400, 100))
    size = torch.randn(100, 400, generator=generator()).square().mean().sqrt()
    before = network.weight.detach()
    rewire(0.5, generator(2))
    stay = before.abs() > 0.005 * size
    assert torch.allclose(network.weight.detach().abs()[stay], before.abs()[stay] - 0.005 * size, atol=1e-6)
    monkeypatch.setattr(deep_r, "SHRINK", 0.0)
    monkeypatch.setattr(deep_r, "NOISE", 0.01)
    network, rewire = layer(0.5, (400, 100))
    rewire(1.0, generator(2))
    moved = (network.weight.detach() - before)[before.abs() > 0.1]
    assert float(moved.std()) == pytest.approx(0.01 * float(size), rel=0.02)


def test_it_finds_the_connections_that_matter(monkeypatch):
    """Regression with 4 of 20 inputs for each of 5 outputs: 30 % of the connections must come to hold them all."""
    true = torch.zeros(5, 20)
    for row in true:
        row[torch.randperm(20, generator=generator(7))[:4]] = 1.0
    monkeypatch.setattr(deep_r, "SHRINK", 1e-3)
    monkeypatch.setattr(deep_r, "NOISE", 1e-3)
    network, rewire = layer(0.4)
    existing(network).negative.zero_()  # the signs are right; where the weights are is not known
    network.parametrizations.weight.original.data.abs_()
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for step in range(1000):
        x = torch.randn(64, 20, generator=generator(step))
        optimizer.zero_grad()
        (network(x) - x @ true.T).square().sum(1).mean().backward()
        optimizer.step()
        rewire(1.0, generator(step))
    assert (existing(network).exists[true > 0]).all()
    assert (network.weight - true).abs().max() < 0.1
