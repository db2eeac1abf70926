"""Slow and obvious, straight from the equations: e-prop in integers, step by step. Other plain models are those of the book, `reading`."""

import numpy as np

from snncore.loihi.fixed_point import decay
from snncore.loihi.spec import STATE


def eprop_chip_forward(c, x, w_in, w_rec):
    """Spikes, pseudo-derivatives, largest potential and adaptation, by the equations of `snncore.learning.eprop_chip` as they stand."""
    n, batch = len(w_in), x.shape[1]
    v, b, wait, last = (np.zeros((batch, n), np.int64) for _ in range(4))
    z_all, psi_all, largest = [], [], np.zeros(2, np.int64)
    jump = np.where(np.arange(n) >= n - c.adapting, c.jump, 0)
    w = np.concatenate([w_in, w_rec], 1).astype(np.int64)
    for now in x:
        pre = np.concatenate([now, last], 1).astype(np.int64)
        v = np.clip(decay(v, c.decay_v) + ((pre @ w.T) << 6) - c.threshold * last, -STATE, STATE)
        above = v - c.threshold - (b >> 8)
        ready = wait == 0
        z = ((above > 0) & ready).astype(np.int64)
        psi_all.append(np.maximum(127 - 127 * np.abs(above) // c.threshold, 0) * ready)
        wait = np.where(z > 0, c.refractory, np.maximum(wait - 1, 0))
        b = np.clip(decay(b, c.decay_a) + jump * z, -STATE, STATE)
        z_all.append(last := z)
        largest = np.maximum(largest, [np.abs(v).max(), b.max()])
    return np.array(z_all, np.uint8), np.array(psi_all, np.uint8), largest


def eprop_chip_learn(c, x, z, psi, signal):
    """The gradient, with that of each neuron's connection to itself, and the largest traces of the adaptation and of the readout."""
    (batch, n), inputs = z.shape[1:], x.shape[2]
    trace = np.zeros((batch, inputs + n), np.int64)
    slow, e_bar = (np.zeros((batch, n, inputs + n), np.int64) for _ in range(2))
    grad, largest = np.zeros((n, inputs + n), np.int64), np.zeros(2, np.int64)
    feedback = np.where(np.arange(n) >= n - c.adapting, c.feedback, 0)[:, None]
    before = np.concatenate([np.zeros_like(z[:1]), z[:-1]])
    for now, last, near, L in zip(x, before, psi.astype(np.int64), signal.astype(np.int64), strict=True):
        trace = decay(trace, c.decay_v) + (np.concatenate([now, last], 1).astype(np.int64) << 10)
        e = (near[:, :, None] * (trace[:, None] - ((slow * feedback + 2048) >> 12)) + 64) >> 7
        slow = np.clip(decay(slow, c.decay_a) + e, -STATE, STATE)
        e_bar = np.clip(decay(e_bar, c.decay_out) + e, -STATE, STATE)
        grad += (L[:, :, None] * e_bar).sum(0)
        largest = np.maximum(largest, [np.abs(slow).max(), np.abs(e_bar).max()])
    return grad, largest
