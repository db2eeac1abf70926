import math

import numpy as np
import pytest
import scipy.stats

from snncore.statistics import mean_interval, share, tango


def test_wilson_interval_is_its_formula():
    k, n, z = 690, 700, 1.959964
    p, (percent, *low_high) = k / n, share(np.arange(n) < k)
    center, half = (p + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    assert percent == pytest.approx(100 * p)
    assert low_high == pytest.approx([100 * (center - half), 100 * (center + half)], rel=1e-6)


def test_interval_of_a_difference_covers_it_as_often_as_it_says():
    """All pairs of counts that may come up, each with its probability: no simulation."""
    n = 200
    for first, second in ((0.02, 0.01), (0.05, 0.05), (0.3, 0.1), (0.01, 0.01)):
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
    assert low == pytest.approx(share(np.ones(20, bool))[1] / 50 - 1, abs=0.03)  # all discordant: nearly a single share
    for b, c, n in ((3, 1, 30), (0, 4, 30), (30, 0, 30), (1, 0, 1)):
        assert tango(c, b, n) == pytest.approx(tuple(-end for end in reversed(tango(b, c, n))))


def test_the_interval_of_a_mean_is_students():
    numbers = np.random.default_rng(0).normal(3, 2, 40)
    expected = scipy.stats.t.interval(0.95, 39, np.mean(numbers), scipy.stats.sem(numbers))
    assert mean_interval(numbers) == pytest.approx(expected)
