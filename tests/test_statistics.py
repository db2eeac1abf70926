"""Correlation, and the median of counts that are only known to be large."""

import pytest
import torch

from snncore.statistics import censored_median, correlation


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
