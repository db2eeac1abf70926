"""Search for few-spike parameters, compiled: many thousand trials of T and h a second.

For fixed T and h the best outputs d solve a linear least-squares problem (variable projection, Golub and Pereyra 1973), so only T and h
are searched. Two ways to set up its normal equations: by intervals (inputs with the same spikes so far are neighbors, so each step
splits intervals of the sorted inputs, and sums over an interval are differences of cumulative sums), and by samples when the membrane
is noisy.
"""

import math

import numpy as np
from numba import njit

HOT, COLD = 0.02, 0.0005  # temperatures


@njit(cache=True, nogil=True)
def _normal_equations(x, weight_sum, target_sum, T, h, gram, moment, start, offset, code, start2, offset2, code2):
    """Gram matrix of the spikes and their moments with the target, by splitting intervals of the sorted inputs x."""
    K, n, m = len(T), len(x), 1
    start[0], offset[0], code[0] = 0, 0.0, 0
    for t in range(K):
        m2 = 0
        for i in range(m):
            first, end = start[i], start[i + 1] if i + 1 < m else n
            threshold = T[t] + offset[i]
            low, high = first, end
            while low < high:
                middle = (low + high) >> 1
                if x[middle] > threshold:
                    high = middle
                else:
                    low = middle + 1
            if low > first:
                start2[m2], offset2[m2], code2[m2] = first, offset[i], code[i]
                m2 += 1
            if low < end:
                start2[m2], offset2[m2], code2[m2] = low, offset[i] + h[t], code[i] | (1 << t)
                m2 += 1
        m = m2
        for i in range(m):
            start[i], offset[i], code[i] = start2[i], offset2[i], code2[i]
    gram[:] = 0.0
    moment[:] = 0.0
    for i in range(m):
        first, end = start[i], start[i + 1] if i + 1 < m else n
        weight, target = weight_sum[end] - weight_sum[first], target_sum[end] - target_sum[first]
        for j in range(K):
            if code[i] >> j & 1:
                moment[j] += target
                for k in range(j + 1):
                    if code[i] >> k & 1:
                        gram[j, k] += weight


@njit(cache=True, nogil=True)
def _noisy_normal_equations(x, weight, target, noise, T, h, gram, moment):
    """The same by samples: noise[r, t, i] is added to the membrane potential of sample i when it is compared with T(t)."""
    K = len(T)
    gram[:] = 0.0
    moment[:] = 0.0
    z = np.empty(K, np.int64)
    for r in range(len(noise)):
        for i in range(len(x)):
            v, p = x[i], 0
            for t in range(K):
                if v + noise[r, t, i] > T[t]:
                    z[p] = t
                    p += 1
                    v -= h[t]
            w = weight[i] / len(noise)
            for a in range(p):
                moment[z[a]] += w * target[i]
                for b in range(a + 1):
                    gram[z[a], z[b]] += w


@njit(cache=True, nogil=True)
def _solve(gram, moment, target_square, penalty, grid, d, lower):
    """Best outputs d (rounded to ``grid`` if it is positive) by Cholesky; returns the squared error plus the price of spikes."""
    K = len(d)
    for j in range(K):
        for k in range(j + 1):
            s = gram[j, k] + (1e-9 if j == k else 0.0)
            for q in range(k):
                s -= lower[j, q] * lower[k, q]
            lower[j, k] = math.sqrt(max(s, 1e-14)) if j == k else s / lower[k, k]
    for j in range(K):
        s = moment[j]
        for q in range(j):
            s -= lower[j, q] * d[q]
        d[j] = s / lower[j, j]
    for j in range(K - 1, -1, -1):
        s = d[j]
        for q in range(j + 1, K):
            s -= lower[q, j] * d[q]
        d[j] = s / lower[j, j]
    error, spikes = target_square, 0.0
    for j in range(K):
        if grid > 0.0:
            d[j] = round(d[j] / grid) * grid
        spikes += gram[j, j]
    for j in range(K):
        error += d[j] * (gram[j, j] * d[j] - 2.0 * moment[j])
        for k in range(j):
            error += 2.0 * gram[j, k] * d[j] * d[k]
    return error + penalty * spikes


@njit(cache=True, nogil=True)
def anneal(x, weight, target, noise, T, h, penalty, grid, generator, first, last, total):
    """Simulated annealing over T and h, trials ``first`` to ``last`` of ``total``; the best T, h and d seen, and their objective.

    The arrays x, weight and target, of shape (sample,), are inputs in rising order, their weights (which add up to 1), and the function's
    values. ``noise``, of shape (repeat, K, sample), is that of the membrane, drawn once; there is no repeat for a noiseless fit. T and h
    are where the search stands, and are changed in place to where it ends. A mean spike adds ``penalty`` to the squared error. T, h and d
    are rounded to multiples of ``grid`` unless it is 0.

    The temperature falls geometrically from `HOT` at trial 0 to `COLD` at trial ``total``; a trial that multiplies the objective by
    exp(temperature) is accepted with probability 1/e.
    """
    K, n = len(T), len(x)
    gram, moment, lower = np.zeros((K, K)), np.zeros(K), np.zeros((K, K))
    d, T_trial, h_trial = np.zeros(K), T.copy(), h.copy()
    weight_sum, target_sum = np.zeros(n + 1), np.zeros(n + 1)
    weight_sum[1:], target_sum[1:] = np.cumsum(weight), np.cumsum(weight * target)
    target_square = np.sum(weight * target * target)
    start, start2, code, code2 = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    offset, offset2 = np.empty(n), np.empty(n)
    current, best = np.inf, np.inf
    T_best, h_best, d_best = T.copy(), h.copy(), d.copy()
    for trial in range(first - 1, last):
        T_trial[:], h_trial[:] = T, h
        if trial >= first:  # the trial before the first one only measures where the search stands
            if generator.random() < 0.1:  # move one step of the code to another time
                i, j = generator.integers(0, K), generator.integers(0, K)
                T_moved, h_moved = T_trial[i], h_trial[i]
                while i != j:
                    neighbor = i + 1 if i < j else i - 1
                    T_trial[i], h_trial[i] = T_trial[neighbor], h_trial[neighbor]
                    i = neighbor
                T_trial[j], h_trial[j] = T_moved, h_moved
            else:  # change one to three numbers, on a scale drawn from three decades and more
                for _ in range(generator.integers(1, 4)):
                    j, change = generator.integers(0, K), 10.0 ** generator.uniform(-3.5, 0.3) * generator.standard_normal()
                    which = generator.random()
                    if which < 0.55:
                        T_trial[j] += change
                    if which > 0.45:
                        h_trial[j] += change
        if grid > 0.0:
            for j in range(K):
                T_trial[j], h_trial[j] = round(T_trial[j] / grid) * grid, round(h_trial[j] / grid) * grid
        if len(noise):
            _noisy_normal_equations(x, weight, target, noise, T_trial, h_trial, gram, moment)
        else:
            _normal_equations(x, weight_sum, target_sum, T_trial, h_trial, gram, moment, start, offset, code, start2, offset2, code2)
        objective = _solve(gram, moment, target_square, penalty, grid, d, lower)
        temperature = HOT * (COLD / HOT) ** (trial / total)
        if objective <= current or generator.random() < math.exp(-math.log(max(objective, 1e-12) / max(current, 1e-12)) / temperature):
            T[:], h[:], current = T_trial, h_trial, objective
            if objective < best:
                best = objective
                T_best[:], h_best[:], d_best[:] = T_trial, h_trial, d
    return T_best, h_best, d_best, best
