r"""Balanced resonate-and-fire (BRF) neuron: its potential oscillates, and each spike damps the oscillation for a while.

.. math::

    b(t) &= \big(\sqrt{1 - (\omega\, \mathrm{d}t)^2} - 1\big) / \mathrm{d}t - b_0 - 0.01\, q(t-1), \\
    v(t) &= v(t-1) + \mathrm{d}t\, \big(b(t)\, v(t-1) - \omega\, u(t-1)\big) + I(t), \\
    u(t) &= u(t-1) + \mathrm{d}t\, \big(\omega\, v(t-1) + b(t)\, u(t-1)\big), \\
    z(t) &= \Theta\big(v(t) - v_\text{th} (1 + q(t-1))\big), \qquad q(t) = 0.9\, q(t-1) + z(t)

The angular frequencies of a population are evenly spaced. Without damping and spikes the oscillation keeps its amplitude. A published
step, of 10 ms, is one of 1 ms here, and the current enters without dt, as elsewhere in this package.

Source: S. Higuchi, S. Kairat, S. Bohté, S. Otte, Balanced resonate-and-fire neurons, ICML 2024.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from snncore.neurons.model import at_rest, positive, register
from snncore.spike import spike


@dataclass(frozen=True)
class BRFParams:
    """Constants of BRF neurons: numbers are positive; b_0 and dampening may be 0, and omega_max * dt is at most 1 (`ValueError`)."""

    omega_min: float = 0.15  #: angular frequency of the first neuron of a population [rad / ms]
    omega_max: float = 0.5  #: of the last one
    b_0: float = 0.005  #: damping without spikes [1 / ms]
    v_th: float = 1.0  #: threshold, which each spike raises by itself
    dampening: float = 0.3  #: height of the pseudo-derivative [1 / v_th]
    dt: float = 1.0  #: time step [ms]

    def __post_init__(self):
        positive(self, "omega_min", "omega_max", "v_th", "dt")
        positive(self, "b_0", "dampening", or_zero=True)
        if not max(self.omega_min, self.omega_max) * self.dt <= 1:
            raise ValueError(f"omega_min is {self.omega_min}, omega_max {self.omega_max}: at dt = {self.dt} give at most {1 / self.dt:g}")


class BRFState(NamedTuple):
    """Spikes z, potentials v and their second parts u, smooth resets q; each of shape (batch, neuron)."""

    z: Float[Tensor, "batch neuron"]
    v: Float[Tensor, "batch neuron"]
    u: Float[Tensor, "batch neuron"]
    q: Float[Tensor, "batch neuron"]


def brf_step(current: Float[Tensor, "batch neuron"], state: BRFState, p: BRFParams) -> tuple[Float[Tensor, "batch neuron"], BRFState]:
    """One time step: spikes, next state."""
    _, v, u, q = state
    angle = p.dt * torch.linspace(p.omega_min, p.omega_max, v.shape[-1], dtype=v.dtype, device=v.device)
    left = (1 - angle.square()).sqrt() - p.dt * (p.b_0 + 0.01 * q)
    v, u = left * v - angle * u + current, angle * v + left * u
    z = spike(v / p.v_th - 1 - q, p.dampening)
    return z, BRFState(z, v, u, 0.9 * q + z)


register(BRFParams, at_rest(BRFState), brf_step)
