"""Right answers and their controls, official runs, confusions, and ordinary learning, of the recorded network on printed letters."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from snncore.learning import lessons
from snncore.learning.lessons import right_in_episodes
from snncore.learning.one_shot_classifier import OneShotClassifier, Session
from snncore.learning.ordinary import first_weights
from snncore.networks.recurrent import run_network
from snncore.tasks import episodes, printed
from snncore.tasks.episodes import Examples
from snncore.tasks.omniglot import Run
from snncore.trainings.symbols import network, trained
from tests.tasks.test_symbols import generator


@pytest.fixture(scope="module")
def net():
    return trained("omniglot")


@pytest.fixture(scope="module")
def letters():
    return printed.letters().symbols


def test_classes_are_by_chance_before_an_update_and_known_after_it(net, letters):
    """Signals of another lesson teach nothing; the same images as examples and queries are what the nearest image always knows."""
    intervals = right_in_episodes(net, letters, [5], 60, 0)[5].intervals()
    mean, low, high = range(3)
    assert intervals["before"][mean] < 35
    assert intervals["shuffled"][high] < 35
    assert intervals["after"][low] > 40
    assert intervals["features"][mean] >= intervals["nearest"][mean]
    count = len(letters.images)
    same = Examples(letters.images.repeat(2, 1, 1, 1), [c[:1].repeat(2) + torch.tensor([0, count]) for c in letters.classes])
    assert right_in_episodes(net, same, [5], 20, 0)[5].nearest.min() == 1


@torch.no_grad()
def test_shuffled_signals_are_those_of_the_other_of_two_lessons(net, letters):
    """By each lesson alone, with the signals of the other in place of its own."""
    ((e, g),) = lessons.drawn_for_test(letters, 5, 2, 0)
    slot, known = lessons.draw_slots(e, net.slots, g), []
    alone = [net(letters.images[e.support[[k]]], slot[[k]], letters.images[e.query[[k]]]) for k in (0, 1)]
    for k, s in enumerate(alone):
        seen, asked = s.features.split([5, s.features.shape[1] - 5], 1)
        weights = net.pair.updated(net.seen(seen), s.before, alone[1 - k].learning_signal, 5)
        known.append((net.answer(seen, asked, slot[[k]], weights).argmax(-1) == e.label[[k]]).float())
    assert torch.equal(right_in_episodes(net, letters, [5], 2, 0)[5].shuffled, torch.cat(known))


def test_runs_are_scored_in_wrong_answers(monkeypatch):
    """Answers by the nearest image are right in a run whose queries are hardly changed; turned around, two of three are wrong.

    A readout that is high for everything makes all answers its own.
    """
    bias = torch.tensor([1000.0, 0, 0])

    def nearest(self, support, slot, query):
        answers = -torch.cdist(query.flatten(2), support.flatten(2))
        return Session(*[None] * 6, answers + bias, answers, answers)

    monkeypatch.setattr(OneShotClassifier, "forward", nearest)
    draws, fresh = np.random.default_rng(1), network("omniglot", 0)
    ink = draws.random((3, 105, 105)) < 0.2
    run = Run("a run", ink, ink[::-1] ^ (draws.random(ink.shape) < 0.01), torch.tensor([2, 1, 0]))
    wrong = lessons.wrong_in_runs(fresh, [run, run._replace(label=run.label.flip(0))])
    assert wrong.features.tolist() == pytest.approx([0, 200 / 3])
    assert torch.equal(wrong.after, wrong.features)
    assert wrong.readouts.tolist() == pytest.approx([200 / 3, 200 / 3])


def test_confusions_are_shares_of_what_was_shown(net, letters, monkeypatch):
    """All but the diagonal is empty if the answers are right, whatever the order of letters in a lesson."""
    few = Examples(letters.images, letters.classes[:20])

    def confusions():
        return lessons.confusions(net, few, printed.LETTERS[:20], 4, 1, generator(5))

    table = confusions()
    assert table.sum(axis=1).to_numpy() == pytest.approx(100)
    assert list(table.index) == list(table.columns) == list(printed.LETTERS[:20])
    draw, kept = episodes.draw, []

    def keep(*arguments):
        kept.append(draw(*arguments))
        return kept[-1]

    monkeypatch.setattr(OneShotClassifier, "lesson", lambda *_: SimpleNamespace(answers=torch.eye(20)[kept[-1].label]))
    monkeypatch.setattr(episodes, "draw", keep)
    assert confusions().to_numpy() == pytest.approx(100 * torch.eye(20).numpy())


def test_ordinary_gradients_are_those_of_each_episode_alone(letters):
    """Of the plain sum over an episode's examples, by PyTorch; e-prop's is another one."""
    net = trained("omniglot")
    net.pair.loop = partial(run_network, compiled=False)
    e = episodes.draw(letters.classes, 2, 5, 1, generator(3))
    slot, learner = lessons.draw_slots(e, net.slots, generator(4)), net.pair.learner
    with torch.no_grad():
        seen = net.features(letters.images[e.support.flatten()])
    fresh = first_weights(learner.weights(), 2)
    bptt, eprop = (lessons.own_gradient(net, fresh, seen, slot, credit) for credit in (True, False))
    for k in range(2):
        net.zero_grad()
        _, y = net.ask(seen[:, 5 * k : 5 * k + 5], slot[k : k + 1])
        torch.nn.functional.cross_entropy(y[0], torch.arange(5), reduction="sum").backward()
        assert torch.allclose(bptt.w_in[k], learner.w_in.grad, rtol=1e-3, atol=1e-5)
        assert torch.allclose(bptt.w_rec[k], learner.w_rec.grad, rtol=1e-3, atol=1e-5)
    assert not torch.allclose(bptt.w_rec, eprop.w_rec, rtol=0.1)


def test_one_update_is_compared_with_ordinary_ones(net, letters):
    curves = {"e-prop": [(right, right - 5, right + 5) for right in (20, 60, 70, 80)], "BPTT": [(50, 40, 60)]}
    known = lessons.Compared((70, 69, 71), {}, curves)
    assert known.reached("e-prop") == 2
    assert known.reached("BPTT") is None
    compared = lessons.compare_with_ordinary(net, letters, 8, 5, 3, generator(6))
    assert all(len(curve) == 4 for curve in compared.curves.values())
    assert compared.curves["e-prop"][0] == compared.curves["BPTT"][0] < (40,) < compared.learned  # no update: by chance
    assert min(compared.single.values()) > compared.curves["e-prop"][0]
