"""One update by many examples: against e-prop's gradient, the errors of readouts, features of equal size, and learning that learns."""

import statistics

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from snncore.learning.eprop import Signal, gradient, observe
from snncore.learning.one_shot_classifier import LEAST, LOGITS, Features, OneShotClassifier
from snncore.networks.recurrent import Weights

SIDE, SLOTS, WAYS, EPISODES = 12, 4, 3, 2


def network(lsg_neurons=20, eta=0.01):
    sizes = {"slots": SLOTS, "features": 16, "neurons": 24, "lsg_neurons": lsg_neurons, "steps": 12}
    return OneShotClassifier(SIDE, SIDE, strides=(2, 1, 2), **sizes, dt=2.0, eta=eta, seed=0)


def problem():
    g = torch.Generator().manual_seed(0)
    support, query = torch.rand(EPISODES, WAYS, 1, SIDE, SIDE, generator=g), torch.rand(EPISODES, 6, 1, SIDE, SIDE, generator=g)
    return support, torch.tensor([[2, 0, 3], [1, 3, 0]]), query


def test_the_update_is_the_sum_of_e_prop_over_the_examples():
    net = network()
    support, slot, query = problem()
    with torch.no_grad():
        s = net(support, slot, query)
    examples = EPISODES * WAYS
    x = torch.cat([s.features[:, :examples], net.clock.expand(-1, examples, -1)], -1).double()
    old = Weights(*(w.detach().double() for w in net.pair.learner.weights()))
    trial, _ = observe(x, old, net.pair.learner.populations, net.pair.learner.readout)
    assert float(trial.z.mean()) > 0.01
    for episode in range(EPISODES):
        mine = torch.zeros(examples, dtype=torch.float64)
        mine[WAYS * episode : WAYS * (episode + 1)] = 1
        signal = s.learning_signal.double() * mine[:, None]
        grads = gradient(trial, Signal(0 * signal, 0.0, signal), "online")
        for new, w, grad in zip(s.weights[:2], old[:2], grads, strict=True):
            assert torch.allclose(new[episode].double(), w - 0.01 * grad, atol=1e-5)
            assert float((0.01 * grad).abs().max()) > 1e-3


def test_queries_are_answered_by_the_weights_of_their_episode():
    net = network().eval()
    support, slot, query = problem()
    with torch.no_grad():
        both = net(support, slot, query)
        for k in range(EPISODES):
            alone = net(support[k : k + 1], slot[k : k + 1], query[k : k + 1])
            assert torch.allclose(both.answers[k], alone.answers[0], atol=1e-4)
        assert not torch.allclose(both.answers[0], net(support[1:], slot[1:], query[:1]).answers[0], atol=1e-2)


def test_images_and_slots_that_do_not_fit_are_refused(unchecked):
    support, slot, query = problem()
    twice = torch.tensor([[2, 0, 3], [1, 1, 2]])
    for given, words in (
        ((support[..., :-1], slot, query[..., :-1]), "images of 1 x 12 x 11 numbers: this network was made for 1 x 12 x 12"),
        ((support, slot, query[..., :-1]), r"\(2, 3, 1, 12, 12\) examples, .* \(2, 6, 1, 12, 11\) queries: .* all images of one size"),
        ((support[:, :1], slot[:, :1], query), "1 way: there is nothing to tell apart"),
        ((support, twice, query), r"3 ways need as many different slots, from 0 to 3: given \[1, 1, 2\]"),
    ):
        with pytest.raises(ValueError, match=words):
            network()(*given)


