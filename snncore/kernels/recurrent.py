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
def nonzero(x, where):
    """Write the indices at which x is not zero; return how many there are."""
    count = 0
    for i in range(len(x)):
        where[count] = i
        count += x[i] != 0
    return count


@njit(cache=True, nogil=True)
def add_rows(out, w, x, rows, count):
    """out += the sum of x[row] w[row] over the first ``count`` rows named."""
    k = 0
    while k + 4 <= count:
        w0, w1, w2, w3 = w[rows[k]], w[rows[k + 1]], w[rows[k + 2]], w[rows[k + 3]]
        x0, x1, x2, x3 = x[rows[k]], x[rows[k + 1]], x[rows[k + 2]], x[rows[k + 3]]
        for i in range(len(out)):
            out[i] += (x0 * w0[i] + x1 * w1[i]) + (x2 * w2[i] + x3 * w3[i])
        k += 4
    while k < count:
        w0, x0 = w[rows[k]], x[rows[k]]
        for i in range(len(out)):
            out[i] += x0 * w0[i]
        k += 1


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _add_products(out, w, x, rows, count):
    """out[row] += the product w[row] . x for the first ``count`` rows named."""
    zero, k = x.dtype.type(0), 0
    while k + 4 <= count:
        w0, w1, w2, w3 = w[rows[k]], w[rows[k + 1]], w[rows[k + 2]], w[rows[k + 3]]
        s0, s1, s2, s3 = zero, zero, zero, zero
        for i in range(len(x)):
            s0 += w0[i] * x[i]
            s1 += w1[i] * x[i]
            s2 += w2[i] * x[i]
            s3 += w3[i] * x[i]
        out[rows[k]] += s0
        out[rows[k + 1]] += s1
        out[rows[k + 2]] += s2
        out[rows[k + 3]] += s3
        k += 4
    while k < count:
        w0, s0 = w[rows[k]], zero
        for i in range(len(x)):
            s0 += w0[i] * x[i]
        out[rows[k]] += s0
        k += 1


@njit(cache=True, nogil=True)
def _add_outer(out, x, y, rows, count):
    """out[row] += x[row] y for the first ``count`` rows named."""
    for k in range(count):
        row, x0 = out[rows[k]], x[rows[k]]
        for i in range(len(y)):
            row[i] += x0 * y[i]


# Loops of the next two functions are short and touch few arrays each: so the compiler can show that these do not overlap, and vectorizes.


@njit(cache=True, nogil=True)
def _fire(c, state, slow, wait, z, psi):
    """Spikes and pseudo-derivatives at the potentials in ``state``; then the state after the spikes, before the next input."""
    zero, one, first = state.dtype.type(0), state.dtype.type(1), 0
    for k in range(len(c.size)):
        part = slice(first, first + c.size[k])
        first += c.size[k]
        v, s, r, zk, psi_k = state[part], slow[part], wait[part], z[part], psi[part]
        alpha, v_th, rho, jump, refractory = c.alpha[k], c.v_th[k], c.rho[k], c.jump[k], c.refractory[k]
        to_v, to_threshold, to_zero, height = c.to_v[k], c.to_threshold[k], c.to_zero[k], c.dampening[k] / c.v_th[k]
        for i in range(len(v)):
            x = (v[i] - v_th - to_threshold * s[i]) / v_th
            ready = r[i] <= zero
            zk[i] = one if x > zero and ready else zero
            away = one - abs(x)
            psi_k[i] = zero if away <= zero or not ready else height * away  # so that nan stays nan
        for i in range(len(v)):
            s[i] = rho * s[i] + jump * zk[i]
            v[i] = alpha * v[i] * (one - to_zero * zk[i]) - (one - to_zero) * v_th * zk[i] + to_v * s[i]
        if refractory > zero:
            for i in range(len(v)):
                r[i] = refractory if zk[i] > zero else max(r[i] - one, zero)


@njit(cache=True, nogil=True)
def _through_neurons(c, grad_v, z, psi, zeta, delta, sigma):
    """Adjoints one step earlier: from delta(t+1), sigma(t) and zeta(t) without its part by sigma, to delta(t) and sigma(t-1)."""
    one, first = delta.dtype.type(1), 0
    for k in range(len(c.size)):
        part = slice(first, first + c.size[k])
        first += c.size[k]
        d, s, q, zk, psi_k = delta[part], sigma[part], zeta[part], z[part], psi[part]
        alpha, rho, jump, to_v, to_threshold, to_zero = c.alpha[k], c.rho[k], c.jump[k], c.to_v[k], c.to_threshold[k], c.to_zero[k]
        for i in range(len(d)):
            q[i] = psi_k[i] * (q[i] + jump * s[i])
            d[i] = alpha * (one - to_zero * zk[i]) * d[i] + q[i]
        if len(grad_v):
            g = grad_v[part]
            for i in range(len(d)):
                d[i] += g[i]
        for i in range(len(d)):
            s[i] = rho * s[i] + to_v * d[i] - to_threshold * q[i]


