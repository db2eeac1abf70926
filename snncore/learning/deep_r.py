r"""Deep rewiring (DEEP R): training in which only a fixed number of connections exists at any time.

Each possible connection has a fixed sign s; while it exists, its weight is :math:`w = s\,\theta` with :math:`\theta > 0`. After each step
of an optimizer, :math:`\theta` shrinks by a constant and makes a small random step. Connections whose :math:`\theta` falls below 0 cease
to exist; as many others, drawn at random, begin to exist, with :math:`\theta = 0`.

Source: G. Bellec, D. Kappel, W. Maass, R. Legenstein, Deep rewiring: training very sparse deep networks, ICLR 2018.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

SHRINK = NOISE = 1e-4  # by which theta shrinks and wanders in a step, in units of the root mean square of the first weights


class Existing(nn.Module):
    """Weights where a connection exists, else 0; gradients reach no others."""

    def __init__(self, exists: Bool[Tensor, "post pre"], negative: Bool[Tensor, "post pre"]):
        super().__init__()
        self.exists = nn.Buffer(exists)  #: which connections there are
        self.negative = nn.Buffer(negative)  #: the sign of each possible one

    def forward(self, w: Float[Tensor, "post pre"]) -> Float[Tensor, "post pre"]:
        """The weights in force."""
        return w * self.exists


class DeepR:
    r"""Deep rewiring of some weights of a network, which it makes sparse.

    The weights ``names`` get a parametrization (`torch.nn.utils.parametrize`). The share ``connectivity`` of them exists, drawn by the
    generator at first. These grow by one over the root of that share, so that the variance of their sums stays as it was.

    Raises `ValueError` if the connectivity is not above 0 and at most 1, or leaves no connection.
    """

    def __init__(self, network: nn.Module, names: Sequence[str], connectivity: float, generator: torch.Generator):
        if not 0 < connectivity <= 1:
            raise ValueError(f"connectivity is {connectivity}: it is a share of connections, above 0 and at most 1")
        self.weights: list[tuple[nn.Parameter, Existing, float]] = []
        for name in names:
            w: nn.Parameter = getattr(network, name)
            number = round(connectivity * w.numel())
            if not number:
                raise ValueError(f"connectivity is {connectivity}, which leaves none of the {w.numel()} connections of {name}: give more")
            exists = torch.zeros(w.numel(), dtype=torch.bool)
            exists[torch.randperm(w.numel(), generator=generator)[:number]] = True
            existing = Existing(exists.view_as(w), w.detach() < 0)
            with torch.no_grad():
                size = float(w.square().mean().sqrt())
                w.mul_(existing.exists / math.sqrt(connectivity))
            parametrize.register_parametrization(network, name, existing)
            self.weights.append((w, existing, size))

    @torch.no_grad()
    def __call__(self, part: float, generator: torch.Generator) -> None:
        """One step, after one of the optimizer; ``part`` (0 to 1) scales it, as the learning rate has fallen since its peak."""
        for w, existing, size in self.weights:
            sign = 1.0 - 2.0 * existing.negative
            theta = w * sign - part * size * SHRINK + part * size * NOISE * torch.randn(w.shape, generator=generator)
            gone = existing.exists & (theta < 0)
            existing.exists ^= gone
            w.copy_(theta * sign * existing.exists)
            dormant = (~existing.exists).flatten().nonzero()[:, 0]
            new = dormant[torch.randperm(len(dormant), generator=generator)[: int(gone.sum())]]
            existing.exists.view(-1)[new] = True
