"""Layers of neurons: compiled and plain loop agree, with gradients; calls go on from a state; time constants and models of one's own."""

from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from snncore.neurons import AHPParams, ALIFParams, LIFParams, lif_rest
from snncore.neurons.checks import positive
from snncore.neurons.layer import OverTime, SpikingLayer, lif_through_time
from snncore.neurons.model import MODELS, register


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("to_zero", [True, False])
def test_the_compiled_loop_is_the_plain_one_with_its_gradients(to_zero):
    p = LIFParams(tau_m=5.0, v_th=0.7, reset_to_zero=to_zero)
    current, first = draw(12, 3, 5).requires_grad_(), draw(3, 5, seed=2).requires_grad_()
    layer, w = SpikingLayer(p, (5,), ["tau_m"]).double(), draw(2, 12, 3, 5, seed=3)
    layer.log_tau["tau_m"].data += draw(5, seed=1)
    results = []
    for compiled in (True, False):
        state = lif_rest(first)._replace(v=first, z=(draw(3, 5, seed=4) > 0).double())
        z, v, last = lif_through_time(current, layer.constants(), state, compiled)
        loss = (w[0] * z).sum() + (w[1] * v.square()).sum() + (last.v * w[1, 0]).sum()
        results.append((z, v, last.v, *torch.autograd.grad(loss, (current, layer.log_tau["tau_m"], first))))
    assert 0.1 < float(results[0][0].detach().mean()) < 0.6
    for ours, plain in zip(*results, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)


def test_the_derivative_by_a_time_constant_is_that_of_differences():
    """Below the threshold nothing is replaced by a pseudo-derivative."""
    current, p, h = 0.02 * draw(30, 1, 4).abs(), LIFParams(tau_m=5.0), 1e-6
    layer = SpikingLayer(p, (4,), ["tau_m"]).double()
    lif_through_time(current, layer.constants())[1][-1].sum().backward()
    up, down = (lif_through_time(current, LIFParams(tau_m=5.0 * (1 + side * h)))[1][-1, 0] for side in (1, -1))
    torch.testing.assert_close(layer.log_tau["tau_m"].grad, (up - down) / (2 * h), rtol=1e-6, atol=0)


@pytest.mark.parametrize("params", [LIFParams(), LIFParams(n_refractory=2), ALIFParams(), AHPParams()], ids=lambda p: repr(p)[:20])
def test_a_call_goes_on_where_another_ended(params):
    net, x = OverTime(nn.Linear(6, 8), SpikingLayer(params)).double(), 3 * draw(20, 2, 6)
    whole, states = net(x)
    first, middle = net(x[:7])
    second, last = net(x[7:], middle)
    assert 0 < float(whole.mean()) < 1
    torch.testing.assert_close(torch.cat((first, second)), whole)
    torch.testing.assert_close(last[1], states[1])


@pytest.mark.parametrize(("params", "learn"), [(LIFParams(), ["tau_m"]), (ALIFParams(), ["tau_m", "tau_a"]), (AHPParams(), ["tau_ahp"])])
def test_time_constants_are_learned_in_a_convolutional_network(params, learn):
    torch.manual_seed(0)
    spiking = SpikingLayer(params, (2, 4, 4), learn), SpikingLayer(params)
    net = OverTime(nn.Conv2d(1, 2, 3), spiking[0], nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 6), spiking[1], nn.Linear(6, 3))
    net(6 * draw(30, 4, 1, 6, 6, dtype=torch.float32))[0].square().sum().backward()
    for name in learn:
        assert spiking[0].log_tau[name].grad.shape == (2, 4, 4)
        assert spiking[0].log_tau[name].grad.abs().sum() > 0
    assert all(p.grad is not None for p in net.parameters())
    assert "learns " + learn[0] in repr(net)


@dataclass(frozen=True)
class Doubling:
    v_th: float = 1.0


State = namedtuple("State", "z v")


def test_a_neuron_of_ones_own_with_its_own_pseudo_derivative():
    def step(current, state, p):
        v = state.v / 2 * (1 - state.z) + current
        soft = torch.sigmoid(4 * (v - p.v_th))
        return (z := (v > p.v_th).to(v.dtype) + soft - soft.detach()), State(z, v)

    register(Doubling, lambda like: State(torch.zeros_like(like), torch.zeros_like(like)), step)
    try:
        current = draw(1, 1, 3).requires_grad_()
        z, _ = SpikingLayer(Doubling())(current)
        z.sum().backward()
        assert torch.equal(z, (current > 1).double())
        soft = torch.sigmoid(4 * (current.detach() - 1))
        torch.testing.assert_close(current.grad, 4 * soft * (1 - soft))
        with pytest.raises(ValueError, match="learn has 'tau_m': Doubling has these time constants that can be learned: none"):
            SpikingLayer(Doubling(), (), ["tau_m"])
    finally:
        del MODELS[Doubling]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="learn has 'tau_a': LIFParams has these time constants that can be learned: tau_m"):
        SpikingLayer(LIFParams(), (3,), ["tau_a"])
    with pytest.raises(TypeError, match=r"tau_m is a tensor, whose gradient would be lost: give a number, and let a SpikingLayer"):
        positive(SimpleNamespace(tau_m=nn.Parameter(torch.tensor(20.0))), "tau_m")
    state = (layer := SpikingLayer(LIFParams()))(torch.zeros(2, 3, 4))[1]
    with pytest.raises(ValueError, match=r"state is of \(3, 4\) \(batch, neuron\), but current has \(5, 4\): begin anew"):
        layer(torch.zeros(2, 5, 4), state)
    with pytest.raises(TypeError, match=r"state is torch\.float32 on cpu, but current torch\.float64"):
        layer(torch.zeros(2, 3, 4).double(), state)
    with pytest.raises(ValueError, match=r"tau_m is learned in shape \(3,\): make the layer with shape \(\) or \(4,\)"):
        SpikingLayer(LIFParams(), (3,), ["tau_m"])(torch.zeros(2, 5, 4))
    with pytest.raises(ValueError, match="there is no time step"):
        layer(torch.zeros(0, 5, 4), layer(torch.zeros(1, 5, 4))[1])
    with pytest.raises(ValueError, match="n_refractory is 2: the compiled loop has no refractory period"):
        lif_through_time(torch.zeros(2, 3, 4), LIFParams(n_refractory=2), compiled=True)
