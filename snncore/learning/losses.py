"""Costs beside the error of the answer, which keep spiking networks sparse and able to learn.

Sources: G. Bellec, D. Salaj, A. Subramoney, R. Legenstein, W. Maass, Long short-term memory and learning-to-learn in networks of spiking
neurons, NeurIPS 2018, supplement (rates); G. Chen, F. Scherr, W. Maass, A data-based large-scale model for primary visual cortex enables
brain-like robust and versatile visual processing, Science Advances 8, eabq7592 (2022) (potentials).
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


def voltage_cost(v: Float[Tensor, "time batch neuron"], low: float, high: float) -> Float[Tensor, ""]:
    r"""How far membrane potentials are outside a band, :math:`\sum_i \langle \max(0, v_i - v_+)^2 + \max(0, v_- - v_i)^2 \rangle`.

    A neuron that a rate cost has pushed far below its threshold has no pseudo-derivative, and so never learns again: this brings it back.

    Parameters
    ----------
    v : tensor, shape (time, batch, neuron)
        Potentials.
    low, high : float
        The band, in the units of v.

    Raises
    ------
    ValueError
        If the band is empty.
    """
    if low > high:
        raise ValueError(f"the band from {low} to {high} is empty")
    return ((v - high).clamp(min=0).square() + (low - v).clamp(min=0).square()).mean((0, 1)).sum()
