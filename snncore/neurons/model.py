"""What a neuron model has to give so that networks can use it: it is registered by its file, under the type of its constants."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor


class Row(NamedTuple):
    """A neuron's constants in the general form of the compiled loop; the symbols are those of `snncore.kernels.recurrent`."""

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
    """How a neuron begins and goes on; ``row`` gives its constants in the compiled loop (none: only the plain loop knows it)."""

    rest: Callable[[Tensor], Any]
    step: Callable[[Tensor, Any, Any], tuple[Tensor, Any]]
    row: Callable[[Any], Row] | None


MODELS: dict[type, Model] = {}


def register(params: type, rest: Callable, step: Callable, row: Callable[[Any], Row] | None = None) -> None:
    """Let networks use a neuron model.

    Parameters
    ----------
    params : type
        Of its constants, with ``v_th``.
    rest, step : callable
        State at rest in the shape of a tensor (batch, neuron); spikes and next state from current, state and constants. States have
        spikes z and potentials v.
    row : callable, optional
        From constants to their `Row`, if the model is a case of the general form.
    """
    MODELS[params] = Model(rest, step, row)


def model_of(params: object) -> Model:
    """The model that has such constants.

    Raises
    ------
    TypeError
        If none is registered.
    """
    if type(params) not in MODELS:
        known = ", ".join(sorted(kind.__name__ for kind in MODELS))
        raise TypeError(f"no model has constants of type {type(params).__name__}: use one of {known}, or register yours")
    return MODELS[type(params)]
