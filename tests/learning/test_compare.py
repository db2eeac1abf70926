"""Short trainings with several learning signals."""

import pandas as pd
import pytest
import torch

from snncore.learning import compare
from snncore.learning.eprop import SIGNALS


def test_all_signals_begin_with_the_same_weights_and_bptt_with_a_lower_pseudo_derivative():
    first, *others = (compare.pattern_learner(signal, 0, 0.3).network.weights() for signal in SIGNALS)
    assert all(torch.equal(a, b) for weights in others for a, b in zip(weights, first, strict=True))
    for signal in SIGNALS:
        expected = compare.BPTT_DAMPENING if signal == "bptt" else 0.3
        assert {p.dampening for _, p in compare.published_neurons(signal)} == {expected}


def test_a_pattern_is_learned():
    rows = compare.pattern_curve("symmetric", 0, 21, 0.3)
    assert rows[-1]["left"] < 0.5 * rows[0]["left"]
    assert [row["update"] for row in rows if "cosine" in row] == [0, 10, 20]


def test_a_pattern_counts_as_learned_when_a_tenth_is_left():
    table = pd.DataFrame({"seed": [0, 0, 0, 1, 1], "update": [0, 1, 2, 0, 1], "left": [1.0, 0.05, 0.2, 1.0, 0.5]})
    assert compare.first_learned(table) == pytest.approx([1.0, float("nan")], nan_ok=True)
