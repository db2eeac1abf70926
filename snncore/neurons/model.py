"""Registry of neuron models, by the type of their constants; decays and checks of these. Each model registers its own."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Row(NamedTuple):
    """Constants of a neuron in the compiled loop, with the symbols of `snncore.kernels.recurrent`."""

    alpha: float
    v_th: float
    rho: float = 0.0
    jump: float = 0.0  # g: what a spike adds to the slow variable s
    to_v: float = 0.0  # c_v: of s, to the potential
    to_threshold: float = 0.0  # c_th: of s, to the threshold
    to_zero: bool = False  # theta: reset to zero, not by the threshold
    n_refractory: int = 0
    dampening: float = 0.3


class Model(NamedTuple):
    """A neuron model; its constants have ``v_th``, its states spikes ``z`` and potentials ``v``."""

    rest: Callable[[Tensor], Any]  #: state at rest in the shape of a tensor (batch, neuron)
    step: Callable[[Tensor, Any, Any], tuple[Tensor, Any]]  #: spikes and next state from current, state, constants
    row: Callable[[Any], Row] | None  #: `Row` from constants; None: the compiled loop does not know the model


MODELS: dict[type, Model] = {}


def register(params: type, rest: Callable, step: Callable, row: Callable[[Any], Row] | None = None) -> None:
    """Let networks use a `Model`, whose constants have the type ``params``."""
    MODELS[params] = Model(rest, step, row)


def model_of(params: object) -> Model:
    """The model with constants of this type, or of that of learned ones (`SpikingLayer`); TypeError if none is registered."""
    model = vars(type(params)).get("model") or MODELS.get(type(params))
    if not model:
        known = ", ".join(sorted(kind.__name__ for kind in MODELS))
        raise TypeError(f"no model has constants of type {type(params).__name__}: use one of {known}, or register yours")
    return model


def at_rest(state: type) -> Callable[[Tensor], Any]:
    """State of neurons without input so far, a named tuple of zeros, as a function of a tensor with its shape, type and device."""
    return lambda like: state(*(torch.zeros_like(like) for _ in state._fields))  # type: ignore[attr-defined]


def rest(params: object, like: Float[Tensor, "batch neuron"]) -> Any:
    """State of neurons with these constants without input so far; shape, type and device are those of ``like``."""
    return model_of(params).rest(like)


class Decay:
    r"""What a step leaves, :math:`e^{-\mathrm{d}t/\tau}`: an attribute of constants that have ``dt`` and the named time constant."""

    def __init__(self, tau: str):
        self.tau = tau

    def __get__(self, p: Any, kind: type) -> Any:
        return self if p is None else math.exp(-p.dt / getattr(p, self.tau))


def positive(params: object, *names: str, or_zero: bool = False) -> None:
    """Raise a ValueError that names the first attribute that is not a positive finite number (or zero), a TypeError for a tensor."""
    for name in names:
        value = getattr(params, name)
        if hasattr(value, "requires_grad"):
            raise TypeError(f"{name} is a tensor, whose gradient would be lost: give a number, and let a SpikingLayer learn time constants")
        if not (math.isfinite(value) and (value > 0 or (or_zero and value == 0))):
            raise ValueError(f"{name} is {value}: it must be a {'finite number, zero or more' if or_zero else 'positive finite number'}")
