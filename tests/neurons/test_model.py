"""A neuron model is one file: networks and layers use it as soon as it is registered, and refuse what is not."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from snncore.networks.recurrent import Population, RecurrentNetwork, run_network
from snncore.neurons import LIFParams, ReadoutParams
from snncore.neurons.layer import SpikingLayer
from snncore.neurons.model import MODELS, register


@dataclass(frozen=True)
class ToyParams:
    """A neuron that forgets by half in each step, and whose spikes halve the potential, too."""

    v_th: float = 1.0


class ToyState(NamedTuple):
    z: Tensor
    v: Tensor


def toy_rest(like):
    return ToyState(torch.zeros_like(like), torch.zeros_like(like))


def toy_step(current, state, p):
    v = 0.5 * state.v * (1 - 0.5 * state.z) + current
    soft = torch.sigmoid(4 * (v - p.v_th))  # a pseudo-derivative of its own
    z = (v > p.v_th).to(v.dtype) + soft - soft.detach()
    return z, ToyState(z, v)


@pytest.fixture
def toy():
    register(ToyParams, toy_rest, toy_step)
    yield ToyParams()
    del MODELS[ToyParams]


def network(*params):
    return RecurrentNetwork(3, [Population(4, p) for p in params], 2, ReadoutParams(), torch.Generator().manual_seed(0), (3.0, 1.0))


def test_a_registered_neuron_runs_in_a_network_and_learns(toy):
    net, x = network(toy, LIFParams()), (torch.rand(30, 2, 3, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    activity = net(x)
    state, known = toy_rest(torch.zeros(2, 4)), []
    for t, current in enumerate(x @ net.w_in.T):  # with the network's spikes given
        before = activity.z[t - 1] if t else torch.zeros(2, 8)
        z, state = toy_step((current + before @ net.weights().w_rec.T)[:, :4], state, toy)
        known.append(z)
    assert torch.equal(torch.stack(known), activity.z[..., :4])
    assert 0 < int(activity.z[..., :4].count_nonzero()) < activity.z[..., :4].numel()
    activity.y.sum().backward()
    assert float(net.w_in.grad[:4].abs().sum()) > 0


def test_a_neuron_without_a_row_is_never_computed_as_another(toy):
    net, x = network(toy), torch.ones(3, 1, 3)
    with pytest.raises(TypeError, match="ToyParams is no case of the compiled loop: leave compiled out"):
        run_network(x, net.weights(), net.populations, net.readout, compiled=True)


def test_a_layer_has_the_neuron_with_its_own_pseudo_derivative(toy):
    current = torch.randn(1, 1, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    z, _ = SpikingLayer(toy)(current)
    z.sum().backward()
    assert torch.equal(z, (current > 1).double())
    soft = torch.sigmoid(4 * (current.detach() - 1))
    torch.testing.assert_close(current.grad, 4 * soft * (1 - soft))
    with pytest.raises(ValueError, match="learn has 'tau_m': ToyParams has these time constants that can be learned: none"):
        SpikingLayer(toy, (), ["tau_m"])
