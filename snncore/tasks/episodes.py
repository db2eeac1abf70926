"""Episodes of one-shot classification: some classes with one example each, and further examples to be told apart.

Source: O. Vinyals, C. Blundell, T. Lillicrap, K. Kavukcuoglu, D. Wierstra, Matching networks for one shot learning, NeurIPS 2016.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Examples(NamedTuple):
    """Images, and the places (indices) of those of each class."""

    images: Float[Tensor, "example 1 height width"]
    classes: list[Int[Tensor, " _"]]


class Episodes(NamedTuple):
    """Places of examples: one of each class to learn from, and others to ask about, with the place of their class in ``support``."""

    support: Int[Tensor, "episode way"]
    query: Int[Tensor, "episode query"]
    label: Int[Tensor, "episode query"]


def draw(classes: Sequence[Int[Tensor, " _"]], count: int, ways: int, queries: int, generator: torch.Generator) -> Episodes:
    """Episodes of ``ways`` classes, each with an example to learn from and ``queries`` to ask about; `ValueError` if there are too few."""
    if len(classes) < ways:
        raise ValueError(f"{ways} ways need as many classes: there are {len(classes)}")
    if few := [k for k, places in enumerate(classes) if len(places) < 1 + queries]:
        raise ValueError(
            f"class {few[0]} has {len(classes[few[0]])} examples: an episode needs {1 + queries}; ask about fewer, or leave out such "
            f"classes, {len(few)} in all"
        )
    support, query = [], []
    for _ in range(count):
        for k in torch.randperm(len(classes), generator=generator)[:ways].tolist():
            order = torch.randperm(len(classes[k]), generator=generator)[: 1 + queries]
            support.append(classes[k][order[0]])
            query.append(classes[k][order[1:]])
    label = torch.arange(ways).repeat_interleave(queries).expand(count, -1)
    return Episodes(torch.stack(support).view(count, ways), torch.stack(query).view(count, ways * queries), label)
