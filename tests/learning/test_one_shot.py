"""One update by learning signals: against e-prop's gradient, gradients through it against the plain loop, and training through it."""

import math
from functools import partial

import pytest
import torch

from snncore.learning.eprop import Signal, gradient, observe
from snncore.learning.one_shot import OneShot
from snncore.networks import recurrent
from snncore.peers.plain import plain_loop

IN, SHOWN, OUT, N, LSG, TIME, BATCH = 4, 3, 2, 7, 6, 60, 5


def problem():
    g = torch.Generator().manual_seed(0)
    network = OneShot(IN, SHOWN, OUT, N, LSG, 2.0, 0.02, g).double()
    x = (torch.rand(TIME, 1, IN, generator=g) < 0.3).double()
    shown = (torch.rand(TIME, BATCH, SHOWN, generator=g) < 0.3).double()
    return network, x, shown


def test_an_update_of_another_shape_is_refused(unchecked):
    network, x, shown = problem()
    before, signal = network.trial(x), torch.ones(TIME, BATCH, N).double()
    for arguments, words in (
        ((x, before, signal[..., :1]), r"learning_signal has shape \(60, 5, 1\): \(60, 5 or 1, 7\) is expected"),
        ((x, before, signal[:1]), r"before.z has shape \(60, 1, 7\): \(1, 5 or 1, 7\)"),
        ((x, network.trial(x.expand(-1, 3, -1)), signal), r"before.z has shape \(60, 3, 7\): \(60, 5 or 1, 7\)"),
        ((x[..., :1], before, signal), r"x has shape \(60, 1, 1\): \(60, 5 or 1, 4\)"),
    ):
        with pytest.raises(ValueError, match=words):
            network.updated(*arguments)
    with pytest.raises(ValueError, match="what is shown has 59 steps, but a trial 60: resample it"):
        network(x, shown[1:])


def test_the_update_is_that_of_e_prop():
    """With any learning signal, the change of the weights is minus eta times e-prop's gradient for it."""
    network, x, shown = problem()
    lesson = network(x, shown)
    weights = recurrent.Weights(*(w.detach() for w in network.learner.weights()))
    trial, _ = observe(x, weights, network.learner.populations, network.learner.readout)
    assert float(trial.z.mean()) > 0.02
    for b in range(BATCH):
        signal = lesson.learning_signal[:, b : b + 1].detach()
        for new, old, grad in zip(lesson.weights[:2], weights[:2], gradient(trial, Signal(0 * signal, 0.0, signal), "online"), strict=True):
            assert torch.allclose(new[b].detach(), old - network.eta * grad, rtol=1e-10, atol=1e-13)
            assert float(grad.abs().max()) > 0.01
    assert float(lesson.weights.w_rec.detach().diagonal(dim1=1, dim2=2).abs().max()) == 0


def test_gradients_through_the_update_are_those_of_the_plain_loop():
    network, x, shown = problem()
    target = torch.randn(TIME, BATCH, OUT, generator=torch.Generator().manual_seed(2)).double()
    results = []
    for network.loop in (partial(recurrent.run_network, compiled=True), partial(recurrent.run_network, compiled=False), plain_loop):
        lesson = network(x, shown)
        value = (lesson.after.y - target).square().mean() + lesson.lsg.z.mean() + lesson.before.y.square().mean()
        results.append((value, *torch.autograd.grad(value, list(network.parameters()))))
    for ours, plain, fast in zip(*results, strict=True):
        assert float(plain.detach().abs().max()) > 1e-6
        assert all(torch.allclose(other, plain, rtol=1e-9, atol=1e-13) for other in (ours, fast))


def test_gradients_reach_the_update_by_potentials_and_not_by_spikes_through_refractoriness():
    network, x, _ = problem()
    before = network.trial(x)
    z = before.z.detach().requires_grad_()
    new = network.updated(x, before._replace(z=z), torch.ones(TIME, 1, N).double())
    of_spikes, of_potentials = torch.autograd.grad(new.w_in.square().sum(), (z, before.v), allow_unused=True)
    assert of_spikes is None
    assert of_potentials.any()


def test_one_update_can_be_learned():
    """Show one of two things; after one update the readout has to be +1 or -1: impossible without the signals, learned in 200 updates."""
    g = torch.Generator().manual_seed(3)
    network = OneShot(IN, 2, 1, 20, 20, 2.0, 0.01, g)
    x = (torch.rand(TIME, 1, IN, generator=g) < 0.3).float()
    shown = torch.eye(2).expand(TIME, 2, 2) * (torch.rand(TIME, 2, 2, generator=g) < 0.5)
    target = torch.tensor([1.0, -1.0])[:, None]
    optimizer, errors = torch.optim.Adam(network.parameters(), 1e-2), []
    for k in range(200):
        error = (network.output(network(x, shown).after)[20:] - target).square().mean()
        optimizer.zero_grad()
        error.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - k / 200)  # at a constant rate, single spikes make the error jump now and then
        optimizer.step()
        errors.append(float(error.detach()))
    assert math.isfinite(errors[-1])
    assert errors[-1] < 0.4 < 0.9 < errors[0]
    lesson = network(x, shown)
    weights = network.updated(x, lesson.before, lesson.learning_signal.flip(1))  # the other one's signals: the wrong answer
    swapped = network.output(network.trial(x.expand(-1, 2, -1), weights))[20:]
    assert float((swapped + target).detach().square().mean()) < 0.4
