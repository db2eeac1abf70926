"""Layers of neurons: compiled and plain loop agree, with gradients; calls go on from a state; time constants are learned."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from snncore.neurons import AHPParams, ALIFParams, LIFParams, rest
from snncore.neurons.layer import OverTime, SpikingLayer, lif_through_time
from snncore.neurons.model import positive


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("of", ["z", "v", "z, v, last v"])  # the compiled loop gets no gradient of what a loss leaves out
@pytest.mark.parametrize("to_zero", [True, False])
def test_the_compiled_loop_is_the_plain_one_with_its_gradients(to_zero, of):
    p = LIFParams(tau_m=5.0, v_th=0.7, reset_to_zero=to_zero)
    current, first = draw(12, 3, 5).requires_grad_(), draw(3, 5, seed=2).requires_grad_()
    layer, w = SpikingLayer(p, (5,), ["tau_m"]).double(), draw(2, 12, 3, 5, seed=3)
    layer.log_tau["tau_m"].data += draw(5, seed=1)
    results = []
    for compiled in (True, False):
        state = rest(p, first)._replace(v=first, z=(draw(3, 5, seed=4) > 0).double())
        z, v, last = lif_through_time(current, layer.constants(), state, compiled)
        losses = {"z": (w[0] * z).sum(), "v": (w[1] * v.square()).sum(), "last v": (last.v * w[1, 0]).sum()}
        loss = sum(losses[name] for name in of.split(", "))
        results.append((z, v, last.v, *torch.autograd.grad(loss, (current, layer.log_tau["tau_m"], first))))
    assert 0.1 < float(results[0][0].detach().mean()) < 0.6
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-12)


def test_threads_share_a_batch():
    current, results = draw(9, 21, 15, dtype=torch.float32), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(lif_through_time(current, LIFParams(4.0))[:2])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("compiled", [True, False])
def test_a_batch_may_have_any_number_of_dimensions(compiled):
    (z, v, _), (one_z, one_v, _) = (lif_through_time(x, LIFParams(4.0), compiled=compiled) for x in (draw(20, 5), draw(20, 5)[:, None]))
    assert torch.equal(z, one_z[:, 0])
    assert torch.equal(v, one_v[:, 0])
    assert z.any()


def test_what_is_no_number_is_seen_in_gradients():
    current = torch.full((4, 1, 1), float("nan"), requires_grad=True)
    for compiled in (True, False):
        (gradient,) = torch.autograd.grad(lif_through_time(current, LIFParams(reset_to_zero=True), compiled=compiled)[0].sum(), current)
        assert gradient.isnan().all()


def test_the_derivative_by_a_time_constant_is_that_of_differences():
    """Below the threshold nothing is replaced by a pseudo-derivative."""
    current, h = 0.02 * draw(30, 1, 4).abs(), 1e-6
    layer = SpikingLayer(LIFParams(tau_m=5.0, dt=2.0), (4,), ["tau_m"]).double()
    lif_through_time(current, layer.constants())[1][-1].sum().backward()
    up, down = (lif_through_time(current, LIFParams(tau_m=5.0 * (1 + side * h), dt=2.0))[1][-1, 0] for side in (1, -1))
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
    spiking = SpikingLayer(params, (2, 4, 4), learn), SpikingLayer(params)
    net = OverTime(nn.Conv2d(1, 2, 3), spiking[0], nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 6), spiking[1], nn.Linear(6, 3))
    net(6 * draw(30, 4, 1, 6, 6, dtype=torch.float32))[0].square().sum().backward()
    for name in learn:
        assert spiking[0].log_tau[name].grad.shape == (2, 4, 4)
        assert spiking[0].log_tau[name].grad.abs().sum() > 0
    assert all(p.grad is not None for p in net.parameters())
    assert "learns " + learn[0] in repr(net)


def after(*shape):
    return SpikingLayer(LIFParams())(torch.zeros(*shape))[1]


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: SpikingLayer(LIFParams(), (3,), ["tau_a"]), ValueError,
     "learn has 'tau_a': LIFParams has these time constants that can be learned: tau_m"),
    (lambda: SpikingLayer(LIFParams(), (3.0,), ["tau_m"]), ValueError, r"a size in shape is 3\.0: give a whole number"),
    (lambda: positive(SimpleNamespace(tau_m=nn.Parameter(torch.tensor(20.0))), "tau_m"), TypeError,
     "tau_m is a tensor, whose gradient would be lost: give a number, and let a SpikingLayer"),
    (lambda: SpikingLayer(LIFParams())(torch.zeros(2, 5, 4), after(2, 3, 4)), ValueError,
     r"state is of \(3, 4\) \(batch, neuron\), but current has \(5, 4\): begin anew"),
    (lambda: SpikingLayer(LIFParams())(torch.zeros(2, 3, 4).double(), after(2, 3, 4)), TypeError,
     r"state is torch\.float32 on cpu, but current torch\.float64"),
    (lambda: SpikingLayer(LIFParams(), (3,), ["tau_m"])(torch.zeros(2, 5, 4)), ValueError,
     r"tau_m is learned in shape \(3,\): make the layer with shape \(\) or \(4,\)"),
    (lambda: SpikingLayer(LIFParams())(torch.zeros(0, 5, 4)), ValueError, r"shape \(0, 5, 4\): give .* each at least 1"),
    (lambda: SpikingLayer(LIFParams())(torch.zeros(5, 4)), ValueError, r"current has shape \(5, 4\): give \(time, batch"),
    (lambda: SpikingLayer(LIFParams())(torch.full((2, 3, 4), torch.nan)), ValueError, "current has numbers that are not finite"),
    (lambda: SpikingLayer(AHPParams())(torch.zeros(2, 3, 4), after(1, 3, 4)), TypeError, "state is LIFState, but AHPParams"),
    (lambda: OverTime(nn.Sequential(SpikingLayer(LIFParams())))(torch.zeros(2, 3, 4)), TypeError, "Sequential has a SpikingLayer inside"),
    (lambda: lif_through_time(torch.zeros(0, 3, 4), LIFParams()), ValueError, "there is no time step"),
    (lambda: lif_through_time(torch.zeros(2, 5, 4), LIFParams(), after(2, 3, 4)), ValueError, r"state is of \(3, 4\) .* has \(5, 4\)"),
    (lambda: OverTime(nn.Flatten())(torch.zeros(2, 3, 4), [None] * 2), ValueError, "state has 2 parts, but there are 1 modules"),
    (lambda: lif_through_time(torch.zeros(2, 3, 4), LIFParams(n_refractory=2), compiled=True), ValueError,
     "n_refractory is 2: the compiled loop has no refractory period"),
])  # fmt: skip
def test_what_cannot_be_is_refused(call, error, words, unchecked):
    with pytest.raises(error, match=words):
        call()
