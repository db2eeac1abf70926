"""Short trainings with several learning signals."""

import numpy as np
import pandas as pd
import pytest
import torch

from snncore.learning import compare
from snncore.learning.descent import Descent
from snncore.learning.eprop import SIGNALS
from snncore.tasks.store_recall import StoreRecall


def test_random_feedback_stays_and_symmetric_has_none():
    learner = compare.pattern_learner("random", 0, 0.3)
    learner.adapt(0.1)
    assert learner.w_feedback is not None
    assert not learner.w_feedback.requires_grad
    assert compare.pattern_learner("symmetric", 0, 0.3).w_feedback is None
    assert torch.equal(learner.network.w_in, compare.pattern_learner("bptt", 0, 0.03).network.w_in)  # all begin with the same weights


def test_a_pattern_is_learned():
    rows = compare.pattern_curve("symmetric", 0, 40, 0.3)
    assert rows[-1]["left"] < 0.5 * rows[0]["left"]
    assert [row["update"] for row in rows if "cosine" in row] == [0, 10, 20, 30]


def test_a_pattern_counts_as_learned_when_a_tenth_is_left():
    table = pd.DataFrame({"seed": [0, 0, 0, 1, 1], "update": [0, 1, 2, 0, 1], "left": [1.0, 0.05, 0.2, 1.0, 0.5]})
    assert compare.first_learned(table) == pytest.approx([1.0, float("nan")], nan_ok=True)


def test_a_bit_is_remembered():
    recipe, form = Descent(1500, rate=8e-3, knee=60, every=25), StoreRecall(slots=3, slot=50)
    first = [compare.recall_learner(signal, 0).network.weights() for signal in ("random", "symmetric", "bptt")]
    assert all(torch.equal(a, b) for others in first[1:] for a, b in zip(first[0], others, strict=True))
    rows = compare.recall_curve("symmetric", 0, 80, recipe, 64, form)
    assert np.mean([row["wrong"] for row in rows[:2]]) > 35
    assert np.mean([row["wrong"] for row in rows[-10:]]) < 15
    assert rows[:5] == compare.recall_curve("symmetric", 0, 5, recipe, 64, form)


def test_all_signals_make_a_learner_of_the_published_neurons_but_bptt():
    for signal in SIGNALS:
        dampening = {p.dampening for _, p in compare.recall_learner(signal, 0).network.populations}
        assert dampening == {compare.BPTT_DAMPENING if signal == "bptt" else 0.3}
