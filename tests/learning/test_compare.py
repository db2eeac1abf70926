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
    learner = compare.pattern_learner("symmetric", 0, POINT).double()
    x, target = (a.double() for a in compare.pattern.draw(100, 0.05, compare.torch_generator(0, "pattern")))
    grads = []
    for each in (learner, compare.Learner(learner.network, "bptt", torch.Generator(), 0.0)):
        learner.zero_grad()
        activity = each(x)
        ((activity.y - target).square().mean() + 0.3 * compare.rate_cost(activity.z, 0.01, 0.01)).backward()
        grads.append([w.grad.flatten() for w in (learner.network.w_in, learner.network.w_rec)])
    (ours_in, ours), (theirs_in, theirs) = grads
    cosine = torch.cosine_similarity(torch.cat([ours_in, ours]), torch.cat([theirs_in, theirs]), 0)
    assert [rows[0]["cosine"], rows[0]["length"]] == pytest.approx([float(cosine), float(theirs.norm() / ours.norm())])


def test_answers_by_hand():
    y = torch.tensor([[[3.0, 0.0], [0.0, 5.0]], [[0.0, 1.0], [9.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])  # step, trial, answer
    answer = torch.tensor([0, 1])
    known = -sum(torch.log_softmax(y[t, k], -1)[answer[k]] for t in range(3) for k in range(2)) / 6
    assert compare.choice_error(y, answer) == pytest.approx(float(known))
    assert (compare.share_wrong(y, answer), compare.share_wrong(y, torch.tensor([1, 0]))) == (0.5, 0.5)
    assert compare.share_wrong(y, torch.tensor([0, 0])) == 0.0  # by the mean of all steps


def test_points_are_ranked_by_updates_then_errors():
    a, b, c = Point(1.0, 1.0, 1.0), Point(1.0, 1.0, 2.0), Point(2.0, 1.0, 1.0)
    rows = [(a, 9, 0.1), (a, 5, 0.1), (b, 7, 0.0), (b, 7, 0.1), (c, 6, 0.5), (c, 6, 0.5)]
    tried = pd.DataFrame({**point._asdict(), "updates": updates, "error": error} for point, updates, error in rows)
    assert compare.ranked(tried) == [c, b, a]
