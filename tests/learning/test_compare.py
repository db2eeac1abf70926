"""Short trainings with several learning signals."""

import pandas as pd
import pytest
import torch

from snncore.learning import compare
from snncore.learning.compare import Point
from snncore.learning.eprop import SIGNALS

POINT = Point(0.003, 0.3, 1.0)


def test_all_signals_begin_with_the_same_weights_but_for_the_size_of_readouts():
    first, *others = (
        compare.pattern_learner(signal, 0, POINT._replace(readout=k)).network.weights() for signal in SIGNALS for k in (1.0, 3.0)
    )
    for weights in others:
        assert all(torch.equal(a, b) for a, b in zip(weights[:2], first[:2], strict=True))
    assert [float((w.w_out / first.w_out).detach().mean().round(decimals=5)) for w in others] == [3.0, *[1.0, 3.0] * 4]


def test_a_pattern_is_learned():
    rows = list(compare.pattern_curve("symmetric", 0, 21, POINT))
    assert rows[-1]["left"] < 0.5 * rows[0]["left"]
    assert [row["update"] for row in rows if "cosine" in row] == [0, 10, 20]


def test_points_are_ranked_by_updates_then_errors_and_a_pattern_is_learned_at_a_tenth():
    a, b, c = Point(1.0, 1.0, 1.0), Point(1.0, 1.0, 2.0), Point(2.0, 1.0, 1.0)
    rows = [(a, 9, 0.1), (a, 5, 0.1), (b, 7, 0.0), (b, 7, 0.1), (c, 6, 0.5), (c, 6, 0.5)]
    tried = pd.DataFrame({**point._asdict(), "updates": updates, "error": error} for point, updates, error in rows)
    assert compare.ranked(tried) == [c, b, a]
    table = pd.DataFrame({"seed": [0, 0, 0, 1, 1], "update": [0, 1, 2, 0, 1], "left": [1.0, 0.05, 0.2, 1.0, 0.5]})
    assert compare.first_learned(table) == pytest.approx([1.0, float("nan")], nan_ok=True)
