import numpy as np
import pytest
import torch

from snncore.learning.losses import rate_cost, voltage_cost
from snncore.neurons import LIFParams
from snncore.neurons.layer import lif_through_time


def test_rates_cost_their_squared_distance_from_the_band():
    z = (torch.rand(50, 4, 3, generator=torch.Generator().manual_seed(0)) < torch.tensor([0.0, 0.1, 0.5])).double()
    assert float(rate_cost(z, 0.1, 0.1)) == pytest.approx(sum((z[..., k].numpy().mean() - 0.1) ** 2 for k in range(3)))
    assert float(rate_cost(z, 0.02, 0.2)) == pytest.approx(0.02**2 + (z[..., 2].numpy().mean() - 0.2) ** 2)
    assert float(rate_cost(torch.full((5, 2, 3), 0.25), 0.25, 0.25)) == 0
    with pytest.raises(ValueError, match=r"band from 0.2 to 0.1 is empty"):
        rate_cost(z, 0.2, 0.1)


def test_potentials_cost_nothing_inside_the_band():
    v = torch.tensor([[[-1.0, 0.5, 1.0], [-3.0, 1.5, 4.0]]])  # a step, two samples, three neurons
    assert float(voltage_cost(v, -1.0, 1.0)) == pytest.approx((2.0**2 + 0.5**2 + 3.0**2) / 2)
    assert float(voltage_cost(v, -3.0, 4.0)) == 0
    g = np.random.default_rng(0).normal(size=(7, 3, 2))
    cost = sum(((g[..., k] - np.clip(g[..., k], -0.5, 0.2)) ** 2).mean() for k in range(2))
    assert float(voltage_cost(torch.from_numpy(g), -0.5, 0.2)) == pytest.approx(cost)
    assert float(voltage_cost(v, -float("inf"), 1.0)) == pytest.approx((0.5**2 + 3.0**2) / 2)
    with pytest.raises(ValueError, match=r"band from 1.0 to -1.0 is empty"):
        voltage_cost(v, 1.0, -1.0)


def test_only_the_cost_of_potentials_reaches_neurons_far_below_their_threshold():
    current = torch.full((10, 2, 3), -0.5, requires_grad=True)
    z, v, _ = lif_through_time(current, LIFParams(reset_to_zero=True))
    assert not z.any()
    (by_rate,) = torch.autograd.grad(rate_cost(z, 0.1, 0.2), current, retain_graph=True)
    (by_voltage,) = torch.autograd.grad(voltage_cost(v, -1.0, 1.0), current)
    assert not by_rate.any()
    assert (by_voltage[:8] < 0).all()  # down this gradient, the current rises
