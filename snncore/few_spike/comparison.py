"""A network beside its few-spike version: answers, error after each layer, energy; and the fewest spikes that keep its score.

Energy is the number of operations times prices of a 45 nm process (M. Horowitz, ISSCC 2014), without memory.
"""

import copy
import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from itertools import product
from operator import add
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, fx, nn
from tqdm import tqdm

from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import Statistics, Traffic, statistics, stepwise
from snncore.few_spike.layer import Conversion, FSActivation, Inputs, OtherNeurons, Samples
from snncore.statistics import mean_interval, paired, share


class Answers(NamedTuple):
    """Right categories of images, and those that a network and its few-spike version answer, shape (image,); spikes.

    Properties give a number and the ends of its 95 % interval over images.
    """

    labels: np.ndarray
    ann: np.ndarray
    snn: np.ndarray
    statistics: Statistics

    @property
    def accuracy(self) -> tuple[float, float, float]:
        """Right answers of the original [%]; Wilson's interval."""
        return share(int((self.ann == self.labels).sum()), len(self.labels))

    @property
    def agreement(self) -> tuple[float, float, float]:
        """Images to which both networks answer the same [%]; Wilson's interval."""
        return share(int((self.ann == self.snn).sum()), len(self.labels))

    @property
    def drop(self) -> tuple[float, float, float]:
        """Accuracy lost by conversion [percentage points]; Tango's interval, from the images about which just one network is right."""
        return paired(self.ann == self.labels, self.snn == self.labels)

    @property
    def spikes(self) -> tuple[float, float, float]:
        """Mean number of spikes per neuron and image; Student's interval."""
        return self.statistics.spikes_per_neuron, *mean_interval(self.statistics.per_image / self.statistics.neurons)


@torch.inference_mode()
def compare(ann: nn.Module, snn: fx.GraphModule, batches: Iterable[Tensor | tuple[Tensor, ...]], labels: np.ndarray, name: str) -> Answers:
    """Evaluate both networks on all images, and count the spikes; `ValueError` if an output is not a finite number."""
    parts: dict[str, list[np.ndarray]] = {"original": [], "converted": []}
    sent: list[Statistics] = []
    with tqdm(desc=name, total=len(labels), unit="image", disable=None, leave=False) as bar:
        for batch in batches:
            converted, spikes = statistics(snn, batch)
            sent.append(spikes)
            for which, output in (("original", ann(*Inputs(batch).parts)), ("converted", converted)):
                if count := int((~output.isfinite()).sum()):
                    raise ValueError(f"{name}: the {which} network gives {count} outputs that are not finite numbers")
                parts[which].append(output.argmax(1).cpu().numpy())
            bar.update(len(Inputs(batch)))
    ann_answers, snn_answers = (np.concatenate(those) for those in parts.values())
    return Answers(labels, ann_answers, snn_answers, reduce(add, sent))


def error_by_spread(expected: Tensor, output: Tensor) -> float:
    """Root mean squared error by standard deviation of what is expected."""
    return float((output - expected).square().mean().sqrt() / expected.std())


def deviation(expected: Tensor, output: Tensor) -> dict[str, float]:
    """The `error_by_spread` of outputs, and how many answers are the ``same`` [%]."""
    same = (output.argmax(1) == expected.argmax(1)).double().mean()
    return {"error": error_by_spread(expected, output), "same": float(100 * same)}


@torch.no_grad()
def layer_errors(conversion: Conversion, images: Samples) -> pd.DataFrame:
    """The `error_by_spread` after each layer of neurons of a converted network, against the original for the same images.

    The table has ``layer`` (from 1), ``activation`` and ``error``.
    """
    network, report = conversion
    exact: dict[str, Tensor] = {}
    rows: list[tuple[int, str, float]] = []
    activations = {row.node: row.operation for row in report.spiking}

    def original(node: str, _: FSActivation, x: Tensor) -> Tensor:
        exact[node] = report.functions[node](x)
        return exact[node]

    def converted(node: str, neurons: FSActivation, x: Tensor) -> Tensor:
        y = neurons(x)
        rows.append((len(rows) + 1, activations[node], error_by_spread(exact.pop(node), y)))
        return y

    for compute in (original, converted):
        OtherNeurons(network, compute).run(*Inputs(images).parts)
    return pd.DataFrame(rows, columns=["layer", "activation", "error"])


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


class Budget(NamedTuple):
    """The network that was chosen, and a row for each that was tried: K, penalty, score, spikes per neuron, error of its output."""

    network: fx.GraphModule
    table: pd.DataFrame


def fewest_spikes(
    network: nn.Module,
    calibration: Samples,
    score: Callable[[nn.Module], float],
    drop: float,
    K: Sequence[int] = (4, 6, 8, 12),
    penalties: Sequence[float] = (0.0, 1e-3),
) -> Budget:
    """Convert a network with each K and each penalty; keep the fewest spikes among those that lose at most ``drop`` of its score.

    ``score`` gives a number for a network, larger where it is better, such as its accuracy on images that are neither in ``calibration``
    nor in the test: what is chosen by them is measured on others. Spikes are counted on ``calibration``. A penalty is the
    ``spike_penalty`` of `convert`.

    Raises `ValueError` if none of them keeps the score; the message says which came closest.

    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> x = torch.rand(64, 4)
    >>> def score(other): return -float((other(x) - net(x)).abs().max().detach())
    >>> fewest_spikes(net, x, score, drop=0.2, K=(2, 8), penalties=(0.0,)).table["K"].tolist()
    [2, 8]
    """
    wanted = score(copy.deepcopy(network).eval()) - drop  # as conversions are evaluated
    if math.isnan(wanted) or not (K and penalties):
        raise ValueError(f"the score is {wanted + drop}, K {K}, penalties {penalties}: give a number, and at least one of each")
    cheapest, fewest = None, math.inf
    rows: list[dict[str, float]] = []
    for steps, penalty in product(K, penalties):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of large errors: the table has them
            snn, report = convert(network, Inputs(calibration)[:1].parts, calibration, K=steps, spike_penalty=penalty)
        spikes = statistics(snn, calibration)[1].spikes_per_neuron
        rows.append({"K": steps, "penalty": penalty, "score": score(snn), "spikes per neuron": spikes, "error": report.error})
        if rows[-1]["score"] >= wanted and spikes < fewest:
            cheapest, fewest = snn, spikes
    if cheapest is None:
        best = max(rows, key=lambda row: row["score"])
        closest = f"the best, {best['score']:.4g}, has K = {best['K']} and penalty {best['penalty']:g}"
        raise ValueError(f"no conversion has a score of {wanted:.4g} or more: {closest}. Try more steps, or allow a larger drop")
    return Budget(cheapest, pd.DataFrame(rows))
