"""Correlations, means, intervals and medians, against formulas."""

import math

import numpy as np
import pytest
import torch

from snncore.statistics import Ratio, censored_median, correlation, cosine, largest_difference, mean_share, ratio_of_counts


def test_correlation():
    a = torch.randn(100, generator=torch.Generator().manual_seed(0))
    assert correlation(a, 3 * a + 1) == pytest.approx(1)
    assert correlation(a, -a) == pytest.approx(-1)


def test_the_median_of_counts_that_are_only_known_to_be_large():
    assert censored_median([7, 3, 5], 10) == {"ours": 5, "bound": None, "low": 3, "high": 7}
    assert censored_median([None, 3, 5], 10) == {"ours": 5, "bound": None, "low": 3, "high": None}
    assert censored_median([None, 3, None], 10) == {"ours": 10, "bound": ">", "low": 3, "high": None}
    with pytest.raises(ValueError, match="2 counts have no middle one"):
        censored_median([1, 2], 10)


def test_the_interval_of_a_mean_share_is_its_formula():
    mean, low, high = mean_share(torch.tensor([0.6, 0.8] * 50))
    assert mean == pytest.approx(70)
    assert high - low == pytest.approx(2 * 1.96 * 10 / 99**0.5, rel=1e-5)
    assert (low + high) / 2 == pytest.approx(mean)


def test_the_interval_of_a_mean_share_ends_at_0_and_at_100_percent():
    assert mean_share(torch.tensor([1.0, 1.0, 0.9]))[2] == 100
    assert mean_share(torch.tensor([0.0, 0.0, 0.1]))[1] == 0


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
