"""Scores of episodes, lessons with printed letters, the official runs, and a training that can be killed."""

import json
from functools import partial
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from snncore.datafiles import DataError
from snncore.experiments import one_shot_symbols as symbols
from snncore.learning.descent import Descent
from snncore.learning.one_shot_classifier import OneShotClassifier
from snncore.networks.checkpoints import accounts
from snncore.networks.recurrent import run
from snncore.tasks import printed
from snncore.tasks.episodes import Examples
from snncore.tasks.omniglot import read_runs
from snncore.trainings import job as training
from tests.experiments import recorded
from tests.tasks.test_symbols import official


def test_a_score_is_a_mean_with_its_interval():
    mean, low, high = symbols.score(torch.tensor([0.6, 0.8] * 50))
    assert mean == pytest.approx(70)
    assert high - low == pytest.approx(2 * 1.96 * 10 / 99**0.5, rel=1e-5)
    assert (low + high) / 2 == pytest.approx(mean)


def test_classes_are_by_chance_before_an_update_and_known_after_it():
    """The recorded network about printed letters; and the same images as examples and queries, which the nearest image always knows."""
    net, p = symbols.trained("omniglot"), printed.letters()
    data = p.symbols
    found = symbols.scores(symbols.test(net, data, 5, 60, 0))
    assert found["before"].mean < 35
    assert found["after"].low > 40
    assert found["features"].mean >= found["nearest"].mean
    same = Examples(data.images.repeat(2, 1, 1, 1), [c[:1].repeat(2) + torch.tensor([0, len(data.images)]) for c in data.classes])
    assert symbols.test(net, same, 5, 20, 0).nearest.min() == 1


def test_classes_are_answered_in_any_slot():
    """Answers are about ways, in whatever slots they are: which ones, is drawn, and hardly matters."""
    net, data = symbols.trained("omniglot"), printed.letters().symbols
    e = symbols.episodes.draw(data.classes, 20, 5, 1, torch.Generator().manual_seed(1))
    right = [symbols.answered(net, data.images, e, torch.Generator().manual_seed(k)).after.mean() for k in range(3)]
    assert min(right) > 0.4
    assert max(right) - min(right) < 0.2


def test_a_lesson_is_the_same_again_and_asks_for_other_typefaces():
    net = symbols.trained("omniglot")
    a, b = symbols.lesson(net, 0), symbols.lesson(net, 0)
    assert torch.equal(a.after, b.after)
    assert a.letters != symbols.lesson(net, 1).letters
    assert a.label.tolist() == [k for k in range(5) for _ in range(4)]
    letters, images = printed.letters().symbols.classes, printed.letters().symbols.images
    for k, letter in enumerate(a.letters):
        of = images[letters[printed.LETTERS.index(letter)], 0]
        assert (of == a.support[k]).flatten(1).all(1).sum() == 1
        for query in a.query[4 * k : 4 * k + 4]:
            assert (of == query).flatten(1).all(1).sum() == 1


def test_official_runs_are_scored_in_wrong_answers(tmp_path, monkeypatch):
    """Answers by the nearest image are right in a run whose queries are hardly changed; turned around, two of three are wrong."""
    official(tmp_path)

    def nearest(self, support, slot, query):
        answers = -torch.cdist(query.flatten(2), support.flatten(2))
        return symbols.Session(*[None] * 6, answers, answers)

    monkeypatch.setattr(OneShotClassifier, "forward", nearest)
    net = symbols.network("omniglot", 0)
    assert symbols.official(net, read_runs(tmp_path))["wrong"].tolist() == [0]
    labels = tmp_path / "run01" / "class_labels.txt"
    queries, examples = zip(*map(str.split, labels.read_text().splitlines()), strict=True)
    labels.write_text("\n".join(f"{q} {e}" for q, e in zip(queries, reversed(examples), strict=True)))
    assert symbols.official(net, read_runs(tmp_path))["wrong"].tolist() == pytest.approx([200 / 3])


