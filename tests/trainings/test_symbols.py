"""Episodes of the training, a training that can be killed, and the recorded ones."""

import json

import pytest
import torch

from snncore.datafiles import DataError
from snncore.learning.descent import Descent
from snncore.learning.one_shot_classifier import OneShotClassifier
from snncore.networks.checkpoints import load_checkpoint
from snncore.tasks import episodes, printed
from snncore.trainings import job, symbols


def test_episodes_of_20_follow_those_of_5(monkeypatch):
    """The training's two parts, and that every update is of 240 images."""
    known, seen = printed.letters().symbols, []
    forward = OneShotClassifier.forward

    def watched(self, support, slot, query):
        seen.append((*slot.shape, query.shape[1]))
        return forward(self, support, slot, query)

    monkeypatch.setattr(OneShotClassifier, "forward", watched)
    update = symbols.outer(symbols.network("omniglot", 0), "omniglot", known)
    for k in (0, 1499, 1500, 4999):
        update(k, torch.Generator().manual_seed(k))
    assert seen == [(16, 5, 10), (16, 5, 10), (6, 20, 20), (6, 20, 20)]


@pytest.mark.slow
def test_a_training_that_is_interrupted_goes_on_as_if_it_were_not(tmp_path, monkeypatch):
    letters = printed.letters().symbols
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    monkeypatch.setattr(symbols, "examples", lambda kind: (letters, letters))
    monkeypatch.setattr(symbols, "EPISODES", 4)
    monkeypatch.setitem(symbols.KINDS, "omniglot", symbols.KINDS["omniglot"]._replace(ways=((5, 2), (20, 2))))
    monkeypatch.setattr(symbols.Kind, "recipe", Descent(4, rate=3e-3, every=1))
    whole = symbols.command("omniglot")
    for path in tmp_path.glob("one_shot_symbols_omniglot_0.*"):
        path.unlink()
    draw, left = episodes.draw, [2]

    def until(*given):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return draw(*given)

    monkeypatch.setattr(episodes, "draw", until)
    with pytest.raises(KeyboardInterrupt):
        symbols.command("omniglot")
    left[0] = -1
    again = symbols.command("omniglot")
    assert [row["loss"] for row in again["log"]] == [row["loss"] for row in whole["log"]]
    assert again["test_20"] == whole["test_20"]
    assert json.loads((tmp_path / "one_shot_symbols_omniglot_0.json").read_text()) == again


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"eta": 1e-3}, r"\(eta is 0.0003 there and 0.001 here\)"), ({"steps": 10}, r"\(steps is 20 there and 10 here\)")],
)
def test_networks_of_another_configuration_are_refused(changed, words):
    net = symbols.network("omniglot", 0, **changed)
    with pytest.raises(DataError, match=rf"of another configuration {words}: take that of its training"):
        load_checkpoint("one_shot_symbols_omniglot_0", net, symbols.constants(net, "omniglot"))
