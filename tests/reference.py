"""Slow and obvious: the few-spike neuron in plain Python, one number at a time, straight from the published equations."""


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
