"""Shares and means with their intervals, and numbers as the book prints them."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Printed(float):
    """A number that keeps the digits with which it stands in its file, so that the book prints them as its source does."""

    digits: str

    def __new__(cls, digits: str):
        self = super().__new__(cls, digits)
        self.digits = digits
        return self


def text(number: float | str | None, unit: str = "") -> str:
    """A number as the book prints it: at most four significant digits, counts in full, no exponent from 0.0001 on; words as they are."""
    if number is None:
        return "–"
    if isinstance(number, str):
        return number
    if isinstance(number, Printed):
        digits = number.digits.replace("_", "")
    elif float(number).is_integer() and abs(number) < 1e12:
        digits = f"{int(number):,}"
    elif 1e-2 <= abs(number) < 1e12:
        digits = f"{number:.4g}" if abs(number) < 9999.5 else f"{number:,.0f}"
    elif 1e-4 <= abs(number) < 1e-2:
        digits = f"{float(f'{number:.4g}'):.7f}".rstrip("0")
    else:
        mantissa, exponent = f"{number:.3e}".split("e")
        digits = f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    unit = unit.removesuffix("s") if digits == "1" and unit.isalpha() and len(unit) > 3 else unit  # 1 step, but 1 ms
    return digits + {"%": " %", "x": "×"}.get(unit, f" {unit}" if unit else "")


def share(hits: int, n: int) -> tuple[float, float, float]:
    """The share of ``hits`` among n [%], and its 95 % interval (Wilson 1927).

    >>> percent, low, high = share(17, 20)
    >>> f"{percent:.0f} % ({low:.0f} to {high:.0f})"
    '85 % (64 to 95)'
    """
    import scipy.stats  # slow to load, and not needed to read a ledger

    found = scipy.stats.binomtest(hits, n).proportion_ci(method="wilson")
    return 100 * hits / n, 100 * float(found.low), 100 * float(found.high)


def censored_median(counts: Sequence[int | None], most: int) -> dict[str, int | str | None]:
    """Median, lowest and highest of an odd number of counts, of which None stands for one above ``most``, as `Record.claim` takes them."""
    if len(counts) % 2 == 0:
        raise ValueError(f"{len(counts)} counts have no middle one: give an odd number")
    known = sorted(most + 1 if count is None else count for count in counts)
    low, median, high = known[0], known[len(known) // 2], known[-1]
    return {
        "ours": min(median, most),
        "bound": ">" if median > most else None,
        "low": low if low <= most else None,
        "high": high if high <= most else None,
    }


def mean_share(shares: Any) -> tuple[float, float, float]:
    """Mean [%] of a tensor of independent shares, shape (n,), and its 95 % interval (`mean_interval`), within 0 and 100 %."""
    percent = 100 * shares.double().numpy()
    low, high = mean_interval(percent)
    return float(percent.mean()), *np.clip((low, high), 0.0, 100.0).tolist()


def tango(only_first: int, only_second: int, n: int) -> tuple[float, float]:
    r"""95 % interval of the difference of two shares of the same n images, which only the first or only the second has.

    All differences :math:`\delta` with :math:`(b - c - n\delta)^2 \le z^2 n\, (2 \hat q + \delta (1 - \delta))`, where b and c count these
    images and :math:`\hat q` is the likeliest share of the latter: T. Tango, Statistics in Medicine 17, 891-908 (1998).
    """
    import scipy.optimize
    import scipy.stats

    b, c, z = only_first, only_second, float(scipy.stats.norm.ppf(0.975))

    def excess(delta: float) -> float:
        linear = (2 * n - b + c) * delta - b - c
        q = (math.sqrt(max(linear**2 + 8 * n * c * delta * (1 - delta), 0.0)) - linear) / (4 * n)
        return (b - c - n * delta) ** 2 - z**2 * n * (2 * q + delta * (1 - delta))

    middle = (b - c) / n
    low, high = (sign if middle == sign else scipy.optimize.brentq(excess, middle + 1e-9 * sign, sign) for sign in (-1.0, 1.0))
    return float(low), float(high)


def paired(first: Any, second: Any) -> tuple[float, float, float]:
    """Difference of the shares of the same images in two boolean arrays [pp], and its 95 % interval (`tango`)."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    low, high = tango(only_first, only_second, len(first))
    return 100 * (only_first - only_second) / len(first), 100 * low, 100 * high


