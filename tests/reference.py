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
