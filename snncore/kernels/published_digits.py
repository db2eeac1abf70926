r"""Networks with the neurons of two published codes for sequential MNIST, through all pixels, compiled, in double precision.

A sample is followed through all steps before the next one, and only neurons that have fired are read: with weights of 32 bits a sum of 64
bits has almost no rounding, so that its order does not matter. See `snncore.networks.published_digits` for the neurons.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

LATE, AT_ONCE, RESONATOR, BALANCED = range(4)  # kinds of neurons
BASE, BETA = 0.01, 1.8  # of the threshold of adaptive neurons: BASE + BETA b
DT, THRESHOLD, GAMMA = 0.01, 1.0, 0.9  # of resonators: step [s], threshold, decay of q per step


class Layer(NamedTuple):
    """Neurons of one kind, with their weights (pre, post) and, by neuron, two constants."""

    kind: int
    w_in: np.ndarray  #: from what is shown, or from the spikes of the layer before in the same step
    w_rec: np.ndarray  #: from their own spikes one step before; without rows if there are none
    bias: np.ndarray
    a: np.ndarray  #: decay of the membrane; of resonators, angular frequency
    b: np.ndarray  #: decay of the adaptation; of resonators, damping (negative)


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


# Loops of the next function touch few arrays each: so the compiler can show that these do not overlap, and vectorizes.


@njit(cache=True, nogil=True)
def _step(kind, current, z, v, s, u, damping, a, b):
    """Spikes z, and membrane v, adaptation or smooth reset s, second part of a resonator's membrane u, after the current of a step."""
    if kind in (LATE, AT_ONCE):
        for i in range(len(z)):
            s[i] = b[i] * s[i] + (1 - b[i]) * z[i]
        for i in range(len(z)):
            v[i] = v[i] * a[i] + (1 - a[i]) * current[i]
        if kind == LATE:
            for i in range(len(z)):
                v[i] -= (BASE + BETA * s[i]) * z[i]
        for i in range(len(z)):
            z[i] = 1.0 if v[i] - (BASE + BETA * s[i]) > 0 else 0.0
        if kind == AT_ONCE:
            for i in range(len(z)):
                v[i] -= (BASE + BETA * s[i]) * z[i]
    else:
        for i in range(len(z)):
            damping[i] = b[i] - s[i]
        for i in range(len(z)):
            v0, u0 = v[i], u[i]
            v[i] = v0 + damping[i] * v0 * DT - a[i] * u0 * DT + current[i] * DT
            u[i] = u0 + a[i] * v0 * DT + damping[i] * u0 * DT
        for i in range(len(z)):
            z[i] = 1.0 if v[i] - THRESHOLD - s[i] > 0 else 0.0
        if kind == BALANCED:
            for i in range(len(z)):
                s[i] = s[i] * GAMMA + z[i]


@njit(cache=True, nogil=True)
def run(pixels, window, layers, w_out, kappa, mean, start, answers, sent, spikes, first, last):
    """Write the readouts of samples ``first`` to ``last`` to ``answers``, their spikes by layer to ``sent``, and all of them to ``spikes``.

    In step t a network sees ``window`` pixels from t on, or the last ones. ``start`` holds the membranes, and also the spikes before the
    first step, of all layers; readouts begin with its last numbers. ``spikes`` may be empty.
    """
    steps, n, layers_n = pixels.shape[1], start.shape[1], len(layers)
    z, v, s, u, current, damping = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    fired, count, seen = np.empty(n, np.int64), np.empty(layers_n, np.int64), np.arange(window)  # which neurons, layer by layer
    y, total = np.empty(w_out.shape[1]), np.empty(w_out.shape[1])
    for sample in range(first, last):
        z[:], v[:], y[:] = start[sample], start[sample], start[sample, n - len(y) :]
        u[:], total[:] = 0, 0
        at = 0
        for k in range(layers_n):
            part = slice(at, at + len(layers[k].a))
            s[part] = BASE if layers[k].kind == LATE else 0
            count[k] = nonzero(z[part], fired[part])
            at = part.stop
        for t in range(steps):
            at, pixel = 0, min(t, steps - window)
            x, which, many = pixels[sample, pixel : pixel + window], seen, window
            for k in range(layers_n):
                layer = layers[k]
                part = slice(at, at + len(layer.a))
                own, z_k, where = current[part], z[part], fired[part]
                for i in range(len(own)):
                    own[i] = layer.bias[i]
                add_rows(own, layer.w_in, x, which, many)
                if len(layer.w_rec):
                    add_rows(own, layer.w_rec, z_k, where, count[k])
                _step(layer.kind, own, z_k, v[part], s[part], u[part], damping[part], layer.a, layer.b)
                count[k] = nonzero(z_k, where)
                sent[sample, k] += count[k]
                x, which, many, at = z_k, where, count[k], part.stop
            if len(spikes):
                spikes[t, sample] = z > 0
            for i in range(len(y)):
                y[i] *= kappa[i]
            add_rows(y, w_out, x, which, many)
            for i in range(len(y)):
                total[i] += y[i]
        answers[sample] = total / steps if mean else y
