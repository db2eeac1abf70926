"""Costs beside the error of the answer, which keep spiking networks sparse and able to learn.

Sources: G. Bellec et al., NeurIPS 2018, supplement (rates); G. Chen, F. Scherr, W. Maass, A data-based large-scale model for primary visual
cortex enables brain-like robust and versatile visual processing, Science Advances 8, eabq7592 (2022) (potentials).
"""

from jaxtyping import Float
from torch import Tensor


def _outside(x: Tensor, low: float, high: float) -> Tensor:
    """Sum of squared distances from a band."""
    if not low <= high:
        raise ValueError(f"the band from {low} to {high} is empty")
    distance = (x - x.clamp(low, high)).flatten()
    return distance @ distance


def rate_cost(z: Float[Tensor, "time batch neuron"], low: float, high: float) -> Float[Tensor, ""]:
    r"""Squared distance of firing rates, :math:`r_i = \langle z_i \rangle` over time and batch, from a band, summed over neurons.

    .. math:: \sum_i \max(0, r_i - r_+)^2 + \max(0, r_- - r_i)^2

    The band is in spikes per step. The published form is that of a band without width, :math:`r_- = r_+`. An empty band is refused
    (`ValueError`).
    """
    return _outside(z.mean((0, 1)), low, high)


def voltage_cost(v: Float[Tensor, "time batch neuron"], low: float, high: float) -> Float[Tensor, ""]:
    r"""Squared distance of membrane potentials from a band, :math:`\sum_i \langle \max(0, v_i - v_+)^2 + \max(0, v_- - v_i)^2 \rangle`.

    A neuron that a rate cost has pushed far below its threshold has no pseudo-derivative, and so never learns again. This brings it back to
    the band, and to learning if all its potentials have one. An end of the band may be infinite; an empty band is refused (`ValueError`).
    """
    return _outside(v, low, high) / v[..., 0].numel()
