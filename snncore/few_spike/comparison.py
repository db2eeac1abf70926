"""A network beside its few-spike version: answers to the same images, and the error after each layer."""

from collections.abc import Callable, Iterable
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, fx, nn
from tqdm import tqdm

from snncore.few_spike.classify import Watch
from snncore.few_spike.evaluate import Statistics, statistics
from snncore.few_spike.layer import Conversion, Inputs, Samples, fs_layers
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


def deviation(expected: Tensor, output: Tensor) -> dict[str, float]:
    """Root mean squared ``error`` of outputs relative to the spread of the expected ones, and how many answers are the ``same`` [%]."""
    same = (output.argmax(1) == expected.argmax(1)).double().mean()
    return {"error": error_by_spread(expected, output), "same": float(100 * same)}


def error_by_spread(expected: Tensor, output: Tensor) -> float:
    """Root mean squared error by standard deviation of what is expected."""
    return float((output - expected).square().mean().sqrt() / expected.std())


class _Original(Watch):
    """Runs a converted network with the original activations in place of its neurons."""

    def __init__(self, conversion: Conversion, see: Callable[[fx.Node, Any], None]):
        super().__init__(conversion.network, see)
        self.functions = {f"few_spike.{node}": function for node, function in conversion.report.functions.items()}

    def call_module(self, target: Any, args: tuple, kwargs: dict) -> Any:
        function = self.functions.get(str(target))
        return function(*args) if function else super().call_module(target, args, kwargs)


@torch.no_grad()
def layer_errors(conversion: Conversion, images: Samples) -> pd.DataFrame:
    """The `error_by_spread` after each layer of neurons of a converted network, against the original for the same images.

    The table has ``layer`` (from 1), ``activation`` and ``error``.
    """
    layers = fs_layers(conversion.network)
    exact: dict[fx.Node, Tensor] = {}
    errors: list[float] = []

    def see(node: fx.Node, value: Any) -> None:
        if node in exact:  # the second time
            errors.append(error_by_spread(exact.pop(node), value))
        elif node in layers:
            exact[node] = value

    for one in (_Original(conversion, see), Watch(conversion.network, see)):
        one.run(*Inputs(images).parts)
    activations = [row.operation for row in conversion.report.spiking]
    return pd.DataFrame({"layer": range(1, len(errors) + 1), "activation": activations, "error": errors})