def test_episodes_of_20_follow_those_of_5(monkeypatch):
    """The training's two parts, and that every update is of 240 images."""
    known, seen = printed.letters().symbols, []
    net = symbols.network("omniglot", 0)
    forward = OneShotClassifier.forward

    def watched(self, support, slot, query):
        seen.append((*slot.shape, query.shape[1]))
        return forward(self, support, slot, query)

    monkeypatch.setattr(OneShotClassifier, "forward", watched)
    update = symbols.outer(net, "omniglot", known)
    for k in (0, 1499, 1500, 4999):
        update(k, torch.Generator().manual_seed(k))
    assert seen == [(16, 5, 10), (16, 5, 10), (6, 20, 20), (6, 20, 20)]


def test_a_training_that_is_interrupted_goes_on_as_if_it_were_not(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "TRAINING", tmp_path)
    data = printed.letters().symbols
    monkeypatch.setattr(symbols, "data", lambda kind: (data, data))
    monkeypatch.setattr(symbols, "COUNT", 4)
    recipe = Descent(4, rate=3e-3, every=1)
    monkeypatch.setattr(symbols.Kind, "recipe", recipe)
    whole = symbols.train_symbols("omniglot")
    (tmp_path / "one_shot_symbols_omniglot_0.json").unlink()
    (tmp_path / "one_shot_symbols_omniglot_0.state").unlink()
    draw, left = symbols.episodes.draw, [2]

    def until(*given):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return draw(*given)

    monkeypatch.setattr(symbols.episodes, "draw", until)
    with pytest.raises(KeyboardInterrupt):
        symbols.train_symbols("omniglot")
    left[0] = -1
    again = symbols.train_symbols("omniglot")
    assert [row["loss"] for row in again["log"]] == [row["loss"] for row in whole["log"]]
    assert again["test_20"] == whole["test_20"]
    assert json.loads((tmp_path / "one_shot_symbols_omniglot_0.json").read_text()) == again


@pytest.mark.parametrize(
    ("kind", "name", "value", "words"),
    [
        ("omniglot", "ETA", 1e-3, r"\(eta is 0.0003 there and 0.001 here\)"),
        ("omniglot", "STEPS", 10, r"\(steps is 20 there and 10 here\)"),
        ("words", "LOGITS", 1.0, r"\(logits is 0.6 there and 1.0 here\)"),
    ],
)
def test_networks_of_another_configuration_are_refused(monkeypatch, kind, name, value, words):
    monkeypatch.setattr(symbols, name, value)
    with pytest.raises(DataError, match=rf"of another configuration {words}: take that of its training"):
        symbols.trained(kind)


def test_ordinary_gradients_are_those_of_each_episode_alone():
    """Of the plain sum over an episode's examples, by PyTorch; e-prop's is another one."""
    net, p = symbols.trained("omniglot"), printed.letters().symbols
    net.pair.loop = partial(run, compiled=False)
    e = symbols.episodes.draw(p.classes, 2, 5, 1, torch.Generator().manual_seed(3))
    slot = symbols.slots(e, torch.Generator().manual_seed(4))
    with torch.no_grad():
        seen = net.features(p.images[e.support.flatten()])
    fresh = symbols.Own(*(w.detach().expand(2, -1, -1) for w in net.pair.learner.weights()[:2]))
    found = {credit: symbols.ordinary_gradient(net, fresh, seen, slot, credit) for credit in (True, False)}
    learner = net.pair.learner
    for k in range(2):
        net.zero_grad()
        _, y = net.ask(seen[:, 5 * k : 5 * k + 5], slot[k : k + 1])
        torch.nn.functional.cross_entropy(y[0], torch.arange(5), reduction="sum").backward()
        assert torch.allclose(found[True].w_in[k], learner.w_in.grad, rtol=1e-3, atol=1e-5)
        assert torch.allclose(found[True].w_rec[k], learner.w_rec.grad, rtol=1e-3, atol=1e-5)
    assert not torch.allclose(found[True].w_rec, found[False].w_rec, rtol=0.1)


