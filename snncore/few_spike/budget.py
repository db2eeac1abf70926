"""Choose steps and price of spikes for a whole network: the fewest spikes that keep its score."""

import copy
import math
import warnings
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import pandas as pd
from torch import fx, nn

from snncore.few_spike.convert import convert
from snncore.few_spike.evaluate import statistics
from snncore.few_spike.layer import Inputs, Samples


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
