"""A network beside its few-spike version: answers to the same images, and the error after each layer."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, fx, nn
from tqdm import tqdm

from snncore.few_spike.coefficients import FUNCTIONS
from snncore.few_spike.convert import Conversion, FSActivation, Images
from snncore.few_spike.evaluate import Statistics, statistics
from snncore.statistics import mean_interval, share, tango


class Answers(NamedTuple):
    """Answers of a network and of its few-spike version to the same images.

    Properties give a number and the ends of its 95 % interval over images.

    Attributes
    ----------
    labels, ann, snn : array, shape (image,)
        Categories: the right ones, and those that the two networks answer.
    statistics : Statistics
        Spikes.
    """

    labels: np.ndarray
    ann: np.ndarray
    snn: np.ndarray
    statistics: Statistics

    @property
    def accuracy(self) -> tuple[float, float, float]:
        """Right answers of the original [%]; Wilson's interval."""
        return share(self.ann == self.labels)

    @property
    def agreement(self) -> tuple[float, float, float]:
        """Images to which both networks answer the same [%]; Wilson's interval."""
        return share(self.ann == self.snn)

    @property
    def drop(self) -> tuple[float, float, float]:
        """Accuracy lost by conversion [percentage points]; Tango's interval, from the images about which just one network is right."""
        ann, snn = self.ann == self.labels, self.snn == self.labels
        low, high = tango(int((ann & ~snn).sum()), int((snn & ~ann).sum()), len(self.labels))
        return float(100 * (ann.mean() - snn.mean())), 100 * low, 100 * high

    @property
    def spikes(self) -> tuple[float, float, float]:
        """Mean number of spikes per neuron and image; Student's interval."""
        return self.statistics.spikes_per_neuron, *mean_interval(self.statistics.per_image / self.statistics.neurons)


@torch.inference_mode()
def compare(ann: nn.Module, snn: fx.GraphModule, batches: Iterable[Tensor], labels: np.ndarray, name: str) -> Answers:
    """Ask both networks about all images, and count the spikes.

    Raises
    ------
    ValueError
        If an output is not a finite number.
    """
    parts: dict[str, list[Tensor]] = {"original": [], "converted": []}
    total: Statistics | None = None
    with tqdm(desc=name, total=len(labels), unit="image", disable=None, leave=False) as bar:
        for batch in batches:
            output, sent = statistics(snn, batch)
            total = sent if total is None else total + sent
            parts["original"].append(ann(batch))
            parts["converted"].append(output)
            bar.update(len(batch))
    outputs = {which: torch.cat(those) for which, those in parts.items()}
    for which, output in outputs.items():
        if count := int((~torch.isfinite(output)).sum()):
            raise ValueError(f"{name}: the {which} network gives {count} outputs that are not finite numbers")
    assert total is not None
    ann_answers, snn_answers = (output.argmax(1).numpy() for output in outputs.values())
    return Answers(labels, ann_answers, snn_answers, total)


def deviation(expected: Tensor, output: Tensor) -> dict[str, float]:
    """Root mean squared ``error`` of outputs relative to the spread of the expected ones, and how many answers are the ``same`` [%]."""
    same = (output.argmax(1) == expected.argmax(1)).double().mean()
    return {"error": relative_error(expected, output), "same": float(100 * same)}


def relative_error(expected: Tensor, output: Tensor) -> float:
    """Root mean squared error by standard deviation of what is expected."""
    return float((output - expected).square().mean().sqrt() / expected.std())


class _Watch(fx.Interpreter):
    """Runs a converted network, or with ``functions`` its original, and shows ``see`` the name and the output of each activation."""

    def __init__(
        self, network: fx.GraphModule, see: Callable[[str, Tensor], None], functions: dict[str, Callable[[Tensor], Tensor]] | None = None
    ):
        super().__init__(network)
        self.see, self.functions = see, functions or {}

    def call_module(self, target: Any, args: tuple, kwargs: dict) -> Any:
        function = self.functions.get(str(target))
        value = function(*args) if function else super().call_module(target, args, kwargs)
        if isinstance(self.fetch_attr(str(target)), FSActivation):
            self.see(str(target), value)
        return value


@torch.no_grad()
def layer_errors(conversion: Conversion, images: Images, disturbed: Images | None = None) -> pd.DataFrame:
    """The `relative_error` after each layer of neurons: of the converted network, against the original for the same images.

    If ``disturbed`` images are given, it is that of the original network which sees these: what the graph itself makes of an error.

    Returns
    -------
    DataFrame
        Columns ``layer`` (from 1), ``activation`` and ``error``.
    """
    network, report = conversion
    functions = {f"few_spike.{row.node}": FUNCTIONS[row.operation] for row in report.spiking}
    exact: dict[str, Tensor] = {}
    _Watch(network, exact.__setitem__, functions).run(images)
    errors: dict[str, float] = {}

    def see(target: str, value: Tensor) -> None:
        errors[target] = relative_error(exact.pop(target), value)

    if disturbed is None:
        _Watch(network, see).run(images)
    else:
        _Watch(network, see, functions).run(disturbed)
    rows = [(i, row.operation, errors[f"few_spike.{row.node}"]) for i, row in enumerate(report.spiking, 1)]
    return pd.DataFrame(rows, columns=["layer", "activation", "error"])
