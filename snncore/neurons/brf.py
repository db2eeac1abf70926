r"""Balanced resonate-and-fire (BRF) neuron: its potential oscillates, and each spike damps the oscillation for a while.

.. math::

    b(t) &= \big(\sqrt{1 - (\omega\, \mathrm{d}t)^2} - 1\big) / \mathrm{d}t - b_0 - \eta\, q(t-1), \\
    v(t) &= v(t-1) + \mathrm{d}t\, \big(b(t)\, v(t-1) - \omega\, u(t-1)\big) + I(t), \\
    u(t) &= u(t-1) + \mathrm{d}t\, \big(\omega\, v(t-1) + b(t)\, u(t-1)\big), \\
    z(t) &= \Theta\big(v(t) - v_\text{th} (1 + q(t-1))\big), \qquad q(t) = 0.9\, q(t-1) + z(t)

The angular frequencies of a population are evenly spaced. With :math:`b_0 = 0` and no spikes the oscillation keeps its amplitude. A
published step, of 10 ms, is one of 1 ms here, and the current enters as in other neurons of this package, without dt.

Source: S. Higuchi, S. Kairat, S. Bohté, S. Otte, Balanced resonate-and-fire neurons, ICML 2024.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from snncore.neurons.model import positive, register
from snncore.spike import spike


@dataclass(frozen=True)
class BRFParams:
    """Constants of BRF neurons: numbers are positive; b_0, eta and dampening may be 0, and omega_max * dt is at most 1 (`ValueError`)."""

    omega_min: float = 0.15  #: angular frequency of the first neuron of a population [rad / ms]
    omega_max: float = 0.5  #: of the last one
    b_0: float = 0.005  #: damping without spikes [1 / ms]
    eta: float = 0.01  #: what one spike adds to the damping [1 / ms]
    v_th: float = 1.0  #: threshold, which each spike raises by itself
    dampening: float = 0.3  #: height of the pseudo-derivative [1 / v_th]
    dt: float = 1.0  #: time step [ms]

    def __post_init__(self):
        positive(self, "omega_min", "omega_max", "v_th", "dt")
        positive(self, "b_0", "eta", "dampening", or_zero=True)
        if not max(self.omega_min, self.omega_max) * self.dt <= 1:
            raise ValueError(f"omega_min is {self.omega_min}, omega_max {self.omega_max}: at dt = {self.dt} give at most {1 / self.dt:g}")


class BRFState(NamedTuple):
    """Spikes z, potentials v and their second parts u, smooth resets q; each of shape (batch, neuron)."""

    z: Float[Tensor, "batch neuron"]
    v: Float[Tensor, "batch neuron"]
    u: Float[Tensor, "batch neuron"]
    q: Float[Tensor, "batch neuron"]


def brf_rest(like: Float[Tensor, "batch neuron"]) -> BRFState:
    """State of neurons without input so far, like that of LIF neurons."""
    return BRFState(*(torch.zeros_like(like) for _ in range(4)))


@lru_cache
def _turn(p: BRFParams, neurons: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Angle per step, and what is left of the amplitude after one, of neurons that have not fired."""
    angle = torch.linspace(p.omega_min, p.omega_max, neurons, dtype=dtype, device=device) * p.dt
    return angle, (1 - angle.square()).sqrt() - p.dt * p.b_0


def brf_step(current: Float[Tensor, "batch neuron"], state: BRFState, p: BRFParams) -> tuple[Float[Tensor, "batch neuron"], BRFState]:
    """One time step: spikes, next state."""
    _, v, u, q = state
    angle, left = _turn(p, v.shape[-1], v.dtype, v.device)
    left = left - p.dt * p.eta * q
    v, u = left * v - angle * u + current, angle * v + left * u
    z = spike(v / p.v_th - 1 - q, p.dampening)
    return z, BRFState(z, v, u, 0.9 * q + z)


register(BRFParams, brf_rest, brf_step)
