r"""A layer of LIF neurons with reset to zero through all time steps, compiled: forward, and backward through time.

.. math::

    v(t) &= \alpha\, v(t-1)\,(1 - z(t-1)) + I(t), \qquad z(t) = \Theta(v(t) - v_\text{th}), \\
    \delta(t) &= \partial E/\partial v(t) + \psi(t)\, \partial E/\partial z(t) + \alpha\,(1 - z(t))\, \delta(t+1), \qquad
    \partial E/\partial I(t) = \delta(t)

with the pseudo-derivative :math:`\psi` of `snncore.spike`, and no gradient through the reset, as in `snncore.neurons.lif`.
"""

import numpy as np
from numba import njit

from snncore.kernels.threads import in_parts


@njit(cache=True, nogil=True)
def _forward(current, alpha, v_th, z, v, first, last):
    zero, one = v.dtype.type(0), v.dtype.type(1)
    for t in range(len(current)):
        now, v_t, z_t, v_before, z_before = current[t], v[t], z[t], v[t - 1], z[t - 1]
        for i in range(first, last):
            kept = alpha * v_before[i] * (one - z_before[i]) if t > 0 else zero
            v_t[i] = kept + now[i]
            z_t[i] = one if v_t[i] > v_th else zero


@njit(cache=True, nogil=True)
def _backward(grad_z, grad_v, alpha, v_th, height, z, v, delta, first, last):
    zero, one = v.dtype.type(0), v.dtype.type(1)
    T = len(z)
    for t in range(T - 1, -1, -1):
        v_t, z_t, delta_t, later = v[t], z[t], delta[t], delta[min(t + 1, T - 1)]
        for i in range(first, last):
            d = alpha * (one - z_t[i]) * later[i] if t < T - 1 else zero
            if grad_z.size:
                slope = height * (one - abs(v_t[i] - v_th) / v_th)
                d += (zero if slope <= zero else slope) * grad_z[t, i]  # so that nan stays nan
            if grad_v.size:
                d += grad_v[t, i]
            delta_t[i] = d


def forward(current: np.ndarray, alpha: float, v_th: float, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and potentials of neurons that start at rest, for input currents of shape (time, ...), float32 or float64."""
    number = current.dtype.type
    flat = np.ascontiguousarray(current).reshape(len(current), -1)
    z, v = np.empty_like(flat), np.empty_like(flat)
    in_parts(lambda _, first, last: _forward(flat, number(alpha), number(v_th), z, v, first, last), flat.shape[1], threads)
    return z.reshape(current.shape), v.reshape(current.shape)


def backward(
    grad_z: np.ndarray | None,
    grad_v: np.ndarray | None,
    alpha: float,
    v_th: float,
    dampening: float,
    z: np.ndarray,
    v: np.ndarray,
    threads: int = 1,
) -> np.ndarray:
    """Gradient with respect to the currents, from those of spikes and potentials (None: the loss does not depend on them)."""
    number, shape = z.dtype.type, (len(z), -1)
    none = np.empty((0, 0), z.dtype)
    of_z, of_v = (none if g is None else np.ascontiguousarray(g).reshape(shape) for g in (grad_z, grad_v))
    flat_z, flat_v = z.reshape(shape), v.reshape(shape)
    delta = np.empty_like(flat_z)
    constants = number(alpha), number(v_th), number(dampening / v_th)
    in_parts(lambda _, first, last: _backward(of_z, of_v, *constants, flat_z, flat_v, delta, first, last), delta.shape[1], threads)
    return delta.reshape(z.shape)
