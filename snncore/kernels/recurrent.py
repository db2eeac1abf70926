r"""A recurrent network of spiking neurons through all time steps, compiled: forward, and backward through time.

All neuron models of this package are cases of one form, with constants that may differ from neuron to neuron:

.. math::

    v(t) &= \alpha\, v(t-1)\,(1 - \theta z(t-1)) - (1 - \theta)\, v_\text{th}\, z(t-1)
            + W^\text{in} x(t) + W^\text{rec} z(t-1) + c_v\, s(t-1), \\
    z(t) &= \Theta\bigl(v(t) - v_\text{th} - c_\text{th}\, s(t-1)\bigr) \text{ unless refractory}, \qquad
    s(t) = \rho\, s(t-1) + g\, z(t), \\
    y(t) &= \kappa\, y(t-1) + (1 - \kappa)\, W^\text{out} z(t)

The backward pass is the gradient of the plain loop with its pseudo-derivative psi: with adjoints :math:`\eta, \delta, \zeta, \sigma` of
y, v, z, s,

.. math::

    \eta(t) &= \partial E/\partial y(t) + \kappa\, \eta(t+1), \\
    \zeta(t) &= \partial E/\partial z(t) + (1 - \kappa)\, (W^\text{out})^\top \eta(t) + (W^\text{rec})^\top \delta(t+1) + g\, \sigma(t), \\
    \delta(t) &= \partial E/\partial v(t) + \alpha\, (1 - \theta z(t))\, \delta(t+1) + \psi(t)\, \zeta(t), \\
    \sigma(t-1) &= \rho\, \sigma(t) + c_v\, \delta(t) - c_\text{th}\, \psi(t)\, \zeta(t)

Without the term :math:`(W^\text{rec})^\top \delta(t+1)` it is e-prop.

A sample is followed through all steps before the next one, so that weights and state stay in the cache. Only what is not zero is computed:
rows of weights of neurons that have fired and of inputs that are there, and the sums :math:`W^\top \delta` where psi is not zero.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from snncore.kernels.threads import in_parts
from snncore.kernels.vectors import (
    LANES,
    absolute,
    at,
    bits,
    choose,
    fma,
    indices,
    lanes,
    load,
    load_some,
    store,
    store_some,
    total,
    will_read,
    will_write,
)

TILE = 16  # samples that go through time side by side: long enough stretches of memory, small enough states


class Constants(NamedTuple):
    """Constants of the general form for each population, in the order of the neurons; arrays of shape (population,)."""

    size: np.ndarray  # neurons, int64
    alpha: np.ndarray
    v_th: np.ndarray
    rho: np.ndarray
    jump: np.ndarray  # g
    to_v: np.ndarray  # c_v
    to_threshold: np.ndarray  # c_th
    to_zero: np.ndarray  # theta, 0 or 1
    refractory: np.ndarray  # steps
    dampening: np.ndarray


@njit(cache=True, nogil=True)
def _nonzero(x, n, where):
    """Write the indices at which n numbers are not zero; return how many there are."""
    count = 0
    for first in range(0, n, 4 * LANES):  # a word of bits
        word = np.uint64(0)
        for i in range(first, min(first + 4 * LANES, n), LANES):
            word |= bits(load_some(x, i, n - i) != 0) << np.uint64(i - first)
        count = indices(word, first, where, count)
    return count


@njit(cache=True, nogil=True)
def _add_rows(out, w, x, rows, count, width):
    """out += the sum of x[row] w[row] over the first ``count`` rows named."""
    k = 0
    while k + 4 <= count:
        r0, r1, r2, r3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        x0, x1, x2, x3 = x[r0], x[r1], x[r2], x[r3]
        w0, w1, w2, w3 = at(w, r0 * width), at(w, r1 * width), at(w, r2 * width), at(w, r3 * width)
        for i in range(0, width, LANES):
            more = (x0 * load(w0, i) + x1 * load(w1, i)) + (x2 * load(w2, i) + x3 * load(w3, i))
            store(out, i, load(out, i) + more)
        k += 4
    if k + 2 <= count:
        r0, r1 = rows[k], rows[k + 1]
        x0, x1, w0, w1 = x[r0], x[r1], at(w, r0 * width), at(w, r1 * width)
        for i in range(0, width, LANES):
            store(out, i, load(out, i) + x0 * load(w0, i) + x1 * load(w1, i))
        k += 2
    if k < count:
        x0, w0 = x[rows[k]], at(w, rows[k] * width)
        for i in range(0, width, LANES):
            store(out, i, load(out, i) + x0 * load(w0, i))


@njit(cache=True, nogil=True)
def _add_to_rows(out, y, rows, count, width):
    """out[row] += y for the first ``count`` rows named."""
    for k in range(count):
        row = at(out, rows[k] * width)
        for i in range(0, width, LANES):
            store(row, i, load(row, i) + load(y, i))


@njit(cache=True, nogil=True)
def _add_outer(out, x, y, rows, count, width):
    """out[row] += x[row] y for the first ``count`` rows named."""
    for k in range(count):
        row, x0 = at(out, rows[k] * width), x[rows[k]]
        for i in range(0, width, LANES):
            store(row, i, load(row, i) + x0 * load(y, i))


@njit(cache=True, nogil=True)
def _add_products(out, w, x, rows, count, width):
    """out[row] += the product w[row] . x for the first ``count`` rows named."""
    k = 0
    while k + 4 <= count:
        w0, w1, w2, w3 = at(w, rows[k] * width), at(w, rows[k + 1] * width), at(w, rows[k + 2] * width), at(w, rows[k + 3] * width)
        s0, s1, s2, s3 = load(w0, 0) * load(x, 0), load(w1, 0) * load(x, 0), load(w2, 0) * load(x, 0), load(w3, 0) * load(x, 0)
        for i in range(LANES, width, LANES):
            xi = load(x, i)
            s0, s1, s2, s3 = fma(load(w0, i), xi, s0), fma(load(w1, i), xi, s1), fma(load(w2, i), xi, s2), fma(load(w3, i), xi, s3)
        out[rows[k]] += total(s0)
        out[rows[k + 1]] += total(s1)
        out[rows[k + 2]] += total(s2)
        out[rows[k + 3]] += total(s3)
        k += 4
    while k < count:
        w0 = at(w, rows[k] * width)
        s0 = load(w0, 0) * load(x, 0)
        for i in range(LANES, width, LANES):
            s0 = fma(load(w0, i), load(x, i), s0)
        out[rows[k]] += total(s0)
        k += 1


@njit(cache=True, nogil=True)
def _fire(c, i, samples, n, width, step, state, slow, wait, fired, z, psi):
    """Spikes and pseudo-derivatives of `LANES` neurons at the potentials in ``state``; then the state before the next input.

    Pointers lead to the first of ``samples`` samples; ``step`` numbers further on is the next time step.
    """
    alpha, v_th, rho, jump, to_v = load(c, i), load(c, width + i), load(c, 2 * width + i), load(c, 3 * width + i), load(c, 4 * width + i)
    to_threshold, to_zero, refractory, height = (
        load(c, 5 * width + i),
        load(c, 6 * width + i),
        load(c, 7 * width + i),
        load(c, 8 * width + i),
    )
    zero = to_zero - to_zero
    one = zero + 1
    kept, taken = one - to_zero, (one - to_zero) * v_th
    for b in range(samples):
        here, there = b * width + i, b * n + i
        will_write(z, there + 2 * step)
        will_write(psi, there + 2 * step)
        v, s, r = load(state, here), load(slow, here), load(wait, here)
        x = (v - v_th - to_threshold * s) / v_th
        ready, away = r <= 0, one - absolute(x)
        sent = (x > 0) & ready
        store_some(psi, there, choose(ready, choose(away <= 0, 0, height * away), 0), n - i)  # so that nan stays nan
        store_some(z, there, choose(sent, one, zero), n - i)
        fired[b * (width // LANES) + i // LANES] = bits(sent)
        s = rho * s + choose(sent, jump, 0)
        store(slow, here, s)
        store(state, here, alpha * v * choose(sent, kept, 1) - choose(sent, taken, 0) + to_v * s)
        store(wait, here, choose(sent, refractory, choose(r > 1, r - one, 0)))


@njit(cache=True, nogil=True)
def _through_neurons(c, i, samples, n, width, step, grad_v, each, fired, psi, zeta, delta, sigma):
    """Adjoints one step earlier: from delta(t+1), sigma(t) and zeta(t) without its part by sigma, to delta(t) and sigma(t-1)."""
    alpha, rho, jump, to_v = load(c, i), load(c, 2 * width + i), load(c, 3 * width + i), load(c, 4 * width + i)
    to_threshold, to_zero = load(c, 5 * width + i), load(c, 6 * width + i)
    kept = alpha * (1 - to_zero)
    for b in range(samples):
        here, there = b * width + i, b * n + i
        will_read(psi, there - 2 * step)
        d, s = load(delta, here), load(sigma, here)
        q = load_some(psi, there, n - i) * (load(zeta, here) + jump * s)
        d = choose(lanes(fired[b * (width // LANES) + i // LANES]), kept, alpha) * d + q
        if each >= 0:
            d = d + load_some(grad_v, b * each + i, n - i)
        store(delta, here, d)
        store(sigma, here, rho * s + to_v * d - to_threshold * q)


@njit(cache=True, nogil=True)
def _spikes(fired, groups, where):
    """Write which neurons have fired, of groups of `LANES`; return how many."""
    spikes = 0
    for j in range(0, groups, 4):
        word = np.uint64(0)
        for i in range(j, min(j + 4, groups)):
            word |= np.uint64(fired[i]) << np.uint64(LANES * (i - j))
        spikes = indices(word, j * LANES, where, spikes)
    return spikes


@njit(cache=True, nogil=True)
def _forward(x, w_in, w_rec, w_out, kappa, c, z, v, y, psi, fired, first, last):
    T, B, n = z.shape
    inputs, m, width, wide_m = x.shape[2], y.shape[2], c.shape[1], w_out.shape[2]
    one, groups = z.dtype.type(1), width // LANES
    where, shown, count = np.empty((TILE, width), np.int64), np.empty(inputs, np.int64), np.zeros(TILE, np.int64)
    states, slow, wait = np.empty((TILE, width), z.dtype), np.empty((TILE, width), z.dtype), np.empty((TILE, width), z.dtype)
    outputs, row = np.empty((TILE, wide_m), z.dtype), np.empty(wide_m, z.dtype)
    for start in range(first, last, TILE):
        states[:], slow[:], wait[:], outputs[:], count[:] = 0, 0, 0, 0, 0
        samples = min(TILE, last - start)
        for t in range(T):
            for k in range(samples):
                b = start + k
                now, own, x_t = t * B + b, at(states, k * width), at(x, (t * B + b) * inputs)
                for i in range(0, inputs, LANES):
                    will_read(x_t, 2 * B * inputs + i)
                _add_rows(own, at(w_in, b % len(w_in) * inputs * width), x_t, at(shown, 0), _nonzero(x_t, inputs, at(shown, 0)), width)
                if count[k]:
                    w, before = at(w_rec, b % len(w_rec) * n * width), at(z, (now - B) * n)
                    _add_rows(own, w, before, at(where, k * width), count[k], width)
                if v.size:
                    for i in range(0, width, LANES):
                        store_some(at(v, now * n), i, load(own, i), n - i)
            now = (t * B + start) * n
            for i in range(0, width, LANES):
                sent = at(fired, (t * B + start) * groups)
                _fire(at(c, 0), i, samples, n, width, B * n, at(states, 0), at(slow, 0), at(wait, 0), sent, at(z, now), at(psi, now))
            for k in range(samples):
                b = start + k
                spikes = _spikes(at(fired, (t * B + b) * groups), groups, at(where, k * width))
                count[k] = spikes
                for i in range(wide_m):
                    row[i] = 0
                _add_rows(at(row, 0), at(w_out, b % len(w_out) * n * wide_m), at(z, (t * B + b) * n), at(where, k * width), spikes, wide_m)
                for i in range(0, wide_m, LANES):
                    now_y = load(at(row, i), 0) * (one - kappa) + kappa * load(at(outputs, k * wide_m), i)
                    store(at(outputs, k * wide_m), i, now_y)
                    store_some(at(y, (t * B + b) * m), i, now_y, m - i)


@njit(cache=True, nogil=True)
def _backward(
    grad_z, grad_v, grad_y, x, w_rec, w_out, kappa, c, z, psi, fired, grad_current, grad_in, grad_rec, grad_out, credit, first, last
):
    T, B, n = z.shape
    inputs, m, width, wide_m = x.shape[2], grad_y.shape[2], c.shape[1], grad_out.shape[2]
    one, where, readouts = z.dtype.type(1), np.empty(max(n, inputs), np.int64), np.arange(m)
    groups, nothing = width // LANES, load(at(c, 0), 0) - load(at(c, 0), 0)
    zetas, deltas, sigma = np.empty((TILE, width), z.dtype), np.empty((TILE, width), z.dtype), np.empty((TILE, width), z.dtype)
    etas, scaled = np.empty((TILE, wide_m), z.dtype), np.zeros((TILE, wide_m), z.dtype)
    for start in range(first, last, TILE):
        deltas[:], sigma[:], etas[:] = 0, 0, 0
        samples = min(TILE, last - start)
        for t in range(T - 1, -1, -1):
            for k in range(samples):
                b = start + k
                now, delta, zeta, ours = t * B + b, at(deltas, k * width), at(zetas, k * width), at(scaled, k * wide_m)
                for j in range(m):
                    etas[k, j] = grad_y[t, b, j] + kappa * etas[k, j]
                    scaled[k, j] = (one - kappa) * etas[k, j]
                for i in range(0, width, LANES):
                    if grad_z.size:
                        there = (t % grad_z.shape[0] * grad_z.shape[1] + b % grad_z.shape[1]) * n
                        store(zeta, i, load_some(at(grad_z, there), i, n - i))
                    else:
                        store(zeta, i, nothing)
                _add_rows(zeta, at(w_out, b % len(w_out) * m * width), ours, at(readouts, 0), m, width)
                if credit and t < T - 1:
                    active = _nonzero(at(psi, now * n), n, at(where, 0))
                    _add_products(zeta, at(w_rec, b % len(w_rec) * n * width), delta, at(where, 0), active, width)
                spikes = _spikes(at(fired, now * groups), groups, at(where, 0))
                _add_to_rows(at(grad_out, b % len(grad_out) * n * wide_m), ours, at(where, 0), spikes, wide_m)
                if t < T - 1:
                    _add_to_rows(at(grad_rec, b % len(grad_rec) * n * width), delta, at(where, 0), spikes, width)
            now, of_v, each = (t * B + start) * n, at(grad_v, 0), -1
            if grad_v.size:
                each = n if grad_v.shape[1] > 1 else 0
                of_v = at(grad_v, (t % grad_v.shape[0] * grad_v.shape[1] * n) + start * each)
            sent = at(fired, (t * B + start) * groups)
            for i in range(0, width, LANES):
                _through_neurons(
                    at(c, 0), i, samples, n, width, B * n, of_v, each, sent, at(psi, now), at(zetas, 0), at(deltas, 0), at(sigma, 0)
                )
            for k in range(samples):
                b = start + k
                now, delta, x_t = t * B + b, at(deltas, k * width), at(x, (t * B + b) * inputs)
                for i in range(0, inputs, LANES):
                    will_read(x_t, i - 2 * B * inputs)
                shown = _nonzero(x_t, inputs, at(where, 0))
                _add_outer(at(grad_in, b % len(grad_in) * inputs * width), x_t, delta, at(where, 0), shown, width)
                if grad_current.size:
                    for i in range(0, width, LANES):
                        store_some(at(grad_current, now * n), i, load(delta, i), n - i)


def _stack(w: np.ndarray) -> np.ndarray:
    """Weights (post, pre) or (batch, post, pre) as a contiguous array (1 or batch, post, pre)."""
    return np.ascontiguousarray(w)[(None,) * (3 - w.ndim)]


def _padded(a: np.ndarray) -> np.ndarray:
    """The array, contiguous, with zeros up to whole vectors on its last axis."""
    return np.ascontiguousarray(np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, -a.shape[-1] % LANES)]))


def _by_pre(w: np.ndarray) -> np.ndarray:
    """Weights as a contiguous array (1 or batch, pre, post) of whole vectors."""
    return _padded(np.moveaxis(_stack(w), 1, 2))


def _rows(c: Constants, dtype: np.dtype) -> np.ndarray:
    """Constants of each neuron, in whole vectors."""
    rows = np.array([c.alpha, c.v_th, c.rho, c.jump, c.to_v, c.to_threshold, c.to_zero, c.refractory, c.dampening / c.v_th], dtype)
    rows = _padded(np.repeat(rows, c.size, 1))
    rows[1, sum(c.size) :] = 1
    return rows


def _given(gradient: np.ndarray | None, dtype: np.dtype) -> np.ndarray:
    """A gradient of shape (time, batch, neuron); axes along which it only repeats itself have length 1, and None becomes an empty one."""
    if gradient is None:
        return np.empty((0, 0, 0), dtype)
    first = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in gradient.strides[:2])
    return np.ascontiguousarray(gradient[first])


def forward(
    x: np.ndarray,
    w_in: np.ndarray,
    w_rec: np.ndarray,
    w_out: np.ndarray,
    kappa: float,
    constants: Constants,
    potentials: bool = False,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run a network from rest: spikes z, potentials v (empty unless wanted), readouts y, pseudo-derivatives psi.

    These and the inputs x have the shape (time, batch, neuron); weights are (post, pre) or (batch, post, pre). All are float32 or float64.
    """
    time, batch, _ = x.shape
    shape = time, batch, w_rec.shape[-1]
    z, v, psi = np.empty(shape, x.dtype), np.empty(shape if potentials else (0, 0, 0), x.dtype), np.empty(shape, x.dtype)
    rows = _rows(constants, x.dtype)
    y, fired = np.empty((time, batch, w_out.shape[-2]), x.dtype), np.empty((time, batch, rows.shape[1] // LANES), np.uint16)
    arrays = np.ascontiguousarray(x), _by_pre(w_in), _by_pre(w_rec), _by_pre(w_out), x.dtype.type(kappa), rows, z, v, y, psi, fired
    in_parts(lambda _, first, last: _forward(*arrays, first, last), batch, threads)
    return z, v, y, psi, fired


def backward(
    grad_z: np.ndarray | None,
    grad_v: np.ndarray | None,
    grad_y: np.ndarray | None,
    x: np.ndarray,
    w_in: np.ndarray,
    w_rec: np.ndarray,
    w_out: np.ndarray,
    kappa: float,
    constants: Constants,
    z: np.ndarray,
    psi: np.ndarray,
    fired: np.ndarray,
    credit: bool = True,
    current: bool = False,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the loss for a run of `forward`, with respect to all weights and the input current (empty unless wanted).

    ``grad_z``, ``grad_v``, ``grad_y`` are partial derivatives of the loss (None: it does not depend on these). ``credit``: whether a spike
    is credited with what it does through the recurrent weights, by backpropagation through time, or not, by e-prop.
    """
    time, batch, _ = z.shape
    dtype, weights = z.dtype, (w_in, w_rec, w_out)
    grad_y = np.zeros((time, batch, w_out.shape[-2]), dtype) if grad_y is None else np.ascontiguousarray(grad_y)
    grad_current = np.empty_like(z) if current else np.empty((0, 0, 0), dtype)
    copies = [max(1, threads) if w.ndim == 2 else 1 for w in weights]  # shared weights have a sum per thread
    sums = [np.zeros((k, *_by_pre(w).shape), dtype) for k, w in zip(copies, weights, strict=True)]
    arrays = (
        _given(grad_z, dtype),
        _given(grad_v, dtype),
        grad_y,
        np.ascontiguousarray(x),
        _by_pre(w_rec),
        _padded(_stack(w_out)),
        dtype.type(kappa),
    )

    rows = _rows(constants, dtype)

    def part(k: int, first: int, last: int) -> None:
        own = [s[k % len(s)] for s in sums]
        _backward(*arrays, rows, z, psi, fired, grad_current, own[0], own[1], own[2], credit, first, last)

    in_parts(part, batch, threads)
    grad_in, grad_rec, grad_out = (
        np.moveaxis(s.sum(0)[..., : w.shape[-2]], 1, 2).reshape(w.shape) for s, w in zip(sums, weights, strict=True)
    )
    return grad_in, grad_rec, grad_out, grad_current
