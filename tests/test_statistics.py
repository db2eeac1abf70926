"""Correlations, means, intervals and medians, against formulas."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from snncore import statistics
from snncore.statistics import Ratio, interval_over_groups, share, tango


def test_the_median_of_counts_that_are_only_known_to_be_large():
    assert statistics.censored_median([7, 3, 5], 10) == {"ours": 5, "bound": None, "low": 3, "high": 7}
    assert statistics.censored_median([None, 3, 5], 10) == {"ours": 5, "bound": None, "low": 3, "high": None}
    assert statistics.censored_median([None, 3, None], 10) == {"ours": 10, "bound": ">", "low": 3, "high": None}
    with pytest.raises(ValueError, match="2 counts have no middle one"):
        statistics.censored_median([1, 2], 10)


def test_the_interval_of_a_mean_share_is_its_formula():
    mean, low, high = statistics.mean_share(torch.tensor([0.6, 0.8] * 50))
    assert mean == pytest.approx(70)
    assert high - low == pytest.approx(2 * 1.984217 * 10 / 99**0.5, rel=1e-5)  # Student's quantile for 99 degrees of freedom
    assert (low + high) / 2 == pytest.approx(mean)


def test_cosine_and_largest_difference_are_those_by_hand():
    a, b = (torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])), (torch.tensor([[3.0, 4.0]]), torch.tensor([0.0]))
    assert statistics.cosine(a, b) == pytest.approx(9 / 25)
    assert statistics.largest_difference([np.array([1.0, 2.0]), np.array([5.0])], [np.array([1.0, 4.0]), np.array([4.0])]) == 0.5
    assert math.isnan(statistics.largest_difference([np.array([math.nan])], [np.array([1.0])]))


@pytest.mark.parametrize(("counts", "limit", "ratio"), [
    (([40.0, 60.0], [20.0, 30.0]), 300, Ratio(2.0, None, 2.0, 2.0)),
    (([20.0, 30.0, 90.0], [40.0, 20.0, 30.0]), 300, Ratio(1.0, None, 0.5, 3.0)),
    (([40.0, 50.0, math.nan], [20.0, 10.0, 60.0]), 300, Ratio(2.5, None, 2.0)),
    (([40.0, math.nan, math.nan], [20.0, 30.0, 40.0]), 300, Ratio(299 / 30, ">", 2.0)),
    (([40.0, 60.0, 50.0], [20.0, math.nan, math.nan]), 300, Ratio(50 / 299, "<", None, 2.0)),
    (([40.0, math.nan, 60.0], [20.0, math.nan, 30.0]), 300, Ratio(2.0)),
    (([40.0, math.nan], [20.0, 30.0]), 300, Ratio(169.5 / 25, ">", 2.0)),  # a median between the two
    (([math.nan], [math.nan]), 300, None),
])  # fmt: skip
def test_what_is_not_learned_gives_a_bound_of_the_ratio(counts, limit, ratio):
    assert statistics.ratio_of_counts(*counts, limit) == ratio


def test_wilson_interval_is_its_formula():
    k, n, z = 690, 700, 1.959964
    p, (percent, *low_high) = k / n, share(k, n)
    center, half = (p + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    assert percent == pytest.approx(100 * p)
    assert low_high == pytest.approx([100 * (center - half), 100 * (center + half)], rel=1e-6)


def test_interval_of_a_difference_covers_it_as_often_as_it_says():
    """All pairs of counts that may come up, each with its probability: no simulation."""
    for n, first, second in ((200, 0.02, 0.01), (200, 0.05, 0.05), (60, 0.3, 0.1), (200, 0.01, 0.01)):
        covered = 0.0
        b = np.arange(n + 1)
        for k, p in zip(b, scipy.stats.binom.pmf(b, n, first), strict=True):
            for m, q in enumerate(scipy.stats.binom.pmf(np.arange(n - k + 1), n - k, second / (1 - first))):
                if p * q > 1e-8:
                    low, high = tango(int(k), m, n)
                    covered += p * q * (low <= first - second <= high)
        assert 0.94 < covered < 0.98


def test_interval_of_a_difference_is_known_at_the_ends():
    z = 1.959964
    assert tango(0, 0, 700) == pytest.approx((-(z**2) / (700 + z**2), z**2 / (700 + z**2)), rel=1e-5)
    low, high = tango(20, 0, 20)
    assert high == 1
    assert low == pytest.approx(share(20, 20)[1] / 50 - 1, abs=0.03)  # all discordant: nearly a single share
    for b, c, n in ((3, 1, 30), (0, 4, 30), (30, 0, 30), (1, 0, 1)):
        assert tango(c, b, n) == pytest.approx(tuple(-end for end in reversed(tango(b, c, n))))


def test_the_interval_of_a_mean_is_students():
    numbers = np.random.default_rng(0).normal(3, 2, 40)
    half = 2.0226909 * numbers.std(ddof=1) / 40**0.5  # Student's quantile for 39 degrees of freedom, from a table
    assert statistics.mean_interval(numbers) == pytest.approx((numbers.mean() - half, numbers.mean() + half))
    assert statistics.mean_interval(np.ones(3)) == (1, 1)
    with pytest.raises(ValueError, match="1 number has no interval"):
        statistics.mean_interval(np.ones(1))


def test_a_paired_difference_is_that_of_the_shares_and_turns_around():
    g = np.random.default_rng(0)
    a, b = g.random(300) < 0.8, g.random(300) < 0.7
    difference, low, high = statistics.paired(a, b)
    assert difference == pytest.approx(100 * (a.mean() - b.mean()))
    assert low < difference < high
    assert statistics.paired(b, a) == pytest.approx((-difference, -high, -low))
    assert statistics.paired(a, a)[0] == 0


def test_interval_over_groups_is_that_of_additive_numbers():
    """For all pairs of groups, a(i) + b(j), twice: the variance over groups is that of the mean of a + b."""
    a, b = np.random.default_rng(0).normal(size=(2, 12))
    pairs = np.array([(i, j) for i in range(12) for j in range(12) if i != j] * 2)
    pairs = pairs[np.repeat(np.arange(132), 2) + np.tile([0, 132], 132)]  # each pair in both halves
    values = (a[pairs[:, 0]] + b[pairs[:, 1]])[:, None]
    involved = (pairs[:, :, None] == np.arange(12)).any(1)[:, None]
    mean, low, high = interval_over_groups(values, involved)
    error = math.sqrt((a + b).var(ddof=1) / 12 + values.var(ddof=1) / len(values))
    assert mean == pytest.approx((a + b).mean())
    assert [low, high] == pytest.approx([mean - 2.200985 * error, mean + 2.200985 * error], rel=1e-6)


def test_interval_over_groups_is_that_of_draws_where_groups_are_alike():
    draws = np.random.default_rng(0)
    involved = draws.random((2000, 1, 30)) < 0.1
    values = (draws.random((2000, 1)) < 0.5).astype(float)
    mean, low, high = interval_over_groups(values, involved)
    assert high - mean == pytest.approx(2.045230 * 0.5 / math.sqrt(2000), rel=0.15)
    assert mean - low == pytest.approx(high - mean)
