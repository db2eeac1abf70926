"""The only plain loop over time: the reference for every compiled loop, and what runs on a GPU."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

S = TypeVar("S")


def unroll(step: Callable[[Tensor, S], tuple[Any, S]], inputs: Tensor, state: S) -> tuple[Any, S]:
    """Apply ``step(input, state) -> (output, state)`` to each time step of inputs of shape (time, ...) in turn.

    The output of a step is a tensor or a (named) tuple of them; to record the state itself, return it as output too. Returns all outputs,
    with an axis ``time`` in front, and the last state.

    >>> outputs, state = unroll(lambda x, total: (total + x, total + x), torch.arange(4.0), torch.tensor(0.0))
    >>> outputs.tolist(), float(state)
    ([0.0, 1.0, 3.0, 6.0], 6.0)
    """
    if not len(inputs):
        raise ValueError(f"inputs has shape {tuple(inputs.shape)}: there is no time step to take")
    outputs = []
    for x in inputs.unbind(0):  # indexing inputs[t] instead would make the backward pass quadratic in time
        output, state = step(x, state)
        outputs.append(output)
    return tree_map(lambda *of_steps: torch.stack(of_steps), *outputs), state
