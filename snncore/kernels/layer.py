r"""A layer of LIF neurons through all time steps, compiled: forward, and backward through time.

.. math::

    v(t) &= \alpha\, v(t-1)\,(1 - z(t-1)) + I(t) \quad\text{or, reset by subtraction,}\quad
    v(t) = \alpha\, v(t-1) + I(t) - v_\text{th}\, z(t-1), \qquad z(t) = \Theta(v(t) - v_\text{th}), \\
    \delta(t) &= \partial E/\partial v(t) + \psi(t)\, \partial E/\partial z(t) + \alpha\, c(t)\, \delta(t+1), \\
    \partial E/\partial I(t) &= \delta(t), \qquad \partial E/\partial \alpha = \textstyle\sum_t \delta(t)\, c(t-1)\, v(t-1)

with c = 1 - z for the reset to zero, otherwise 1, the pseudo-derivative :math:`\psi` of `snncore.spike`, and no gradient through the
reset, as in `snncore.neurons.lif`.
"""

import numpy as np
from numba import njit

from snncore.kernels.threads import in_parts

BLOCK = 1024  # neurons that go through all steps together: what is kept of them fits into a core's first cache


@njit(cache=True, nogil=True)
def _forward(current, alpha, z_first, v_first, v_th, to_zero, z, v, first, last):
    zero, one = v.dtype.type(0), v.dtype.type(1)
    for start in range(first, last, BLOCK):
        here = slice(start, min(start + BLOCK, last))  # views, whose loops from 0 on become vector instructions
        decay, z_before, v_before = alpha[here], z_first[here], v_first[here]
        for t in range(len(current)):
            now, v_t, z_t = current[t, here], v[t, here], z[t, here]
            for i in range(len(decay)):
                kept = decay[i] * v_before[i]
                v_t[i] = kept * (one - z_before[i]) + now[i] if to_zero else kept + now[i] - v_th * z_before[i]
            for i in range(len(decay)):
                z_t[i] = one if v_t[i] > v_th else zero
            z_before, v_before = z_t, v_t


@njit(cache=True, nogil=True)
def _backward(grad_z, grad_v, z, v, alpha, z_first, v_first, v_th, to_zero, height, delta, of_alpha, first, last):
    zero, one = v.dtype.type(0), v.dtype.type(1)
    for start in range(first, last, BLOCK):
        here = slice(start, min(start + BLOCK, last))
        decay, of_decay, d = alpha[here], of_alpha[here], np.zeros_like(alpha[here])
        for t in range(len(z) - 1, -1, -1):
            v_t, z_t, delta_t = v[t, here], z[t, here], delta[t, here]
            z_before, v_before = (z[t - 1, here], v[t - 1, here]) if t > 0 else (z_first[here], v_first[here])
            for i in range(len(d)):
                d[i] *= decay[i] * (one - z_t[i] if to_zero else one)
            if grad_z.size:
                of_z = grad_z[t, here]
                for i in range(len(d)):
                    slope = height * (one - abs(v_t[i] - v_th) / v_th)
                    d[i] += (zero if slope <= zero else slope) * of_z[i]  # so that nan stays nan
            if grad_v.size:
                of_v = grad_v[t, here]
                for i in range(len(d)):
                    d[i] += of_v[i]
            for i in range(len(d)):
                delta_t[i] = d[i]
                of_decay[i] += d[i] * v_before[i] * (one - z_before[i] if to_zero else one)


def forward(
    current: np.ndarray, alpha: np.ndarray, z_first: np.ndarray, v_first: np.ndarray, v_th: float, to_zero: bool, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and potentials for currents (time, ...), float32 or float64; decays, spikes and potentials before the first step: (...)."""
    flat = current.reshape(len(current), -1)
    z, v = np.empty_like(flat), np.empty_like(flat)
    arguments = flat, alpha.ravel(), z_first.ravel(), v_first.ravel(), current.dtype.type(v_th), to_zero, z, v
    in_parts(lambda _, first, last: _forward(*arguments, first, last), flat.shape[1], threads)
    return z.reshape(current.shape), v.reshape(current.shape)


def backward(
    grad_z: np.ndarray | None,
    grad_v: np.ndarray | None,
    z: np.ndarray,
    v: np.ndarray,
    alpha: np.ndarray,
    z_first: np.ndarray,
    v_first: np.ndarray,
    v_th: float,
    to_zero: bool,
    dampening: float,
    threads: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of currents, decays and first potentials, from those of spikes and potentials (None: the loss depends on none)."""
    number, flat = z.dtype.type, (len(z), -1)
    none, delta, of_alpha = np.empty((0, 0), z.dtype), np.empty_like(z.reshape(flat)), np.zeros_like(alpha.ravel())
    of_z, of_v = (none if g is None else g.reshape(flat) for g in (grad_z, grad_v))
    given = of_z, of_v, z.reshape(flat), v.reshape(flat), alpha.ravel(), z_first.ravel(), v_first.ravel()
    constants = number(v_th), to_zero, number(dampening / v_th)
    in_parts(lambda _, first, last: _backward(*given, *constants, delta, of_alpha, first, last), delta.shape[1], threads)
    of_first = alpha * (1 - z_first if to_zero else 1) * delta[0].reshape(alpha.shape)
    return delta.reshape(z.shape), of_alpha.reshape(alpha.shape), of_first
