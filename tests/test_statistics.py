"""Numbers that chapters compare."""

import math

import numpy as np
import pytest
import torch

from snncore.statistics import Ratio, cosine, largest_difference, ratio_of_counts


def test_cosine_and_largest_difference_are_those_by_hand():
    a, b = (torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])), (torch.tensor([[3.0, 4.0]]), torch.tensor([0.0]))
    assert cosine(a, b) == pytest.approx(9 / 25)
    assert largest_difference([np.array([1.0, 2.0]), np.array([5.0])], [np.array([1.0, 4.0]), np.array([4.0])]) == 0.5
    assert math.isnan(largest_difference([np.array([math.nan])], [np.array([1.0])]))


@pytest.mark.parametrize(
    ("counts", "limit", "ratio", "above"),
    [
        (([40.0, 60.0], [20.0, 30.0]), 300, Ratio(2.0, None, 2.0, 2.0), True),
        (([20.0, 30.0], [40.0, 60.0]), 300, Ratio(0.5, None, 0.5, 0.5), False),
        (([40.0, math.nan], [20.0, 30.0]), 300, Ratio(169.5 / 25, ">"), True),
        (([40.0, 60.0], [20.0, math.nan]), 300, Ratio(50 / 159.5, "<"), False),
        (([1.0, math.nan], [280.0, 290.0]), 300, Ratio(150 / 285, ">"), None),  # perhaps 300 updates, perhaps 1,000
        (([290.0, 290.0], [1.0, math.nan]), 300, Ratio(290 / 150, "<"), None),
        (([40.0, math.nan], [20.0, math.nan]), 300, None, None),
    ],
)
def test_what_is_not_learned_gives_a_bound_of_the_ratio(counts, limit, ratio, above):
    found = ratio_of_counts(*counts, limit)
    assert found == ratio
    assert (found and found.above_one) == above
