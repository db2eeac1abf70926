"""Ordinary updates of many examples at once, against one example after the other."""

import pytest
import torch

from snncore.learning.ordinary import Own, first_weights, follow, single_steps
from snncore.networks.recurrent import Weights
from snncore.tasks.arm import Movements
from snncore.trainings import arm as training
from tests.trainings.test_arm import some

NEVER = torch.zeros(2)  # no error is as low


def learning(net, m, credit):
    return lambda own, copies: training.own_gradient(net, own, m.repeat(copies), credit)


def test_a_step_s_size_is_that_of_the_recurrent_weights():
    g = torch.Generator().manual_seed(0)
    start, grads = (Own(*(a * torch.randn(2, 5, n, generator=g) for a, n in ((1e3, 3), (b, 5)))) for b in (0.2, 7.0))
    (own,) = single_steps(start, grads, (0.1,))
    assert float((start.w_rec - own.w_rec).std() / start.w_rec.std()) == pytest.approx(0.1)
    assert float(((start.w_in - own.w_in) * grads.w_rec.std() / (grads.w_in * start.w_rec.std())).mean()) == pytest.approx(0.1, rel=1e-3)


def test_ordinary_updates_are_those_of_each_movement_alone():
    """All movements and rates at once, each with its own weights, against one movement after the other with plain autograd and Adam."""
    net, m = training.network(0), some(2)
    followed = follow(learning(net, m, True), first_weights(net.learner.weights(), 2), 3, NEVER, (2e-4, 2e-3), span=1)
    assert (followed.rate, followed.needed) == (2e-3, None)
    together, alone = followed.errors.mean(1).tolist(), []
    for k in range(2):
        one = Movements(m.tip[:, k : k + 1], m.omega[:, k : k + 1])
        weights = net.learner.weights()
        w_in, w_rec = (w.detach().clone().requires_grad_() for w in weights[:2])
        optimizer, curve = torch.optim.Adam([w_in, w_rec], 2e-3), []
        for _ in range(4):
            trial = net.trial(training.CLOCK, Weights(w_in, w_rec * net.learner.no_self, weights.w_out.detach()))
            omega = net.output(trial)
            curve.append(float(training.position_error(omega.detach(), one)))
            optimizer.zero_grad()
            training.loss_of(omega, one).sum().backward()
            optimizer.step()
        alone.append(curve)
    assert together == pytest.approx([sum(column) / 2 for column in zip(*alone, strict=True)], rel=1e-3)
    assert together[-1] < together[0]


@pytest.mark.parametrize("credit", [False, True])
def test_half_of_the_movements_are_matched_at_the_rate_that_comes_first(credit):
    net, m, rates = training.network(0), some(2), (5e-4, 2e-3)
    learn, start = learning(net, m, credit), first_weights(net.learner.weights(), 2)
    curves = {rate: follow(learn, start, 6, NEVER, (rate,), 3).errors for rate in rates}
    means = {rate: torch.stack([curve[k : k + 3].mean(0) for k in range(7)]) for rate, curve in curves.items()}
    goal = torch.tensor([0.0, float(means[2e-3][4, 1])])  # one of two movements is half of them
    needed = {rate: next((k for k, mean in enumerate(ahead) if mean[1] <= goal[1]), 7) for rate, ahead in means.items()}
    followed = follow(learn, start, 6, goal, rates, 3)
    assert 0 < followed.needed == min(needed.values()) < max(needed.values())
    assert needed[followed.rate] == followed.needed
    assert torch.equal(followed.errors, curves[followed.rate])
    assert follow(learn, start, 6, curves[2e-3].max(0).values, rates, 3).needed == 0  # so that the claim can fail
