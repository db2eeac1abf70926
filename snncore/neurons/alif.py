r"""Adaptive LIF (ALIF) neuron: each spike raises its own threshold for a while.

.. math::

    v(t) &= \alpha\, v(t-1) + I(t) - v_\text{th}\, z(t-1), \\
    b(t) &= \rho\, b(t-1) + z(t-1), \\
    z(t) &= \Theta(v(t) - v_\text{th} - \beta\, b(t)) \quad\text{unless refractory}

with :math:`\rho = e^{-\mathrm{d}t/\tau_a}`; with ``reset_to_zero`` a spike sets v to 0 instead. The width of the pseudo-derivative is v_th,
also where the threshold is raised.

Source: G. Bellec et al., Nature Communications 11, 3625 (2020), Methods.
"""

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from snncore.neurons.lif import fire, integrate
from snncore.neurons.model import Decay, Row, at_rest, positive, register
from snncore.shapes import check_whole


@dataclass(frozen=True)
class ALIFParams:
    """Constants of ALIF neurons: those of `LIFParams`, and two more. Numbers are positive; beta, n_refractory, dampening may be 0."""

    tau_m: float = 20.0
    tau_a: float = 700.0  #: time constant of the threshold adaptation [ms]
    beta: float = 0.05  #: what one spike adds to the threshold [v_th]
    v_th: float = 1.0
    n_refractory: int = 0
    dampening: float = 0.3
    dt: float = 1.0
    reset_to_zero: bool = False
    alpha = Decay("tau_m")  #: decay of the membrane potential per step
    rho = Decay("tau_a")  #: decay of the threshold adaptation per step

    def __post_init__(self):
        positive(self, "tau_m", "tau_a", "v_th", "dt")
        positive(self, "beta", "dampening", or_zero=True)
        check_whole("n_refractory", self.n_refractory, 0)


def check_trace(p: ALIFParams) -> None:
    r"""Refuse constants whose trace :math:`\epsilon^a(t+1) = (\rho - \beta \psi)\, \epsilon^a(t) + \psi\, \epsilon^v(t)` can grow.

    It can if :math:`\beta > (1 + \rho)\, v_\text{th} / \gamma` (ValueError), since :math:`\psi \le \gamma / v_\text{th}`.
    """
    if p.rho - p.beta * p.dampening / p.v_th < -1:
        raise ValueError(
            f"beta is {p.beta}: above (1 + rho) v_th / dampening = {(1 + p.rho) * p.v_th / p.dampening:.3g} the adaptation's trace "
            "grows without bound; lower beta"
        )


class ALIFState(NamedTuple):
    """Spikes z(t), potentials v(t), adaptation b(t+1) [spikes], refractory counter r; each of shape (batch, neuron)."""

    z: Float[Tensor, "batch neuron"]
    v: Float[Tensor, "batch neuron"]
    b: Float[Tensor, "batch neuron"]
    r: Float[Tensor, "batch neuron"]


def alif_step(current: Float[Tensor, "batch neuron"], state: ALIFState, p: ALIFParams) -> tuple[Float[Tensor, "batch neuron"], ALIFState]:
    """One time step: spikes, next state."""
    z, v, b, r = state
    v = integrate(v, z.detach(), current, p)
    z, r = fire((v - p.v_th - p.beta * b) / p.v_th, r, p.dampening, p.n_refractory)
    b = p.rho * b + z
    return z, ALIFState(z, v, b, r)


register(
    ALIFParams,
    at_rest(ALIFState),
    alif_step,
    lambda p: Row(p.alpha, p.v_th, p.rho, 1.0, 0.0, p.beta, p.reset_to_zero, p.n_refractory, p.dampening),
)
