"""A network of Loihi's compartments through all time steps, compiled: the twin of the steps in `snncore.loihi.compartment`.

Only the weights of inputs and neurons that have spiked are touched, and each event is counted. States are whole numbers of 24 bits, and
so are what a decay keeps of them, times 4096: numbers of 53 bits hold all products and sums, and compute several at a time.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from snncore.kernels.threads import in_parts

STATES = float(1 << 24)
LARGEST = STATES / 2 - 1


class Registers(NamedTuple):
    """Registers of each population, in the order of the neurons; arrays of shape (population,), int64."""

    size: np.ndarray  # neurons
    decay_u: np.ndarray
    decay_v: np.ndarray
    threshold: np.ndarray  # shifted
    gain: np.ndarray  # what a weight of 1 adds to u
    bias: np.ndarray  # shifted
    refractory: np.ndarray
    decay_aux: np.ndarray
    aux_jump: np.ndarray  # what a spike adds to the auxiliary compartment; 0 where there is none


@njit(inline="always")
def _clip(x):
    x = LARGEST if x > LARGEST else x
    return -LARGEST if x < -LARGEST else x


@njit(cache=True, nogil=True)
def _update(c, drive, all_u, all_v, all_a, all_wait, all_z):
    """One step of all compartments; returns how many currents wrapped around and how many potentials were clipped."""
    wraps, clips, first = 0, 0, 0
    for k in range(len(c.size)):
        part = slice(first, first + c.size[k])
        first += c.size[k]
        i_, u, v, a, wait, z = drive[part], all_u[part], all_v[part], all_a[part], all_wait[part], all_z[part]
        kept_u, kept_v, kept_a = 1 - c.decay_u[k] / 4096, 1 - c.decay_v[k] / 4096, 1 - c.decay_aux[k] / 4096
        threshold, gain, bias, jump = float(c.threshold[k]), float(c.gain[k]), float(c.bias[k]), float(c.aux_jump[k])
        for i in range(len(u)):
            full = np.trunc(u[i] * kept_u) + gain * i_[i]
            u[i] = full - STATES * np.floor(full / STATES + 0.5)
            wraps += u[i] != full
        if jump != 0:
            for i in range(len(a)):
                full = np.trunc(a[i] * kept_a) + jump * z[i]
                a[i] = _clip(full)
                clips += a[i] != full
        for i in range(len(v)):
            full = np.trunc(v[i] * kept_v) + u[i] + a[i] + bias
            v[i] = _clip(full)
            clips += v[i] != full
        if c.refractory[k] > 1:
            for i in range(len(v)):
                if wait[i] > 0:
                    v[i] = 0
                    wait[i] -= 1
                if v[i] > threshold:
                    wait[i] = c.refractory[k] - 1
        for i in range(len(v)):
            z[i] = 1.0 if v[i] > threshold else 0.0
            v[i] = 0.0 if v[i] > threshold else v[i]
    return wraps, clips


@njit(cache=True, nogil=True)
def _emulate(x, lag, w_in, w_rec, fan_in, fan_out, c, spikes, synaptic, potentials, overflows, z_trace, v_trace, first, last):
    _, T, inputs = x.shape
    n = w_rec.shape[1]
    drive, fired = np.empty(n, np.int32), np.empty(n, np.int64)
    u, v, a, wait, z = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for b in range(first, last):
        count = 0
        u[:], v[:], a[:], wait[:], z[:] = 0, 0, 0, 0, 0
        for t in range(T):
            drive[:] = 0
            if t >= lag:
                for i in range(inputs):
                    if x[b, t - lag, i]:
                        row = w_in[i]
                        for j in range(n):
                            drive[j] += row[j]
                        synaptic[b] += fan_in[i]
            for k in range(count):
                row = w_rec[fired[k]]
                for j in range(n):
                    drive[j] += row[j]
                synaptic[b] += fan_out[fired[k]]
            wraps, clips = _update(c, drive, u, v, a, wait, z)
            overflows[b, 0] += wraps
            overflows[b, 1] += clips
            count = 0
            for j in range(n):
                fired[count] = j
                count += z[j] != 0
            for k in range(count):
                spikes[b, fired[k]] += 1
            if z_trace.size:
                z_trace[t, b] = z
                v_trace[t, b] = v
        potentials[b] = v


def emulate(
    x: np.ndarray, lag: int, w_in: np.ndarray, w_rec: np.ndarray, registers: Registers, trace: bool, threads: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run a network from rest on input spikes x, shape (time, batch, input), uint8, which arrive ``lag`` steps later.

    For each sample: how often each neuron fired; synaptic operations, which are spikes times weights that are not zero, and auxiliary
    compartments; potentials at the end; how many currents wrapped around and how many potentials were clipped. With ``trace``, also spikes
    and potentials (after the reset) of all steps, shape (time, batch, neuron), which are empty else.
    """
    (time, batch, _), n = x.shape, len(w_rec)
    spikes, potentials, synaptic, overflows = (np.zeros((batch, *s), np.int64) for s in ((n,), (n,), (), (2,)))
    shape = (time, batch, n) if trace else (0, 0, 0)
    z, v = np.empty(shape, np.uint8), np.empty(shape, np.int32)
    by_pre = [np.ascontiguousarray(w.T, dtype=np.int16) for w in (w_in, w_rec)]
    fans = [np.count_nonzero(w, axis=0) for w in (w_in, w_rec)]
    fans[1] = fans[1] + np.repeat(registers.aux_jump != 0, registers.size)
    x = np.ascontiguousarray(np.moveaxis(x, 1, 0))

    def part(_: int, first: int, last: int) -> None:
        _emulate(x, lag, *by_pre, *fans, registers, spikes, synaptic, potentials, overflows, z, v, first, last)  # type: ignore[call-arg]

    in_parts(part, batch, threads)
    return spikes, synaptic, potentials, overflows, z, v
