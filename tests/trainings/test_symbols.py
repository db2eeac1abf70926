"""Episodes of the training, and a short one."""

import json

import pytest
import torch

from snncore.learning.descent import Descent
from snncore.tasks import printed
from snncore.tasks.episodes import Examples
from snncore.trainings import job, symbols


def test_episodes_are_of_one_alphabet_as_often_as_said_and_classes_turn_as_one():
    known = Examples(torch.zeros(1), [torch.arange(3 * k, 3 * k + 3) for k in range(40)])
    together = [list(range(20)), list(range(20, 40)), [0, 1]]
    e = symbols.drawn(known, together, 400, 5, 1, torch.Generator().manual_seed(0))
    assert torch.equal(e.query // 3, e.support // 3)
    within = (e.support // 60 == e.support[:, :1] // 60).all(1).float().mean()
    assert abs(float(within) - (0.5 + 0.5 * 2 * 15504 / 658008)) < 0.08  # by chance, too: all five of one half
    quarter = torch.zeros(1, 28, 28)
    quarter[:, 3:8, 12:16] = 1  # at the top
    way = torch.tensor([[0, 1, 0, 1]]).expand(50, -1)
    seen = symbols.varied("omniglot", quarter.expand(50, 4, 1, 28, 28), way, torch.Generator().manual_seed(1))
    at_top = (seen.sum((2, 4)) @ (torch.arange(28.0) - 13.5)) / seen.sum((2, 3, 4)) < -4
    assert torch.equal(at_top[:, :2], at_top[:, 2:])  # both images of a class
    assert 0.1 < float(at_top.float().mean()) < 0.4


@pytest.mark.parametrize(("data", "classes"), [("words", 4), ("words", 26), ("omniglot", 10)])
def test_a_part_of_the_words_that_cannot_be_is_refused(data, classes):
    with pytest.raises(ValueError, match=f"--classes {classes} of {data}: give 5 to 25, and of words only"):
        symbols.command(data, classes=classes)


@pytest.mark.slow
def test_a_training_learns_and_is_tested(tmp_path, monkeypatch):
    letters = printed.letters().symbols
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    monkeypatch.setattr(symbols, "examples", lambda kind: (letters, letters))
    monkeypatch.setattr(symbols, "read_omniglot", lambda: None)
    monkeypatch.setattr(symbols.omniglot, "by_alphabet", lambda data, evaluation: [list(range(25)), list(range(25, 50))])
    monkeypatch.setattr(symbols, "EPISODES", 4)
    monkeypatch.setitem(symbols.KINDS, "omniglot", symbols.KINDS["omniglot"]._replace(ways=((5, 2), (20, 2))))
    monkeypatch.setattr(symbols.Kind, "recipe", Descent(4, rate=3e-3, every=1))
    about = symbols.command("omniglot")
    assert [row["update"] for row in about["log"]] == [1, 2, 3, 4]
    assert json.loads((tmp_path / "one_shot_symbols_omniglot_0.json").read_text()) == about
    monkeypatch.setattr(symbols, "examples", lambda kind: pytest.fail("data were read"))
    assert symbols.command("omniglot") == about
