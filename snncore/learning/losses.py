"""Costs beside the error of the answer, which keep spiking networks sparse.

Source: G. Bellec, D. Salaj, A. Subramoney, R. Legenstein, W. Maass, Long short-term memory and learning-to-learn in networks of spiking
neurons, NeurIPS 2018, supplement.
"""

from jaxtyping import Float
from torch import Tensor


def rate_cost(z: Float[Tensor, "time batch neuron"], target: float) -> Float[Tensor, ""]:
    r"""How far the firing rates of neurons are from a target, :math:`\sum_i (\langle z_i \rangle - f_0)^2`, with means over time and batch.

    Parameters
    ----------
    z : tensor, shape (time, batch, neuron)
        Spikes.
    target : float
        Spikes per step.
    """
    return (z.mean((0, 1)) - target).square().sum()
