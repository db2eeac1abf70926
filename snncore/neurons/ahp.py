r"""LIF neuron with an after-hyperpolarizing (AHP) current: the long short-term memory of this book.

.. math::

    v(t) &= \alpha\, v(t-1)\,(1 - z(t-1)) + I(t) + a(t), \\
    z(t) &= \Theta(v(t) - v_\text{th}), \\
    a(t+1) &= \rho\, a(t) - (1 - \rho)\, \beta\, z(t)

with :math:`\rho = e^{-\mathrm{d}t/\tau_\text{AHP}}`; the talk writes :math:`i_\text{AHP}` and :math:`\alpha_\text{AHP}` for a and
:math:`\rho`. At one spike per step a settles at :math:`-\beta`. There is no refractory period, as on the chip. Without ``reset_to_zero`` a
spike takes the threshold off v.

Source: A. Rao, P. Plank, A. Wild, W. Maass, Nature Machine Intelligence 4, 467-479 (2022).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from snncore.neurons.lif import integrate
from snncore.neurons.model import Decay, Row, at_rest, positive, register
from snncore.spike import spike

JUMP = 0.24  # by how much, in thresholds, a spike lowers the potential in the network for sequential MNIST that ran on Loihi


@dataclass(frozen=True)
class AHPParams:
    """Constants of AHP neurons: numbers are positive; beta and dampening may be 0."""

    tau_m: float = 20.0  #: membrane time constant [ms]
    tau_ahp: float = 700.0  #: time constant of the AHP current [ms]
    beta: float = 8.3  #: a settles at -beta at one spike per step; each spike takes (1 - rho) * beta off [unit of v_th]
    v_th: float = 1.0  #: threshold; the neuron fires at v > v_th
    dampening: float = 0.3  #: height of the pseudo-derivative [1 / v_th]
    dt: float = 1.0  #: time step [ms]
    reset_to_zero: bool = True  #: a spike sets v to 0 (as on the chip), or takes v_th off (False)
    alpha = Decay("tau_m")  #: decay of the membrane potential per step
    rho = Decay("tau_ahp")  #: decay of the AHP current per step

    def __post_init__(self):
        positive(self, "tau_m", "tau_ahp", "v_th", "dt")
        positive(self, "beta", "dampening", or_zero=True)

    def with_jump(self, jump: float) -> "AHPParams":
        """Constants with the beta for which a spike lowers the potential by ``jump`` thresholds, once the membrane has followed."""
        return replace(self, beta=jump * self.v_th * (1 - self.alpha) / (1 - self.rho))


class AHPState(NamedTuple):
    """Spikes z(t), potentials v(t), AHP currents a(t+1); each of shape (batch, neuron)."""

    z: Float[Tensor, "batch neuron"]
    v: Float[Tensor, "batch neuron"]
    a: Float[Tensor, "batch neuron"]


def ahp_step(current: Float[Tensor, "batch neuron"], state: AHPState, p: AHPParams) -> tuple[Float[Tensor, "batch neuron"], AHPState]:
    """One time step: spikes, next state."""
    z, v, a = state
    v = integrate(v, z.detach(), current, p) + a
    z = spike((v - p.v_th) / p.v_th, p.dampening)
    a = p.rho * a - (1 - p.rho) * p.beta * z
    return z, AHPState(z, v, a)


register(
    AHPParams,
    at_rest(AHPState),
    ahp_step,
    lambda p: Row(p.alpha, p.v_th, p.rho, jump=-(1 - p.rho) * p.beta, to_v=1.0, to_zero=p.reset_to_zero, dampening=p.dampening),
)
