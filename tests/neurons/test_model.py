"""A neuron model is one file: networks use it as soon as it is registered, and refuse what is not."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from snncore.networks.recurrent import Population, RecurrentNetwork, run
from snncore.neurons import AHPParams, ALIFParams, LIFParams, ReadoutParams
from snncore.neurons.model import MODELS, Row, register
from snncore.spike import spike

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ToyParams:
    """A neuron that forgets by half in each step, and whose spikes halve the potential, too."""

    v_th: float = 1.0
    dampening: float = 0.3


class ToyState(NamedTuple):
    z: Tensor
    v: Tensor


def toy_rest(like):
    return ToyState(torch.zeros_like(like), torch.zeros_like(like))


def toy_step(current, state, p):
    v = 0.5 * state.v * (1 - 0.5 * state.z) + current
    z = spike((v - p.v_th) / p.v_th, p.dampening)
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
    z, state, known = torch.zeros(2, 8), toy_rest(torch.zeros(2, 4)), []
    for t, current in enumerate(x @ net.w_in.T):  # neuron by neuron, with the network's other spikes given
        z = activity.z[t - 1] if t else z
        known.append(toy_step((current + z @ net.weights().w_rec.T)[:, :4], state, toy)[0])
        state = toy_step((current + z @ net.weights().w_rec.T)[:, :4], state, toy)[1]
    assert torch.equal(torch.stack(known), activity.z[..., :4])
    assert 0 < int(activity.z[..., :4].count_nonzero()) < activity.z[..., :4].numel()
    activity.y.sum().backward()
    assert float(net.w_in.grad[:4].abs().sum()) > 0


def test_a_neuron_without_a_row_is_never_computed_as_another(toy):
    net, x = network(toy), torch.ones(3, 1, 3)
    with pytest.raises(TypeError, match="ToyParams is no case of the compiled loop: leave compiled out"):
        run(x, net.weights(), net.populations, net.readout, compiled=True)


def test_an_unknown_neuron_is_refused():
    net = network(ToyParams())
    with pytest.raises(TypeError, match="type ToyParams: use one of AHPParams, ALIFParams, LIFParams, or register yours"):
        net(torch.ones(3, 1, 3))


def test_rows_say_what_the_steps_do():
    """The compiled loop is held against the steps elsewhere; here, by hand, what a row has for each model."""
    ahp = AHPParams(tau_m=10.0, tau_ahp=100.0, beta=2.0)
    assert MODELS[AHPParams].row(ahp) == Row(
        math.exp(-0.1), 1.0, math.exp(-0.01), -(1 - math.exp(-0.01)) * 2, 1.0, to_zero=True, dampening=ahp.dampening
    )
    assert MODELS[LIFParams].row(LIFParams(n_refractory=3)).n_refractory == 3
    assert MODELS[ALIFParams].row(ALIFParams(beta=0.5)).to_threshold == 0.5


def test_a_neuron_touches_three_files():
    """Its own, the notation, the API page: no other file of the package names a model that is only used by networks."""
    text = (ROOT / "snncore" / "networks" / "recurrent.py").read_text(encoding="utf-8")
    assert not re.search(r"AHPParams|LIFParams\b(?<!ALIFParams)|ahp_step|lif_step", text)
