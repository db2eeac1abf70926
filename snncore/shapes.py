"""Axis names used in signatures, in this order: time, batch, neuron.

``FloatTensor`` and ``Spikes`` are tensors of any shape: a few-spike neuron acts on each element alone.
"""

import math
from numbers import Real
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

FloatTensor = Float[Tensor, "*shape"]
Spikes = Float[Tensor, "*shape"]  # 0 or 1, in the type of the membrane potential
SpikeTrain = Float[Tensor, "time *shape"]


def described(a: Any) -> str:
    """Type and shape of an array, or of what was given in its place; for messages."""
    return f"{a.dtype} of shape {tuple(a.shape)}" if hasattr(a, "dtype") else type(a).__name__


def check_whole(name: str, value: Any, low: int = 1, high: float = math.inf) -> None:
    """Refuse what is no whole number from ``low`` to ``high``, also 8.0, by a ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}: give a whole number (int), {low} {'or more' if high == math.inf else f'to {high}'}")


def check_number(name: str, value: Any, low: float = 0.0) -> None:
    """Refuse what is no finite number from ``low`` on, by a ValueError."""
    if not (isinstance(value, Real) and low <= float(value) < math.inf):
        raise ValueError(f"{name} is {value!r}: give a finite number, {low:g} or more")


def check_alike(name: str, a: Tensor, like_name: str, like: Tensor) -> None:
    """Refuse a tensor of another type, or on another device, than the one beside it, by a TypeError."""
    if a.dtype != like.dtype or a.device != like.device:
        raise TypeError(f"{name} is {a.dtype} on {a.device}, but {like_name} {like.dtype} on {like.device}: convert one of them")


def check_finite(name: str, a: Tensor) -> None:
    """Refuse a tensor with infinite numbers, or what is none, by a ValueError."""
    if a.numel() and not torch.stack(a.detach().aminmax()).isfinite().all():  # one pass over a; nan becomes both
        raise ValueError(f"{name} has numbers that are not finite: look for the reason upstream, for instance a loss that diverged")


def runs_compiled(name: str, x: Tensor, compiled: bool | None) -> bool:
    """Whether a compiled loop takes a tensor: wherever it can (None), or as asked for; a TypeError if it cannot run there."""
    can = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    if compiled and not can:
        raise TypeError(f"{name} is {x.dtype} on {x.device}: the compiled loop is for the CPU, in single or double precision")
    return can if compiled is None else compiled


def refuse_second_derivatives() -> None:
    """In the backward pass of a compiled loop, whose gradient has no gradient of its own: a RuntimeError if one is asked for."""
    if torch.is_grad_enabled():
        raise RuntimeError("compiled loops have no second derivatives: call with compiled=False, or without create_graph")