def test_relative_answers_tell_readouts_from_those_for_the_examples():
    """A readout that is high, or differs much, whatever is shown, is like the others."""
    support, slot, query = problem()
    net = network().eval()
    with torch.no_grad():
        s = net(support, slot, query)
        _, own = net.ask(s.features[:, : slot.numel()], slot, s.weights)
    for k, way in np.ndindex(EPISODES, WAYS):
        of_examples = own[k, :, way].tolist()
        mean, spread = statistics.mean(of_examples), statistics.stdev(of_examples)
        assert torch.allclose(s.answers[k, :, way], (s.readouts[k, :, way] - mean) / (spread + LEAST), rtol=1e-3, atol=1e-4)
    assert torch.allclose(net.relative(s.readouts + 3, own + 3), s.answers, rtol=1e-3, atol=1e-4)  # whatever all have in common
    louder = net.relative(1e6 * s.readouts + 3, 1e6 * own + 3)
    assert torch.equal(louder.argmax(-1), net.relative(1e6 * s.readouts, 1e6 * own).argmax(-1))


def test_without_a_second_network_signals_are_errors_sent_back():
    """The learning signal is the gradient of the readouts' cross entropy at each step, by the readouts' weights."""
    net = network(0)
    support, slot, query = problem()
    s = net(support, slot, query)
    y = s.before.y.detach().requires_grad_()
    steps = LOGITS * net.pair.scale * y
    F.cross_entropy(steps.flatten(0, 1), slot.flatten().repeat(len(y)), reduction="sum").backward()
    known = y.grad / (LOGITS * net.pair.scale) @ net.pair.learner.w_out
    assert torch.allclose(s.learning_signal, known, atol=1e-5)
    assert s.lsg is None
    s.answers.sum().backward()
    assert net.pair.lsg is None
    assert float(net.size.grad.abs()) > 0


def test_all_images_have_features_of_the_same_size():
    found = network().features.layers(torch.rand(20, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(2)) ** 3)
    assert torch.allclose(found.mean(1), torch.zeros(20), atol=1e-5)
    assert torch.allclose(found.square().mean(1), torch.ones(20), rtol=1e-3)


def test_a_neuron_fires_at_features_above_a_third():
    features = Features(1, 2, (1,), 2, 300, 2.0)
    features.layers = nn.Flatten()
    assert features(torch.tensor([[[[0.33, 0.34]]]])).sum(0).gt(0).tolist() == [[False, True]]


@pytest.mark.parametrize("training", [False, True])
def test_alike_is_ten_times_a_cosine(training):
    z = torch.rand(12, 8, 16, generator=torch.Generator().manual_seed(3)).round()  # two episodes of three examples and one query
    rates = z.mean(0)
    found = network().train(training).alike(z, 2, 3)
    assert found.shape == (2, 1, 3)
    for e, way in np.ndindex(2, 3):
        mean = rates[:6].mean(0) if training else rates[3 * e : 3 * e + 3].mean(0)
        assert torch.allclose(found[e, 0, way], 10 * F.cosine_similarity(rates[6 + e] - mean, rates[3 * e + way] - mean, dim=0), rtol=1e-4)


def test_an_update_can_be_learned_with_which_one_example_suffices():
    """Four patterns in noise, in slots that change: chance is a third."""
    g = torch.Generator().manual_seed(4)
    net, patterns = network(eta=1e-3), torch.rand(30, 1, SIDE, SIDE, generator=g).round()
    optimizer, right = torch.optim.Adam(net.parameters(), 5e-3), []
    for _ in range(150):
        chosen = torch.stack([torch.randperm(30, generator=g)[:WAYS] for _ in range(16)])
        slot = torch.stack([torch.randperm(SLOTS, generator=g)[:WAYS] for _ in range(16)])
        support, query = (patterns[chosen] + 0.3 * torch.randn(16, WAYS, 1, SIDE, SIDE, generator=g) for _ in range(2))
        s = net(support, slot, query)
        label = torch.arange(WAYS).expand(16, -1)
        optimizer.zero_grad()
        sum(F.cross_entropy(y.flatten(0, 1), label.flatten()) for y in (s.answers, s.readouts, s.alike)).backward()
        optimizer.step()
        right.append(float((s.answers.argmax(-1) == label).float().mean()))
    assert sum(right[:10]) / 10 < 0.45
    assert sum(right[-20:]) / 20 > 0.65
