r"""Ordinary learning, many updates against a gradient, beside which one update by learned signals stands.

Each example has a learner of its own, all with the same first weights, so that the gradients of a batch are those of its examples alone.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from snncore.networks.recurrent import RecurrentNetwork, Weights

T = TypeVar("T")
SIZES = (  # of a single step, relative to the recurrent weights
    0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.01, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 3.0,
)  # fmt: skip
RATES = 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2  # of Adam
SPAN = 10  # updates over whose errors a mean is taken, since an error goes up and down from one to the next


class Own(NamedTuple):
    """Weights of each example's own learner; its readouts do not change."""

    w_in: Float[Tensor, "batch neuron input"]
    w_rec: Float[Tensor, "batch neuron neuron"]


Learn = Callable[[Own, int], tuple[Own, Float[Tensor, " batch"]]]  # gradients and errors of the examples, the batch repeated that often


def first_weights(weights: Weights, batch: int) -> Own:
    """Repeat the first weights for each example."""
    return Own(*(w.detach().expand(batch, -1, -1) for w in weights[:2]))


def in_force(learner: RecurrentNetwork, own: Own) -> Weights:
    """All weights of each example's own learner: no neuron is connected to itself, and readouts are those of ``learner``."""
    return Weights(own.w_in, own.w_rec * learner.no_self, learner.w_out.detach().expand(len(own.w_in), -1, -1))


def single_steps(start: Own, grads: Own, sizes: tuple[float, ...] = SIZES) -> Iterator[Own]:
    """The weights after one step against a gradient, of each size (relative to the recurrent weights)."""
    unit = start.w_rec.std() / grads.w_rec.std()
    for size in sizes:
        yield Own(*(w - size * unit * grad for w, grad in zip(start, grads, strict=True)))


def descended(start: Own, learn: Callable[[Own], tuple[Own, T]], updates: int, rate: float) -> list[T]:
    """The score before each of ``updates`` updates by Adam, and after the last; ``learn`` gives gradient and score."""
    own = Own(*(w.clone() for w in start))
    optimizer, curve = torch.optim.Adam(own, rate), []
    for _ in range(updates + 1):
        grads, score = learn(own)
        curve.append(score)
        for w, grad in zip(own, grads, strict=True):
            w.grad = grad
        optimizer.step()
    return curve


class Followed(NamedTuple):
    """Ordinary updates at the rate that matches first."""

    rate: float  #: of Adam
    needed: int | None  #: updates until half of the examples are matched; None if more than there were
    errors: Float[Tensor, "update batch"]  #: before each update


def follow(
    learn: Learn, start: Own, updates: int, goal: Float[Tensor, " batch"], rates: tuple[float, ...] = RATES, span: int = SPAN
) -> Followed:
    """The errors before each of ``updates`` updates by Adam, at all rates side by side.

    An example is matched by the first update from which on the mean of ``span`` errors is at most its goal. As soon as half of the
    examples are matched at one rate, only that rate goes on. If none is, it is the one with the lowest median error in the end.
    """
    batch = len(start.w_in)
    owns = [Own(*(w.clone() for w in start)) for _ in rates]
    optimizer = torch.optim.Adam([{"params": own, "lr": rate} for own, rate in zip(owns, rates, strict=True)])
    every, matched, needed, going = [], torch.zeros(len(rates), batch, dtype=torch.bool), None, range(len(rates))
    for k in range(updates + span):  # so that a whole span follows the last update, too
        together = Own(*(torch.cat(parts) for parts in zip(*(owns[i] for i in going), strict=True)))
        grads, errors = learn(together, len(going))
        every.append(errors.unflatten(0, (len(going), batch)))
        if needed is None and k + 1 >= span:
            matched |= torch.stack(every[-span:]).mean(0) <= goal
            shares = matched.float().mean(1)
            if shares.max() >= 0.5:
                best, needed = int(shares.argmax()), k + 1 - span
                going, every = range(best, best + 1), [errors[best : best + 1] for errors in every]
                grads = Own(*(grad[best * batch : (best + 1) * batch] for grad in grads))
        optimizer.zero_grad()
        for i, *parts in zip(going, *(grad.split(batch) for grad in grads), strict=True):
            for w, grad in zip(owns[i], parts, strict=True):
                w.grad = grad
        optimizer.step()
    curves = torch.stack(every, 1)  # of the rates that went on
    last = int(curves[:, -span:].mean(1).median(-1).values.argmin())
    return Followed(rates[going[last]], needed, curves[last])
