"""Episodes of the training, and a short one."""

import json

import pytest

from snncore.learning.descent import Descent
from snncore.tasks import printed
from snncore.trainings import job, symbols


@pytest.mark.slow
def test_a_training_learns_and_is_tested(tmp_path, monkeypatch):
    letters = printed.letters().symbols
    monkeypatch.setattr(job, "TRAINING", tmp_path)
    monkeypatch.setattr(symbols, "examples", lambda kind: (letters, letters))
    monkeypatch.setattr(symbols, "EPISODES", 4)
    monkeypatch.setitem(symbols.KINDS, "omniglot", symbols.KINDS["omniglot"]._replace(ways=((5, 2), (20, 2))))
    monkeypatch.setattr(symbols.Kind, "recipe", Descent(4, rate=3e-3, every=1))
    about = symbols.command("omniglot")
    assert [row["update"] for row in about["log"]] == [1, 2, 3, 4]
    assert json.loads((tmp_path / "one_shot_symbols_omniglot_0.json").read_text()) == about
    monkeypatch.setattr(symbols, "examples", lambda kind: pytest.fail("data were read"))
    assert symbols.command("omniglot") == about
