"""Means with their intervals, against formulas."""

import pytest
import torch

from snncore.statistics import mean_share


def test_the_interval_of_a_mean_share_is_its_formula():
    mean, low, high = mean_share(torch.tensor([0.6, 0.8] * 50))
    assert mean == pytest.approx(70)
    assert high - low == pytest.approx(2 * 1.96 * 10 / 99**0.5, rel=1e-5)
    assert (low + high) / 2 == pytest.approx(mean)


def test_the_interval_of_a_mean_share_ends_at_0_and_at_100_percent():
    assert mean_share(torch.tensor([1.0, 1.0, 0.9]))[2] == 100
    assert mean_share(torch.tensor([0.0, 0.0, 0.1]))[1] == 0
