"""Learning signals compared, each with what suits it in the same grid: short trainings on patterns; neurons and errors for choices.

Source of tasks and neurons: G. Bellec et al., Nature Communications 11, 3625 (2020), and its code.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from snncore.learning.eprop import Learner
from snncore.learning.losses import rate_cost
from snncore.networks.recurrent import Population, RecurrentNetwork
from snncore.neurons import ReadoutParams, conventions
from snncore.seeds import torch_generator
from snncore.statistics import cosine
from snncore.tasks import pattern

PUBLISHED = 0.3  # height of the pseudo-derivative
BETA = 1.7 * (1 - math.exp(-1 / 2000)) / (1 - math.exp(-1 / 20))  # of the published ALIF neurons
FORGET = 0.003  # part of readout and feedback weights that is lost in an update, at the highest rate, where both adapt
# (of .01, .003 and .001 that with the fewest errors on evidence after 700 updates, by another seed)


# --- What suits a kind of learning signals ----------------------------------------------------------------------------------------------


class Point(NamedTuple):
    """How a network is trained by one kind of learning signals."""

    rate: float  #: of Adam
    dampening: float  #: height of the pseudo-derivative
    readout: float  #: first readout weights, as a multiple of the usual ones


GRID = [Point(*point) for point in itertools.product((0.003, 0.01, 0.03), (0.03, 0.1, 0.3), (1.0, 3.0, 10.0))]
OTHER = 100  # seeds from here on choose points


def ranked(tried: pd.DataFrame) -> list[Point]:
    """Points in rows of trainings, the best first: by their mean of ``updates`` until a task was learned, then by their mean ``error``."""
    means = tried.groupby(list(Point._fields))[["updates", "error"]].mean().sort_values(["updates", "error"])
    return [Point(*map(float, point)) for point in means.index]  # type: ignore[misc]


# --- Generating a pattern ---------------------------------------------------------------------------------------------------------------

LEARNED = 0.1  # part of the target's variance that is left when a pattern counts as learned


def pattern_learner(signal: str, seed: int, point: Point) -> Learner:
    """100 LIF neurons with the published constants; all signals have the same first weights, those of readouts but for their size."""
    g = torch_generator(seed, "weights for a pattern")
    p = conventions.lif("light", 30.0, 0.03, dampening=point.dampening)
    network = RecurrentNetwork(100, [Population(100, p)], 1, ReadoutParams(30.0), g, (1 / p.v_th, 1 / p.v_th))
    network.w_out.data.mul_(point.readout)
    return Learner(network, signal, g, 0.1)


def pattern_curve(signal: str, seed: int, updates: int, point: Point) -> Iterator[dict[str, Any]]:
    """Train on one pattern; gradients are scaled to length 1, so that none outweighs the others in Adam's means.

    A row for each update, given before it is done, has the part of the target's variance that is ``left`` before it. Every tenth, where
    the gradient is not that of BPTT, also has the ``cosine`` of the angle between the two, at the same input and recurrent weights, and
    the ``length`` of BPTT's for the recurrent weights, as a multiple.
    """
    learner = pattern_learner(signal, seed, point).double()  # or gradients that explode would not be numbers
    x, target = (a.double() for a in pattern.draw(100, 0.05, torch_generator(seed, "pattern")))
    whole = Learner(learner.network, "bptt", torch_generator(seed, "no feedback"), 0.0)
    parameters = [p for p in learner.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(learner.parameters(), point.rate)
    variance = float(target.var(correction=0))

    def gradients(network: Learner) -> tuple[float, tuple[Tensor, ...]]:
        activity = network(x)
        error = (activity.y - target).square().mean()
        grads = torch.autograd.grad(error + 0.3 * rate_cost(activity.z, 0.01, 0.01), parameters)
        return float(error.detach()) / variance, grads

    for k in range(updates):
        left, grads = gradients(learner)
        row: dict[str, Any] = {"signal": signal, **point._asdict(), "seed": seed, "update": k, "left": left}
        if signal != "bptt" and k % 10 == 0:
            known = gradients(whole)[1]
            row |= {"cosine": cosine(grads[:2], known[:2]), "length": float(known[1].norm() / grads[1].norm())}
        yield row
        norm = torch.nn.utils.get_total_norm(grads)
        for p, grad in zip(parameters, grads, strict=True):
            p.grad = grad / norm
        learner.adapt(FORGET)
        optimizer.step()


# --- Choosing one of two answers --------------------------------------------------------------------------------------------------------


def published_neurons(dampening: float = PUBLISHED) -> list[Population]:
    """50 LIF and 50 ALIF neurons."""
    lif, alif = conventions.lif("elig", 20.0, 0.6, 5, dampening), conventions.alif("elig", 20.0, 2000.0, 0.6, BETA, 5, dampening)
    return [Population(50, lif), Population(50, alif)]


def choice_error(y: Float[Tensor, "recall batch 2"], answer: Tensor) -> Float[Tensor, ""]:
    """Cross-entropy at all steps at which the network is asked."""
    return F.cross_entropy(y.flatten(0, 1), answer.repeat(len(y)))


def share_wrong(y: Float[Tensor, "recall batch 2"], answer: Tensor) -> float:
    """Share of trials whose mean readout is largest for the wrong answer."""
    return float((y.mean(0).argmax(1) != answer).float().mean())
