r"""Readout: a leaky sum of weighted spikes that does not spike itself.

.. math:: y(t) = \kappa\, y(t-1) + (1 - \kappa)\, I(t), \qquad \kappa = e^{-\mathrm{d}t/\tau_\text{out}}

Source: G. Bellec et al., Nature Communications 11, 3625 (2020), Methods.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from snncore.neurons.model import Decay, positive


@dataclass(frozen=True)
class ReadoutParams:
    """Constants of readouts, both positive."""

    tau_out: float = 20.0  #: time constant [ms]
    dt: float = 1.0  #: time step [ms]
    kappa = Decay("tau_out")  #: decay of the readout per step

    def __post_init__(self):
        positive(self, "tau_out", "dt")


def readout_step(
    current: Float[Tensor, "batch readout"], y: Float[Tensor, "batch readout"], p: ReadoutParams
) -> tuple[Float[Tensor, "batch readout"], Float[Tensor, "batch readout"]]:
    """One time step: readout, next state (the same)."""
    y = p.kappa * y + (1 - p.kappa) * current
    return y, y