@njit(cache=True, nogil=True)
def _forward(x, w_in, w_rec, w_out, kappa, c, z, v, y, psi, first, last):
    T, _, n = z.shape
    one, where = z.dtype.type(1), np.empty(max(n, x.shape[2]), np.int64)
    state, slow, wait = np.empty((TILE, n), z.dtype), np.empty((TILE, n), z.dtype), np.empty((TILE, n), z.dtype)
    for start in range(first, last, TILE):
        state[:], slow[:], wait[:] = 0, 0, 0
        for t in range(T):
            for b in range(start, min(start + TILE, last)):
                own, y_t = state[b - start], y[t, b]
                add_rows(own, w_in[b % len(w_in)], x[t, b], where, nonzero(x[t, b], where))
                if t > 0:
                    add_rows(own, w_rec[b % len(w_rec)], z[t - 1, b], where, nonzero(z[t - 1, b], where))
                if v.size:
                    v[t, b] = own
                _fire(c, own, slow[b - start], wait[b - start], z[t, b], psi[t, b])
                y_t[:] = 0
                add_rows(y_t, w_out[b % len(w_out)], z[t, b], where, nonzero(z[t, b], where))
                for k in range(len(y_t)):
                    y_t[k] *= one - kappa
                    if t > 0:
                        y_t[k] += kappa * y[t - 1, b, k]


@njit(cache=True, nogil=True)
def _backward(grad_z, grad_v, grad_y, x, w_rec, w_out, kappa, c, z, psi, grad_current, grad_in, grad_rec, grad_out, credit, first, last):
    T, _, n = z.shape
    where, zeta, none = np.empty(max(n, x.shape[2]), np.int64), np.empty(n, z.dtype), np.empty(0, z.dtype)
    all_delta, sigma = np.empty((TILE, n), z.dtype), np.empty((TILE, n), z.dtype)
    m, one = grad_y.shape[2], z.dtype.type(1)
    all_eta, scaled, readouts = np.empty((TILE, m), z.dtype), np.empty(m, z.dtype), np.arange(m)
    for start in range(first, last, TILE):
        all_delta[:], sigma[:], all_eta[:] = 0, 0, 0
        for t in range(T - 1, -1, -1):
            for b in range(start, min(start + TILE, last)):
                delta, eta = all_delta[b - start], all_eta[b - start]
                for k in range(m):
                    eta[k] = grad_y[t, b, k] + kappa * eta[k]
                    scaled[k] = (one - kappa) * eta[k]
                if grad_z.size:
                    zeta[:] = grad_z[t % len(grad_z), b % grad_z.shape[1]]
                else:
                    zeta[:] = 0
                add_rows(zeta, w_out[b % len(w_out)], scaled, readouts, m)
                if credit and t < T - 1:
                    _add_products(zeta, w_rec[b % len(w_rec)], delta, where, nonzero(psi[t, b], where))
                fired = nonzero(z[t, b], where)
                _add_outer(grad_out[b % len(grad_out)], z[t, b], scaled, where, fired)
                if t < T - 1:
                    _add_outer(grad_rec[b % len(grad_rec)], z[t, b], delta, where, fired)
                of_v = grad_v[t % len(grad_v), b % grad_v.shape[1]] if grad_v.size else none
                _through_neurons(c, of_v, z[t, b], psi[t, b], zeta, delta, sigma[b - start])
                _add_outer(grad_in[b % len(grad_in)], x[t, b], delta, where, nonzero(x[t, b], where))
                if grad_current.size:
                    grad_current[t, b] = delta


def _stack(w: np.ndarray) -> np.ndarray:
    """Weights (post, pre) or (batch, post, pre) as a contiguous array (1 or batch, post, pre)."""
    return np.ascontiguousarray(w)[(None,) * (3 - w.ndim)]


def _by_pre(w: np.ndarray) -> np.ndarray:
    """Weights as a contiguous array (1 or batch, pre, post)."""
    return np.ascontiguousarray(np.moveaxis(_stack(w), 1, 2))


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
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run a network from rest: spikes z, potentials v (empty unless wanted), readouts y, pseudo-derivatives psi.

    These and the inputs x have the shape (time, batch, neuron); weights are (post, pre) or (batch, post, pre). All are float32 or float64.
    """
    time, batch, _ = x.shape
    shape = time, batch, w_rec.shape[-1]
    z, v, psi = np.empty(shape, x.dtype), np.empty(shape if potentials else (0, 0, 0), x.dtype), np.empty(shape, x.dtype)
    y = np.empty((time, batch, w_out.shape[-2]), x.dtype)
    arrays = np.ascontiguousarray(x), _by_pre(w_in), _by_pre(w_rec), _by_pre(w_out), x.dtype.type(kappa), constants, z, v, y, psi
    in_parts(lambda _, first, last: _forward(*arrays, first, last), batch, threads)
    return z, v, y, psi


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
    sums = [np.zeros((k, *np.moveaxis(_stack(w), 1, 2).shape), dtype) for k, w in zip(copies, weights, strict=True)]
    arrays = _given(grad_z, dtype), _given(grad_v, dtype), grad_y, np.ascontiguousarray(x), _by_pre(w_rec), _stack(w_out), dtype.type(kappa)

    def part(k: int, first: int, last: int) -> None:
        own = [s[k % len(s)] for s in sums]
        _backward(*arrays, constants, z, psi, grad_current, own[0], own[1], own[2], credit, first, last)

    in_parts(part, batch, threads)
    grad_in, grad_rec, grad_out = (np.moveaxis(s.sum(0), 1, 2).reshape(w.shape) for s, w in zip(sums, weights, strict=True))
    return grad_in, grad_rec, grad_out, grad_current
