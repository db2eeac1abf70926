"""One architecture, two choices of neurons: what it must not depend on, and what it computes, a second way."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from snncore.networks.relational import RelationalNetwork, Size, Timing
from snncore.neurons import LIFParams
from tests.reading import plain, weights

SIZE = Size(10, (12, 9), (8,), answers=7)
WORDS, SENTENCES = 15, 4
STATEMENTS = torch.tensor([[[0, 0, 0], [0, 1, 2], [3, 4, 5]], [[1, 2, 3], [0, 1, 2], [6, 7, 8]]])
QUESTION = torch.tensor([[9, 10, 1], [0, 9, 4]])


def network(timing=None, sentences=SENTENCES):
    n = RelationalNetwork(SIZE, WORDS, sentences, torch.Generator().manual_seed(0), timing)
    with torch.no_grad():
        for p in (n.place_first, n.place_second):
            p.copy_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1)))
        n.w_sum.mul_(2)  # so that answers of the spiking network, too, depend on the story and the order of its sentences
        n.w_answer[0].mul_(2)
    return n


both = pytest.mark.parametrize("timing", [None, Timing()], ids=["artificial", "spiking"])


@both
def test_layers_have_a_row_for_each_pair_of_present_sentences(timing):
    answer = network(timing)(STATEMENTS, QUESTION)
    pairs = list(zip(answer.story.tolist(), answer.first.tolist(), answer.second.tolist(), strict=True))
    assert pairs == [(0, 1, 1), (0, 1, 2), (0, 2, 2), (1, 0, 0), (1, 0, 1), (1, 0, 2), (1, 1, 1), (1, 1, 2), (1, 2, 2)]
    assert list(answer.layers) == ["statement", "question", "pair 1", "pair 2", "sum", "answer 1"]
    steps = timing.window if timing else 1
    assert [answer.layers[name].z.shape for name in ("pair 2", "sum")] == [(steps, 9, 9), (steps, 2, 9)]
    assert answer.logits.shape == (2, 7)
    for name, layer in answer.layers.items() if timing else ():
        assert set(layer.z.unique().tolist()) == {0, 1}, name  # all layers fire, in spikes
        assert torch.equal(layer.z, (layer.v > LIFParams.v_th).float())


@both
def test_networks_compute_the_formula(timing):
    n, model = network(timing).double().requires_grad_(False), plain("relational")

    def encode(sentence, encoder):
        if not timing:
            return encoder.encode(sentence[None]).z[:, 0].numpy()
        (_, lif), (half, ahp) = encoder.network.populations
        assert (ahp.alpha, ahp.v_th) == (lif.alpha, lif.v_th)
        beta = np.repeat([0, ahp.beta], half)
        p = SimpleNamespace(word=timing.word, window=timing.window, alpha=ahp.alpha, rho=ahp.rho, beta=beta, v_th=ahp.v_th)
        w_in, w_rec, _ = (w.numpy() for w in encoder.network.weights())
        return model.encode(sentence.tolist(), w_in, w_rec, p)

    layer = model.lif if timing else partial(np.maximum, 0)
    alike = [n(statements, QUESTION).logits for statements in (STATEMENTS, F.pad(STATEMENTS, (0, 0, 1, 0)))]  # a sentence more is absent
    for story, absent in ((0, 1), (1, 0)):
        s, q = [encode(sentence, n.statement) for sentence in STATEMENTS[story, absent:]], encode(QUESTION[story], n.question)
        y = model.relate(s, q, weights(n, Tensor.numpy), layer)
        for logits in alike:
            assert logits[story].numpy() == pytest.approx(y, rel=1e-12)
        assert not np.allclose(y, model.relate(s[::-1], q, weights(n, Tensor.numpy), layer), atol=0.1)  # their order matters


@pytest.mark.parametrize(("timing", "shown"), [(Timing(2, 5), [2, 2, 5]), (Timing(4, 3), [4, 4, 4])], ids=["long window", "long words"])
def test_the_last_word_stays_while_its_spikes_are_passed_on(timing, shown):
    encoder = network(timing).statement
    words = [word for word, steps in zip(STATEMENTS[1, 0].tolist(), shown, strict=True) for _ in range(steps)]
    x = torch.eye(WORDS)[torch.tensor(words) - 1][:, None]
    v = encoder.encode(STATEMENTS[1, :1]).v
    assert torch.equal(v, encoder.network(x, potentials=True).v[-timing.window :])
    assert v.any()


@both
def test_gradients_reach_all_weights(timing):
    n = network(timing)
    n(STATEMENTS, QUESTION).logits.square().sum().backward()
    reached = {name: float(p.grad.abs().sum()) if p.grad is not None else 0.0 for name, p in n.named_parameters() if p.numel()}
    assert {name for name, size in reached.items() if size == 0} == set()
