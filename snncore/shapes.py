"""Axis names used in signatures, in this order: time, batch, neuron.

``FloatTensor`` and ``Spikes`` are tensors of any shape: a few-spike neuron acts on each element alone.
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor

FloatTensor = Float[Tensor, "*shape"]
Spikes = Float[Tensor, "*shape"]  # 0 or 1, in the type of the membrane potential
SpikeTrain = Float[Tensor, "time *shape"]


def described(a: Any) -> str:
    """Type and shape of an array, or of what was given in its place; for messages."""
    return f"{a.dtype} of shape {tuple(a.shape)}" if hasattr(a, "dtype") else type(a).__name__


def check_alike(name: str, a: Tensor, like_name: str, like: Tensor) -> None:
    """Refuse a tensor of another type, or on another device, than the one beside it.

    Raises
    ------
    TypeError
    """
    if a.dtype != like.dtype or a.device != like.device:
        raise TypeError(f"{name} is {a.dtype} on {a.device}, but {like_name} {like.dtype} on {like.device}: convert one of them")
