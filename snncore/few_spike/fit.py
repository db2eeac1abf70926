r"""Fit a few-spike neuron to any function of one number.

.. math:: \min_{T, h, d} \int (f(x) - \hat f(x))^2\, dF(x) + \lambda \int n(x)\, dF(x)

with n(x) the number of spikes. For given T and h the error is quadratic in d, so d is solved for (variable projection: Golub and
Pereyra, SIAM J. Numer. Anal. 10, 413-432, 1973) and only T and h are searched, by simulated annealing from a binary code. Everything
is deterministic for a given seed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from snncore.few_spike.neuron import FSParams, fs_decode, fs_run, fs_sum
from snncore.kernels.few_spike import anneal
from snncore.seeds import numpy_generator
from snncore.shapes import FloatTensor, check_number, check_whole, described

Function = Callable[[FloatTensor], FloatTensor]
Cdf = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Quality:
    """Mean squared and largest absolute error of a few-spike neuron on an interval, and its mean number of spikes."""

    mse: float
    max_error: float
    spikes: float


def _samples(function: Function, interval: tuple[float, float], cdf: Cdf | None, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Midpoints of n equal cells of the interval, their weights under ``cdf`` (None: uniform), and the function there."""
    low, high = map(float, interval)
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"interval is [{low}, {high}]: give two finite numbers, the smaller one first")
    edges = np.linspace(low, high, n + 1)
    x = (edges[1:] + edges[:-1]) / 2
    weight = np.diff(cdf(edges)) if cdf else np.full(n, 1.0)
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise ValueError(f"cdf gives no probability to the interval [{low}, {high}], or is not a cumulative distribution function")
    with torch.no_grad():
        given = function(torch.from_numpy(x))
    if not isinstance(given, torch.Tensor) or given.shape != x.shape:
        raise ValueError(f"function gives {described(given)} for a tensor of shape {x.shape}: it must work element by element")
    y = given.double().numpy()
    if not np.isfinite(y).all():
        bad = x[~np.isfinite(y)][0]
        raise ValueError(f"function is {y[~np.isfinite(y)][0]} at x = {bad:g}: choose an interval on which it is finite")
    return x, weight / weight.sum(), y


def quality(p: FSParams, function: Function, interval: tuple[float, float], cdf: Cdf | None = None, n: int = 200_000) -> Quality:
    """Error and spikes of a few-spike neuron on ``interval``, for n inputs distributed as ``cdf`` (None: uniform) restricted to it.

    Raises `ValueError` if the interval is empty, reversed or not finite, the function not finite on it, or n no whole number from 1 on.
    """
    check_whole("n", n)
    x, weight, y = _samples(function, interval, cdf, n)
    mse = spikes = largest = 0.0
    for part in np.array_split(np.arange(n), max(1, n // 20_000)):  # small parts stay in the processor's cache
        z, _ = fs_run(torch.from_numpy(x[part]), p)
        error = fs_decode(z, p).numpy() - y[part]
        mse += float(weight[part] @ error**2)
        spikes += float(weight[part] @ z.numpy().sum(0))
        largest = max(largest, float(np.abs(error).max()))
    return Quality(mse, largest, spikes)


def noisy_mse(
    p: FSParams, function: Function, interval: tuple[float, float], noise: float, generator: np.random.Generator, cdf: Cdf | None = None
) -> float:
    """`quality`'s mean squared error when Gaussian noise of standard deviation ``noise`` is added to v at each comparison with T(t)."""
    check_number("noise", noise)
    x, weight, y = _samples(function, interval, cdf, 200_000)
    out = fs_sum(torch.from_numpy(x), p, lambda: noise * torch.from_numpy(generator.standard_normal(len(x))))
    return float(weight @ (out.numpy() - y) ** 2)


def _grid(bits: int) -> float:
    """Distance of neighboring numbers of so many bits, if they span [-8, 8) as in the authors' quantizer."""
    check_whole("bits", bits)
    return 16.0 / 2**bits


def rounded(p: FSParams, bits: int) -> FSParams:
    """Round T, h and d to the nearest multiple of 16 / 2^bits, bits >= 1 (their range is not limited)."""
    grid = _grid(bits)
    T, h, d = (tuple(round(a / grid) * grid for a in values) for values in (p.T, p.h, p.d))
    return FSParams(T, h, d, p.strict)


def fit(
    function: Function,
    K: int,
    interval: tuple[float, float],
    cdf: Cdf | None = None,
    spike_penalty: float = 0.0,
    bits: int | None = None,
    noise: float = 0.0,
    evaluations: int = 1_000_000,
    restarts: int = 1,
    seed: int = 0,
) -> FSParams:
    """Fit T, h, d of a few-spike neuron with K steps, 1 to 62, to a function of float64 tensors, element by element, on an interval.

    ``cdf`` is the cumulative distribution function of the inputs, NumPy array to array (default: uniform on the interval). One spike less
    per neuron may cost ``spike_penalty`` of squared error. T, h and d are rounded to multiples of 16 / 2^bits during the search. A fit may
    expect Gaussian ``noise`` of this standard deviation on v at each comparison. ``evaluations`` trials of T and h are divided among
    ``restarts`` independent searches, of which the best is kept.

    Raises `ValueError` for another K; bits, evaluations or restarts that are no whole number from 1 on; an empty, reversed or non-finite
    interval; a function that is not finite on it; a cdf without weight there; a negative penalty or noise.

    >>> import torch
    >>> p = fit(torch.tanh, 6, (-2.0, 2.0), evaluations=20_000)
    >>> quality(p, torch.tanh, (-2.0, 2.0)).mse < 0.005
    True
    """
    for name, count, most in (("K", K, 62), ("evaluations", evaluations, math.inf), ("restarts", restarts, math.inf)):
        check_whole(name, count, high=most)
    check_number("spike_penalty", spike_penalty)
    check_number("noise", noise)
    x, weight, y = _samples(function, interval, cdf, 1_000 if noise else 8_000)
    low, high = map(float, interval)
    grid = 0.0 if bits is None else _grid(bits)
    unit = (high - low) / 20 if bits is None else 1.0  # the search makes steps of absolute size, right for intervals of length 20
    x, low, high, noise = x / unit, low / unit, high / unit, noise / unit
    generator = numpy_generator(seed, "few-spike fit")
    samples = np.zeros((0, K, 0)) if noise == 0 else noise * generator.standard_normal((4, K, len(x)))
    total, found = max(1, evaluations // restarts), list[tuple]()
    chunk = max(1, total // 100)  # between chunks a user can interrupt the search
    for _ in range(restarts):
        code = max(abs(low), abs(high)) * 2.0 ** -np.arange(1, K + 1)
        T, h = np.maximum(code, code[0] / 128), np.maximum(code, code[0] / 128)
        for first in range(0, total, chunk):
            last = min(first + chunk, total)
            found.append(anneal(x, weight, y, samples, T, h, spike_penalty, grid, generator, first, last, total))
    T, h, d, _ = min(found, key=lambda best: best[3])
    return FSParams(tuple(T * unit), (*(h[:-1] * unit), 0.0), tuple(d))
