"""Published networks that learn an arm movement in one update: every spike as in a golden run, which small changes would break."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from snncore.learning import published_arm
from snncore.networks.recurrent import Population
from snncore.neurons import ALIFParams
from snncore.tasks import scorbot

GOLDEN = published_arm.golden()
FEW = scorbot.draw(6, np.random.default_rng(3))


def lesson():
    """Of the published networks on the golden paths; how many spikes of learner before, generator, learner after differ."""
    one = published_arm.lesson(published_arm.published(), GOLDEN.tip)
    trials = (one.before, GOLDEN.before), (one.lsg, GOLDEN.lsg), (one.after, GOLDEN.after)
    return one, [int((trial.z.bool() != spikes).sum()) for trial, spikes in trials]


def test_every_spike_is_as_in_the_golden_run():
    one, wrong = lesson()
    assert wrong == [0, 0, 0]
    assert [int(z.sum()) for z in (GOLDEN.before, GOLDEN.lsg, GOLDEN.after)] == [1277, 3740, 2363]
    assert torch.allclose(one.learning_signal, GOLDEN.signal.double(), atol=1e-3)  # of 143
    assert torch.allclose(published_arm.output(one.after), GOLDEN.output.double(), atol=1e-5)


@pytest.mark.parametrize(("name", "value"), [
    ("ETA", 1.01e-4),
    ("LEARNER", replace(published_arm.LEARNER, n_refractory=5)),
    ("LSG", [published_arm.LSG[0], Population(240, ALIFParams(20.0, 600.0, 1.6, 1.3, n_refractory=4))]),  # takes off v_th only
    ("LSG", [published_arm.LSG[0], Population(240, replace(published_arm.LSG[1].params, tau_a=590.0))]),
])  # fmt: skip
def test_the_golden_run_finds_small_changes(monkeypatch, name, value):
    monkeypatch.setattr(published_arm, name, value)
    assert sum(lesson()[1]) > 0


def test_one_update_teaches_the_path_and_another_paths_signals_do_not():
    nets = published_arm.published()
    one = published_arm.lesson(nets, FEW.tip)
    coarse = published_arm.changed(nets.learner, one.before, one.learning_signal, 1 / 16)
    swapped = published_arm.changed(nets.learner, one.before, one.learning_signal.roll(1, 1))
    noisy = published_arm.on_device(nets.learner, one.learning_signal, torch.Generator().manual_seed(0))
    trials = one.after, one.before, published_arm.trial(coarse), published_arm.trial(swapped), noisy
    off = [scorbot.distance(published_arm.output(x), FEW).mean() for x in trials]
    assert off[0] < min(off[1:]) / 2
    change = (coarse.w_rec - nets.learner.w_rec) * 16
    assert torch.equal(change, change.round())
    assert torch.equal(coarse.w_out[0], nets.learner.w_out)
    with pytest.raises(ValueError, match=r"tip has shape \(250, 1, 3\): \(249, batch, 3\) is expected"):
        published_arm.lesson(nets, torch.zeros(250, 1, 3))


@pytest.mark.parametrize("updates", [0, 1])
def test_without_noise_weights_on_a_device_are_cut_and_drift(monkeypatch, updates):
    monkeypatch.setattr(torch, "rand", lambda shape, generator: torch.full(shape, 0.5))
    monkeypatch.setattr(torch, "randn", lambda shape, generator: torch.zeros(shape))
    learner, signal = published_arm.published().learner, updates * GOLDEN.signal[:, :1].double()

    def programmed(w, times=1):  # what is programmed so many times, and then drifts
        nu = np.clip(0.0244 - 0.0155 * np.log(np.maximum(np.abs(w.numpy()), 1e-9)), 0.049, 0.1)
        return times * (w.clamp(-1, 1) - w) + (w * torch.from_numpy(32**-nu)).clamp(-1, 1)

    start = published_arm.Weights(*map(programmed, learner))
    new = published_arm.changed(start, published_arm.trial(start), signal)
    written = published_arm.Weights(*(programmed(b, 2).where(b != a, a) for a, b in zip(start, new, strict=True)))
    found = published_arm.on_device(learner, signal, torch.Generator()).z[:150]
    assert torch.equal(found, published_arm.trial(written).z[:150].float())
    assert found.any()


def test_the_arm_has_the_lengths_of_its_links():
    """Second way: links of 0.3, 0.35 and 0.22 m, turned one after the other from the shoulder, which is off the axis of the base."""
    q = torch.tensor(np.random.default_rng(0).uniform(-1, 1, (20, 2)))
    base, shoulder = q.T
    across = torch.stack([base.cos(), -base.sin(), 0 * base], -1)  # the way the arm points, seen from above
    aside = torch.stack([base.sin(), base.cos(), 0 * base], -1)
    joint = 0.05 * across - 0.033 * aside + torch.tensor([0, 0, 0.3585])
    up = torch.tensor([0.0, 0.0, 1.0])
    for link in (0.3, 0.35, 0.22):
        joint = joint + link * (shoulder.cos()[:, None] * across + shoulder.sin()[:, None] * up)
    assert torch.allclose(scorbot.tip_of(q), joint, atol=1e-12)


def test_movements_are_smoothed_walks_within_the_limits():
    m = scorbot.draw(200, np.random.default_rng(1))
    walk = np.cumsum(0.065 * np.random.default_rng(1).standard_normal((200, 249, 2)), 1)
    padded = np.concatenate([np.zeros((200, 119, 2)), walk, walk[:, :-120:-1]], 1)
    window = np.hanning(121)[:-1]  # periodic
    direct = np.stack([sum(window[k] * padded[:, t + 60 + k] for k in range(120)) for t in (0, 100, 248)]) / window.sum()
    assert np.allclose(m.speed[[0, 100, 248]], np.clip(direct, -np.pi, np.pi), atol=1e-6)
    assert 0.3 < float(m.inside.double().mean()) < 0.7
    assert torch.allclose(scorbot.move(m.speed)[:, m.inside], m.tip[:, m.inside], atol=1e-4)
    assert float((scorbot.move(m.speed)[:, ~m.inside] - m.tip[:, ~m.inside]).norm(dim=-1).amax(0).min()) > 1e-4
    inside = scorbot.Movements(*(part[..., m.inside, :] for part in m[:2]), m.inside[m.inside])
    assert float(scorbot.distance(inside.speed, inside).max()) < 0.01
    apart = inside._replace(tip=inside.tip + torch.tensor([0.03, 0.0, 0.04]))
    assert torch.allclose(scorbot.distance(inside.speed, apart), torch.tensor(5.0), atol=0.01)


def test_the_code_of_a_path_can_be_read_back():
    bits = scorbot.code(FEW.tip).unflatten(-1, (3, 16))
    read = (bits * 2.0 ** torch.arange(16)).sum(-1) / 2**15 - 1
    wrapped = (FEW.tip.double() + 1) % 2 - 1
    assert float((read - wrapped).abs().max()) < 2**-15 + 1e-6
    clock = scorbot.clock()[:, 0]
    assert clock.sum(0).tolist() == [5] * 5
    assert clock.nonzero()[:7].tolist() == [[0, 0], [10, 0], [20, 0], [30, 0], [40, 0], [50, 1], [60, 1]]