def mean_interval(numbers: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of independent numbers (Student's t); `ValueError` for a single one."""
    import scipy.stats

    if len(numbers) < 2:
        raise ValueError(f"{len(numbers)} number has no interval: give at least two")
    half = scipy.stats.t.ppf(0.975, len(numbers) - 1) * numbers.std(ddof=1) / math.sqrt(len(numbers))
    return float(numbers.mean() - half), float(numbers.mean() + half)


def interval_over_groups(values: np.ndarray, involved: np.ndarray) -> tuple[float, float, float]:
    r"""Mean of numbers and its 95 % interval, over the draws *and* over the groups, such as speakers, from which all draws come.

    ``values`` has shape (draw, number), ``involved``, whether a group has to do with a number, (draw, number, group).

    The variance of the mean is that over draws plus that over groups, by the jackknife: with :math:`m_g` the mean of the numbers in which
    group g is not ``involved``, :math:`\frac{G-1}{G} \sum_g (m_g - \bar m)^2`. A product of two halves of the draws takes the place of the
    square, or chance in the draws would count twice. Student's t with G - 1 degrees of freedom.

    Source: B. Efron and C. Stein, The jackknife estimate of variance, Annals of Statistics 9, 586-596 (1981).
    """
    import scipy.stats

    def deviations(half: slice) -> np.ndarray:
        kept = ~involved[half]
        means = (values[half][..., None] * kept).sum((0, 1)) / kept.sum((0, 1))
        return means - means.mean()

    groups = involved.shape[-1]
    of_groups = (groups - 1) / groups * float(deviations(slice(0, None, 2)) @ deviations(slice(1, None, 2)))
    of_draws = float(values.mean(1).var(ddof=1)) / len(values)
    half = scipy.stats.t.ppf(0.975, groups - 1) * math.sqrt(max(of_groups, 0.0) + of_draws)
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def interval(low: float | None, high: float | None) -> str:
    """An interval as the book prints it, on one line: ends with the same decimals, two digits of its width, at most four of a number."""
    if low is None or high is None:
        return "–"
    largest = max(abs(low), abs(high))
    if high <= low or largest < 1e-4:
        return f"{text(low)}\u00a0to\u00a0{text(high)}"
    digits = min(1 - math.floor(math.log10(high - low)), 3 - math.floor(math.log10(largest)))
    return "\u00a0to\u00a0".join(f"{end:z,.{max(digits, 0)}f}" for end in (low, high))


def cosine(a: Sequence[Any], b: Sequence[Any]) -> float:
    """Cosine of the angle between two gradients, each given as tensors, one for each kind of weights."""
    import torch  # slow to load, and not needed to read a ledger

    one, other = (torch.cat([part.flatten() for part in parts]) for parts in (a, b))
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


def largest_difference(a: Sequence[Any], b: Sequence[Any]) -> float:
    """Largest difference between arrays and those of ``b``, relative to the largest entry of the latter; nan if one is."""
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in zip(a, b, strict=True)]
    return float(np.max([np.abs(x - y).max() / np.abs(y).max() for x, y in pairs]))


class Ratio(NamedTuple):
    """Ratio of two medians, with the lowest and the highest ratio of a pair (None: not known); with a bound, it is larger or smaller."""

    value: float
    bound: str | None = None
    low: float | None = None
    high: float | None = None


def ratio_of_counts(a: Sequence[float], b: Sequence[float], limit: int) -> Ratio | None:
    """Ratio of the medians of two lists of counts of updates, which are paired.

    A count is nan where ``limit`` updates, numbered from 0, were not enough. If a median is one, only a bound is known; None if both are.
    """
    late = [[math.isnan(k) for k in counts] for counts in (a, b)]
    short = [2 * sum(of) >= len(of) for of in late]
    if all(short):
        return None
    counts, others = ([limit - 1 if math.isnan(k) else k for k in given] for given in (a, b))
    ratios, bound = [x / y for x, y in zip(counts, others, strict=True)], ">" if short[0] else "<" if short[1] else None
    low, high = None if any(late[1]) else min(ratios), None if any(late[0]) else max(ratios)
    return Ratio(float(np.median(counts) / np.median(others)), bound, low, high)
