"""Correlations, means, intervals and medians, against formulas."""

import pytest
import torch

from snncore.statistics import censored_median, correlation, mean_share


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
