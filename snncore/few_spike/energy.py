"""Energy of a network's operations: their number times prices of a 45 nm process (M. Horowitz, ISSCC 2014), without memory."""

from collections.abc import Sequence

import pandas as pd
from torch import fx

from snncore.few_spike.evaluate import Traffic, statistics, stepwise
from snncore.few_spike.layer import Inputs, Samples

PRICES = {"fp32": (4.6, 0.9), "int8": (0.3, 0.1)}  # [pJ] of a multiply-accumulate and of an addition (sums: 32 bits)


def mean_traffic(traffic: Sequence[tuple[Traffic, ...]]) -> tuple[Traffic, ...]:
    """Mean work of each layer, rounded down; `snncore.few_spike.stepwise` counts it for one image each."""
    return tuple(
        Traffic(layer[0].node, *(sum(work) // len(traffic) for work in zip(*(one[1:] for one in layer), strict=True)))
        for layer in zip(*traffic, strict=True)
    )


def operations_table(traffic: Sequence[Traffic], updates: int) -> pd.DataFrame:
    """Operations of a network and of its few-spike version for one image, and their energy [pJ].

    ``traffic`` is the work of each layer of synapses; ``updates`` of neurons, comparisons and resets, are priced as additions.
    """
    macs, nonzero, spikes, graded = (sum(getattr(t, key) for t in traffic) for key in ("macs", "nonzero", "spikes", "graded"))
    additions = spikes + updates
    rows = [
        ("original, 32-bit floating point", "fp32", macs, 0),
        ("original, 8-bit integers", "int8", macs, 0),
        ("original, 8-bit integers, zeros skipped", "int8", nonzero, 0),
        ("few spikes, 32-bit floating point", "fp32", graded, additions),
        ("few spikes, integers", "int8", graded, additions),
    ]
    priced = [(name, n, m, n * PRICES[kind][0] + m * PRICES[kind][1]) for name, kind, n, m in rows]
    return pd.DataFrame(priced, columns=["network", "multiply-accumulates", "additions", "energy"])


def cost(network: fx.GraphModule, images: Samples) -> pd.DataFrame:
    """`operations_table` of a converted network and its original, for the mean of some images: each is sent step by step.

    A neuron's K comparisons and its resets are additions, too, and so are pairs of spikes that meet in a product (``everything`` of
    `convert`). Races, sums, scaling by constants, and products of other signals than spikes are not counted.

    >>> import torch
    >>> from snncore.few_spike import convert
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> work = cost(convert(net, torch.rand(3, 4), torch.rand(3, 4), K=4).network, torch.rand(3, 4))
    >>> int(work["multiply-accumulates"][0])  # of the original: 4 x 8 + 8 x 2
    48
    """
    traffic = [stepwise(network, image.parts)[1] for image in Inputs(images).split(1)]
    layers = statistics(network, images)[1].layers
    return operations_table(mean_traffic(traffic), round(sum(layer.neurons * layer.params.K + layer.spikes for layer in layers)))
