r"""e-prop in integers, as a chip would do it: 8-bit weights, 24-bit states and traces, 12-bit decays.

With Loihi's decay :math:`D_k(x) = \operatorname{sign}(x) \lfloor |x| (4096 - k) / 4096 \rfloor`, for all neurons (:math:`b = 0` without
adaptation),

.. math::

    v_j(t) &= D_{k_v}(v_j(t-1)) + 2^6 \sum_i w_{ji}\, x_i(t) - v_\text{th}\, z_j(t-1), \qquad
    b_j(t+1) = D_{k_a}(b_j(t)) + J z_j(t), \\
    z_j(t) &= \Theta\bigl(v_j(t) - v_\text{th} - \lfloor 2^{-8} b_j(t) \rfloor\bigr), \qquad
    \psi_j(t) = \max\bigl(0, 127 - \lfloor 127\, |v_j - v_\text{th} - \lfloor 2^{-8} b_j \rfloor| / v_\text{th} \rfloor\bigr), \\
    \epsilon_i(t) &= D_{k_v}(\epsilon_i(t-1)) + 2^{10} x_i(t), \qquad
    e_{ji}(t) = \bigl[ 2^{-7} \psi_j(t)\, (\epsilon_i(t) - [ 2^{-12} F a_{ji}(t) ]) \bigr], \\
    a_{ji}(t+1) &= D_{k_a}(a_{ji}(t)) + e_{ji}(t), \qquad \bar e_{ji}(t) = D_{k_\text{out}}(\bar e_{ji}(t-1)) + e_{ji}(t), \qquad
    g_{ji} = \sum_t L_j(t)\, \bar e_{ji}(t)

where x_i is an input, or a spike of the step before, [·] rounds to the nearest integer, and the learning signals L have 8 bits. (To round
down instead would pull all signals and traces to one side.) States stop at 24 bits. A synapse has its weight (1 byte), one or two traces
(3 bytes each), and the sum g (8 bytes: 4 can be too few for 64 trials) while a batch lasts; with L = 1, a second one for a cost of rates.

What a chip has and this has not: Loihi's weights have a common exponent, its second generation's traces are programs of their own. Readouts
and learning signals are the business of the embedded processors.

Sources: M. Davies et al., IEEE Micro 38(1), 82-99 (2018) (arithmetic); G. Bellec et al., Nature Communications 11, 3625 (2020) (e-prop).
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int8, Int64, UInt8
from torch import Tensor

from snncore.kernels import eprop_chip as kernel
from snncore.kernels.eprop_chip import Integers
from snncore.loihi.quantize import UNIT, decay_register
from snncore.loihi.spec import STATE
from snncore.networks.recurrent import Population
from snncore.neurons import ALIFParams, LIFParams, ReadoutParams, check_trace

Spikes = UInt8[np.ndarray, "time batch neuron"]


def integers(populations: Sequence[Population], readout: ReadoutParams) -> Integers:
    """The nearest constants for LIF neurons followed by ALIF neurons that are otherwise alike.

    Raises `ValueError` for other populations, time constants that no register holds, or an adaptation that no trace or 24 bits can follow.
    """
    if [type(p) for _, p in populations] != [LIFParams, ALIFParams]:
        raise ValueError("the chip's e-prop is written for LIF neurons followed by ALIF neurons: give these two populations")
    (_, lif), (adapting, alif) = populations
    assert isinstance(lif, LIFParams)
    assert isinstance(alif, ALIFParams)
    common = ("tau_m", "v_th", "n_refractory", "dampening", "dt")
    if lif.reset_to_zero or alif.reset_to_zero or any(getattr(lif, name) != getattr(alif, name) for name in common):
        raise ValueError(f"LIF and ALIF neurons must share {', '.join(common)} and the reset by subtraction")
    threshold = UNIT << 6
    trace = alif.beta * alif.dampening / alif.v_th  # what the adaptation's trace counts, since psi is in units of dampening / v_th
    kept = {"tau_m": alif.alpha, "tau_a": alif.rho, "tau_out": readout.kappa}
    decay_v, decay_a, decay_out = (decay_register(name, keep) for name, keep in kept.items())
    if max(decay_v, decay_a, decay_out) > 255:
        raise ValueError("a time constant is shorter than 16 steps: its decay register is above 255, for which 32 bits are too few")
    check_trace(alif)
    jump = round(alif.beta / alif.v_th * threshold * 2**8)
    if jump > STATE:
        raise ValueError(f"beta is {alif.beta}: one spike would drive the adaptation to {jump:,}, and 24 bits end at {STATE:,}; lower beta")
    return Integers(threshold, jump, decay_v, decay_a, decay_out, round(trace * 2**12), alif.n_refractory, adapting)


def rounded(w: Float[Tensor, "post pre"], v_th: float, generator: torch.Generator) -> Float[Tensor, "post pre"]:
    """Weights on the grid of 8 bits, up or down at random so that the mean is right, and none beyond 127."""
    scaled = w * (UNIT / v_th)
    up = torch.rand(w.shape, generator=generator) < scaled - scaled.floor()
    return (scaled.floor() + up).clamp(-UNIT, UNIT) * (v_th / UNIT)


def as_bytes(w: Float[Tensor, "post pre"], v_th: float) -> Int8[np.ndarray, "post pre"]:
    """The integers of weights on the grid; others are refused (`ValueError`)."""
    scaled = w.detach().double().numpy() * (UNIT / v_th)
    whole = np.round(scaled)
    if not (np.abs(scaled - whole).max(initial=0) <= 1e-3 and np.abs(whole).max(initial=0) <= UNIT):  # nan is not, either
        raise ValueError("weights are not multiples of v_th / 127 up to v_th: round them first")
    return whole.astype(np.int8)


def _check(c: Integers, arrays: dict[str, tuple[np.ndarray, type, tuple[int, ...]]]) -> None:
    """Refuse arrays of another type or shape than the compiled loops count on, and spikes other than 0 and 1."""
    for name, (a, dtype, shape) in arrays.items():
        if a.dtype != dtype or a.shape != shape:
            raise ValueError(f"{name} is {a.dtype} of shape {a.shape}: it must be {np.dtype(dtype)} of shape {shape}")
        if name in ("x", "z") and a.size and a.max() > 1:
            raise ValueError(f"{name} has a {a.max()}: spikes are 0 or 1")
        if name in ("z", "w_rec") and shape[-1] < c.adapting:
            raise ValueError(f"there are {shape[-1]} neurons, but {c.adapting} adapting ones among them")


def forward(
    c: Integers, x: UInt8[np.ndarray, "time batch input"], w_in: Int8[np.ndarray, "neuron input"], w_rec: Int8[np.ndarray, "neuron neuron"]
) -> tuple[Spikes, Spikes]:
    """Spikes and pseudo-derivatives (0 to 127), compiled; arrays that do not fit are refused (`ValueError`)."""
    n = len(w_in)
    time, batch, inputs = x.shape
    _check(c, {"x": (x, np.uint8, (time, batch, inputs)), "w_in": (w_in, np.int8, (n, inputs)), "w_rec": (w_rec, np.int8, (n, n))})
    return kernel.forward(c, x, w_in, w_rec, torch.get_num_threads())


def learn(
    c: Integers, x: UInt8[np.ndarray, "time batch input"], z: Spikes, psi: Spikes, signal: Int8[np.ndarray, "time batch neuron"]
) -> Int64[np.ndarray, "neuron pre"]:
    """The gradient for both kinds of weights side by side, compiled; 0 from a neuron to itself. `ValueError` for arrays that do not fit."""
    n = z.shape[2]
    shape = *x.shape[:2], n
    _check(c, {"x": (x, np.uint8, x.shape), "z": (z, np.uint8, shape), "psi": (psi, np.uint8, shape), "signal": (signal, np.int8, shape)})
    grad = kernel.learn(c, x, z, psi, signal, torch.get_num_threads())
    grad[np.arange(n), x.shape[2] + np.arange(n)] = 0
    return grad


def byte_signal(
    off: Float[Tensor, "time batch readout"], w_feedback: Float[Tensor, "neuron readout"]
) -> Int64[np.ndarray, "time batch neuron"]:
    """127 times the learning signal of errors (-1 to 1) at the readouts, in integers: errors have 8 bits, weights 5 behind the point."""
    feedback = (32 * w_feedback).round().clamp(-127, 127).numpy().astype(np.int64)
    return ((off * 127).round().numpy().astype(np.int64) @ feedback.T + 16 >> 5).clip(-127, 127)
