"""e-prop in integers, compiled: the equations of `snncore.learning.eprop_chip`, step by step.

A sample is followed through all steps before the next one, so that its traces, one or two numbers per synapse, stay in the cache.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from snncore.kernels.loihi import LARGEST
from snncore.kernels.threads import in_parts


class Integers(NamedTuple):
    """Constants of all neurons, as registers have them; decays have 12 bits."""

    threshold: int  #: that v has to exceed
    jump: int  #: that a spike adds to the adaptation, which counts 2**-8 in the threshold; 0 without adapting neurons
    decay_v: int  #: of potentials and their traces
    decay_a: int  #: of the adaptation and its traces
    decay_out: int  #: of the filter of readouts
    feedback: int  #: factor of the trace of the adaptation, in 2**-12
    refractory: int  #: steps
    adapting: int  #: neurons, the last ones


@njit(inline="always")
def _decay(x, k):
    """Sign(x) * floor(|x| (4096 - k) / 4096), without leaving 32 bits as long as |x| is one of 24 bits and k at most 255."""
    size = abs(x)
    left = size - ((size * k + np.int32(4095)) >> np.int32(12))
    return left if x > 0 else -left


@njit(inline="always")
def _clip(x):
    return min(max(x, np.int32(-LARGEST)), np.int32(LARGEST))


@njit(cache=True, nogil=True)
def _forward(c, x, w_in, w_rec, z, psi, first, last):
    T, _, n = z.shape
    plain, threshold, refractory = n - c.adapting, np.int32(c.threshold), np.int32(c.refractory)
    decay_v, decay_a, jump = np.int32(c.decay_v), np.int32(c.decay_a), np.int32(c.jump)
    v, a, wait = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    for b in range(first, last):
        v[:], a[:], wait[:] = 0, 0, 0
        for t in range(T):
            for j in range(n):
                v[j] = _decay(v[j], decay_v)
            if t > 0:
                for i in range(n):
                    if z[t - 1, b, i]:
                        v[i] -= threshold
                        _add(v, w_rec[i])
            for i in range(x.shape[2]):
                if x[t, b, i]:
                    _add(v, w_in[i])
            _fire(v, a, wait, z[t, b], psi[t, b], threshold, refractory)
            adaptation, fired = a[plain:], z[t, b, plain:]
            for j in range(len(fired)):
                adaptation[j] = _clip(_decay(adaptation[j], decay_a) + jump * np.int32(fired[j]))


@njit(cache=True, nogil=True)
def _add(v, row):
    for j in range(len(v)):
        v[j] += np.int32(row[j]) << np.int32(6)


@njit(cache=True, nogil=True)
def _fire(v, a, wait, z, psi, threshold, refractory):
    """Spikes and pseudo-derivatives. The quotient is exact: both numbers are whole and below 2**24, and it is at most 127."""
    for j in range(len(v)):
        v[j] = _clip(v[j])
        above = v[j] - threshold - (a[j] >> np.int32(8))
        away = np.float32(np.int32(127) * min(abs(above), threshold)) / np.float32(threshold)
        ready = wait[j] == 0
        fires = (above > 0) & ready
        z[j] = fires
        psi[j] = (np.int32(127) - np.int32(away)) * ready
        wait[j] = refractory if fires else max(wait[j] - np.int32(1), np.int32(0))


@njit(cache=True, nogil=True)
def _learn(c, x, z, psi, signal, grad, first, last):
    T, _, n = z.shape
    inputs = x.shape[2]
    m, plain = inputs + n, n - c.adapting
    decay_v, decay_a, decay_out, feedback = np.int32(c.decay_v), np.int32(c.decay_a), np.int32(c.decay_out), np.int32(c.feedback)
    trace, slow, e_bar = np.zeros(m, np.int32), np.zeros((c.adapting, m), np.int32), np.zeros((n, m), np.int32)
    for b in range(first, last):
        trace[:], slow[:], e_bar[:] = 0, 0, 0
        for t in range(T):
            for i in range(m):
                trace[i] = _decay(trace[i], decay_v)
            for i in range(inputs):
                trace[i] += np.int32(x[t, b, i]) << np.int32(10)
            if t > 0:
                for i in range(n):
                    trace[inputs + i] += np.int32(z[t - 1, b, i]) << np.int32(10)
            for j in range(n):
                p, bar, L = np.int32(psi[t, b, j]), e_bar[j], np.int64(signal[t, b, j])
                if j < plain:
                    for i in range(m):
                        bar[i] = _clip(_decay(bar[i], decay_out) + ((p * trace[i] + np.int32(64)) >> np.int32(7)))
                else:
                    s = slow[j - plain]
                    for i in range(m):
                        behind = np.int32((np.int64(s[i]) * feedback + 2048) >> 12)
                        e = np.int32((np.int64(p) * (trace[i] - behind) + 64) >> 7)
                        s[i] = _clip(_decay(s[i], decay_a) + e)
                        bar[i] = _clip(_decay(bar[i], decay_out) + e)
                if L != 0:
                    row = grad[j]
                    for i in range(m):
                        row[i] += L * bar[i]


def forward(c: Integers, x: np.ndarray, w_in: np.ndarray, w_rec: np.ndarray, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Spikes and pseudo-derivatives (0 to 127), as inputs uint8 of shape (time, batch, neuron); weights are int8 of shape (post, pre)."""
    shape = *x.shape[:2], len(w_in)
    z, psi = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    arrays = np.ascontiguousarray(x), np.ascontiguousarray(w_in.T), np.ascontiguousarray(w_rec.T), z, psi
    in_parts(lambda _, first, last: _forward(c, *arrays, first, last), x.shape[1], threads)
    return z, psi


def learn(c: Integers, x: np.ndarray, z: np.ndarray, psi: np.ndarray, signal: np.ndarray, threads: int = 1) -> np.ndarray:
    """Learning signals times filtered traces, summed over steps and samples: int64 of shape (neuron, input + neuron).

    Inputs, spikes and pseudo-derivatives are those of `forward`; learning signals are int8 of shape (time, batch, neuron).
    """
    grads = np.zeros((max(1, threads), z.shape[2], x.shape[2] + z.shape[2]), np.int64)
    arrays = np.ascontiguousarray(x), z, psi, np.ascontiguousarray(signal)
    in_parts(lambda k, first, last: _learn(c, *arrays, grads[k], first, last), x.shape[1], threads)
    return grads.sum(0)
