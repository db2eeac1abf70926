"""Go down a gradient that is drawn anew at each update, by Adam: resumable, logged, in one file.

Sources: D. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015; I. Loshchilov and F. Hutter, SGDR: stochastic
gradient descent with warm restarts, ICLR 2017.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from snncore.learning.resumable import Log, TrainingDiverged, identity, logged
from snncore.seeds import torch_generator
from snncore.shapes import check_whole

SETTLED = 1000  # updates after which Adam's mean of squares forgets: without it, fresh moments throw trained weights far off
Update = Callable[[int, torch.Generator], dict[str, float]]


@dataclass(frozen=True)
class Descent:
    """How to go down; impossible values are refused (`ValueError`).

    Each cycle has an equal part of the updates, fresh moments of Adam, and rates half as high as the one before. From the second on, the
    rate rises over `SETTLED` updates at least.
    """

    updates: int  #: a multiple of ``cycles`` times ``every``
    rate: float  #: of Adam, at its highest
    knee: float = math.inf  #: updates after which the rate is half as high; it falls as their inverse
    warmup: int = 1  #: updates over which the rate rises
    end: float = 1.0  #: part of the rate that is left at the end, after half a cosine
    clip: float = math.inf  #: longest gradient, as a multiple of the usual length; the first of a cycle is usual
    every: int = 50  #: updates per row of the log, after which the state is saved
    cycles: int = 1

    def __post_init__(self):
        for name in ("updates", "every", "cycles"):
            check_whole(name, getattr(self, name))
        for name in ("rate", "knee", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give a number above 0")
        if not 0 <= self.end <= 1 or self.warmup < 0:
            raise ValueError(f"end is {self.end} and warmup {self.warmup}: give an end from 0 to 1, and a warmup of 0 or more updates")
        if self.updates % (self.cycles * self.every):
            what = f"updates is {self.updates}, no multiple of cycles, {self.cycles}, by every, {self.every}"
            raise ValueError(f"{what}: the last ones of a cycle would not be logged")

    @property
    def cycle(self) -> int:
        """Updates of a cycle."""
        return self.updates // self.cycles

    def at(self, update: int) -> float:
        """The rate of an update, from 0."""
        cycle, update = divmod(update, self.cycle)
        cosine = (1 + math.cos(math.pi * update / self.cycle)) / 2
        warmup = max(self.warmup, SETTLED if cycle else 1)
        return self.rate / 2**cycle * min(1, (update + 1) / warmup) / (1 + update / self.knee) * (self.end + (1 - self.end) * cosine)


def descend(network: nn.Module, update: Update, recipe: Descent, seed: int, state: Path, constants: Mapping[str, Any] | None = None) -> Log:
    """Train ``network`` in place, from where the file ``state`` stands if it exists. Same seed, same network, killed or not.

    ``update`` gets the number of the update, from 0, and a generator for it. It sets the gradients of the network's parameters, and returns
    numbers, ``loss`` among them. The log has a row per ``every`` updates: how many are done, means of these numbers, seconds. Whatever else
    makes this training another one is in ``constants``.

    Raises `TrainingDiverged` if a loss, or its gradient, is not finite (the last good state stays); `ValueError` if ``state`` belongs to
    another training.
    """
    parameters = list(network.parameters())
    optimizer, numbers = torch.optim.Adam(parameters), {"usual": 0.0}

    def rows(log: Log) -> Iterator[dict[str, float]]:
        begun, ones = len(log) * recipe.every, []
        for k in (bar := tqdm(range(begun, recipe.updates), initial=begun, total=recipe.updates, disable=None, leave=False)):
            if k % recipe.cycle == 0:
                optimizer.state.clear()
                numbers["usual"] = 0.0
            optimizer.zero_grad()
            ones.append(update(k, torch_generator(seed, f"update {k}")))
            norm = float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
            if not (math.isfinite(ones[-1]["loss"]) and math.isfinite(norm)):
                what = f"the loss is {ones[-1]['loss']}, the length of its gradient {norm}"
                kept = f"{state} holds the last good state" if log else "there is no good state before"
                raise TrainingDiverged(f"update {k + 1}: {what}; {kept}. Lower the rate")
            if math.isfinite(recipe.clip):  # a gradient that is too long is shortened
                if usual := numbers["usual"]:
                    torch.nn.utils.clip_grads_with_norm_(parameters, recipe.clip * usual, torch.tensor(norm))
                numbers["usual"] = 0.95 * usual + 0.05 * min(norm, 3 * usual) if usual else norm
            for group in optimizer.param_groups:
                group["lr"] = recipe.at(k)
            optimizer.step()
            if (k + 1) % recipe.every == 0:
                columns = {name: [row[name] for row in ones if name in row] for name in dict.fromkeys(chain(*ones))}
                means = {name: float(f"{sum(values) / len(values):.5g}") for name, values in columns.items()}
                bar.set_postfix({name: f"{value:.4g}" for name, value in means.items()})
                yield {"update": k + 1, **means}
                ones = []

    return logged(state, identity(recipe, seed, network, constants), rows, numbers, network=network, optimizer=optimizer)
