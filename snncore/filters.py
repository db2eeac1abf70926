r"""Exponential low-pass filters over time, :math:`f(t) = d\, f(t-1) + g\, x(t)` with :math:`f(-1) = 0`, in two forms of the same numbers.

`low_pass` goes step by step and costs the least operations; `low_pass_product` is one matrix product, which is faster for some hundred
steps, forward and backward. They agree up to the rounding of sums.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from snncore.unroll import unroll


def low_pass(x: Float[Tensor, "time *shape"], decay: float, gain: float = 1.0) -> Float[Tensor, "time *shape"]:
    """Filter x over time, f(t) = decay f(t-1) + gain x(t), step by step."""

    def step(now: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        state = decay * state + gain * now
        return state, state

    return unroll(step, x, x.new_zeros(x.shape[1:]))[0]


def low_pass_product(x: Float[Tensor, "time batch pre"], decay: float) -> Float[Tensor, "time batch pre"]:
    """Filter x over time, f(t) = decay f(t-1) + x(t), as one product with a matrix of shape (time, time)."""
    age = torch.arange(len(x), dtype=x.dtype, device=x.device)
    kernel = (decay ** (age[:, None] - age).clamp(min=0)).tril()
    return torch.einsum("ts,sbi->tbi", kernel, x)
