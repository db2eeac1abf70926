"""Look at calibration images: the inputs of activations, and how much an error in a layer reaches the output."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from snncore.few_spike import operations
from snncore.few_spike.classify import Watch
from snncore.few_spike.layer import Inputs
from snncore.few_spike.neuron import FSParams, fs_neuron
from snncore.few_spike.operations import Activation, ConversionError
from snncore.few_spike.trace import numbers, run_on
from snncore.seeds import torch_generator

Prices = dict[fx.Node, float]
SAMPLES = 50_000  # inputs of each layer that calibration looks at
PROBES, PROBED = 16, 32  # random directions of the output, images
NO_IMAGE = "calibration holds no image: give some, or None"


def images_of(calibration: Any, example: Inputs) -> Inputs:
    """Calibration images together: as given, or the first tensors of batches, as many as the network has inputs."""
    given, count = calibration, len(example.parts)
    if not isinstance(given, Tensor | tuple) and isinstance(given, Iterable):
        batches = [tuple(batch[:count]) if isinstance(batch, tuple | list) else (batch,) for batch in given]
        if not batches:
            raise ConversionError(NO_IMAGE)
        fit = all(len(batch) == count and all(isinstance(a, Tensor) for a in batch) for batch in batches)
        if fit and any(len({a.shape[1:] for a in parts}) > 1 for parts in zip(*batches, strict=True)):
            raise ConversionError("calibration has batches of images of several sizes: bring them to one, as the network gets them")
        given = tuple(map(torch.cat, zip(*batches, strict=True))) if fit else None
    if not isinstance(given, Tensor | tuple):
        raise ConversionError(f"calibration is of type {type(calibration).__name__}: give images in one tensor, or in batches of them")
    images = Inputs(given, "calibration")
    if not len(images):
        raise ConversionError(NO_IMAGE)
    if len(images.parts) != count:
        raise ConversionError(f"calibration has {len(images.parts)} inputs, and example_input {count}: give both as the network gets them")
    for ours, theirs in zip(images.parts, example.parts, strict=True):
        if ours.dtype != theirs.dtype:
            raise ConversionError(
                f"calibration is of type {ours.dtype}, and example_input of {theirs.dtype}: give both in the type of the network"
            )
    return images


def outputs(graph: fx.GraphModule, images: Inputs) -> Tensor:
    """What a network makes of images, 16 at a time, in one tensor."""
    return torch.cat([numbers(run_on(graph, batch, "calibration")) for batch in images.split(16)])


def calibrate(graph: fx.GraphModule, nodes: list[fx.Node], images: Inputs, seed: int, checked: bool = True) -> dict[str, np.ndarray]:
    """Sorted inputs of each activation for the calibration images, at most about `SAMPLES`, smallest and largest included.

    Places are drawn at random: at regular ones a layer might show the same column of each image only.
    """
    parts: dict[fx.Node, list[np.ndarray]] = {operations.operand(node): [] for node in nodes}
    generator = torch_generator(seed, "inputs seen in calibration")

    def look(node: fx.Node, value: Any) -> None:
        if node in parts:
            flat = value.detach().flatten()
            share = math.ceil(SAMPLES * len(batch) / len(images))
            some = torch.randint(len(flat), (share,), generator=generator).to(flat.device) if len(flat) > share else slice(None)
            parts[node].append(torch.cat([flat[some], flat.min()[None], flat.max()[None]]).double().cpu().numpy())

    for batch in images.split(16):
        run_on(Watch(graph, look).run, batch, "calibration")
    inputs = {node.name: np.sort(np.concatenate(parts[operations.operand(node)])) for node in nodes}
    for name, values in inputs.items():
        if checked and not np.isfinite(values).all():
            raise ConversionError(f"calibration: the input of {name} is not finite; look at the images and the network's weights")
    return inputs


def prices_of(
    graph: fx.GraphModule, places: Mapping[fx.Node, Activation], images: Inputs, neurons: Mapping[fx.Node, FSParams], seed: int
) -> Prices:
    r"""Mean squared error of a layer's outputs that weighs as much as one spike of each of its neurons, at a spike penalty of 1.

    An error e in the outputs a of a layer adds :math:`\sum_i (\sum_j e_j\, \partial y_i / \partial a_j)^2` to the squared error of the
    network's output y, to first order. The sum over i is estimated by random directions u, as the mean of
    :math:`(\sum_j e_j\, \partial (u y) / \partial a_j)^2`, for the errors of ``neurons``, or for white noise where these make none.
    """
    values: dict[fx.Node, Tensor] = {}
    wanted = {*places, *map(operations.operand, places)}

    def keep(node: fx.Node, value: Any) -> None:
        if node in wanted:
            values[node] = value.requires_grad_()  # where weights are frozen, or inputs words, there is none yet

    white, added, injected = (dict.fromkeys(places, 0.0) for _ in range(3))
    answers: list[Tensor] = []
    some = images[:: math.ceil(len(images) / PROBED)]
    generator = torch_generator(seed, "directions of the output")
    with torch.enable_grad():
        for part in some.split(4):
            y = numbers(Watch(graph, keep).run(*part.copy(grad=True)))
            answers.append(y.detach())
            outputs = [values[n] for n in places]
            errors = {n: fs_neuron(values[operations.operand(n)].detach(), p) - values[n].detach() for n, p in neurons.items()}
            for n, error in errors.items():
                injected[n] += float(error.double().square().sum())
            for _ in range(PROBES):
                u = torch.randn(y.shape, generator=generator, dtype=y.dtype).to(y.device)
                for n, g in zip(places, torch.autograd.grad(y, outputs, u, True, allow_unused=True, materialize_grads=True), strict=True):
                    white[n] += float(g.double().square().sum()) / PROBES
                    if n in errors:
                        added[n] += float((g * errors[n]).reshape(len(part), -1).sum(1).double().square().sum()) / PROBES
    size = {n: values[n].numel() // len(part) for n in places}
    reach = {n: added[n] / injected[n] if injected[n] else white[n] / (size[n] * len(some)) for n in places}  # per unit of squared error
    share = float(torch.cat(answers).unsqueeze(1).flatten(1).double().var(0).sum()) / sum(size.values())
    least = 1e-6 * max(reach.values())
    return {n: share / max(reach[n], least) if least else 0.0 for n in places}
