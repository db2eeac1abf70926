"""Slow and obvious, straight from the equations: few-spike neuron and chip, one number at a time; e-prop in integers, step by step."""

import numpy as np

from snncore.loihi.fixed_point import decay
from snncore.loihi.spec import STATE


def few_spike(x, T, h, d, strict=True):
    """v(1) = x; z(t) = 1 if v(t) > T(t) (or >=); v(t+1) = v(t) - h(t) z(t); returns the sum of d(t) z(t), and the spikes."""
    v, y, spikes = x, 0.0, []
    for threshold, reset, output in zip(T, h, d, strict=True):
        z = 1 if (v > threshold if strict else v >= threshold) else 0
        y += output * z
        v -= reset * z
        spikes.append(z)
    return y, spikes


def few_spike_shifted(x, T, h, d):
    """The other convention: the spike of step t - 1 is taken off with h(t), at the start of step t."""
    v, y, z = x, 0.0, 0
    for threshold, reset, output in zip(T, h, d, strict=True):
        v -= reset * z
        z = 1 if v > threshold else 0
        y += output * z
    return y


def chip_decay(x, k):
    """Loihi's decay with the bracket that other emulators write: x minus the rounded-up loss, in whole numbers."""
    loss = -((-abs(x) * k) // 4096)  # rounded up
    return x - loss if x >= 0 else x + loss


def chip(x, lag, w_in, w_rec, neurons):
    """A network on Loihi, one neuron at a time in Python's integers.

    x[t][i] are input spikes; neurons[j] is a dict of registers (gain, threshold and bias as the states have them). Returns spikes and
    potentials after the reset, per step and neuron.
    """
    largest = 2**23 - 1
    n = len(neurons)
    u, v, a, wait, z = ([0] * n for _ in range(5))
    spikes, potentials = [], []
    for t in range(len(x)):
        before, z = z, [0] * n
        for j, p in enumerate(neurons):
            total = sum(w for w, s in zip(w_rec[j], before, strict=True) if s)
            if t >= lag:
                total += sum(w for w, s in zip(w_in[j], x[t - lag], strict=True) if s)
            u[j] = (chip_decay(u[j], p["decay_u"]) + p["gain"] * total + 2**23) % 2**24 - 2**23
            a[j] = max(-largest, min(largest, chip_decay(a[j], p["decay_aux"]) + p["aux_jump"] * before[j]))
            v[j] = max(-largest, min(largest, chip_decay(v[j], p["decay_v"]) + u[j] + a[j] + p["bias"]))
            if wait[j] > 0:
                v[j], wait[j] = 0, wait[j] - 1
            if v[j] > p["threshold"]:
                z[j], v[j], wait[j] = 1, 0, p["refractory"] - 1
        spikes.append(z)
        potentials.append(list(v))
    return spikes, potentials


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