def test_signals_of_another_lesson_teach_nothing():
    found = symbols.scores(symbols.test(symbols.trained("omniglot"), printed.letters().symbols, 5, 60, 0))
    assert found["shuffled"].high < 35 < found["after"].low


def test_confusions_are_shares_of_what_was_shown(monkeypatch):
    """All but the diagonal is empty if the answers are right, whatever the order of letters in a lesson."""
    net, p = symbols.trained("omniglot"), printed.letters().symbols
    few = Examples(p.images, p.classes[:20])

    def confusion():
        return symbols.confusion(net, few, printed.LETTERS[:20], 4, 1, torch.Generator().manual_seed(5))

    found = confusion()
    assert found.sum(axis=1).to_numpy() == pytest.approx(100)
    assert list(found.index) == list(found.columns) == list(printed.LETTERS[:20])
    draw, kept = symbols.episodes.draw, []

    def keep(*arguments):
        kept.append(draw(*arguments))
        return kept[-1]

    def all_right(self, support, slot, query):
        return SimpleNamespace(answers=torch.nn.functional.one_hot(kept[-1].label, 20).float())

    monkeypatch.setattr(OneShotClassifier, "forward", all_right)
    monkeypatch.setattr(symbols.episodes, "draw", keep)
    assert confusion().to_numpy() == pytest.approx(100 * torch.eye(20).numpy())


def test_the_most_frequent_mistake_is_off_the_diagonal():
    found = pd.DataFrame([[60.0, 30.0, 10.0], [5.0, 90.0, 5.0], [0.0, 40.0, 60.0]], list("abc"), list("abc"))
    assert symbols.confused(found) == ("c for b", 40)


def test_the_live_training_is_tested_on_letters_that_it_has_not_seen(tmp_path, monkeypatch):
    seen, draw = [], symbols.episodes.draw

    def watched(classes, *others):
        seen.append({int(k) for places in classes for k in places})
        return draw(classes, *others)

    monkeypatch.setattr(symbols.episodes, "draw", watched)
    symbols.live(symbols.Record("one_shot_symbols", "book", tmp_path), symbols.Config(episodes=20, live=2))
    assert [len(places) for places in seen] == [240, 240, 240]  # two updates and one test
    assert seen[0] == seen[1]
    assert not seen[0] & seen[2]
    values = json.loads((tmp_path / "values.json").read_text())
    assert values["live_letters"]["value"] == 48
    assert not (tmp_path / "live.state").exists()


def test_one_update_is_compared_with_ordinary_ones():
    found = symbols.Compared(70.0, {}, {"e-prop": [20.0, 60.0, 70.0, 80.0], "BPTT": [20.0, 30.0, 40.0, 50.0]})
    assert found.reached("e-prop") == 2
    assert found.reached("BPTT") is None
    net, p = symbols.trained("omniglot"), printed.letters().symbols
    found = symbols.compared(net, p, 8, 5, 3, torch.Generator().manual_seed(6))
    assert all(len(curve) == 4 for curve in found.curves.values())
    assert found.curves["e-prop"][0] == found.curves["BPTT"][0] < 40 < found.learned  # no update: by chance
    assert min(found.single.values()) > found.curves["e-prop"][0]


def test_recorded_trainings_used_the_recipe_that_the_command_uses():
    found = accounts(symbols.BEGINNING)
    assert {symbols.kind_of(name).removesuffix(symbols.ALONE) for name in found} == set(symbols.KINDS)
    for name, about in found.items():
        known, seed = symbols.kind_of(name), name.rsplit("_", 1)[1]
        kind, lsg = known.removesuffix(symbols.ALONE), not known.endswith(symbols.ALONE)
        words = f"one_shot_symbols --train {kind}" + " --alone" * (not lsg) + f" --seed {seed}"
        recorded.is_of(
            about,
            f"snncore.experiments {words}",
            symbols.KINDS[kind].recipe,
            symbols.constants(symbols.network(kind, int(seed), lsg), kind),
        )
