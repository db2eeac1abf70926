r"""Leaky integrate-and-fire (LIF) neuron.

.. math::

    v(t) &= \alpha\, v(t-1) + I(t) - v_\text{th}\, z(t-1) \quad\text{or, with reset to zero,}\quad
    v(t) = \alpha\, v(t-1)\,(1 - z(t-1)) + I(t), \\
    z(t) &= \Theta(v(t) - v_\text{th}) \quad\text{unless refractory}

with :math:`\alpha = e^{-\mathrm{d}t/\tau_m}`. The potential goes on integrating in the refractory period. No gradient flows through the
reset: what remains besides the recurrent weights is what eligibility traces carry, in this neuron and in all others of this package.

Source: G. Bellec et al., Nature Communications 11, 3625 (2020), Methods; the reset to zero is that of Loihi.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from snncore.neurons.model import Decay, Row, at_rest, positive, register
from snncore.shapes import check_whole
from snncore.spike import spike


@dataclass(frozen=True)
class LIFParams:
    """Constants of LIF neurons: all positive; n_refractory and dampening may be 0."""

    tau_m: float = 20.0  #: membrane time constant [ms]
    v_th: float = 1.0  #: threshold; the neuron fires at v > v_th
    reset_to_zero: bool = False  #: a spike sets v to 0 (as on the chip), or takes v_th off (False)
    n_refractory: int = 0  #: steps after a spike in which the neuron cannot fire
    dampening: float = 0.3  #: height of the pseudo-derivative [1 / v_th]
    dt: float = 1.0  #: time step [ms]
    alpha = Decay("tau_m")  #: decay of the membrane potential per step

    def __post_init__(self):
        positive(self, "tau_m", "v_th", "dt")
        positive(self, "dampening", or_zero=True)
        check_whole("n_refractory", self.n_refractory, 0)


class LIFState(NamedTuple):
    """Spikes z, potentials v, and steps r left in which a neuron cannot fire; each of shape (batch, neuron)."""

    z: Float[Tensor, "batch neuron"]
    v: Float[Tensor, "batch neuron"]
    r: Float[Tensor, "batch neuron"]


def integrate(
    v: Float[Tensor, "batch neuron"], z: Float[Tensor, "batch neuron"], current: Float[Tensor, "batch neuron"], p: Any
) -> Float[Tensor, "batch neuron"]:
    """Potentials after the reset of the neurons that have fired, a step's leak and its input current; ``p`` has ``reset_to_zero``."""
    return p.alpha * v * (1 - z) + current if p.reset_to_zero else p.alpha * v + current - p.v_th * z


def fire(
    x: Float[Tensor, "batch neuron"], r: Float[Tensor, "batch neuron"], dampening: float, n_refractory: int
) -> tuple[Float[Tensor, "batch neuron"], Float[Tensor, "batch neuron"]]:
    """Spikes where x > 0 and r = 0, and the refractory counter afterwards."""
    z = spike(x, dampening)
    if n_refractory == 0:
        return z, r
    z = z * (r == 0)
    return z, torch.where(z > 0, n_refractory, (r - 1).clamp(min=0))


def lif_step(current: Float[Tensor, "batch neuron"], state: LIFState, p: LIFParams) -> tuple[Float[Tensor, "batch neuron"], LIFState]:
    """One time step: spikes, next state.

    >>> p, current = LIFParams(), torch.tensor([[0.0, 0.5, 2.0]])
    >>> z, state = lif_step(current, at_rest(LIFState)(current), p)
    >>> z.tolist()
    [[0.0, 0.0, 1.0]]
    """
    z, v, r = state
    v = integrate(v, z.detach(), current, p)
    z, r = fire((v - p.v_th) / p.v_th, r, p.dampening, p.n_refractory)
    return z, LIFState(z, v, r)


register(
    LIFParams,
    at_rest(LIFState),
    lif_step,
    lambda p: Row(p.alpha, p.v_th, to_zero=p.reset_to_zero, n_refractory=p.n_refractory, dampening=p.dampening),
)
